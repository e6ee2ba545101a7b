"""How many states a search for a pattern can be in. Law: what is not understood here counts as many.

RE2 searches a text in time in proportion to its length, but by two engines: one reads a byte in a few nanoseconds whatever the pattern,
and gives up where it would have to remember too many states; the other then needs a step for each instruction of the pattern at each
byte. With `a.{500}c` and a text of a megabyte that is the difference between two milliseconds and seven seconds. So patterns are looked
at before they are used: the states of the first engine are counted, by the same construction, and only as far as they are few.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

from workflows.patterns.reading import Assertion, Node, NotUnderstood, Ranges, read

FEW: Final = 500
"""Patterns with at most so many states are searched for by the first engine alone."""

_MOST_IN_WORDS: Final = 5_000  # letters
_MOST_INSTRUCTIONS: Final = 2_000
_MOST_STEPS: Final = 40_000
_LAST: Final = 0x10FFFF

_Set: TypeAlias = frozenset[int]


def has_few_states(pattern: str) -> bool:
    """Tell whether a search for an RE2 pattern, begun anywhere in a text, can be in few states only. A tenth of a second at the most."""
    try:
        root = read(pattern)
        return _are_few_words(root) or Machine(root).states() <= FEW
    except NotUnderstood:
        return False


def _are_few_words(root: Node) -> bool:
    """Tell a list of words, maybe with the same before and after each: a search knows at most how much of which word it has read."""
    flat = _flat(root)
    choices = [each.choices for each in flat if each.choices]
    words = [_flat(each) for each in (choices[0] if choices else ())]
    inside = [each for word in words for each in word]
    if (
        len(choices) > 1
        or any(each.repeated is not None for each in flat)
        or any(each.repeated is not None or each.choices for each in inside)
    ):
        return False
    letters = [each.ranges for each in (*flat, *inside) if each.ranges is not None]
    around = sum(each.ranges is not None for each in flat)
    return len(inside) + around * max(1, len(words)) <= _MOST_IN_WORDS and _are_apart(letters)


def _flat(node: Node) -> list[Node]:
    """Give the parts of a part, one after the other."""
    return [inner for each in node.parts for inner in _flat(each)] if node.parts else [node] if node != Node() else []


def _are_apart(letters: list[Ranges]) -> bool:
    """Tell whether any two kinds of letters are the same or have no letter in common."""
    kinds = sorted({(first, last, kind) for kind in {tuple(sorted(set(ranges))) for ranges in letters} for first, last in kind})
    return all(before[1] < after[0] or before[2] == after[2] for before, after in pairwise(kinds))


@dataclass(slots=True)
class _Step:
    """One instruction: a character that is looked for, a place that must be there, or only a fork in the way."""

    next: tuple[int, ...]
    ranges: Ranges | None = None
    assertion: Assertion | None = None


@dataclass(slots=True)
class Machine:
    """A pattern as a machine that is in several places at once."""

    root: Node
    steps: list[_Step] = field(default_factory=list)
    work: int = 0

    def states(self) -> int:
        """Count the sets of places that it can be in, up to one more than are few."""
        end = self._add(_Step(()))
        start = self._build(self.root, end)
        asserting = any(step.assertion is not None for step in self.steps)
        letters = self._letters(_WORD if asserting else ())
        matched = [
            frozenset(n for n, step in enumerate(self.steps) if step.ranges is not None and _holds(step.ranges, each)) for each in letters
        ]
        first: tuple[_Set, int] = (frozenset(), _BEGIN if asserting else 0)
        seen, waiting = {first}, [first]
        while waiting and len(seen) <= FEW:
            places, before = waiting.pop()
            for number, letter in enumerate(letters):
                reached = self._reach(places | {start}, before, letter)
                after = frozenset(self.steps[place].next[0] for place in reached & matched[number])
                state = (after, _sort(letter) if asserting else 0)
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
        return len(seen)

    def finds(self, text: str) -> bool:
        """Tell whether the pattern is found in a text: what the states stand for."""
        end = self._add(_Step(()))
        start = self._build(self.root, end)
        places: _Set = frozenset()
        before = _BEGIN
        for letter in [*map(ord, text), _END]:
            reached = self._reach(places | {start}, before, letter)
            if end in reached:
                return True
            places = frozenset(self.steps[place].next[0] for place in reached if _holds(self.steps[place].ranges or (), letter))
            before = _sort(letter)
        return False

    def _add(self, step: _Step) -> int:
        if len(self.steps) >= _MOST_INSTRUCTIONS:
            raise NotUnderstood
        self.steps.append(step)
        return len(self.steps) - 1

    def _build(self, node: Node, after: int) -> int:
        """Add the instructions of a part of the pattern, from its end to its beginning, and give where it begins."""
        if node.ranges is not None:
            return self._add(_Step((after,), ranges=node.ranges))
        if node.assertion is not None:
            return self._add(_Step((after,), assertion=node.assertion))
        if node.choices:
            return self._add(_Step(tuple(self._build(each, after) for each in node.choices)))
        if node.repeated is not None:
            return self._repeat(node.repeated, node.least, node.most, after)
        for each in reversed(node.parts):
            after = self._build(each, after)
        return after

    def _repeat(self, node: Node, least: int, most: int | None, after: int) -> int:
        begin = after
        if most is None:
            begin = self._add(_Step(()))
            self.steps[begin].next = (self._build(node, begin), after)
        else:
            for _ in range(most - least):
                begin = self._add(_Step((self._build(node, begin), after)))
        for _ in range(least):
            begin = self._build(node, begin)
        return begin

    def _letters(self, more: Ranges) -> list[int]:
        """Give one character for each kind that the pattern tells apart."""
        bounds = {0, ord("\n"), ord("\n") + 1} if more else {0}
        for first, last in [*(each for step in self.steps for each in step.ranges or ()), *more]:
            bounds |= {first, last + 1}
        return sorted(bound for bound in bounds if bound <= _LAST)

    def _reach(self, places: _Set, before: int, letter: int) -> set[int]:
        """Find every place that is reached without reading the next letter."""
        reached: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place in reached:
                continue
            self.work += 1
            if self.work > _MOST_STEPS:
                raise NotUnderstood
            reached.add(place)
            step = self.steps[place]
            if step.ranges is None and (step.assertion is None or _is_met(step.assertion, before, letter)):
                waiting += step.next
        return reached


_WORD: Final[Ranges] = ((ord("0"), ord("9")), (ord("A"), ord("Z")), (ord("_"), ord("_")), (ord("a"), ord("z")))
_BEGIN, _LINE, _OTHER, _LETTER = -1, 0, 1, 2
_END: Final = -1


def _holds(ranges: Ranges, letter: int) -> bool:
    return any(first <= letter <= last for first, last in ranges)


def _sort(letter: int) -> int:
    """Tell what assertions after a character can tell apart."""
    return _LETTER if _holds(_WORD, letter) else _LINE if letter == ord("\n") else _OTHER


def _is_met(assertion: Assertion, before: int, letter: int) -> bool:
    """Tell whether an assertion holds between what was before and the character that follows."""
    if assertion is Assertion.BEGIN_OF_TEXT:
        return before == _BEGIN
    if assertion is Assertion.BEGIN_OF_LINE:
        return before in {_BEGIN, _LINE}
    if assertion is Assertion.END_OF_LINE:
        return letter in {_END, ord("\n")}
    if assertion is Assertion.END_OF_TEXT:
        return letter == _END
    return (before == _LETTER) is not (_sort(letter) == _LETTER)
