"""The arguments of a call as Slack shows them: the whole in pages, and what a card has room for. Pure.

Law: each value is cut on its own, so that a long one pushes no other out of sight; where something is left out, it says how much.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.slack import cutting
from bot.slack.blocks import short, weight
from bot.slack.shapes import Arguments
from workflows.document import Document, lay_out, written
from workflows.redaction import NOTHING, Redaction, visible

CARD = 2000  # characters, as Slack counts them
CARD_LINES = 60
_LAYERS = (64, 8, 4, 2, 1)  # how deep lines are kept, the first that fits
_VALUES = (400, 160, 80, 40)  # characters of a value that are kept, the first that fits
_MIXED = "Words that mix alphabets"
_MOST = 200  # lines that are tried
_FIRST = (48, 24, 12)  # lines that are kept when nothing else helps; so few fit however long they are


@dataclass(frozen=True, slots=True)
class Laid:
    """Arguments, and what their reader has to be warned of."""

    arguments: Arguments
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    depth: int
    text: str


def lay(raw: bytes, rules: Redaction = NOTHING) -> Laid:
    """Lay out the stored arguments of a call, with secrets hidden and what the policy's rules hide."""
    document = lay_out(raw, hide=True, rules=rules)
    plain = written(document)
    whole = cutting.spaced(plain)
    short, hidden = (whole, "") if _fits(whole) else _cut(list(_logical(document, whole)))
    arguments = Arguments(
        text=whole,
        size=document.size,
        short=short,
        cut=bool(hidden),
        hidden=hidden,
        pages=tuple(cutting.pages(whole)),
        redacted=document.secrets,
        hides=document.by,
    )
    return Laid(arguments, _warnings(document, spaced=whole != plain))


def unlaid(raw: bytes) -> Laid:
    """Say only how large arguments are: who decides opens them."""
    return Laid(Arguments("", len(raw), "", cut=True, hidden="they are too large for here", pages=(), redacted=False), ())


def withheld(arguments: Arguments) -> Arguments:
    """Keep the arguments out of a channel: whoever decides opens them."""
    return replace(arguments, short="", cut=True, hidden="they are not shown in this channel")


def notes(arguments: Arguments, *, most: int = 200) -> list[str]:
    """Say in a few words how large arguments are, and what is hidden in them: secrets, and in at most so many characters by the policy."""
    told = [f"{arguments.size:,} bytes", *["secrets hidden"] * arguments.redacted]
    return [*told, short(f"the policy hides {some(arguments.hides)}", most)] if arguments.hides else told


def unquoted(warnings: Sequence[str]) -> tuple[str, ...]:
    """Give warnings without the words of the call that they name."""
    return tuple(f"{_MIXED} are in the arguments." if warning.startswith(_MIXED) else warning for warning in warnings)


def _fits(text: str) -> bool:
    return weight(text) <= CARD and text.count("\n") < CARD_LINES


def _warnings(document: Document, *, spaced: bool) -> tuple[str, ...]:
    told: list[str] = []
    if document.words:
        told.append("Words are hidden because they look like a secret. Read them at the desk before you approve.")
    if document.problem is not None:
        told.append("The arguments have no layout, and are shown as they are.")
    if document.unsafe:
        told.append(f"Characters that cannot be seen are written out: {some(document.unsafe)}.")
    if document.mixed:
        told.append(f"{_MIXED}: {some(document.mixed)}.")
    if spaced:
        told.append("Runs of spaces are written as ␣.")
    return tuple(told)


def some(names: Sequence[str], most: int = 2, longest: int = 50) -> str:
    """Name the first of them, each cut, and count the others."""
    told = ", ".join(visible(name if len(name) <= longest else name[: longest - 1] + "…") for name in names[:most])
    return told + (f" and {len(names) - most} more" if len(names) > most else "")


def _logical(document: Document, whole: str) -> Iterator[_Line]:
    """One line for each value: a text with line breaks stays one."""
    if document.lines:
        return (_Line(line.depth, cutting.spaced(written(replace(document, lines=(line,))))) for line in document.lines)
    return (_Line((len(text) - len(text.lstrip(" "))) // 2, text) for text in whole.split("\n"))


def _cut(lines: Sequence[_Line]) -> tuple[str, str]:
    """Cut long values shorter and shorter, then leave out what is nested deepest, then what comes last, until it fits a card."""
    for layer in _LAYERS:
        if sum(line.depth <= layer for line in lines) <= _MOST:
            for longest in _VALUES:
                text, hidden = _short(lines, layer, longest, len(lines))
                if _fits(text):
                    return text, hidden
    tried = (_short(lines, _LAYERS[-1], _VALUES[-1], most) for most in _FIRST)
    return next((each for each in tried if _fits(each[0])), ("", cutting.counts(0, len(lines), sum(len(line.text) + 1 for line in lines))))


def _short(lines: Sequence[_Line], layer: int, longest: int, most: int) -> tuple[str, str]:
    """Write the first lines that are nested no deeper, each value cut; gives them, and a sentence part about what is hidden."""
    parts: list[str] = []
    kept = cut = characters = skipped = 0
    for line in lines:
        if line.depth > layer or kept >= most:
            skipped += 1
            characters += len(line.text) + 1
            continue
        if skipped:
            parts.append(cutting.skipped(skipped))
            skipped = 0
        text, more = cutting.kept(line.text, longest)
        parts.append(cutting.cut(text, more))
        kept += 1
        cut += more > 0
        characters += more
    if skipped:
        parts.append(cutting.skipped(skipped))
    return "\n".join(parts), cutting.counts(cut, len(lines) - kept, characters)
