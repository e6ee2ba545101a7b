"""What a server claims is shown, held against the text, and can only raise."""

from tests.unit.workflows.catalogue.definitions import tool
from workflows.calls import JSON
from workflows.catalogue import Category, SignalKind, classify
from workflows.catalogue.annotations import MOST


def test_annotations_are_shown_as_they_are_written() -> None:
    """Shortened, and with nothing unseen."""
    found = tool("get_user", readOnlyHint=True, title="A\u202eB", more={"a": [1]}, count=3, big=2**70, none=None).annotations
    assert found == {"readOnlyHint": True, "title": "A\\u{202E}B", "more": "{'a': [1]}", "count": 3, "big": str(2**70), "none": None}
    many: dict[str, JSON] = {f"a{number}": True for number in range(100)}
    assert len(classify({"name": "get_user", "annotations": many}).annotations) == MOST
    assert classify({"name": "get_user", "annotations": ["readOnlyHint"]}).annotations == {}


def test_a_tool_that_admits_to_destroy_is_destructive() -> None:
    """Also one whose text says nothing, or that it reads."""
    assert tool("zorp", destructiveHint=True).category is Category.DESTRUCTIVE
    assert tool("get_user", destructiveHint=True).category is Category.DESTRUCTIVE
    assert tool("update_user", destructiveHint=True).category is Category.WRITE
    assert tool("zorp", readOnlyHint=False).category is Category.WRITE


def test_a_contradiction_is_told_with_the_words() -> None:
    """People see which of the two says what."""
    found = tool("delete_user", "Deletes a user.", readOnlyHint=True, destructiveHint=False)
    assert found.contradictions == (
        'readOnlyHint is true, but the name says "delete"',
        'destructiveHint is false, but the name says "delete"',
    )
    assert found.has(SignalKind.CONTRADICTION)
    assert tool("get_user", "Gets a user.", readOnlyHint=False).contradictions == ('readOnlyHint is false, but the name says "get"',)


def test_claims_that_fit_are_no_contradiction() -> None:
    """Neither is a claim that is made of text."""
    assert tool("get_user", readOnlyHint=True).contradictions == ()
    assert tool("delete_user", destructiveHint=True, readOnlyHint=False).contradictions == ()
    assert tool("delete_user", readOnlyHint="yes").contradictions == ()
    assert tool("run_report", "Runs a report.", readOnlyHint=True).contradictions == ()
