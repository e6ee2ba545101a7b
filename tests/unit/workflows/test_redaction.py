"""Secrets leave for no sink, and no character of a text hides from the person who decides."""

import json
import re
import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calls import JSON
from workflows.redaction import NOTHING, Redaction, has_unseen, hide_in, redact, redact_text, visible

_SECRETS = {
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a fine-grained GitHub token": "github_pat_" + "a1B2_" * 6,
    "a Slack bot token": "xoxb-1234567890-abcdefghij",
    "a Slack app token": "xapp-1-A0123456789-1234567890-abcdef0123456789",
    "an AWS key": "AKIA" + "ABCD1234" * 2,
    "a Stripe key": "sk_live_" + "a1B2" * 6,
    "a restricted Stripe key": "rk_live_" + "a1B2" * 6,
    "an OpenAI key": "sk-proj-" + "a1B2" * 6,
    "a grant of ours": "askg_" + "a1B2" * 8,
    "a personal token of ours": "askp_" + "a1B2" * 8,
    "a sign-in link of ours": "askl_" + "a1B2" * 8,
    "a session of ours": "asks_" + "a1B2" * 8,
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "a bearer header": "Bearer " + "a1B2" * 6,
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----",
    "a private key cut off": "-----BEGIN PRIVATE KEY-----\nMIIEow\nAAAA",
}


@pytest.mark.parametrize("secret", _SECRETS.values(), ids=_SECRETS)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    """Alone, inside a sentence, deep in a list, and as a key."""
    value: JSON = {"note": f"use {secret} for it", "list": [[secret]], secret: 1}
    written = json.dumps(redact(value))
    assert secret.replace("\n", "\\n") not in written
    assert written.count("[redacted ") == 3
    assert "use [redacted" in written
    assert " for it" in written or "cut" in secret or secret.endswith("AAAA")


_NAMED = [
    "password",
    "db_passwd",
    "passphrase",
    "client_secret",
    "token",
    "access_token",
    "api_key",
    "apiKey",
    "Authorization",
    "Set-Cookie",
    "pin",
    "cvv",
]


@pytest.mark.parametrize("name", _NAMED)
def test_what_a_key_calls_a_secret_is_hidden_at_every_depth(name: str) -> None:
    """Text, numbers, and what lies in lists and objects below; shape, keys, null, booleans and the empty text stay."""
    value: JSON = {name: ["hunter2", {"value": "hunter3", "n": 4711}], "other": {name: "hunter4"}, "rest": 4711}
    hidden = redact(value)
    written = json.dumps(hidden)
    assert "hunter" not in written
    assert isinstance(hidden, dict)
    assert list(hidden) == [name, "other", "rest"]
    assert written.count("[redacted ") == 4
    assert hidden["rest"] == 4711
    kept: JSON = {name: [None, True, ""]}
    assert redact(kept) == kept


@pytest.mark.parametrize(
    "value",
    [
        {"pinned": "yes"},
        {"shipping": "fast"},
        {"compass": "north"},
        {"note": "the bearer of this note"},
        {"id": "task_list"},
        "sk-short",
    ],
)
def test_what_only_resembles_a_secret_stays(value: JSON) -> None:
    """Who decides sees the rest as it is."""
    assert redact(value) == value


