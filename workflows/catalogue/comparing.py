"""What only the siblings show: a name listed twice, names that look alike, names that another server has too."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from workflows.calls import JSON
from workflows.catalogue.classifying import classify
from workflows.catalogue.hidden import quoted
from workflows.catalogue.shapes import Classified, Signal, SignalKind
from workflows.catalogue.tokens import skeleton, words

SHORTEST_TYPO: Final = 5  # one letter makes another word of a shorter one: get and set, file and tile
LONGEST_TYPO: Final = 32
_MOST_IN_A_BUCKET: Final = 8
_NO_SERVERS: Final[Mapping[str, Collection[str]]] = MappingProxyType({})


def classify_all(
    definitions: Sequence[Mapping[str, JSON]], *, other_servers: Mapping[str, Collection[str]] = _NO_SERVERS
) -> tuple[Classified, ...]:
    """Classify a whole tools/list. `other_servers` are the tool names of the servers beside this one, by server."""
    tools = [classify(definition) for definition in definitions]
    found = _among([tool.tool for tool in tools])
    _with_others(found, {tool.tool for tool in tools}, other_servers)
    return tuple(replace(tool, signals=tool.signals + tuple(found[tool.tool])) if tool.tool in found else tool for tool in tools)


def _shadowed(sentence: str, *names: str) -> Signal:
    return Signal(SignalKind.SHADOWED, sentence, tuple(quoted(name) for name in names))


def _among(names: Sequence[str]) -> defaultdict[str, list[Signal]]:
    found: defaultdict[str, list[Signal]] = defaultdict(list)
    looks: dict[str, str] = {}
    for name, count in Counter(names).items():
        if count > 1:
            found[name].append(_shadowed(f"The name is listed {count} times", name))
        other = looks.setdefault(skeleton(name), name)
        if other != name and skeleton(name):
            found[name].append(_shadowed(f"The name looks like {quoted(other)}", name, other))
            found[other].append(_shadowed(f"The name looks like {quoted(name)}", other, name))
    for name, other in _typos(list(dict.fromkeys(names))):
        found[name].append(_shadowed(f"The name is one letter from {quoted(other)}", name, other))
        found[other].append(_shadowed(f"The name is one letter from {quoted(name)}", other, name))
    return found


def _with_others(found: defaultdict[str, list[Signal]], names: Collection[str], others: Mapping[str, Collection[str]]) -> None:
    looks = {skeleton(name): name for name in names}
    for server, taken in others.items():
        for other in sorted({*taken}):
            if other in names:
                found[other].append(_shadowed(f"The server {quoted(server)} has a tool of this name too", other))
            elif (name := looks.get(skeleton(other))) and not (name.isascii() and other.isascii()):
                found[name].append(_shadowed(f"The name looks like {quoted(other)} of the server {quoted(server)}", name, other))


def _typos(names: Sequence[str]) -> list[tuple[str, str]]:
    """Find the pairs of names that differ by one letter inside one long word; an ending makes a plural, not a trap."""
    buckets: defaultdict[tuple[tuple[str, ...], int, str], list[tuple[str, str]]] = defaultdict(list)
    pairs: dict[tuple[str, str], None] = {}
    for name in names:
        parts = words(name)
        for place, word in enumerate(parts):
            if not SHORTEST_TYPO <= len(word) <= LONGEST_TYPO or not word.isalpha():
                continue
            rest = parts[:place] + parts[place + 1 :]
            for variant in {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}:
                bucket = buckets[rest, place, variant]
                for other, other_name in bucket:
                    if _one_letter(word, other):
                        pairs.setdefault((other_name, name))
                if len(bucket) < _MOST_IN_A_BUCKET:
                    bucket.append((word, name))
    return list(pairs)


def _one_letter(word: str, other: str) -> bool:
    """Whether two words differ by one letter that is changed, or by one that is too many inside."""
    if len(word) == len(other):
        different = [at for at in range(len(word)) if word[at] != other[at]]
        swapped = len(different) == 2 and word[different[0]] == other[different[1]] and word[different[1]] == other[different[0]]  # noqa: PLR2004  # two letters
        return (len(different) == 1 and different[0] < len(word) - 1) or (swapped and different[1] == different[0] + 1)
    short, long = sorted((word, other), key=len)
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long) - 1)) and not long.startswith(short)
