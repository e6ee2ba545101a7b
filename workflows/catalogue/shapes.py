"""What the catalogue says of a tool: values that are made once and never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workflows.calls import JSON


class Category(StrEnum):
    """What a tool does to the world."""

    READ = "Read"
    WRITE = "Write"
    EXECUTE = "Execute"
    DESTRUCTIVE = "Destructive"
    FINANCIAL = "Financial"
    OTHER = "Other"

    @property
    def rank(self) -> int:
        """How much care it asks for, from 0. Destruction and money ask for the same; what is not known comes before Read."""
        return _CARE[self]

    @property
    def grave(self) -> bool:
        """Whether a mistake costs data or money for good."""
        return self in (Category.DESTRUCTIVE, Category.FINANCIAL)


_CARE = {
    Category.OTHER: 0,
    Category.READ: 1,
    Category.WRITE: 2,
    Category.EXECUTE: 3,
    Category.DESTRUCTIVE: 4,
    Category.FINANCIAL: 4,
}


class Risk(StrEnum):
    """How bad a wrong call can be. Risks compare by that, not by their letters."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    CRITICAL = "Critical"

    @property
    def rank(self) -> int:
        """The place in the order, from 0."""
        return _RISKS.index(self)

    def at_least(self, other: "Risk") -> bool:
        """Whether this is `other` or worse."""
        return self.rank >= other.rank

    def raised(self) -> "Risk":
        """Give the next worse one; the worst stays."""
        return _RISKS[min(self.rank + 1, len(_RISKS) - 1)]

    def __lt__(self, other: str) -> bool:
        return self.rank < other.rank if isinstance(other, Risk) else str(self) < other

    def __le__(self, other: str) -> bool:
        return self.rank <= other.rank if isinstance(other, Risk) else str(self) <= other

    def __gt__(self, other: str) -> bool:
        return self.rank > other.rank if isinstance(other, Risk) else str(self) > other

    def __ge__(self, other: str) -> bool:
        return self.rank >= other.rank if isinstance(other, Risk) else str(self) >= other


_RISKS = tuple(Risk)


class SignalKind(StrEnum):
    """What a signal is about."""

    BULK = "bulk"
    CODE = "code"
    URL = "url"
    CREDENTIALS = "credentials"
    PATH = "path"
    HTML = "html"
    INFRASTRUCTURE = "infrastructure"
    PARAMETERS = "parameters"
    HIDDEN_TEXT = "hidden_text"
    INSTRUCTIONS = "instructions"
    BESIDES = "besides"
    RUNS = "runs"
    SHADOWED = "shadowed"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Signal:
    """A reason for care, whatever the category. `words` are the very words that made it, with nothing unseen in them."""

    kind: SignalKind
    sentence: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Classified:
    """One tool: what it does, how bad a wrong call can be, and the sentences that say why, each quoting what decided.

    `annotations` are as the server wrote them, shortened; `contradictions` say where they contradict the text.
    """

    tool: str
    category: Category
    risk: Risk
    signals: tuple[Signal, ...]
    evidence: tuple[str, ...]
    annotations: Mapping[str, JSON]
    contradictions: tuple[str, ...]

    def has(self, *kinds: SignalKind) -> bool:
        """Whether it has a signal of one of these kinds."""
        return any(signal.kind in kinds for signal in self.signals)