_PATHS = (("customer", "email"), ("rows", "*", "iban"), ("whole",), ("to", "*"), ("cc", "0", "email"))
_RULES = Redaction(paths=_PATHS, patterns=(r"\bcus_[a-z]+\b", "é+"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"customer": {"email": "a@b.example", "name": "Ada"}}, {"customer": {"email": "H", "name": "Ada"}}),
        ({"Customer": {"EMAIL": "a@b.example"}}, {"Customer": {"EMAIL": "H"}}),
        ({"customer": [{"email": "a"}, [{"email": ["b", {"c": 1}]}]]}, {"customer": [{"email": "H"}, [{"email": "H"}]]}),
        ({"customer": '{"email": "a@b.example"}'}, {"customer": "H"}),
        ({"customer": ' ["a@b.example"]'}, {"customer": "H"}),
        ({"customer": "Ada"}, {"customer": "Ada"}),
        ({"rows": {"x": {"iban": "DE1"}, "y": [{"iban": 7}]}}, {"rows": {"x": {"iban": "H"}, "y": [{"iban": "H"}]}}),
        ({"rows": {"iban": "DE1"}}, {"rows": {"iban": "DE1"}}),
        ({"rows": [{"iban": "DE1", "x": 1}, [{"iban": 7}]]}, {"rows": [{"iban": "H", "x": 1}, [{"iban": "H"}]]}),
        ({"to": ["a", ["b"], {"c": "d"}], "cc": [{"email": "a"}]}, {"to": ["H", "H", "H"], "cc": [{"email": "H"}]}),
        ({"whole": {"key": [1, {"b": None}]}}, {"whole": "H"}),
        ({"whole": None}, {"whole": "H"}),
        ({"whole": True}, {"whole": "H"}),
        ({"email": "a@b.example"}, {"email": "a@b.example"}),
        ({"note": "see cus_ada and cus_bob."}, {"note": "see H and H."}),
        ({"note": ["caféé ü"]}, {"note": ["cafH ü"]}),
        ({"x": {"cus_ada": 1}}, {"x": {"H": 1}}),
    ],
)
def test_what_the_rules_name_is_hidden_and_the_rest_stays(value: JSON, expected: JSON) -> None:
    """At paths with everything inside, in any letter case and every item of a list; by patterns in texts and keys."""
    written = re.sub(r"\[redacted[^]]*\]", "H", json.dumps(redact(value, _RULES)))
    assert json.loads(written) == expected
    assert redact(value) == value


def test_a_hidden_yes_does_not_tell_itself_by_its_length() -> None:
    """It has a fingerprint alone, so that a swap shows."""
    yes, no = (str(redact({"whole": value}, _RULES)) for value in (True, False))
    assert yes != no
    assert "chars" not in yes + no


def test_a_number_is_found_by_its_text() -> None:
    """A card number is one also without quotes."""
    rules = Redaction(patterns=(r"\d{16}",))
    assert redact({"card": 4111111111111111, "n": 4111, "yes": True}, rules) == {
        "card": redact_text("4111111111111111", rules),
        "n": 4111,
        "yes": True,
    }


def test_a_secret_and_what_a_pattern_finds_are_hidden_as_one_where_they_overlap() -> None:
    """No half of either is left."""
    secret = "ghp_" + "a1B2" * 9
    hidden = redact_text(f"see key={secret}! now", Redaction(patterns=("key=ghp_a1", "2! n")))
    assert re.fullmatch(r"see \[redacted 47 chars, fingerprint [0-9a-f]{8}\]ow", hidden)


def test_what_is_hidden_is_announced_by_the_words_of_the_policy() -> None:
    """Only what was there to hide; what a policy hides is no warning, words that look like a secret are one."""
    key = _SECRETS["a private key"].replace("MIIEow", "pay to Bob now")
    told = hide_in({"customer": [{"email": key}], "note": "x"}, _RULES)
    assert (told.by, told.secrets, told.words) == (("args.customer.email",), False, False)
    assert hide_in({"rows": {"a": {"iban": 1}}, "note": "cus_ada"}, _RULES).by == ("args.rows.*.iban", "text that a pattern finds")
    assert hide_in({"whole": 1}, NOTHING).by == ()
    told = hide_in({"note": key, "api_key": "hunter2"}, _RULES)
    assert (told.by, told.secrets, told.words) == ((), True, True)
    told = hide_in({"api_key": "hunter2"})
    assert (told.secrets, told.words) == (True, False)


def test_text_in_the_place_of_arguments_is_hidden_whole_where_paths_lead_into_them() -> None:
    """Nobody can walk through what is no JSON."""
    told = hide_in('{"customer": {"email": "a@b.example"}', Redaction(paths=(("customer", "email"),)))
    assert str(told.value).startswith("[redacted 37 chars")
    assert told.by == ("args.customer.email",)


