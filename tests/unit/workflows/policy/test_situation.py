"""What is known beside the call."""

import pytest

from workflows.policy.paths import SUBJECTS
from workflows.policy.situation import CATEGORIES, HINTS, RISKS, UNKNOWN, WEEKDAYS, KnownTool, Situation


def test_nothing_is_known_unless_it_is_said() -> None:
    """Whoever says nothing knows nothing."""
    assert Situation() == UNKNOWN
    assert (UNKNOWN.label, UNKNOWN.owner, UNKNOWN.at, UNKNOWN.tool, UNKNOWN.used) == (None, None, None, None, {})


def test_a_tool_is_unchanged_unless_it_is_said() -> None:
    """A difference is told where there is one."""
    assert KnownTool("Read", "Low").changed == ""
    assert KnownTool("Read", "Low").annotations == {}


def test_the_annotations_mean_what_mcp_says_where_they_are_silent() -> None:
    """A server that says nothing of a tool is taken to write, to destroy and to reach out."""
    assert HINTS == {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True}
    with pytest.raises(TypeError):
        HINTS["readOnlyHint"] = True  # type: ignore[index]  # that is what is tested


def test_the_words_are_in_their_order() -> None:
    """Risks rise, and weeks begin on Monday, as `datetime.weekday` counts."""
    assert RISKS == ("Low", "Medium", "High", "Critical")
    assert (WEEKDAYS[0], WEEKDAYS[6], len(WEEKDAYS)) == ("monday", "sunday", 7)
    assert CATEGORIES[-1] == "Other"
    assert set(SUBJECTS) == {"args", "grant", "tool", "time"}
