"""What a document may say, and where it is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import document, only, places, policy, problems, said
from workflows.calls import JSON
from workflows.policy import limit_rules, options, predicates
from workflows.policy.approvals import KEYS
from workflows.policy.validating import DOCUMENT, ENTRY, PREDICATE

LIMIT: dict[str, JSON] = {"counter": "c", "window": "minute", "max": 1, "scope": "grant"}
CONDITION: dict[str, JSON] = {"path": "args.a", "op": "eq", "value": 1}
WHOLE = document(
    hide=["drop_*"],
    all_tools={"limits": [LIMIT]},
    tools={
        "pay": {
            "require": [{"conditions": [CONDITION], "on_deny": "No."}],
            "deny_if": [{"conditions": [CONDITION], "on_deny": "No."}],
            "require_approval": [{"conditions": [CONDITION], "quorum": 2}],
            "limits": [LIMIT],
        }
    },
)


FULL: dict[str, Any] = json.loads(json.dumps(WHOLE))


def rule(key: str, value: JSON) -> dict[str, JSON]:
    """A document with one rule in `deny_if` whose condition has one member changed."""
    return document(tools={"pay": {"deny_if": [{"conditions": [{**CONDITION, key: value}]}]}})


def limited(**changes: JSON) -> dict[str, JSON]:
    """A document with one limit, changed."""
    return document(tools={"pay": {"limits": [{**LIMIT, **changes}]}})


AT = "/tools/pay/deny_if/0/conditions/0"
AT_LIMIT = "/tools/pay/limits/0"


SLIPS: list[tuple[JSON, str, str]] = [
    (document(version="2"), "/version", '"version": "1"'),
    (document(version=1), "/version", "as text"),
    (document(version=None), "/version", '"version": "1"'),
    (document(default="block"), "/default", "allow, deny, require_approval"),
    (document(default="alow"), "/default", 'did you mean "allow"'),
    (document(default=True), "/default", "a boolean"),
    (document(hide="pay"), "/hide", "a list"),
    (document(hide=["a", ""]), "/hide/1", "empty"),
    (document(hide=["a", 5]), "/hide/1", "a number"),
    (document(hide=["a", "b", "a"]), "/hide/2", "twice"),
    (document(all_tools=[]), "/all_tools", "an object"),
    (document(all_tools={"deny_if": []}), "/all_tools/deny_if", "Known here: limits."),
    (document(**{"$schema": None}), "/$schema", "null"),
    (document(**{"$schema": {}}), "/$schema", "an object"),
    (document(schema="x"), "/schema", 'did you mean "$schema"'),
    (document(approval="payments"), "/approval", "an object"),
    (document(approval={"approvers": "a", "group": "b"}), "/approval/group", "Known here"),
    (document(tools=[]), "/tools", "an object"),
    (document(tools={"": {}}), "/tools/", "empty"),
    (document(tools={"pay": None}), "/tools/pay", "write {}"),
    (document(tools={"pay": "deny"}), "/tools/pay", "an object"),
    (document(tools={"a/b": {"x~y": 1}}), "/tools/a~1b/x~0y", "Known here"),
    (document(tools={"pay": {"require": None}}), "/tools/pay/require", "a list"),
    (document(tools={"pay": {"require": ["x"]}}), "/tools/pay/require/0", "an object"),
    (document(tools={"pay": {"require": [{}]}}), "/tools/pay/require/0", '"conditions": []'),
    (document(tools={"pay": {"deny_if": [{"conditions": {}}]}}), "/tools/pay/deny_if/0/conditions", "a list"),
    (document(tools={"pay": {"deny_if": [{"conditions": [], "on_deny": 5}]}}), "/tools/pay/deny_if/0/on_deny", "a number"),
    (document(tools={"pay": {"deny_if": [{"conditions": [], "on_deny": "x" * 2001}]}}), "/tools/pay/deny_if/0/on_deny", "shorter"),
    (document(tools={"pay": {"deny_if": [{"conditions": ["x"]}]}}), AT, "an object"),
    (document(tools={"pay": {"deny_if": [{"conditions": [{"op": "eq", "value": 1}]}]}}), AT, "args.NAME"),
    (document(tools={"pay": {"deny_if": [{"conditions": [{"path": "args.a", "value": 1}]}]}}), AT, "op is missing"),
    (document(tools={"pay": {"deny_if": [{"conditions": [{"path": "args.a", "op": "exists"}]}]}}), AT, "value is missing"),
    (rule("extra", 1), f"{AT}/extra", "Known here"),
    (rule("path", "a"), f"{AT}/path", '"args.a"'),
    (rule("path", "$.a"), f"{AT}/path", '"args.a"'),
    (rule("path", "arguments.a.b"), f"{AT}/path", '"args.a.b"'),
    (rule("path", "args"), f"{AT}/path", "args."),
    (rule("path", "args."), f"{AT}/path", "starts with"),
    (rule("path", "args.a..b"), f"{AT}/path", "single dots"),
    (rule("path", "args.a[0].b"), f"{AT}/path", "list"),
    (rule("path", "args.a[*]"), f"{AT}/path", "list"),
    (rule("path", "args.a[]"), f"{AT}/path", "list"),
    (rule("path", "state.pay.c"), f"{AT}/path", '"limits"'),
    (rule("path", 5), f"{AT}/path", "a number"),
    (rule("op", "matches"), f"{AT}/op", "eq, neq, in"),
    (rule("op", "EQ"), f"{AT}/op", 'did you mean "eq"'),
    (rule("op", ["eq"]), f"{AT}/op", "a list"),
    (document(tools={"pay": {"deny_if": [only("args.a", "gt", "5")]}}), f"{AT}/value", "without quotes"),
    (document(tools={"pay": {"deny_if": [only("args.a", "regex", "(?=a)")]}}), f"{AT}/value", "look-around"),
    (document(tools={"pay": {"deny_if": [only("args.a", "regex", r"(a)\1")]}}), f"{AT}/value", "back-references"),
    (document(tools={"pay": {"limits": [5]}}), AT_LIMIT, "an object"),
    (document(tools={"pay": {"limits": [LIMIT, LIMIT]}}), "/tools/pay/limits/1", "twice"),
    (document(tools={"pay": {"limits": [{"window": "day", "max": 1}]}}), AT_LIMIT, '"counter"'),
    (document(tools={"pay": {"limits": [{"counter": "c", "max": 1}]}}), AT_LIMIT, "window is missing"),
    (document(tools={"pay": {"limits": [{"counter": "c", "window": "day"}]}}), AT_LIMIT, "max"),
    (limited(counter=""), f"{AT_LIMIT}/counter", "name"),
    (limited(counter=5), f"{AT_LIMIT}/counter", "name"),
    (limited(window="week"), f"{AT_LIMIT}/window", "minute, hour, day"),
    (limited(window=60), f"{AT_LIMIT}/window", "a number"),
    (limited(max=0), f"{AT_LIMIT}/max", "from 1"),
    (limited(max=-1), f"{AT_LIMIT}/max", "from 1"),
    (limited(max="5"), f"{AT_LIMIT}/max", "whole number"),
    (limited(max=5.0), f"{AT_LIMIT}/max", "whole number"),
    (limited(max=True), f"{AT_LIMIT}/max", "whole number"),
    (limited(scope="user"), f"{AT_LIMIT}/scope", "grant, server, tool, global"),
    (limited(scope=None), f"{AT_LIMIT}/scope", "null"),
    (limited(on_deny=5), f"{AT_LIMIT}/on_deny", "a number"),
    (document(all_tools={"limits": [{**LIMIT, "max": 0}]}), "/all_tools/limits/0/max", "from 1"),
]


@pytest.mark.parametrize(("written", "place", "word"), SLIPS)
def test_one_wrong_thing_is_told_with_its_place_and_remedy(written: JSON, place: str, word: str) -> None:
    """Each slip has one problem, at its place, with what to write."""
    assert places(written) == [place]
    assert word in said(written, place)


@pytest.mark.parametrize("key", ["version", "default"])
def test_what_is_required_is_asked_for(key: str) -> None:
    """A document says its version and its default."""
    written = {name: value for name, value in document().items() if name != key}
    assert places(written) == [""]
    assert f'"{key}": "' in said(written, "")


@pytest.mark.parametrize("written", [[], [{"version": "1"}], "[]", "text", "", "null", "5"])
def test_a_policy_is_an_object(written: JSON) -> None:
    """Anything but an object is refused whole."""
    assert places(written) == [""]
    assert "an object" in said(written, "")


def test_the_full_document_is_valid() -> None:
    """The document that the property below breaks is valid as it stands."""
    assert policy(**FULL).document == FULL


def holders(value: JSON) -> list[dict[str, JSON]]:
    """All objects of a document whose keys are the format's, not names of tools."""
    if isinstance(value, list):
        return [found for item in value for found in holders(item)]
    if not isinstance(value, dict):
        return []
    inside = [found for item in value.values() for found in holders(item)]
    return inside if value is FULL["tools"] else [value, *inside]