def test_what_a_tool_answers_echoes_nothing_that_is_hidden() -> None:
    """The values at the paths are hidden there too, in any letter case, and what the patterns find."""
    rules = _RULES.beyond({"customer": {"email": "Ada@b.example", "name": "Ada"}, "whole": {"n": [4711, True, "x", "a.c"]}})
    hidden = redact_text("No ada@B.EXAMPLE, nor 4711, abc or a.c: ask cus_bob, True x", rules)
    assert re.sub(r"\[redacted[^]]*\]", "H", hidden) == "No H, nor H, abc or H: ask H, True x"
    assert _RULES.beyond({"customer": "Ada"}) == Redaction(patterns=_RULES.patterns)
    many: JSON = {"whole": [f"value {n}" for n in range(200)]}
    assert redact_text("anything\nat all", _RULES.beyond(many)).startswith("[redacted 15 chars")
    assert redact_text("anything", _RULES.beyond("no JSON")).startswith("[redacted 8 chars")
    long: JSON = {"whole": [f"é{n}" * 1000 for n in range(90)]}
    assert redact_text("é7" * 1000, _RULES.beyond(long)).startswith("[redacted ")


def test_rules_are_read_as_they_were_written() -> None:
    """A row without any hides nothing more."""
    written = _RULES.written()
    assert Redaction.read(written) == _RULES
    assert Redaction.read(None) == NOTHING
    assert NOTHING.written() is None


@pytest.mark.parametrize(
    ("pattern", "text", "whole"),
    [
        ("x.*y|x", "x" * 1_000_000, True),
        ("x*", "y" * 1_000_000, True),
        (r"\C\C", "é€" * 300_001, True),
        ("€", "é€" * 300_000, True),
        ("(a|b)*a(a|b){500}c", "ab" * 500_000, False),
        ("(x+x+)+y", "x" * 1_000_000, False),
        ("€", "é" * 1_000_000 + "€", None),
    ],
)
def test_what_is_too_much_to_look_through_is_hidden_whole(pattern: str, text: str, *, whole: bool | None) -> None:
    """A search that may go on to the end of a large text, again and again, stays bounded, and nothing is shown unsearched."""
    hidden = redact_text(text, Redaction(patterns=(pattern,)))
    if whole is None:
        assert re.fullmatch(r"é+\[redacted 1 chars[^]]*\]", hidden)
    else:
        assert (re.fullmatch(r"\[redacted [0-9]+ chars[^]]*\]", hidden) is not None) is whole
        assert whole or hidden == text


def test_what_comes_after_too_much_is_hidden_unread() -> None:
    """One value has one bound, however many texts it is made of."""
    value: JSON = [*(["x" * 50_000] * 20), "short"]
    hidden = redact(value, Redaction(patterns=("x.*y|x",)))
    assert isinstance(hidden, list)
    assert all(str(item).startswith("[redacted") for item in hidden)


_NAMES = st.sampled_from(["customer", "email", "rows", "a", "whole", "B"])
_MARKED: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from("ü€ab\u0301 {"), max_size=4) | st.just("~m~") | st.just("a ~m~ b~m~"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.just("k~m~"), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.dictionaries(_NAMES, _MARKED, max_size=4), st.lists(st.lists(_NAMES | st.just("*"), min_size=1, max_size=3).map(tuple), max_size=3)
)
def test_no_value_at_a_path_and_nothing_that_a_pattern_finds_is_left(value: dict[str, JSON], paths: list[tuple[str, ...]]) -> None:
    """Whatever the shape; and what no rule names stays as it is."""
    rules = Redaction(tuple(paths), ("~m~",))
    hidden = redact(value, rules)
    assert "~m~" not in json.dumps(hidden)
    assert isinstance(hidden, dict)
    for path in paths:
        assert all(isinstance(found, str) and found.startswith("[redacted") for found in _at(hidden, path))
    if not paths and "~m~" not in json.dumps(value):
        assert hidden == value


def _at(value: JSON, path: tuple[str, ...]) -> list[JSON]:
    """What lies at a path, found in another way than by walking with it."""
    if not path:
        return [value]
    if isinstance(value, list):
        inside = [path, path[1:]] if path[0] == "*" else [path]
        return [found for item in value for rest in inside for found in _at(item, rest)]
    if isinstance(value, dict):
        return [found for key, item in value.items() if path[0] in {"*", key} for found in _at(item, path[1:])]
    return []


def test_a_swap_of_a_hidden_value_shows() -> None:
    """Equal secrets look equal, different ones of the same length differ, and the length is told."""
    first, again, other = (redact({"password": word}) for word in ("hunter2", "hunter2", "hunter3"))
    assert first == again != other
    assert "[redacted 7 chars, fingerprint " in json.dumps(first)


