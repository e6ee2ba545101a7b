"""Draws PolicyLayer v1 documents as the original has them, for the properties that hold for all of them."""

from hypothesis import strategies as st

from tests.unit.workflows.policy.intercept_documents import TOOLS, UNKNOWN_TOOL, WINDOWS, conditions
from workflows.calls import JSON

_words = st.sampled_from(["No.", "Not so", "Never"])
_predicates: st.SearchStrategy[list[dict[str, JSON]]] = st.lists(
    st.builds(lambda tests, said: {"conditions": tests, "on_deny": said}, st.lists(conditions, max_size=2), _words), max_size=2
)


@st.composite
def _limits(draw: st.DrawFn) -> list[JSON]:
    names = draw(st.lists(st.sampled_from(["calls", "per-minute", "a.b"]), unique=True, max_size=2))
    return [{"counter": name, "window": draw(st.sampled_from(WINDOWS)), "max": draw(st.integers(1, 4)), "scope": "grant"} for name in names]


@st.composite
def _entry(draw: st.DrawFn) -> dict[str, JSON]:
    entry: dict[str, JSON] = {}
    for key in ("require", "deny_if"):
        if draw(st.booleans()):
            entry[key] = list(draw(_predicates))
    if draw(st.booleans()):
        entry["limits"] = draw(_limits())
    return entry


@st.composite
def documents(draw: st.DrawFn) -> dict[str, JSON]:
    """Draw a valid document without anything that only Askfirst has."""
    names = draw(st.lists(st.sampled_from(TOOLS), unique=True, max_size=3))
    document: dict[str, JSON] = {
        "version": "1",
        "default": draw(st.sampled_from(["allow", "deny"])),
        "tools": {name: draw(_entry()) for name in names},
    }
    if draw(st.booleans()):
        document["hide"] = list(draw(st.lists(st.sampled_from([*TOOLS, UNKNOWN_TOOL, "*"]), unique=True, max_size=1)))
    if draw(st.booleans()):
        document["all_tools"] = {"limits": draw(_limits())}
    return document
