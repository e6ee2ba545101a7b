r"""JSON text laid out for a person who has to judge it: all of it, in its own order, and in no way other than it is.

Law: nothing is left out, reordered or re-spelled, except that strings are shown with their characters instead of `\uXXXX`
escapes, and that a character which hides, reorders or stacks is written out. Pure: bytes in, values out.
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from workflows.calls import parse_json
from workflows.errors import Malformed
from workflows.redaction import NOTHING, Hidden, Redaction, hide_in, visible

RICH_LINES = 4_000  # beyond this many lines the layout is one block of plain text: whole, but without colours
_MAX_DEPTH = 500  # the gateway lets through far less
_INDENT_LEVELS = 40  # plain text is indented no further; a deeper line says its depth
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_PART = re.compile(r'\\u\{[0-9A-F]+\}|\\u[0-9a-f]{4}|\\[\\"]|\\[bfnrt]')
_WORD = re.compile(r"[^\W\d_]{2,}(?:[.@][^\W\d_]{2,})*")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN", "HEBREW")


class Piece(NamedTuple):
    """A run of one kind: key, string, number, word, mark (punctuation), escape, unsafe, or newline (shown, then the line breaks)."""

    kind: str
    text: str


class Line(NamedTuple):
    """One line and how deep it is nested."""

    depth: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON text as it is shown. Either `lines` or `plain` holds the layout; `exact` is the stored text itself."""

    lines: tuple[Line, ...]
    plain: str
    exact: str
    size: int  # bytes
    sha256: str  # hex, of the stored bytes; empty when something is hidden, because a short secret can be guessed from it
    unsafe: tuple[str, ...]  # one sentence part for each kind of character that was written out
    mixed: tuple[str, ...]  # words that mix alphabets
    problem: str | None  # why there is no layout, when there is none
    hidden: bool = False  # something was replaced, so this is not the stored text
    secrets: bool = False  # of that, what looks like a secret
    words: bool = False  # of that, more than tokens
    by: tuple[str, ...] = ()  # what the rules of a policy hide from those who do not decide, also where this reader sees it


def lay_out(raw: bytes, *, hide: bool = False, rules: Redaction = NOTHING) -> Document:
    """Lay out a stored JSON text; what is not JSON is shown exactly and says so.

    `hide` is for readers who do not decide: then secrets are hidden, and what `rules` say. They are the rules of the arguments; for any
    other text they are taken by `Redaction.beyond`.
    """
    safe, hidden = _hidden(raw, rules) if hide or rules != NOTHING else (raw, None)
    shown = safe if hide else raw
    text = shown.decode("utf-8", "replace")
    seen = _Seen()
    problem = None
    lines: list[Line] = []
    try:
        parse_json(shown, max_depth=_MAX_DEPTH)
        lines = list(_lines(_TOKEN.findall(text), seen))
    except Malformed as error:
        problem = str(error)
    plain = ""
    if len(lines) > RICH_LINES:
        plain = "\n".join(_plain(line) for line in lines)
        lines = []
    return Document(
        lines=tuple(lines),
        plain=plain,
        exact=visible(text),
        size=len(raw),
        sha256=hashlib.sha256(raw).hexdigest() if shown == raw else "",
        unsafe=seen.sentences() if problem is None else _unsafe_in(text),
        mixed=tuple(sorted(seen.mixed)),
        problem=problem,
        hidden=shown != raw,
        secrets=hide and hidden is not None and hidden.secrets,
        words=hide and hidden is not None and hidden.words,
        by=hidden.by if hidden else (),
    )


def _hidden(raw: bytes, rules: Redaction) -> tuple[bytes, Hidden]:
    """The same text when there is nothing to hide in it, else its value with that hidden, written anew."""
    try:
        value = parse_json(raw, max_depth=_MAX_DEPTH)
        hidden = hide_in(value, rules)
    except (Malformed, RecursionError):
        hidden = hide_in(raw.decode("utf-8", "replace"), rules)
        return str(hidden.value).encode(), replace(hidden, words=hidden.secrets)  # hidden without being read: nobody knows what
    return raw if hidden.value == value else json.dumps(hidden.value, ensure_ascii=False, indent=1).encode(), hidden


def beyond(raw: bytes, rules: Redaction) -> Redaction:
    """What the rules for these stored arguments hide in other texts about the call, such as its answer."""
    if not rules.paths:
        return rules
    try:
        return rules.beyond(parse_json(raw, max_depth=_MAX_DEPTH))
    except (Malformed, RecursionError):
        return rules.beyond(raw.decode("utf-8", "replace"))


def preview(raw: bytes, rules: Redaction = NOTHING, *, limit: int = 140) -> str:
    """One line that reminds of the arguments, for lists where nothing is decided: secrets hidden, an ellipsis where it is cut."""
    text = _hidden(raw, rules)[0].decode("utf-8", "replace").strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    flat = visible(re.sub(r"\s+", " ", text))
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