_JSON: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(list(_SECRETS.values())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(_NAMED), inner, max_size=3),
    max_leaves=12,
)


@given(_JSON)
def test_redaction_keeps_the_shape_and_hides_every_known_secret(value: JSON) -> None:
    """Lists keep their length, objects their number of keys; none of the secrets above is left."""
    hidden = redact(value)
    assert _shape(hidden) == _shape(value)
    written = json.dumps(hidden)
    assert not any(json.dumps(secret)[1:-1] in written for secret in _SECRETS.values())


def _shape(value: JSON) -> object:
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, dict):
        return [_shape(item) for item in value.values()]
    return "leaf"


@pytest.mark.parametrize("piece", ["-eyJ", "-----BEGIN ", "-----BEGIN A PRIVATE KEY-----", "bearer ", " sk-", "xoxb-", "ask_ ", "\u202e"])
def test_a_megabyte_of_almost_secrets_is_judged_at_once(piece: str) -> None:
    """No pattern looks at the same character more than a few times."""
    started = time.process_time()
    redact_text(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 3


def test_text_without_secrets_is_left_alone() -> None:
    """Redaction is no filter of words."""
    assert redact_text("Refund 50 to customer 7.") == "Refund 50 to customer 7."


_HIDING = {
    "NUL": "\0",
    "escape": "\x1b",
    "carriage return": "\r",
    "delete": "\x7f",
    "next line": "\x85",
    "soft hyphen": "\xad",
    "combining grapheme joiner": "\u034f",
    "Hangul filler": "\u3164",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "right-to-left isolate": "\u2067",
    "empty Braille cell": "\u2800",
    "variation selector": "\ufe0f",
    "byte order mark": "\ufeff",
    "annotation anchor": "\ufff9",
    "private use": "\ue000",
    "lone half": "\ud800",
    "musical beam": "\U0001d173",
    "tag letter": "\U000e0041",
    "supplementary variation selector": "\U000e0100",
    "shorthand format control": "\U0001bca0",
    "supplementary private use": "\U000f0000",
    "unassigned": "\U000e0fff",
    "no character": "\U0010ffff",
}


@pytest.mark.parametrize("character", _HIDING.values(), ids=_HIDING)
def test_a_character_that_hides_is_written_out(character: str) -> None:
    """As its number, between letters that stay."""
    assert visible(f"a{character}b") == f"a\\u{{{ord(character):04X}}}b"
    assert has_unseen(f"a{character}b")


@pytest.mark.parametrize(
    "text", ["", "plain", "two\nlines\tand a tab", "Grüße, 你好, שלום, مرحبا", "e\u0301te\u0301", "\U0001f600", "100 €", "\\u{202E}"]
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Other scripts, accents, pictures and new lines are what people write."""
    assert visible(text) == text
    assert not has_unseen(text)


@pytest.mark.parametrize("mark", ["\u0301", "\u0e47", "\u20dd"], ids=["accent", "Thai", "enclosing"])
def test_marks_that_pile_up_are_written_out(mark: str) -> None:
    """Four on one letter are seen, the rest would cover the lines around."""
    assert visible("a" + mark * 4 + "b") == "a" + mark * 4 + "b"
    assert visible("a" + mark * 100 + "b") == "a" + mark * 4 + f"\\u{{{ord(mark):04X}}}" * 96 + "b"


@given(st.text(st.characters(exclude_categories=[])))
def test_nothing_unseen_is_left_and_a_second_look_changes_nothing(text: str) -> None:
    """`visible` is idempotent, and drops no character that can be seen."""
    seen = visible(text)
    assert visible(seen) == seen
    assert not has_unseen(seen)
    assert all(unicodedata.category(character) not in {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for character in seen)
    assert all(character in "\n\t" or unicodedata.category(character) != "Cc" for character in seen)


def test_every_character_of_unicode_is_seen_or_written_out() -> None:
    """All 1,114,112 of them: what is kept is neither control, format, half, private, unassigned, nor a separator of lines."""
    unsafe = {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    kept = visible("".join(map(chr, range(sys.maxunicode + 1))))
    assert not any(unicodedata.category(character) in unsafe for character in set(kept))
    assert {character for character in set(kept) if unicodedata.category(character) == "Cc"} == {"\n", "\t"}
