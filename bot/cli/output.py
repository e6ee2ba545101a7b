"""Printing: tables on a terminal, aligned lines elsewhere.

Law: nothing reaches the terminal before its unseen characters are written out.

Results go to standard output, words about them to standard error, so that a result can be piped.
"""

import json
import sys
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from workflows.calls import JSON
from workflows.redaction import visible

_GAP = "  "


def say(text: str) -> None:
    """Print a result, line breaks kept."""
    print(visible(text))


def remark(text: str) -> None:
    """Print a word about the result to standard error."""
    print(visible(text), file=sys.stderr)


def one_line(text: str) -> str:
    """Write a text so that it stays on its line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def document(value: JSON) -> None:
    """Print JSON, in ASCII: what a terminal would act upon is an escape in it."""
    print(json.dumps(value, indent=2, ensure_ascii=True))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print rows under their columns; `empty` is said, to standard error, when there are none."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    if not cells:
        remark(empty)
    elif sys.stdout.isatty() and _width(columns, cells) <= Console().width:
        _drawn(columns, cells)
    elif sys.stdout.isatty():
        _stacked(columns, cells)
    else:
        _aligned([[column.upper() for column in columns], *cells])


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    return sum(max(map(cell_len, column)) + len(_GAP) for column in zip(columns, *rows, strict=True)) - len(_GAP)


def _stacked(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print each row below the one before, where columns would break names in the middle: they are there to be copied."""
    indent = max(map(cell_len, columns)) + len(":" + _GAP)
    for number, (first, second, *rest) in enumerate(rows):
        print("\n" * (number > 0) + first + _GAP + second)
        for column, cell in zip(columns[2:], rest, strict=True):
            if cell:
                print(f"{_GAP}{column + ':':<{indent}}{cell}")


def _drawn(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(Text(column), overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def _aligned(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(_GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip())