@given(st.integers(0, len(holders(FULL)) - 1), st.text(min_size=1, max_size=12), st.sampled_from([None, True, 1, "x", [], {}]))
def test_an_unknown_key_never_loads(number: int, key: str, value: JSON) -> None:
    """T13: a key that is not the format's is refused wherever it stands."""
    known = DOCUMENT | ENTRY | PREDICATE | predicates.KEYS | limit_rules.KEYS | options.REDACT | KEYS
    holder = holders(FULL)[number]
    if key in known or key in holder:
        return
    holder[key] = value
    try:
        found = places(FULL)
    finally:
        del holder[key]
    escaped = key.replace("~", "~0").replace("/", "~1")
    assert len(found) == 1
    assert found[0].endswith(f"/{escaped}")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(
        [("version",), ("default",), ("hide",), ("all_tools",), ("tools",), ("approval",), ("tools", "pay"), ("tools", "pay", "require")]
    ),
    json_values,
)
def test_no_value_makes_it_raise_anything_else(path: tuple[str, ...], value: JSON) -> None:
    """Whatever stands at a place, the document loads or is refused with sentences."""
    written: dict[str, Any] = document(tools={"pay": {}})
    holder = written
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    try:
        policy(**written)
    except Exception:  # noqa: BLE001  # whatever it is, `problems` demands that it is a refusal
        assert all(problem.message for problem in problems(written))


