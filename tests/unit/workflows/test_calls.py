"""A message has one reading: what two parsers could read differently is refused, and a call has one fingerprint."""

import json
import time
from itertools import combinations
from math import isinf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calls import JSON, ToolCall, canonical, definition_digest, fingerprint, parse_json, parse_members
from workflows.errors import Malformed

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)
_OBJECTS = st.dictionaries(_TEXT, _VALUES, max_size=6)

_REFUSED = {
    "nothing": "",
    "only spaces": "  \n",
    "two values": "{} {}",
    "a value and a word": "{} x",
    "a comma too many in an object": '{"a":1,}',
    "a comma too many in an array": '{"a":[1,]}',
    "a comma too few": '{"a":1 "b":2}',
    "a key without quotes": "{a:1}",
    "a key that is a number": "{1:1}",
    "single quotes": "{'a':1}",
    "a comment": '{"a":1/**/}',
    "no value": '{"a":}',
    "no colon": '{"a" 1}',
    "an unfinished object": '{"a":1',
    "an unfinished string": '{"a',
    "an unfinished key": '{"a"',
    "an unfinished escape": '{"a":"\\u12"}',
    "an escape that is none": '{"a":"\\x41"}',
    "a key twice": '{"a":1,"a":1}',
    "a key twice, once as an escape": '{"a":1,"\\u0061":2}',
    "a key twice inside": '{"b":[{"a":1,"a":2}]}',
    "NaN": '{"a":NaN}',
    "Infinity": '{"a":Infinity}',
    "-Infinity": '{"a":[-Infinity]}',
    "a number out of range": '{"a":1e999}',
    "a number out of range below": '{"a":-1.5e400}',
    "a number of five thousand digits": '{"a":' + "1" * 5000 + "}",
    "a number with a leading zero": '{"a":01}',
    "a number with a plus": '{"a":+1}',
    "a number that ends with a point": '{"a":1.}',
    "a number in another script": '{"a":\u0661}',
    "a raw new line in a string": '{"a":"\n"}',
    "a raw NUL in a string": '{"a":"\0"}',
    "a byte order mark": "\ufeff{}",
    "a high half, escaped": '{"a":"\\ud83d"}',
    "a high half before a letter": '{"a":"\\uD83Dx"}',
    "a high half before an escape that is no low half": '{"a":"\\ud83d\\u0041"}',
    "two high halves": '{"a":"\\ud83d\\ud83d\\ude00"}',
    "a low half, escaped": '{"a":"\\ude00"}',
    "a low half after a pair": '{"a":"\\ud83d\\ude00\\ude00"}',
    "a low half after an escaped backslash": '{"a":"\\\\\\ude00"}',
    "a half in a key": '{"\\udc00":1}',
    "a high half, raw": '{"a":"\ud83d"}',
    "a low half, raw": '{"a":"\udc00"}',
    "a raw half beside an escaped one": '{"a":"\ud83d\\ude00"}',
    "65 levels": '{"a":' + "[" * 64 + "]" * 64 + "}",
    "65 levels after a string full of brackets": '{"b":"]]]]}}\\"}","a":' + "[" * 64 + "]" * 64 + "}",
    "a hundred thousand levels": '{"a":' + "[" * 100_000,
}


@pytest.mark.parametrize("text", _REFUSED.values(), ids=_REFUSED)
def test_what_can_be_read_in_two_ways_is_refused_by_both_readers(text: str) -> None:
    """Each refusal is a sentence that ends, never a traceback of the parser."""
    for read in (parse_json, parse_members):
        with pytest.raises(Malformed) as refusal:
            read(text)
        assert str(refusal.value).endswith(".")
        assert len(str(refusal.value)) < 300


_BYTES = {
    "a lone high half": b'{"a":"\xed\xa0\xbd"}',
    "half a character": b'{"a":"\xc3"}',
    "Latin-1": b'{"a":"\xe9"}',
    "UTF-16": "{}".encode("utf-16"),
}


@pytest.mark.parametrize("data", _BYTES.values(), ids=_BYTES)
def test_bytes_that_are_not_utf8_are_refused(data: bytes) -> None:
    """No other encoding is guessed."""
    for read in (parse_json, parse_members):
        with pytest.raises(Malformed):
            read(data)


