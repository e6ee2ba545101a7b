"""`askfirst requests` over the database."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.bot.cli.stage import Stage, stage
from workflows import queries
from workflows.calls import JSON
from workflows.policy.situation import KnownTool
from workflows.redaction import Redaction


def _states(here: Stage) -> dict[str, str]:
    found = here.ask("requests", "list", "--all", "--json").json
    assert isinstance(found, list)
    return {str(one["id"]): str(one["state"]) for one in found if isinstance(one, dict)}


def _object(value: JSON) -> dict[str, JSON]:
    assert isinstance(value, dict)
    return value


def test_the_list_is_an_array_of_objects(here: Stage) -> None:
    """Each has at least id, state, server, tool, arguments, agent, held_at, expires_at, votes, needed."""
    assert here.ask("requests", "list", "--json").json == []
    request_id = here.hold('{"amount": 6000, "to": "Ann"}', tool="wire_transfer")
    said = here.ask("requests", "list", "--json")
    assert (said.code, said.err) == (0, "")
    [one] = json.loads(said.out)
    assert (one["id"], one["state"], one["server"], one["tool"], one["agent"]) == (
        request_id,
        "pending",
        "payments",
        "wire_transfer",
        "agent",
    )
    assert one["arguments"] == {"amount": 6000, "to": "Ann"}
    assert (one["votes"], one["needed"], one["quorum"]) == ([], 2, 2)
    assert one["held_at"] < one["expires_at"]


def test_the_list_for_people_is_aligned(here: Stage) -> None:
    """Columns under their names, one line a request; nothing waits is said aside."""
    empty = here.ask("requests", "list")
    assert (empty.code, empty.out, empty.err) == (0, "", "Nothing waits.\n")
    request_id = here.hold()
    heading, line = here.ask("requests", "list").out.splitlines()
    assert heading.split()[:4] == ["ID", "STATE", "AGENT", "SERVER"]
    assert line.startswith(f"{request_id}  pending  agent")
    assert line.index("pending") == heading.index("STATE")


def test_approve_by_a_member_settles_it(here: Stage) -> None:
    """One approval of one needed: approved, by whom, with the reason kept."""
    request_id = here.hold()
    said = here.ask("requests", "approve", request_id, "--as", "local:alice", "--reason", "Fine")
    assert (said.code, said.out) == (0, f"{request_id}: approved. `askfirst serve` releases it, once.\n")
    found = _object(here.ask("requests", "show", request_id, "--json").json)
    assert (found["state"], found["decided_by"], found["decision_reason"]) == ("approved", "local:alice", "Fine")
    assert found["votes"] == [{**_object(found["votes"][0]), "voter": "local:alice", "choice": "approve", "reason": "Fine", "via": "cli"}]  # type: ignore[index]  # JSON is indexed as it came


def test_a_quorum_of_two_needs_two(here: Stage) -> None:
    """The first approval says how many are missing; the second settles."""
    request_id = here.hold(tool="wire_transfer")
    assert here.ask("requests", "approve", request_id, "--as", "local:alice").out == f"{request_id}: your approval counts; 1 more needed.\n"
    assert _states(here)[request_id] == "pending"
    assert "approved" in here.ask("requests", "approve", request_id, "--as", "local:bob").out


def test_deny_and_cancel(here: Stage) -> None:
    """A denial settles it; the owner of the agent may withdraw its call."""
    denied, cancelled = here.hold('{"amount": 1}'), here.hold('{"amount": 2}')
    assert here.ask("requests", "deny", denied, "--as", "local:bob", "--reason", "No", "--json").json["state"] == "denied"  # type: ignore[call-overload,index]  # JSON is indexed as it came
    assert here.ask("requests", "cancel", cancelled, "--as", "local:olivia").out == f"{cancelled}: cancelled.\n"
    assert _states(here) == {denied: "denied", cancelled: "cancelled"}
    assert here.ask("requests", "list", "--json").json == []
    found = here.ask("requests", "list", "--state", "denied", "--json").json
    assert isinstance(found, list)
    assert [_object(one)["id"] for one in found] == [denied]


@pytest.mark.parametrize(
    ("verb", "who", "code"),
    [
        ("approve", ["--as", "local:mallory"], "not_allowed"),
        ("approve", ["--as", "local:olivia"], "not_allowed"),
        ("deny", ["--as", "local:mallory"], "not_allowed"),
        ("cancel", ["--as", "local:mallory"], "not_allowed"),
        ("approve", ["--as", "Alice"], "bad_person"),
        ("approve", [], "who_asks"),
        ("approve", ["--as", "local:alice", "--reason", "x" * 2001], "bad_reason"),
    ],
)
def test_refusals_change_nothing(here: Stage, verb: str, who: list[str], code: str) -> None:
    """Who may not decide is told why in one line, exit 1, and the request waits on."""
    request_id = here.hold()
    said = here.ask("requests", verb, request_id, *who)
    assert (said.code, said.out) == (1, "")
    assert said.err.endswith(f"[{code}]\n")
    assert said.err.count("\n") == 1
    assert _states(here)[request_id] == "pending"


def test_a_second_decision_says_who_was_first(here: Stage) -> None:
    """Already decided, by whom and when; nothing is changed."""
    request_id = here.hold()
    here.ask("requests", "deny", request_id, "--as", "local:alice")
    said = here.ask("requests", "approve", request_id, "--as", "local:bob")
    assert said.code == 1
    assert "already denied by local:alice" in said.err


def test_what_expired_cannot_be_approved(here: Stage) -> None:
    """Silence was no, also when no clock ran."""
    request_id = here.hold(ago=timedelta(hours=1))
    assert "expired" in here.ask("requests", "approve", request_id, "--as", "local:alice").err


@pytest.mark.parametrize("request_id", ["apr_nothing", "", "../x", "a" * 200, "apr_\udc80", "x; DROP TABLE requests"])
def test_ids_that_are_none(here: Stage, request_id: str) -> None:
    """Whatever is given as an id, the answer is that there is no such request."""
    for words in (("show", request_id), ("approve", request_id, "--as", "local:alice")):
        said = here.ask("requests", *words)
        assert said.code == 1
        assert said.err.endswith("[not_found]\n")


def test_show_gives_all_of_the_arguments_as_they_were_sent(here: Stage) -> None:
    """Laid out in lines, every name, string and number character for character; unseen ones written out."""
    text = '{"amount":1.50,"big":12345678901234567890,"list":[1,{"e":1e2}],"empty":{},"note":"pay \u202eevil\\u202e [bold]x[/bold] : , }"}'
    request_id = here.hold(text)
    out = here.ask("requests", "show", request_id, "--as", "local:alice").out
    for piece in ('"amount": 1.50,', '"big": 12345678901234567890,', '"e": 1e2', '"pay \\u{202E}evil\\u202e [bold]x[/bold] : , }"'):
        assert piece in out
    assert "\u202e" not in out
    assert "request.hold" in out
    exact = _object(here.ask("requests", "show", request_id, "--as", "local:alice", "--json").json)["arguments_text"]
    assert exact == text


def test_show_says_what_the_tool_is_like_and_how_its_definition_changed(here: Stage) -> None:
    """Category, risk, signals; the difference is indented, so that no line of it passes for one of ours. Older requests have none of it."""
    change = '-   "description": "Looks up"\n+   "description": "Deletes\u202e"\n  state: approved'
    known = KnownTool("Destructive", "Critical", ("Bulk operation (all)", "Free-form\nquery"), sha256="a" * 64, changed=change)
    out = here.ask("requests", "show", here.hold(known=known)).out
    assert "\n  category:   Destructive · Critical risk\n" in out
    assert "\n  signals:\n    - Bulk operation (all)\n    - Free-form" in out
    assert (
        "\n  the definition of this tool changed since it was accepted. Approving accepts the new definition:\n"
        '    -   "description": "Looks up"\n    +   "description": "Deletes\\u{202E}"\n      state: approved\n  arguments:\n'
    ) in out
    bare = here.ask("requests", "show", here.hold('{"amount": 7000}')).out
    assert not [word for word in ("risk", "signals", "changed since", "the policy hides") if word in bare]


def test_what_the_policy_hides_is_shown_to_who_decides_alone(here: Stage) -> None:
    """In the list, and in all of a request; and it is said what is hidden."""
    rules = Redaction(paths=(("customer", "email"),), patterns=(r"\bcus_[a-z]+",))
    request_id = here.hold('{"customer": {"email": "ada@b.example"}, "id": "cus_ada"}', redaction=rules)
    for words in (("list",), ("list", "--json"), ("show", request_id), ("show", request_id, "--json")):
        out = here.ask("requests", *words).out
        assert "ada@" not in out
        assert "cus_ada" not in out
    told = "  arguments: (the policy hides args.customer.email, text that a pattern finds from who does not decide)\n"
    assert told in here.ask("requests", "show", request_id).out
    decider = here.ask("requests", "show", request_id, "--as", "local:alice").out
    assert told in decider
    assert '"ada@b.example"' in decider


def test_show_says_what_it_leaves_out_of_a_long_trail(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first row, with the way to all of them."""
    request_id = here.hold()
    monkeypatch.setattr(queries, "_MOST_TRAIL", 2)
    for _ in range(4):
        assert here.ask("requests", "approve", request_id, "--as", "local:mallory").code == 1
    out = here.ask("requests", "show", request_id).out
    assert out.index("request.hold") < out.index("... 2 more are left out here") < out.index("request.refused")
    assert "rule:       /tools/create_refund/require_approval/" in out


