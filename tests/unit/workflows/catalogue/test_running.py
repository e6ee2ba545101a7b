"""A tool that runs what it is given is asked about, even where it is called a reader."""

import pytest

from tests.unit.workflows.catalogue.definitions import taking, tool
from workflows.calls import JSON
from workflows.catalogue import Category, Risk, SignalKind, entry_for
from workflows.catalogue.parameters import parameters
from workflows.catalogue.running import runs, switched


@pytest.mark.parametrize(
    "description",
    [
        "Gets facts by running the given shell command.",
        "Reads a setting, passing the argument to the shell.",
        "Reads the data: executes arbitrary read-only SQL.",
        "Shows a property. Can invoke any method on the object.",
        "Reads a model. Loads a pickle.",
        "Gets from the service; any HTTP method is taken.",
        "Reads the graph with a query or mutation.",
        "Gets a sum; the formula goes to eval().",
        "Gets an object and can invoke a method.",
        "Gets a page with /bin/sh.",
        "Evaluates the JavaScript you pass in.",
        "Gets a list by executing a remote command.",
        "Reads the data. Takes INSERT, UPDATE and DELETE.",
    ],
)
def test_a_description_that_says_so_is_believed(description: str) -> None:
    """It stays what it is called, with a high risk, and people are asked."""
    found = tool("get_thing", description)
    assert runs(description, parameters({}), Category.READ)
    if found.category is Category.READ:
        assert (found.has(SignalKind.RUNS), found.risk) == (True, Risk.HIGH)
    assert "require_approval" in entry_for(found)


@pytest.mark.parametrize(
    "description",
    [
        "Lists the commands that users can call.",
        "Reads the file. It never executes any code.",
        "Returns how a query is evaluated.",
        "Lists the methods of a class.",
        "Explains pickles and other preserves.",
        "Searches code for a function call.",
        "Reads the data. INSERT and DELETE are blocked.",
    ],
)
def test_what_is_only_spoken_of_is_not_run(description: str) -> None:
    """A word for code is no code."""
    assert runs(description, parameters({}), Category.READ) == ()


@pytest.mark.parametrize(
    ("more", "held"),
    [
        ({"command": {"type": "string"}}, True),
        ({"shell": {"type": "string"}}, True),
        ({"code": {"type": "string", "description": "What to work out"}}, True),
        ({"code": {"type": "string", "description": "The country code"}}, False),
        ({"airport_code": {"type": "string"}}, False),
        ({"command": {"type": "string", "enum": ["a", "b"]}}, False),
        ({"host": {"type": "string", "description": "Put into the command as it stands"}}, True),
        ({"method": {"type": "string"}, "path": {"type": "string"}}, True),
        ({"method": {"type": "string", "description": "How to count"}}, False),
        ({"method": {"type": "string", "description": "GET or DELETE"}}, True),
    ],
)
def test_a_reader_that_takes_a_program_or_a_method_is_asked_about(more: dict[str, JSON], *, held: bool) -> None:
    """A code to type in, and a choice of two, are none."""
    assert ("require_approval" in entry_for(tool("get_thing", "Gets a thing.", taking(**more)))) is held


@pytest.mark.parametrize(
    ("more", "held"),
    [
        ({"delete_source": {"type": "boolean"}}, True),
        ({"tidy": {"type": "boolean", "description": "If true, deletes what was read"}}, True),
        ({"include_deleted": {"type": "boolean"}}, False),
        ({"deleted": {"type": "boolean", "description": "Whether deleted ones are listed"}}, False),
        ({"then": {"enum": ["keep", "erase"]}}, True),
        ({"event": {"enum": ["create", "delete"]}}, False),
        ({"next": {"type": "string", "default": "purge"}}, True),
        ({"operation": {"type": "string", "description": "One of: show, refund"}}, True),
    ],
)
def test_a_parameter_that_can_delete_or_pay_is_asked_about(more: dict[str, JSON], *, held: bool) -> None:
    """A filter by what happened is none."""
    schema = taking(**more)
    assert bool(switched(parameters(schema), Category.READ)) is held
    assert ("require_approval" in entry_for(tool("get_thing", "Gets a thing.", schema))) is held


def test_what_executes_or_deletes_anyway_needs_no_signal_for_it() -> None:
    """Its category tells."""
    assert runs("Executes any command.", parameters({}), Category.EXECUTE) == ()
    assert switched(parameters(taking(purge={"type": "boolean"})), Category.DESTRUCTIVE) == ()