def test_everything_is_told_at_once() -> None:
    """Problems in all parts of a document come together."""
    written = document(
        version="2",
        default="x",
        hide=[""],
        extra=1,
        all_tools={"limits": [{**LIMIT, "window": "week"}]},
        approval={"quorum": 0},
        tools={"pay": {"rate_limit": 1, "deny_if": [only("a", "gt", "5")], "require_approval": [{"conditions": [], "expires_in": 5}]}},
    )
    assert set(places(written)) == {
        "/version",
        "/default",
        "/hide/0",
        "/extra",
        "/all_tools/limits/0/window",
        "/approval/quorum",
        "/tools/pay/rate_limit",
        "/tools/pay/deny_if/0/conditions/0/path",
        "/tools/pay/deny_if/0/conditions/0/value",
        "/tools/pay/require_approval/0/expires_in",
        "/tools/pay/require_approval/0",
    }


@pytest.mark.parametrize(("default", "noted"), [("deny", True), ("require_approval", True), ("allow", False)])
def test_a_pattern_that_lists_every_tool_is_noted(default: str, noted: bool) -> None:  # noqa: FBT001  # a table's column
    """Rules for every tool take the word from a strict default, which is seldom meant."""
    loaded = policy(default=default, tools={"pay": {}, "*": {"deny_if": []}, "p*": {}})
    assert [(note.pointer, note.line) for note in loaded.notes] == ([("/tools/*", 1)] if noted else [])
    assert all(default in note.message for note in loaded.notes)


@pytest.mark.parametrize(
    ("name", "word"), [("get_?", "only pattern"), ("get_[ab]", "only pattern"), ("{a,b}", "only pattern"), ("pay ", "a space")]
)
def test_a_name_that_is_taken_as_it_stands_is_noted_where_it_looks_like_more(name: str, word: str) -> None:
    """Patterns of other languages are plain names here, and whoever wrote one is told."""
    loaded = policy(tools={name: {}}, hide=["a", name])
    assert [(note.pointer, word in note.message) for note in loaded.notes] == [(f"/tools/{name}", True), ("/hide/1", True)]


def test_an_ordinary_document_has_no_notes() -> None:
    """There is nothing to know of it."""
    assert policy(**FULL).notes == ()
