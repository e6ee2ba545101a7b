"""Tool names against names and patterns. `*` stands for any run of characters, also none; every other character is itself.

Matching takes time in proportion to the name: each fixed part is searched once, from where the one before it ended.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

Matcher: TypeAlias = Callable[[str], bool]


def is_pattern(text: str, *, literal: bool = False) -> bool:
    """Tell a pattern from a plain name. In a `literal` document the only pattern is a lone `*`."""
    return text == "*" if literal else "*" in text


def matcher(pattern: str) -> Matcher:
    """Compile a name or pattern into a test of a tool's name."""
    if not is_pattern(pattern):
        return lambda tool: tool == pattern
    first, *middle, last = pattern.split("*")
    parts = [part for part in middle if part]
    least = len(first) + len(last)

    def matches(tool: str) -> bool:
        if len(tool) < least or not tool.startswith(first) or not tool.endswith(last):
            return False
        position, end = len(first), len(tool) - len(last)
        for part in parts:
            found = tool.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True

    return matches


def any_of(patterns: Iterable[str], *, literal: bool = False) -> Matcher:
    """Compile names and patterns into one test: whether any of them matches."""
    listed = list(patterns)
    names = frozenset(text for text in listed if not is_pattern(text, literal=literal))
    tests = [matcher(text) for text in listed if is_pattern(text, literal=literal)]
    return lambda tool: tool in names or any(test(tool) for test in tests)