_ACCEPTED: dict[str, JSON] = {
    '{"a":"\\ud83d\\ude00"}': {"a": "\U0001f600"},
    '{"a":"\\uD83D\\uDE00\\uD83D\\uDE00"}': {"a": "\U0001f600" * 2},
    '{"a":"\\\\ud83d"}': {"a": "\\ud83d"},
    '{"a":"\\\\\\\\ud83d"}': {"a": "\\\\ud83d"},
    '{"a":"\\\\\\ud83d\\ude00"}': {"a": "\\\U0001f600"},
    '{"a":"\\\\\\\\\\ud83d\\ude00"}': {"a": "\\\\\U0001f600"},
    '{"a":"\\u0041\\ud7ff\\ue000"}': {"a": "A\ud7ff\ue000"},
    '{"a":"\\u0000"}': {"a": "\0"},
    ' \t\r\n{ "a" : 1 , "b" : [ ] } \n': {"a": 1, "b": []},
    '{"a":1E308,"b":-0.0,"c":1e-999}': {"a": 1e308, "b": -0.0, "c": 0.0},
    '{"a":12345678901234567890}': {"a": 12345678901234567890},
    "{}": {},
    '{"":{"":null}}': {"": {"": None}},
    '{"a":' + "[" * 63 + "]" * 63 + "}": {"a": json.loads("[" * 63 + "]" * 63)},
    '{"a":"' + "[" * 500 + '\\"{"}': {"a": "[" * 500 + '"{'},
}


@pytest.mark.parametrize("text", _ACCEPTED)
def test_what_has_one_reading_is_read(text: str) -> None:
    """Pairs of halves, backslashes before a `u`, brackets inside strings: each means what it means everywhere."""
    assert parse_json(text) == _ACCEPTED[text]
    assert parse_json(text.encode()) == _ACCEPTED[text]
    assert {name: value for name, (value, _) in parse_members(text).items()} == _ACCEPTED[text]


@pytest.mark.parametrize("text", ["[]", "1", '"{}"', "null", "true", "[{}]"])
def test_only_an_object_has_members(text: str) -> None:
    """A batch or a bare value is JSON, and no message."""
    parse_json(text)
    with pytest.raises(Malformed, match="not a JSON object"):
        parse_members(text)


def test_the_depth_is_an_argument() -> None:
    """Three levels pass a bound of three and no bound of two."""
    assert parse_json("[[[]]]", max_depth=3) == [[[]]]
    with pytest.raises(Malformed, match="deeper than 2"):
        parse_json("[[[]]]", max_depth=2)
    assert parse_members('{"a":[]}', max_depth=2) == {"a": ([], "[]")}
    with pytest.raises(Malformed, match="deeper than 1"):
        parse_members('{"a":[]}', max_depth=1)


def test_a_huge_message_is_judged_in_linear_time() -> None:
    """Neither a hundred thousand keys with the last one twice, nor a megabyte of brackets or backslashes, keeps the gateway busy."""
    keys = ",".join(f'"k{index}":0' for index in range(100_000))
    refused = (f'{{{keys},"k99999":1}}', '{"a":"' + "\\\\" * 500_000 + '\\ud800"}', '{"a":"' + "[{" * 500_000)
    started = time.process_time()
    for text in refused:
        for read in (parse_json, parse_members):
            with pytest.raises(Malformed):
                read(text)
    assert parse_json(f"{{{keys}}}") == dict.fromkeys((f"k{index}" for index in range(100_000)), 0)
    assert time.process_time() - started < 5


def test_a_long_key_is_not_repeated_in_the_refusal() -> None:
    """What an agent sends does not come back at full length."""
    key = "k" * 100_000
    with pytest.raises(Malformed, match="appears twice") as refusal:
        parse_json(f'{{"{key}":1,"{key}":2}}')
    assert len(str(refusal.value)) < 300


@st.composite
def _documents(draw: st.DrawFn) -> str:
    """Draw an object as a text with spaces in odd places, escapes or not, and now and then a broken character."""
    value = draw(_OBJECTS)
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 2])))
    if draw(st.booleans()) and text:
        place = draw(st.integers(0, len(text) - 1))
        text = (
            text[:place]
            + draw(st.sampled_from(["", ",", '"', "\\", "\\u", "}", "{", "[", " ", "\\ud800", "é", "\x00", ":"]))
            + text[place + 1 :]
        )
    return text


