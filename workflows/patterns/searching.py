"""Searching a text for a pattern: RE2, with a bound on the work of each search."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import re2

from workflows.patterns.states import has_few_states

LONGEST: Final = 10_000
"""How many characters a pattern may have."""

MOST_WORK: Final = 500_000
"""How many steps a search may take where RE2 needs one for each instruction of the pattern at each byte: a few milliseconds."""

_MEANINGFUL: Final = frozenset(r"\.+*?()|[]{}^$")
_LARGEST: Final = 5_000  # instructions, so that a text of a hundred bytes can be searched for any pattern
_MEMORY: Final = 1 << 23
_LITTLE_MEMORY: Final = 1 << 16
_FOR_EACH_INSTRUCTION: Final = 64


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. `longest` is how many bytes of text it is searched for in; None: in any number."""

    text: str
    longest: int | None
    search: Callable[[bytes], bool | None]
    """Tells whether it is found anywhere in a text of UTF-8; None when the text is too long for it."""


def why_no_pattern(text: str) -> str | None:
    """Say why a text is no pattern that can be searched for, and what to write, or None when it is one."""
    if len(text) > LONGEST:
        return f"The pattern is longer than {LONGEST:,} characters: write a shorter one."
    try:
        size: int = _compiled(text, _MEMORY).programsize
    except re2.error as error:
        cause = error.args[0] if error.args else error
        reason = cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)
        return f"The pattern is not RE2 ({reason}): RE2 has no look-around and no back-references, and bounds repetition to 1,000."
    if size > _LARGEST:
        return f"The pattern is compiled to {size:,} instructions, and {_LARGEST:,} are the most: repeat less, or smaller classes."
    return None


def escaped(text: str) -> str:
    """Write the pattern that finds this text, and nothing else."""
    return "".join(f"\\{each}" if each in _MEANINGFUL else each for each in text)


@lru_cache(maxsize=1_024)
def pattern(text: str) -> Pattern:
    """Compile a pattern; it must have passed `why_no_pattern`."""
    if has_few_states(text):
        return Pattern(text, None, _by_states(text))
    size: int = _compiled(text, _MEMORY).programsize
    longest = MOST_WORK // size
    return Pattern(text, longest, _by_steps(text, size, longest))


def _by_states(text: str) -> Callable[[bytes], bool | None]:
    """Search with the engine that goes from state to state. It finds the end of the text too, unless it has given up."""
    both = re2.Set.SearchSet(_options(_MEMORY))
    wanted, _ = both.Add(text.encode()), both.Add(rb"\z")
    both.Compile()
    return _telling(both.Match, wanted)


def _telling(match: Callable[[bytes], Any], wanted: int) -> Callable[[bytes], bool | None]:
    def search(raw: bytes) -> bool | None:
        found = match(raw)
        return wanted in found if found else None

    return search


def _by_steps(text: str, size: int, longest: int) -> Callable[[bytes], bool | None]:
    """Search with either engine in texts that are short enough for the slower one."""
    find = _compiled(text, _LITTLE_MEMORY + _FOR_EACH_INSTRUCTION * size).search
    return lambda raw: find(raw) is not None if len(raw) <= longest else None


def _compiled(text: str, memory: int) -> Any:  # noqa: ANN401  # re2 ships no types
    return re2.compile(text.encode(), _options(memory))


def _options(memory: int) -> Any:  # noqa: ANN401  # re2 ships no types
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = memory
    return options
