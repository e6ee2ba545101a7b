"""How the definition of a tool changed, as Slack shows it: the whole in pages, and what a card has room for beside the arguments. Pure.

Law: it is what its server wrote, and no call is in it; so nothing of it is hidden but secrets, and what is cut says how much.
"""

from collections.abc import Iterator
from dataclasses import replace

from bot.slack import blocks, cutting
from bot.slack.blocks import weight
from bot.slack.shapes import Block, Difference, Shown
from workflows.document import is_partial
from workflows.redaction import hide_in, visible
from workflows.states import State

SENTENCE = "The definition of this tool changed since it was accepted."
ACCEPTS = "Approving accepts the new definition."
WORDS_HIDDEN = "Words of the new definition are hidden because they look like a secret. Read them at the desk before you approve."
IN_PART = "The difference was too long to be kept whole. Look at the definition of the tool itself before you approve."
TOGETHER, LEAST = 2000, 400  # characters, as Slack counts them, that a card has for it and the arguments, and that it has in any case
_LINES = 24  # lines on a card
_LINE = 200  # characters of a line on a card
_INDENT = 40  # spaces at the beginning of a line that stay
_END = 24  # characters that say how many lines are left out


def lay(difference: str, *, beside: str) -> Difference:
    """Lay out a difference, lines that begin with `+`, `-` or a space, for a card that has the text `beside` of the arguments."""
    hidden = hide_in(visible(difference))
    lines = [_seen(line) for line in str(hidden.value).rstrip("\n").split("\n")]
    whole = "\n".join(lines)
    room = max(TOGETHER - weight(beside), LEAST)
    if weight(whole) <= room and len(lines) <= _LINES:
        return Difference(whole, whole, cut=False, hidden="", pages=tuple(cutting.pages(whole)), words=hidden.words)
    short, left_out = _cut(lines, room)
    return Difference(whole, short, cut=True, hidden=left_out, pages=tuple(cutting.pages(whole)), words=hidden.words)


def _seen(line: str) -> str:
    """Make runs of spaces visible, but for an indentation that nothing hides behind."""
    sign, text = line[:1], line[1:]
    indent = len(text) - len(text.lstrip(" "))
    return sign + (" " if indent <= _INDENT else "␣") * indent + cutting.spaced(text[indent:])


def warnings(difference: Difference | None) -> tuple[str, ...]:
    """Say what a reader of the difference has to be warned of."""
    if difference is None:
        return ()
    return (*[IN_PART] * is_partial(difference.text), *[WORDS_HIDDEN] * difference.words)


def withheld(difference: Difference) -> Difference:
    """Keep it out of a channel: whoever decides opens it."""
    return replace(difference, short="", cut=True, hidden="it is not shown in this channel")


def drawn(shown: Shown) -> Iterator[Block]:
    """Say that the definition changed, and while a decision is open how, in one element of which Slack reads nothing."""
    if shown.difference is None:
        return
    first, parts = [blocks.text(SENTENCE, bold=True)], []
    if shown.state is State.PENDING:
        first.append(blocks.text(f" {ACCEPTS}"))
        if shown.difference.cut:
            first.append(blocks.text(f"\nNot all of the difference: {shown.difference.hidden}. Open all of it to approve."))
        if shown.difference.short:
            parts.append(blocks.preformatted(shown.difference.short))
    yield blocks.rich(blocks.section(*first), *parts, block_id="difference")


def _cut(lines: list[str], room: int) -> tuple[str, str]:
    """Take the first lines that fit, each cut on its own; gives them, and a sentence part about what is hidden."""
    parts: list[str] = []
    room -= _END
    cut = characters = 0
    for line in lines[:_LINES]:
        kept, more = cutting.kept(line, _LINE)
        text = cutting.cut(kept, more)
        if weight(text) + 1 > room:
            break
        parts.append(text)
        room -= weight(text) + 1
        cut += more > 0
        characters += more
    rest = lines[len(parts) :]
    characters += sum(len(line) + 1 for line in rest)
    if rest:
        parts.append(cutting.skipped(len(rest)))
    return "\n".join(parts), cutting.counts(cut, len(rest), characters)
