"""Names in a policy against the tools that there are."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import document
from tests.unit.workflows.policy.generating import TOOLS, Written, documents
from workflows.policy import load
from workflows.policy.names import unknown_tools

LISTED = ["list_customers", "create_refund", "delete_customer"]
TEXT = """version: "1"
default: deny
hide:
  - delete_customer
  - drop_*
tools:
  list_customers: {}
  create_refnd: {}
  "*_customer": {}
  binance_*: {}
  zzz: {}
  "*": {}
"""


def test_a_name_that_no_tool_has_is_told_with_the_one_that_was_meant() -> None:
    """Its place, its line, and what was probably meant."""
    found = unknown_tools(load(TEXT, name="p"), LISTED)
    assert [(problem.pointer, problem.line) for problem in found] == [
        ("/hide/1", 5),
        ("/tools/create_refnd", 8),
        ("/tools/binance_*", 10),
        ("/tools/zzz", 11),
    ]
    assert [problem.message for problem in found] == [
        'No listed tool matches "drop_*", so this applies to nothing.',
        'No listed tool is called "create_refnd", so this applies to nothing: did you mean "create_refund"?',
        'No listed tool matches "binance_*", so this applies to nothing.',
        'No listed tool is called "zzz", so this applies to nothing.',
    ]


def test_a_name_in_another_letter_case_is_another_name() -> None:
    """Names are compared exactly, as calls are."""
    (found,) = unknown_tools(load(json.dumps(document(tools={"Create_Refund": {}})), name="p"), LISTED)
    assert 'did you mean "create_refund"' in found.message


def test_names_with_slashes_have_their_line() -> None:
    """A pointer escapes what a name may hold."""
    (found,) = unknown_tools(load(json.dumps(document(tools={"a/b~c": {}}), indent=1), name="p"), LISTED)
    assert (found.pointer, found.line is None) == ("/tools/a~1b~0c", False)


def test_a_huge_name_is_shown_short() -> None:
    """A name of any length has a short answer."""
    (found,) = unknown_tools(load(json.dumps(document(tools={"x" * 50_000: {}})), name="p"), LISTED)
    assert len(found.message) < 200


def test_without_any_listed_tool_every_name_is_unknown() -> None:
    """Only a lone star fits an empty list."""
    assert [problem.pointer for problem in unknown_tools(load(TEXT, name="p"), [])] == [
        "/hide/0",
        "/hide/1",
        "/tools/list_customers",
        "/tools/create_refnd",
        "/tools/*_customer",
        "/tools/binance_*",
        "/tools/zzz",
    ]


def test_intercepts_names_hold_no_patterns() -> None:
    """There a star inside a name is a star."""
    loaded = load(json.dumps({"version": "1", "default": "deny", "tools": {"*": {"rules": []}, "list_*": {"rules": []}}}), name="p")
    assert [problem.pointer for problem in unknown_tools(loaded, LISTED)] == ["/tools/list_*"]


@settings(deadline=None)
@given(documents(), st.sets(st.sampled_from(TOOLS)))
def test_what_is_not_told_fits_a_tool(drawn: Written, listed: set[str]) -> None:
    """Each name is told, or decides about a listed tool."""
    loaded = load(json.dumps(drawn), name="p")
    told = {problem.pointer for problem in unknown_tools(loaded, listed)}
    for index, name in enumerate(drawn.get("hide", [])):
        assert (f"/hide/{index}" in told) is not any(load(json.dumps(document(hide=[name])), name="p").hides(tool) for tool in listed)
    assert {name for name in drawn.get("tools", {}) if "*" not in name} - listed == {
        at[7:] for at in told if at[:7] == "/tools/" and "*" not in at
    }


def test_a_name_behind_an_alias_has_the_line_of_the_alias() -> None:
    """The list was written elsewhere, and it is this place that hides."""
    rule = "{conditions: [{path: args.a, op: in, value: &a [paid]}], on_deny: No.}"
    text = f'version: "1"\ndefault: deny\ntools:\n  pay: {{deny_if: [{rule}]}}\nhide: *a\n'
    found = unknown_tools(load(text, name="aliased"), ["pay"])
    assert [(problem.pointer, problem.line) for problem in found] == [("/hide/0", 5)]
