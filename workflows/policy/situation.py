"""What is known of a call beside what the agent said of it: who asks, when, about which tool, and how much of a counter is used.

Whatever is not known is None, and a condition that asks for it cannot tell: it fails closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from workflows.calls import JSON

CATEGORIES: Final = ("Read", "Write", "Execute", "Destructive", "Financial", "Other")
RISKS: Final = ("Low", "Medium", "High", "Critical")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HINTS: Final[Mapping[str, bool]] = MappingProxyType(
    {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True}
)
"""The annotations of MCP, and what each one means where the server says nothing."""


@dataclass(frozen=True, slots=True)
class KnownTool:
    """What a tool's definition says: the catalogue's category, risk and signals (sentences), and the server's own annotations.

    `sha256` (hex) names the definition as the server lists it now. `changed` tells how that differs from the one that was accepted, as
    lines of a difference; it is empty when nothing changed. `partial` says that more changed than the difference shows.
    """

    category: str
    risk: str
    signals: tuple[str, ...] = ()
    annotations: Mapping[str, JSON] = field(default_factory=dict)
    sha256: str = ""
    changed: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks (the grant's label and owner), when (aware), about which tool; and of counters what is used, in units, by their identity."""

    label: str | None = None
    owner: str | None = None
    at: datetime | None = None
    tool: KnownTool | None = None
    used: Mapping[str, int] = field(default_factory=dict)


UNKNOWN: Final = Situation()
