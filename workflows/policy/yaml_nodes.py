"""YAML text as nodes: what is written where, before anything is said of what it means. An alias knows its node and is not written out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import yaml

from workflows.calls import MAX_DEPTH
from workflows.policy.shapes import Problem


class Kind(StrEnum):
    """What a node is."""

    SCALAR = "scalar"
    LIST = "list"
    MAPPING = "mapping"
    ALIAS = "alias"


@dataclass(slots=True, eq=False)
class Node:
    """A place of the text, in `line` (from 1): the text of a scalar or the name of an alias, and what a collection holds.

    A mapping holds its keys and values in turn. `target` is what an alias stands for: None when no anchor before it has its name.
    """

    kind: Kind
    line: int
    text: str = ""
    plain: bool = False
    tagged: bool = False
    members: list["Node"] = field(default_factory=list)
    target: "Node | None" = None

    def pairs(self) -> Iterator[tuple["Node", "Node"]]:
        """Give the keys of a mapping with their values."""
        return zip(self.members[::2], self.members[1::2], strict=False)

    @property
    def merges(self) -> bool:
        """Whether this key is the one that merges other mappings into its own."""
        return self.kind is Kind.SCALAR and self.plain and not self.tagged and self.text == "<<"


class TooDeepError(Exception):
    """Stops reading before nesting becomes a burden."""


@dataclass(slots=True)
class Tree:
    """The first document of a text, as far as it could be read, and what is wrong with the text."""

    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    whole: bool = False


def read(text: str) -> Tree:
    """Read YAML text up to its first syntax error."""
    tree = Tree()
    growing = _Growing(tree)

    def complain(line: int | None, message: str) -> None:
        tree.problems.append(Problem("", line, message))

    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            growing.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, [error.context, error.problem]))
        complain(mark.line + 1 if mark else None, f"The document is not YAML: {said}.")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        complain(line, f"The document is not YAML: the character U+{ord(text[error.position]):04X} may not stand in it.")
    except (TooDeepError, RecursionError):
        complain(None, f"The document is nested deeper than {MAX_DEPTH} levels: write it flatter.")
    except (ValueError, OverflowError):
        complain(None, "The document is not YAML: an escape in a text stands for no character.")
    else:
        tree.whole = True
    return tree


class _Growing:
    """A tree as it grows from YAML events, without recursion."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._open: list[Node] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents == 2:  # noqa: PLR2004  # the one after the first
                self._tree.problems.append(Problem("", line, "A second document starts here: write one policy in a file."))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._add(event, self._node(event, line))

    def _node(self, event: yaml.NodeEvent, line: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            return Node(Kind.ALIAS, line, name, target=self._anchors.get(name))
        tagged = getattr(event, "tag", None) is not None
        if isinstance(event, yaml.ScalarEvent):
            return Node(Kind.SCALAR, line, event.value, plain=event.style is None, tagged=tagged)
        return Node(Kind.LIST if isinstance(event, yaml.SequenceStartEvent) else Kind.MAPPING, line, tagged=tagged)

    def _add(self, event: yaml.NodeEvent, node: Node) -> None:
        opens = isinstance(event, yaml.CollectionStartEvent)
        if opens and len(self._open) >= MAX_DEPTH:
            raise TooDeepError
        if self._open:
            self._open[-1].members.append(node)
        elif self._documents == 1:
            self._tree.root = node
        if node.kind is not Kind.ALIAS and event.anchor is not None:
            self._anchors[event.anchor] = node
        if opens:
            self._open.append(node)