class _Seen:
    """What a reader has to be warned of, gathered while the text is laid out."""

    def __init__(self) -> None:
        self.unsafe: Counter[str] = Counter()
        self.mixed: set[str] = set()

    def sentences(self) -> tuple[str, ...]:
        return tuple(f"{count} × {_name(code)}" for code, count in self.unsafe.most_common())  # noqa: RUF001  # a count times a thing


def _name(code: str) -> str:
    character = chr(int(code, 16))
    return f"U+{code} {unicodedata.name(character, 'control or unassigned character').lower()}"


def _unsafe_in(text: str) -> tuple[str, ...]:
    seen = _Seen()
    seen.unsafe.update(f"{ord(character):04X}" for character in text if visible(character) != character)
    return seen.sentences()


def _lines(tokens: list[str], seen: _Seen) -> Iterator[Line]:
    depth = 0
    line: list[Piece] = []
    closers: list[str] = []
    at = 0
    while at < len(tokens):
        part = tokens[at]
        if part in "[{":
            end = _flat_end(tokens, at)
            if end:
                line.extend(_flat(tokens[at : end + 1]))
                at = end
            else:
                line.append(Piece("mark", part))
                yield Line(depth, tuple(line))
                line = []
                depth += 1
                closers.append(part)
        elif part in "]}":
            yield Line(depth, tuple(line))
            depth -= 1
            closers.pop()
            line = [Piece("mark", part)]
        elif part == ",":
            line.append(Piece("mark", ","))
            yield Line(depth, tuple(line))
            line = []
        elif part == ":":
            line.append(Piece("mark", ": "))
        elif part[0] == '"':
            is_key = at + 1 < len(tokens) and tokens[at + 1] == ":"
            line.extend(_string(part, "key" if is_key else "string", seen))
        else:
            line.append(_scalar(part))
        at += 1
    if line:
        yield Line(depth, tuple(line))


def _scalar(part: str) -> Piece:
    return Piece("word" if part in {"true", "false", "null"} else "number", part)


def _flat_end(tokens: list[str], start: int) -> int:
    """Where a container ends that fits on one (wrapping) line: an empty one, or an array of numbers and words. 0 when it does not."""
    if tokens[start] == "{":
        return start + 1 if tokens[start + 1] == "}" else 0
    at = start + 1
    while tokens[at] != "]":
        if tokens[at][0] in '"[{':
            return 0
        at += 1
    return at


def _flat(tokens: list[str]) -> Iterator[Piece]:
    for part in tokens:
        if part in "[]{}":
            yield Piece("mark", part)
        elif part == ",":
            yield Piece("mark", ", ")
        else:
            yield _scalar(part)


def _string(text: str, kind: str, seen: _Seen) -> Iterator[Piece]:
    value = json.loads(text)
    if not value.isascii():
        seen.mixed.update(word for word in _WORD.findall(value) if _mixes(word))
    written = visible(json.dumps(value, ensure_ascii=False))
    start = 0
    for found in _PART.finditer(written):
        part = found.group()
        if part in {"\\\\", '\\"'}:
            continue
        if start < found.start():
            yield Piece(kind, written[start : found.start()])
        start = found.end()
        if part == "\\n":
            yield Piece("newline", part)
        elif part == "\\t":
            yield Piece("escape", part)
        else:
            seen.unsafe[_code(part)] += 1
            yield Piece("unsafe", part)
    yield Piece(kind, written[start:])


def _code(part: str) -> str:
    letters = {"b": "0008", "f": "000C", "r": "000D"}
    return letters.get(part[1:]) or part[2:].strip("{}").upper()


def _mixes(word: str) -> bool:
    """Tell whether letters of two alphabets stand in one word, as in a name made to look like another one."""
    if word.isascii():
        return False
    alphabets = {unicodedata.name(letter, "").partition(" ")[0] for letter in word if letter.isalpha()}
    return len(alphabets.intersection(_SCRIPTS)) > 1


def written(shown: Document) -> str:
    """Write the layout as plain text, line by line; what has no layout stands as it is."""
    if shown.problem is not None:
        return shown.exact
    return shown.plain or "\n".join(_plain(line) for line in shown.lines)


def _plain(line: Line) -> str:
    text = "".join("\\n\n" if piece.kind == "newline" else piece.text for piece in line.pieces)
    deeper = f"({line.depth}) " if line.depth > _INDENT_LEVELS else ""
    return "  " * min(line.depth, _INDENT_LEVELS) + deeper + text


_LEFT_OUT = re.compile(r"^(?:[+-] )?… \d+ more (?:lines|characters) are left out$", re.MULTILINE)


def is_partial(difference: str) -> bool:
    """Tell whether a difference of definitions was too long to be kept whole, which it says itself."""
    return _LEFT_OUT.search(difference) is not None
