"""Is a tool still what it was when somebody trusted it? Its definition is pinned when first seen, and a change waits for a person."""

from workflows.definitions.comparing import Change, Comparison, accept_listed, compare
from workflows.definitions.differing import difference
from workflows.definitions.listed import Listed, core, digest, entries, keepable, listed, short, written
from workflows.definitions.memory import OWN, SHOWN_FOR, Definitions, describe, prepare, shadows
from workflows.definitions.pins import Observed, Pin, accept, find, observe, rows, stamp

__all__ = [
    "OWN",
    "SHOWN_FOR",
    "Change",
    "Comparison",
    "Definitions",
    "Listed",
    "Observed",
    "Pin",
    "accept",
    "accept_listed",
    "compare",
    "core",
    "describe",
    "difference",
    "digest",
    "entries",
    "find",
    "keepable",
    "listed",
    "observe",
    "prepare",
    "rows",
    "shadows",
    "short",
    "stamp",
    "written",
]
