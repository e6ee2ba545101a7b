"""Lists of tools are read quickly and as strictly as everything: nothing that was read before makes a later message pass that would not."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.mcp import Unfilterable, filter_tools, list_mark, read_list, spans
from bot.mcp.listing import _known
from workflows.calls import JSON, parse_json
from workflows.errors import Malformed

RESULT = '{"tools":[{"name":"look","x":1.50},{"name":"secret","description":"é"}],"cacheScope":"public"}'
SHOWN = '{"tools":[{"name":"look","x":1.50}],"cacheScope":"private"}'
FRAMES = {
    "id first": '{{"jsonrpc":"2.0","id":{id},"result":{result}}}',
    "result first": '{{"result":{result},"jsonrpc":"2.0","id":{id}}}',
    "result between": ' {{ "id" : {id} ,"result" : {result} , "jsonrpc":"2.0" }}\n',
    "without a version": '{{"id":{id},"result":{result}}}',
}


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Begin with nothing that was read before."""
    _known.clear()
    yield
    _known.clear()


def _hides(name: str) -> bool:
    return name == "secret"


def _filtered(message: str) -> str:
    return filter_tools(message.encode(), _hides).decode()


def _strict(message: bytes) -> str:
    """Say what becomes of a message by the rules alone, without any shortcut: as it is, refused, or which value is left of it."""
    try:
        value = parse_json(message, max_depth=256)
    except Malformed:
        return "refused"
    if not isinstance(value, dict) or ("result" in value and ("method" in value or not isinstance(value["result"], dict))):
        return "refused"
    if "result" not in value:
        return "as it is"
    result: Any = value["result"]
    tools = result.get("tools")
    if not isinstance(tools, list) or not all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in tools):
        return "refused"
    result["tools"] = [each for each in tools if each["name"] != "secret"]
    if "cacheScope" in result:
        result["cacheScope"] = "private"
    return json.dumps(value)