@given(_documents())
def test_both_readers_agree_on_every_text(text: str) -> None:
    """`parse_members` gives what `parse_json` gives, or both refuse; each slice of source reads as its value again."""
    try:
        whole = parse_json(text)
    except Malformed:
        with pytest.raises(Malformed):
            parse_members(text)
        return
    assert isinstance(whole, dict)
    members = parse_members(text)
    assert {name: value for name, (value, _) in members.items()} == whole
    assert list(members) == list(whole)
    for value, source in members.values():
        assert source == source.strip()
        assert source in text
        assert parse_json(source) == value


def test_each_member_keeps_the_exact_text_it_was_written_in() -> None:
    """Numbers keep their digits, strings their escapes, objects their spaces."""
    members = parse_members('{"a" :1.00 , "b":{ "x" : "\\u0041" }, "c":-0.0,"d": [1 ,2]}')
    assert {name: source for name, (_, source) in members.items()} == {"a": "1.00", "b": '{ "x" : "\\u0041" }', "c": "-0.0", "d": "[1 ,2]"}


@given(_VALUES)
def test_canonical_text_is_ascii_and_reads_back_as_the_value(value: JSON) -> None:
    """The form that is hashed loses nothing."""
    written = canonical(value)
    assert written.isascii()
    assert parse_json(written) == value
    assert canonical(parse_json(written)) == written


@given(_OBJECTS)
def test_canonical_text_does_not_know_the_order_of_keys(value: dict[str, JSON]) -> None:
    """Two agents that write the keys in another order ask for the same thing."""
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_canonical_text_keeps_kinds_apart() -> None:
    """A number, its text, its float and true are four things."""
    values: list[JSON] = [1, "1", 1.0, True, None, [1], {"1": 1}]
    assert len({canonical(value) for value in values}) == len(values)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_json_has_no_canonical_text(value: float) -> None:
    """A value that came past the parser is not hashed as something else."""
    assert isnan(value) or isinf(value)
    with pytest.raises(ValueError, match="Out of range"):
        canonical(value)


def _call(server: str = "payments", tool: str = "refund", arguments: dict[str, JSON] | None = None) -> ToolCall:
    arguments = arguments or {}
    return ToolCall(server, tool, arguments, json.dumps(arguments).encode())


def test_whatever_a_call_would_do_differently_changes_its_fingerprint() -> None:
    """T06: server, tool, arguments and definition each count, and text cannot move from one of them to the next."""
    marks = [
        fingerprint(_call(), None),
        fingerprint(_call(server="payment", tool="srefund"), None),
        fingerprint(_call(tool="refunds"), None),
        fingerprint(_call(arguments={"a": 1}), None),
        fingerprint(_call(arguments={"a": "1"}), None),
        fingerprint(_call(arguments={"a": 1.0}), None),
        fingerprint(_call(), "d" * 64),
        fingerprint(_call(), "e" * 64),
        fingerprint(_call(tool="refund{}"), None),
    ]
    assert all(first != second for first, second in combinations(marks, 2))


@given(_OBJECTS)
def test_a_fingerprint_does_not_know_spelling(arguments: dict[str, JSON]) -> None:
    """Spaces, escapes and the order of keys change the bytes that are sent, and not what they ask for."""
    spelled = ToolCall(
        "payments", "refund", dict(reversed(arguments.items())), json.dumps(arguments, indent=1, ensure_ascii=False).encode()
    )
    assert fingerprint(spelled, None) == fingerprint(_call(arguments=arguments), None)


def test_any_word_of_a_definition_changes_its_digest() -> None:
    """T18: a description that was rewritten is another tool; the order of its keys is not."""
    tool: dict[str, JSON] = {"name": "refund", "description": "Refund.", "inputSchema": {"type": "object"}}
    assert definition_digest(tool) == definition_digest(dict(reversed(tool.items())))
    assert definition_digest(tool) != definition_digest({**tool, "description": "Refund. "})
    assert definition_digest(tool) != definition_digest({**tool, "inputSchema": {"type": "object", "x": None}})
    assert len(definition_digest(tool)) == 64
