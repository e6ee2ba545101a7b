"""All of a JSON text is laid out, in its own order, and nothing in it can lie."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.definitions.differing import difference
from workflows.document import RICH_LINES, Document, Line, beyond, is_partial, lay_out, preview
from workflows.redaction import Redaction, redact_text


def _text(line: Line) -> str:
    return "".join(piece.text for piece in line.pieces)


def _whole(shown: Document) -> str:
    return shown.plain or "\n".join(_text(line) for line in shown.lines)


def test_members_keep_the_order_and_the_spelling_of_their_numbers() -> None:
    """Sorting keys or reading a number as a float would show another document than the one that runs."""
    shown = lay_out(b'{"b": 1e2, "a": 123456789012345678901234567890, "c": 1.10}')
    assert [_text(line) for line in shown.lines] == ["{", '"b": 1e2,', '"a": 123456789012345678901234567890,', '"c": 1.10', "}"]


def test_nesting_is_kept_and_what_is_empty_or_only_numbers_stays_on_one_line() -> None:
    """Depth is given for each line."""
    shown = lay_out(b'{"a": [1, true,null], "b": {}, "c": ["x", {"d": []}]}')
    assert [(line.depth, _text(line)) for line in shown.lines] == [
        (0, "{"),
        (1, '"a": [1, true, null],'),
        (1, '"b": {},'),
        (1, '"c": ['),
        (2, '"x",'),
        (2, "{"),
        (3, '"d": []'),
        (2, "}"),
        (1, "]"),
        (0, "}"),
    ]


def test_a_string_is_shown_with_its_characters_and_its_quotes_stay_escaped() -> None:
    """Escapes of plain letters are read; a quote in a string cannot end it."""
    shown = lay_out(b'{"a": "caf\\u00e9 \\", \\"b\\": \\"evil"}')
    assert _text(shown.lines[1]) == '"a": "café \\", \\"b\\": \\"evil"'


@pytest.mark.parametrize(
    ("character", "written"),
    [("\u202e", "\\u{202E}"), ("\u200b", "\\u{200B}"), ("\U000e0041", "\\u{E0041}"), ("\x00", "\\u0000"), ("\x7f", "\\u{007F}")],
)
def test_a_character_that_hides_is_written_out_and_counted(character: str, written: str) -> None:
    """It is a piece of its own, and the banner has its name."""
    shown = lay_out(json.dumps({"a": f"x{character}y"}).encode())
    assert [piece.text for piece in shown.lines[1].pieces if piece.kind == "unsafe"] == [written]
    assert shown.unsafe[0].startswith(f"1 × U+{ord(character):04X}")  # noqa: RUF001  # a count times a thing


def test_text_that_only_spells_an_escape_is_not_marked() -> None:
    """A backslash in a string is doubled, so that it cannot be taken for an escape of ours."""
    shown = lay_out(rb'{"a": "\\u{202E}"}')
    assert shown.unsafe == ()
    assert _text(shown.lines[1]) == r'"a": "\\u{202E}"'


def test_a_line_break_in_a_string_is_seen_as_one() -> None:
    """It is its own piece, so that text cannot pretend to be the next member."""
    shown = lay_out(b'{"a": "one\\n}\\ntwo"}')
    assert [piece.kind for piece in shown.lines[1].pieces].count("newline") == 2


def test_a_word_of_two_alphabets_is_named() -> None:
    """A Cyrillic letter in a Latin name looks like the name."""
    assert lay_out('{"url": "https://p\u0430ypal.com/x", "city": "Москва", "name": "Zoë"}'.encode()).mixed == ("p\u0430ypal.com",)


def test_the_exact_text_its_size_and_its_hash_are_given() -> None:
    """What is hashed is what is stored."""
    raw = b'{ "a" :1}'
    shown = lay_out(raw)
    assert (shown.exact, shown.size, shown.sha256) == ('{ "a" :1}', 9, hashlib.sha256(raw).hexdigest())


def test_what_is_not_json_is_shown_as_it_is() -> None:
    """There is a sentence instead of a layout."""
    shown = lay_out(b'{"a": \xe2\x80\xae')
    assert shown.lines == ()
    assert shown.problem is not None
    assert shown.exact == '{"a": \\u{202E}'
    assert shown.unsafe == ("1 × U+202E right-to-left override",)  # noqa: RUF001  # a count times a thing


@pytest.mark.parametrize(
    "value",
    [
        {"text": "words and more words. " * 10_000},
        {f"key {n}": n for n in range(1000)},
        {"rows": [[] for _ in range(RICH_LINES * 2)]},
        {"rows": [{"n": n, "t": "x\ny"} for n in range(RICH_LINES)]},
    ],
)
def test_large_documents_are_shown_whole(value: dict[str, object]) -> None:
    """Nothing is cut, whether they are laid out piece by piece or as one text."""
    shown = lay_out(json.dumps(value).encode())
    assert shown.problem is None
    whole = _whole(shown).replace("\\n\n", "\\n")
    assert json.loads(whole) == value
    assert json.loads(shown.exact) == value


def test_a_deep_document_is_shown_whole() -> None:
    """Depth is bounded by the gateway, not by what can be shown."""
    value: object = 1
    for n in range(400):
        value = {f"k{n}": value}
    shown = lay_out(json.dumps(value).encode())
    assert json.loads(_whole(shown)) == value
    beyond = b'{"a":' * 5000 + b"1" + b"}" * 5000
    assert lay_out(beyond).exact == beyond.decode()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(_JSON)
def test_any_document_can_be_read_back_from_its_layout(value: object) -> None:
    """The layout is JSON for the same value, once our escapes are read."""
    shown = lay_out(json.dumps(value).encode())
    text = "\n".join("".join(_json(piece.kind, piece.text) for piece in line.pieces) for line in shown.lines)
    assert json.loads(text) == value


def _json(kind: str, text: str) -> str:
    if kind == "unsafe" and text.startswith("\\u{"):
        return json.dumps(chr(int(text[3:-1], 16)))[1:-1]
    return text


def test_secrets_are_hidden_from_those_who_do_not_decide() -> None:
    """Then nothing of the stored text is left, nor a hash that a short secret could be guessed from."""
    raw = b'{"password": "hunter2", "amount": 1}'
    shown = lay_out(raw, hide=True)
    assert "hunter2" not in repr(shown)
    assert (shown.hidden, shown.sha256) == (True, "")
    assert lay_out(b'{"amount": 1e0}', hide=True).exact == '{"amount": 1e0}'
    assert "sk-abcdefghijklmnopqrstuvwx" not in repr(lay_out(b"not json: sk-abcdefghijklmnopqrstuvwx", hide=True))


def test_a_preview_is_one_line_without_secrets() -> None:
    """It ends in an ellipsis where it was cut."""
    assert preview(b'{"amount": 1,\n "password": "hunter2"}').startswith('"amount": 1, "password": "[redacted 7 chars')
    cut = preview(json.dumps({"text": "x" * 500}).encode())
    assert len(cut) <= 140
    assert cut.endswith("…")
    assert "\u202e" not in preview('{"a": "\u202e"}'.encode())


_RULES = Redaction(paths=(("customer", "email"),), patterns=("cus_[a-z]+",))


def test_what_a_policy_hides_is_hidden_from_those_who_do_not_decide_and_told_to_all() -> None:
    """Who decides sees the stored text, and what others do not see of it."""
    raw = b'{"customer": {"email": "ada@b.example"}, "note": "of cus_ada"}'
    other, decider = lay_out(raw, hide=True, rules=_RULES), lay_out(raw, rules=_RULES)
    assert "ada" not in repr(other)
    assert (other.hidden, other.secrets, other.words, other.sha256) == (True, False, False, "")
    assert (decider.hidden, decider.exact, decider.sha256) == (False, raw.decode(), hashlib.sha256(raw).hexdigest())
    assert other.by == decider.by == ("args.customer.email", "text that a pattern finds")
    plain = lay_out(b'{"customer": {"name": "A"}}', hide=True, rules=_RULES)
    assert (plain.hidden, plain.by) == (False, ())
    assert "ada" not in preview(raw, _RULES)
    broken = lay_out(b'{"customer": {"email": "ada@b.example"}', hide=True, rules=_RULES)
    assert broken.exact.startswith("[redacted 39 chars")


def test_words_that_look_like_a_secret_are_told_apart() -> None:
    """A reader who decides on the layout may have needed them."""
    key = "-----BEGIN PRIVATE KEY-----\npay to Bob now\n-----END PRIVATE KEY-----"
    for value, told in (({"a": key}, (True, True)), ({"password": "x"}, (True, False)), ({"a": 1}, (False, False))):
        shown = lay_out(json.dumps(value).encode(), hide=True)
        assert (shown.secrets, shown.words) == told
    assert not lay_out(json.dumps({"a": key}).encode()).words
    assert lay_out(b"broken sk-abcdefghijklmnopqrstuvwx", hide=True).words


def test_an_answer_repeats_nothing_that_is_hidden_in_the_arguments() -> None:
    """Where they cannot be read, all of it is hidden."""
    rules = beyond(b'{"customer": {"email": "ada@b.example"}}', _RULES)
    assert redact_text("no ada@b.example", rules).startswith("no [redacted 13")
    assert redact_text("no ada", beyond(b'{"customer": ', _RULES)).startswith("[redacted 6")
    patterns = Redaction(patterns=("a+",))
    assert beyond(b"{", patterns) is patterns


@pytest.mark.parametrize("size", [10, 50, 5_000, 300_000])
def test_a_difference_that_was_not_kept_whole_is_known(size: int) -> None:
    """By the words in which it says so itself."""
    before, after = (json.dumps({"description": word * size}) for word in ("a. ", "b. "))
    told = difference(before, after)
    assert is_partial(told) is (size > 1_000) is ("left out" in told)
    assert not is_partial('+ "… 5 more lines are left out"')
