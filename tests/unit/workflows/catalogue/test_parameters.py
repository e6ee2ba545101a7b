"""Schemas are read in part, whatever they hold."""

from hypothesis import given

from tests.unit.workflows.catalogue.definitions import VALUES, category, taking
from workflows.calls import JSON
from workflows.catalogue import Category
from workflows.catalogue.parameters import DEEPEST, MOST_PARAMETERS, parameters


def test_parameters_are_read_with_what_is_said_of_them() -> None:
    """Those inside others too, after those at the top."""
    inner: JSON = {"type": "object", "properties": {"url": {"type": "string", "description": "Where to."}}}
    found = parameters(taking("a", target=inner, ids={"type": ["array", "null"]}, op={"enum": ["x", 5, "y"]}))
    assert found.count == 4
    assert [(each.name, each.top, each.many) for each in found.read] == [
        ("a", True, False),
        ("target", True, False),
        ("ids", True, True),
        ("op", True, False),
        ("url", False, False),
    ]
    assert found.read[-1].text == "Where to."
    assert found.read[3].choices == ("x", "y")


@given(VALUES)
def test_no_schema_raises(schema: JSON) -> None:
    """What is none takes nothing."""
    assert len(parameters(schema).read) <= MOST_PARAMETERS


def test_ten_thousand_parameters_are_counted_and_three_hundred_read() -> None:
    """The work does not grow with them."""
    found = parameters(taking(*(f"p{number}" for number in range(10_000))))
    assert (found.count, len(found.read)) == (10_000, MOST_PARAMETERS)


def test_a_deep_schema_is_read_to_a_depth() -> None:
    """What is deeper is not looked at."""
    schema = taking("last")
    for _ in range(1_000):
        schema = {"properties": {"inside": schema}}
    assert len(parameters(schema).read) == DEEPEST


def test_choices_are_found_where_each_is_a_constant() -> None:
    """As some libraries write an enumeration."""
    assert parameters(taking(op={"anyOf": [{"const": "list"}, {"const": "delete"}, 5]})).read[0].choices == ("list", "delete")


def test_the_worst_that_can_be_chosen_counts() -> None:
    """A tool of many actions is as bad as its worst."""
    actions: JSON = {"type": "string", "enum": ["list", "get", "delete"]}
    assert category("items", "Items of the shop.", taking(action=actions)) is Category.DESTRUCTIVE
    assert category("items", "Items of the shop.", taking(colour=actions)) is not Category.DESTRUCTIVE
    assert category("http_client", "HTTP", taking(method={"enum": ["GET", "POST", "PUT", "DELETE"]})) is Category.EXECUTE


def test_an_amount_and_a_recipient_make_a_payment() -> None:
    """Where the verb moves something."""
    assert category("wallet_tool", "Send to an address.", taking("amount", "recipient")) is Category.FINANCIAL
    assert category("get_rate", "Get a rate.", taking("amount", "currency")) is Category.READ


def test_a_statement_that_is_run_executes() -> None:
    """Unless it is said to read only."""
    assert category("zorp", "", taking("sql")) is Category.EXECUTE