def test_hostile_names_and_values_reach_no_terminal(here: Stage) -> None:
    """Escape sequences, line breaks, bidi and zero-width characters of an agent are written out in every view."""
    request_id = here.hold('{"\\u001b]0;x\\u0007": "\u200b\u2066\\n"}', tool="pay\x1b[2J\u202e\nFAKE")
    for words in (("list",), ("list", "--json"), ("show", request_id), ("show", request_id, "--json")):
        out = here.ask("requests", *words).out
        assert not set(out) & set("\x1b\x07\u202e\u200b\u2066"), words
        assert "\nFAKE" not in out


def test_what_looks_like_markup_is_text_on_a_terminal(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a table is drawn; nothing that an agent wrote becomes a link, a colour or an emoji in it."""
    monkeypatch.setenv("COLUMNS", "300")
    here.hold('{"a": "[red]b[/red]"}', tool="[link=http://evil]x[/link]:smile:\x1b[31m")
    said = here.ask("requests", "list", terminal=True)
    assert said.code == 0
    assert "[link=http://evil]x[/link]:smile:\\u{001B}[31m" in said.out
    assert "[red]b[/red]" in said.out
    assert "\x1b[31m" not in said.out
    assert "\x1b]8" not in said.out


def test_on_a_narrow_terminal_a_name_can_still_be_copied(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit beside each other stands below each other, and no id is broken."""
    ids = [here.hold(), here.hold('{"amount": 7000}')]
    monkeypatch.setenv("COLUMNS", "80")
    lines = here.ask("requests", "list", terminal=True).out.splitlines()
    assert [line for line in lines if line.startswith("apr_")] == [f"{each}  pending" for each in ids]
    assert any(line.split() == ["tool:", "create_refund"] for line in lines)
    monkeypatch.setenv("COLUMNS", "300")
    assert all(here.ask("requests", "list", terminal=True).out.count(each) == 1 for each in ids)


def test_secrets_are_hidden_from_whoever_does_not_decide(here: Stage) -> None:
    """Approvers and the owner see arguments as they are; without --as, and for others, secrets are hidden."""
    request_id = here.hold('{"password": "hunter2hunter2"}')
    for who, seen in (([], False), (["--as", "local:mallory"], False), (["--as", "local:alice"], True), (["--as", "local:olivia"], True)):
        for words in (("list", "--json"), ("show", request_id), ("show", request_id, "--json")):
            assert ("hunter2hunter2" in here.ask("requests", *words, *who).out) is seen, (who, words)


def test_the_newest_come_first_in_the_whole_list_and_the_limit_counts(here: Stage) -> None:
    """`--all` is history: newest first, as many as asked for."""
    ids = [here.hold(f'{{"amount": {number}}}', ago=timedelta(minutes=9 - number)) for number in range(4)]
    assert list(_states(here)) == ids[::-1]
    found = here.ask("requests", "list", "--all", "--limit", "2", "--json").json
    assert isinstance(found, list)
    assert [_object(one)["id"] for one in found] == ids[:1:-1]


def test_a_database_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    """Neither a file that is no database nor a server that is not there ends in a traceback, and no password is shown."""
    (tmp_path / "askfirst.db").write_bytes(b"this is no database" * 100)
    said = stage(tmp_path).ask("requests", "list")
    assert said.code == 1
    assert said.err.endswith("[database_unusable]\n")
    said = stage(tmp_path, "postgresql://olivia:secret@127.0.0.1:1/askfirst").ask("requests", "list")
    assert said.code == 1
    assert said.err.endswith("[database_unusable]\n")
    assert "secret" not in said.err


def test_the_whole_way_on_either_database(tmp_path: Path, database_url: str) -> None:
    """Hold, list, vote twice, show, verify: the same on SQLite and on PostgreSQL."""
    there = stage(tmp_path, database_url)
    request_id = there.hold(tool="wire_transfer")
    assert request_id in there.ask("requests", "list").out
    for person in ("local:alice", "local:bob"):
        assert there.ask("requests", "approve", request_id, "--as", person).code == 0
    assert "approved" in there.ask("requests", "show", request_id).out
    assert there.ask("requests", "show", "apr_nothing").err.endswith("[not_found]\n")
    assert there.ask("audit", "verify").code == 0
