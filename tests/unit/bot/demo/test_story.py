"""What the demo prints."""

import io

from bot.demo.story import Story


def _told(act: str) -> str:
    out = io.StringIO()
    story = Story(out)
    match act:
        case "calls":
            story.calls("create_refund", {"amount": 12_000})
        case "answered":
            story.answered("create_refund", "a\u202eb" + "x" * 300, is_error=True)
        case "invite":
            story.invite("http://127.0.0.1:1/login?token=" + "t" * 120, "local:alice")
        case "outcome":
            story.outcome({"it ran": True, "it was denied": False})
    return out.getvalue()


def test_a_call_is_one_plain_line_where_there_is_no_terminal() -> None:
    """Who, tool and arguments, without a colour code."""
    assert _told("calls") == 'agent     -> create_refund {"amount": 12000}\n'


def test_an_answer_is_never_wrapped_and_hides_nothing() -> None:
    """A long answer stays on one line, and a character that reorders text is written visibly."""
    line = _told("answered")
    assert line.count("\n") == 1
    assert r"a\u{202E}b" in line


def test_the_link_stands_whole_on_a_line() -> None:
    """It can be copied from a log."""
    assert ("http://127.0.0.1:1/login?token=" + "t" * 120) in _told("invite")


def test_an_expectation_that_failed_says_no() -> None:
    """One line for each, ok or NO."""
    assert _told("outcome").splitlines() == ["demo      ok   it ran", "demo      NO   it was denied"]
