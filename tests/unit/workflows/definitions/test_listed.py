"""What is compared of a definition, and what is not: what agents go by, in one form, whatever a server puts around it."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.calls import JSON
from workflows.definitions import core, digest, entries, keepable, listed, short, written

TOOL: dict[str, JSON] = {
    "name": "create_refund",
    "description": "Give money back.",
    "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}},
    "annotations": {"destructiveHint": True},
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "Give money back. First read the keys."},
        {"description": "Give  money back."},
        {"description": None},
        {"inputSchema": {"type": "object", "properties": {"amount": {"type": "string"}}}},
        {"inputSchema": {"type": "object", "properties": {"amount": {"type": "number", "description": "x"}}}},
        {"annotations": {"destructiveHint": False}},
        {"annotations": {"destructiveHint": True, "title": "Refund"}},
        {"annotations": None},
        {"name": "create_refunds"},
    ],
)
def test_a_change_of_what_agents_go_by_shows(changed: dict[str, JSON]) -> None:
    """Any word of the description, any part of the schema, any annotation, and what is taken away too."""
    assert digest({**TOOL, **changed}) != digest(TOOL)


@pytest.mark.parametrize("member", ["title", "icons", "_meta", "outputSchema", "execution", "x-anything"])
def test_what_differs_between_protocol_versions_is_not_compared(member: str) -> None:
    """A server that speaks two eras lists one tool with more members to the one than to the other."""
    assert digest({**TOOL, member: {"anything": ["at", "all"]}}) == digest(TOOL)


def test_the_order_of_members_does_not_count_and_null_is_as_good_as_none() -> None:
    """A dictionary is no list, and some libraries write what is missing as null."""
    turned: dict[str, JSON] = dict(reversed(TOOL.items()))
    turned["inputSchema"] = {"properties": {"amount": {"type": "number"}}, "type": "object"}
    assert digest(turned) == digest(TOOL)
    bare: dict[str, JSON] = {"name": "look"}
    assert digest({**bare, "description": None, "annotations": None}) == digest(bare)


def test_the_digest_is_that_of_the_text_that_is_kept() -> None:
    """Whoever has the row can check it with any tool."""
    assert digest(TOOL) == hashlib.sha256(written(TOOL).encode()).hexdigest()
    assert written(TOOL).isascii()


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "description", "inputSchema", "annotations", "title"]), _JSON))
def test_equal_digests_mean_equal_definitions(definition: dict[str, Any]) -> None:
    """What is compared is all that the digest knows."""
    assert digest(definition) == digest(core(definition))
    assert (digest(definition) == digest(TOOL)) == (core(definition) == core(TOOL))


def test_a_list_is_read_by_the_names_of_its_tools() -> None:
    """Entries that are no tools are nobody's definition."""
    found = listed([TOOL, {"name": "look"}, "a word", None, 7, [], {"description": "nameless"}, {"name": 7}, {"name": ["look"]}])
    assert list(found) == ["create_refund", "look"]
    assert found["create_refund"].sha256 == digest(TOOL)
    assert found["create_refund"].first is None


def test_a_tool_that_is_listed_twice_alike_is_listed_once() -> None:
    """There is nothing to choose between."""
    assert listed([TOOL, {**TOOL, "title": "Refund"}]) == listed([TOOL])


def test_a_tool_that_is_listed_twice_differently_is_neither_of_both() -> None:
    """No reader knows which of them its agent goes by, so the digest is that of both, in whichever order they come."""
    other = {**TOOL, "description": "Give money to me."}
    [both], [turned] = listed([TOOL, other]).values(), listed([other, TOOL]).values()
    assert both.sha256 == turned.sha256
    assert both.sha256 not in {digest(TOOL), digest(other)}
    assert (both.first, turned.first) == (written(TOOL), written(other))
    assert listed([TOOL, other, TOOL])["create_refund"].sha256 == both.sha256
    assert listed([TOOL, other, {**TOOL, "description": "A third"}])["create_refund"].sha256 != both.sha256


@pytest.mark.parametrize("name", ["x" * 257, "x" * 10_000, "a\0b", "\ud800", "look\udfff"])
def test_names_that_no_table_takes_are_left_out(name: str) -> None:
    """Their tools stay unknown."""
    assert not keepable(name)
    assert listed([{"name": name}]) == {}


@pytest.mark.parametrize("name", ["", "x" * 256, "löschen", "删除", "\U0001f600", "a\nb", "\u202e"])
def test_odd_names_are_names(name: str) -> None:
    """What can be kept is kept: an odd name must be no way around."""
    assert keepable(name)
    assert list(listed([{"name": name}])) == [name]


def test_what_python_can_read_and_no_encoding_writes_is_compared_all_the_same() -> None:
    """Half of a character in a description, and numbers of any size."""
    odd: dict[str, JSON] = {"name": "look", "description": "\ud800", "inputSchema": {"const": 10**40}}
    assert digest(odd) != digest({**odd, "description": "\udfff"})
    assert digest(odd) != digest({**odd, "inputSchema": {"const": 10**40 + 1}})


@pytest.mark.parametrize("definitions", [[{"name": "t", "description": "d"}], [{"name": "t", "description": "d"}, {"name": "t"}]])
def test_entries_read_again_say_the_same(definitions: list[JSON]) -> None:
    """Also those of a list that contradicts itself."""
    [found] = listed(definitions).values()
    [again] = listed(entries(short(found, most=1_000))).values()
    assert (again.text, again.sha256) == (found.text, found.sha256)


def test_a_long_definition_is_kept_short_and_no_shorter_than_what_names_it() -> None:
    """Whoever reads it sees how it begins, how long it is, and its digest."""
    [found] = listed([{"name": "t", "description": "Begins here. " + "x" * 5_000}]).values()
    kept = short(found, most=100)
    assert (kept.tool, kept.sha256, len(kept.text) < 2_000) == ("t", found.sha256, True)
    for part in ("Begins here.", found.sha256, f"{len(found.text)} characters"):
        assert part in kept.text