def _became(message: bytes) -> str:
    try:
        filtered = filter_tools(message, _hides)
    except Unfilterable:
        return "refused"
    value = parse_json(filtered, max_depth=256)
    return json.dumps(value) if isinstance(value, dict) and "result" in value else "as it is"


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_result_that_was_read_before_is_known_under_any_id(frame: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes out is the same text, and nothing is parsed for it a second time."""
    for number in ("1", '"a-1"', "-7", "0", '""'):
        assert _filtered(frame.format(id=number, result=RESULT)) == frame.format(id=number, result=SHOWN)
    monkeypatch.setattr("bot.mcp.listing._value", None)
    monkeypatch.setattr("bot.mcp.listing.layout", None)
    for other in FRAMES.values():
        for number in ("2", '"b.2"'):
            assert _filtered(other.format(id=number, result=RESULT)) == other.format(id=number, result=SHOWN)


@pytest.mark.parametrize(
    "message",
    [
        f'{{"jsonrpc":"2.0","id":1,"id":2,"result":{RESULT}}}',
        f'{{"jsonrpc":"2.0","id":1,"result":{RESULT},"id":2}}',
        f'{{"jsonrpc":"2.0","id":1,"result":{RESULT},"result":{RESULT}}}',
        f'{{"id":1,"result":{RESULT},"jsonrpc":"2.0","jsonrpc":"2.0"}}',
        f'{{"jsonrpc":"2.0","id":1,"result":{RESULT},"method":"x"}}',
        f'{{"jsonrpc":"2.0","id":01,"result":{RESULT}}}',
        f'{{"jsonrpc":"2.0","id":1,"result":{RESULT}}}}}',
        f'{{"jsonrpc":"2.0","id":1,"result":{RESULT}',
        f'{{"jsonrpc":"2.0","id":1,"result":{RESULT},}}',
        f'{{"jsonrpc":"2.0","id":1,,"result":{RESULT}}}',
        f'{{"jsonrpc":"2.0","id":"\ud800","result":{RESULT}}}',
        f'{{"jsonrpc":"2.0","id":"a\nb","result":{RESULT}}}',
        f'[{{"jsonrpc":"2.0","id":1,"result":{RESULT}}}]',
        f'{{"jsonrpc":"2.0","id":1,"result":[{RESULT}]}}',
        f'{{"jsonrpc":"2.0","id":1,"result":{RESULT} {RESULT}}}',
        f'{{"jsonrpc":"2.0","id":1,"result":"{RESULT}"}}',
        f'{{"jsonrpc":"2.0","id":1,"result":{RESULT}}} {{"id":2}}',
    ],
)
def test_a_known_result_in_a_message_that_cannot_be_read_is_refused(message: str) -> None:
    """That it was read before says nothing about what is around it."""
    for frame in FRAMES.values():
        _filtered(frame.format(id=1, result=RESULT))
    for _ in range(2):
        with pytest.raises(Unfilterable):
            filter_tools(message.encode("utf-8", "surrogatepass"), _hides)


def test_what_stands_beside_a_result_is_no_part_of_it() -> None:
    """A message with other members is read each time, and makes nothing known that could be taken for a result."""
    odd = f'{{"jsonrpc":"2.0","result":{RESULT},"x":{{}},"id":1}}'
    assert json.loads(_filtered(odd))["x"] == {}
    tricky = f'{{"result":{RESULT},"id":7,"x":{{}}}}'
    assert json.loads(_filtered(tricky))["id"] == 7
    assert not _known
    with pytest.raises(Unfilterable):
        _filtered(f'{{"jsonrpc":"2.0","id":5,"result":{RESULT},"id":7,"x":{{}}}}')


@pytest.mark.parametrize("style", [(",", ":"), (", ", ": "), (" ,\n", " :\t")], ids=["compact", "spaced", "odd"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_styles_of_writing_make_no_difference(style: tuple[str, str], *, ascii_only: bool) -> None:
    """Servers write JSON in many ways, and each of them is read and cut byte for byte."""
    tools = [
        {"name": "look", "description": "é\u2028\U0001f600 </x> \x7f"},
        {"name": "secret"},
        {"name": "lösen", "x": [1e300, 1.0, -0.0, 10**30]},
    ]
    message = {"jsonrpc": "2.0", "id": 1, "result": {"tools": tools, "nextCursor": "c"}}
    source = json.dumps(message, separators=style, ensure_ascii=ascii_only)
    gone = json.dumps(tools[1], separators=style, ensure_ascii=ascii_only)
    for _ in range(2):
        filtered = _filtered(source)
        assert json.loads(filtered)["result"]["tools"] == [tools[0], tools[2]]
        assert gone not in filtered
        assert json.dumps(tools[2], separators=style, ensure_ascii=ascii_only) in filtered


@pytest.mark.parametrize(
    "part",
    [
        '{"name":"look","name":"secret"}',
        '{"name":"look","inputSchema":{"a":1,"a":1}}',
        '{"name":"look","inputSchema":{"a":{"b":1,"\\u0062":2}}}',
        '{"name":"look","x":NaN}',
        '{"name":"look","x":1e999}',
        '{"name":"look","x":"\\ud800"}',
        '{"name":"look","x":"\x01"}',
        '{"name":"look","x":01}',
        '{"name":"look",}',
        "{'name':'look'}",
    ],
)
@pytest.mark.parametrize("space", ["", " "])
def test_what_two_readers_read_differently_is_refused(part: str, space: str) -> None:
    """However the rest is written."""
    message = f'{{"jsonrpc":"2.0",{space}"id":1,"result":{{"tools":[{part}]}}}}'
    with pytest.raises(Unfilterable):
        _filtered(message)


@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize(("depth", "read"), [(200, True), (250, True), (251, True), (252, True), (253, False), (400, False), (990, False)])
def test_what_is_nested_too_deeply_is_refused(space: str, depth: int, *, read: bool) -> None:
    """256 levels with those around the schema, by whichever way it is read."""
    schema = "[" * depth + "]" * depth
    message = f'{{"jsonrpc":"2.0",{space}"id":1,"result":{{"tools":[{{"name":"look","x":{schema}}}]}}}}'
    if read:
        assert _filtered(message) == message
    else:
        with pytest.raises(Unfilterable):
            _filtered(message)
    with pytest.raises(Unfilterable):
        _filtered(f'{{"jsonrpc":"2.0","id":1,"result":{{"tools":{"[" * 100_000}')


_NAMES = st.sampled_from(["look", "secret", "é", "", 'a"b\\'])
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=5)
_TOOLS = st.lists(st.fixed_dictionaries({"name": _NAMES}, optional={"inputSchema": _VALUES, "title": _VALUES}) | _VALUES, max_size=4)
_RESULTS = st.fixed_dictionaries(
    {"tools": _TOOLS | _VALUES}, optional={"cacheScope": st.sampled_from(["public", "private", 7]), "_meta": _VALUES}
)
_MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0")},
    optional={"id": _LEAVES, "result": _RESULTS | _VALUES, "method": st.just("x"), "extra": _VALUES, "error": _VALUES},
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_MESSAGES, st.sampled_from([(",", ":", True), (",", ":", False), (", ", ": ", True)]), st.randoms(), st.integers(0, 3))
def test_every_message_becomes_what_the_rules_say(
    message: dict[str, Any], style: tuple[str, str, bool], shuffle: Random, hurt: int
) -> None:
    """Whole ones and hurt ones, and each a second time, when what it says may be known already."""
    members = list(message.items())
    shuffle.shuffle(members)
    source = bytearray(json.dumps(dict(members), separators=style[:2], ensure_ascii=style[2]).encode())
    for _ in range(2):
        assert _became(bytes(source)) == _strict(bytes(source))
    for _ in range(hurt):
        at = shuffle.randrange(len(source))
        source[at : at + shuffle.randrange(2)] = shuffle.choice([b"", b'"', b",", b"}", b"{", b"1", b'"id":1,', b"\\", b" ", b"\xff"])
    for _ in range(2):
        assert _became(bytes(source)) == _strict(bytes(source))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_TOOLS)
def test_places_are_where_a_whole_parse_finds_them(tools: list[Any]) -> None:
    """Every member and every element, by one walk."""
    text = json.dumps({"a": [1, "]"], "tools": tools, "b": {"tools": []}})
    members, each = spans.layout(text, "tools")
    assert {name: json.loads(text[start:end]) for name, (start, end) in members.items()} == json.loads(text)
    assert [json.loads(text[start:end]) for start, end in each] == tools


def test_the_mark_of_a_list_is_that_of_its_tools() -> None:
    """Whatever is around them; another order, or one byte inside, is another list."""
    found = [
        read_list(frame.format(id=1, result=result).encode())
        for frame in FRAMES.values()
        for result in (RESULT, RESULT[:-1] + ',"ttlMs":5}')
    ]
    marks = {each.mark for each in found if each is not None}
    assert marks == {list_mark(json.loads(RESULT)["tools"])}
    several: list[list[JSON]] = [[], [{"a": 1}], [{"a": 1.0}], [{"a": 2}], [{"a": 1}, {"b": 1}], [{"b": 1}, {"a": 1}]]
    assert len(set(map(list_mark, several))) == len(several)
    assert list_mark([10**40]) != list_mark([10**40 + 1])


def test_entries_can_be_read_again() -> None:
    """They are as the server wrote them, hidden ones too."""
    for _ in range(2):
        found = read_list(FRAMES["id first"].format(id=1, result=RESULT).encode())
        assert found is not None
        assert found.names == ("look", "secret")
        assert found.tools() == json.loads(RESULT)["tools"]
    assert read_list(b'{"jsonrpc":"2.0","method":"notifications/message"}') is None
    assert read_list(b'{"jsonrpc":"2.0","id":1,"error":{}}') is None


def test_what_is_remembered_is_bounded() -> None:
    """A server that lists something else each time, or names of megabytes, fills no memory."""
    for number in range(100):
        _filtered(f'{{"jsonrpc":"2.0","id":1,"result":{{"tools":[],"n":{number}}}}}')
    assert len(_known) == 32
    _known.clear()
    _filtered(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "x" * 1_000_001}]}}))
    assert not _known
