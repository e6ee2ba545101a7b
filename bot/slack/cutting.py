"""Cutting texts that are too long for where they stand, so that each says how much is left out. Pure."""

import re
from collections.abc import Iterator

from bot.slack.blocks import weight

PAGE = 2900  # characters
_BREAKS = 2  # line breaks of a value that are kept
_RUN = re.compile(r"(?:(?<=\S)|(?<=\\n\n))[^\S\n]{3,}")  # also at the beginning of a line of a text, where no indentation is


def spaced(text: str) -> str:
    """Make runs of spaces visible, so that nothing hides far to the right."""
    return _RUN.sub(lambda found: "".join("␣" if space == " " else f"\\u{{{ord(space):04X}}}" for space in found.group()), text)


def kept(text: str, longest: int) -> tuple[str, int]:
    """Cut one line, and one with line breaks to few of them; gives what is kept, and how many characters are not."""
    end = len(text) - len(text.lstrip(" "))
    room, breaks = longest, _BREAKS
    while end < len(text) and room > 0:
        if text[end] == "\n":
            if not breaks:
                break
            breaks -= 1
        room -= weight(text[end])
        end += 1
    return text[:end].rstrip("\n"), len(text) - end


def cut(text: str, more: int) -> str:
    """Write a line that was cut, with how much of it is missing."""
    return f"{text} … {more:,} more characters" if more else text


def skipped(lines: int) -> str:
    """Write what stands where lines were left out."""
    return f"… {lines:,} more line{'s' * (lines != 1)}"


def counts(values: int, lines: int, characters: int) -> str:
    """Say how much was cut, left out and hidden; empty when nothing was."""
    told = ((values, "value", "cut"), (lines, "line", "left out"), (characters, "character", "hidden"))
    return ", ".join(f"{count:,} {what}{'s' * (count != 1)} {how}" for count, what, how in told if count)


def pages(text: str) -> Iterator[str]:
    """Split the whole where a line ends, or inside one that is longer than a page; joined again they are the whole."""
    start = 0
    while start < len(text):
        end = start + PAGE
        last = text.rfind("\n", start + PAGE // 2, end) + 1 if end < len(text) else 0
        yield text[start : last or end]
        start = last or end
