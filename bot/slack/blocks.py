"""Pieces of Block Kit, each within its limit. Pure.

Law: what others wrote becomes the text of a rich-text element or plain text without emoji, where Slack reads no markup; there is
no `mrkdwn` here. Every character that hides, reorders or stacks is written out.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from bot.slack.ids import Action
from bot.slack.shapes import Block, Shown
from workflows.calls import JSON
from workflows.redaction import visible

HEADER, PLAIN, LABEL = 150, 3000, 75  # characters that Slack takes
_ACCESSIBLE = 75
_URL = 3000
_ESCAPED = {"&": 5, "<": 4, ">": 4}  # what Slack counts for one of these
_PERSON = re.compile(r"slack:([A-Z0-9]{1,32})/([UW][A-Z0-9]{1,31})")
_USER_GROUP = re.compile(r"slack:([A-Z0-9]{1,32})/(S[A-Z0-9]{1,31})")
_MOMENT = "{date_short_pretty} {time} ({ago})"


def weight(text: str) -> int:
    """Count a text as Slack counts it when it adds a message up: `&` is five characters, `<` and `>` are four."""
    return len(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


def short(text: str, most: int) -> str:
    """Cut a text to `most` characters as Slack counts them, with an ellipsis where it was cut; written out like any other text."""
    shown = visible(text)
    if weight(shown) <= most:
        return shown
    room, end = most - 1, 0
    while end < len(shown) and room >= _ESCAPED.get(shown[end], 1):
        room -= _ESCAPED.get(shown[end], 1)
        end += 1
    return shown[:end].rstrip() + "…"


def text(words: str, *, bold: bool = False, code: bool = False) -> Block:
    """Write words inside a rich text."""
    element: Block = {"type": "text", "text": visible(words) or " "}
    style: dict[str, JSON] = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    return {**element, "style": style} if style else element


def person(key: str, team: str) -> Block:
    """Name a person: by Slack itself when they are of this workspace, else by their key."""
    found = _PERSON.fullmatch(key)
    if found and found[1] == team:
        return {"type": "user", "user_id": found[2]}
    return text(short(key, 100))


def user_group(key: str, team: str) -> Block:
    """Name a Slack user group: by Slack itself when it is of this workspace, else by its key."""
    found = _USER_GROUP.fullmatch(key)
    if found and found[1] == team:
        return {"type": "usergroup", "usergroup_id": found[2]}
    return text(short(key, 100))


def people(keys: Sequence[str], team: str, *, most: int = 10) -> list[Block]:
    """Name people with commas between them, at most so many, and count the others."""
    named: list[Block] = []
    for key in keys[:most]:
        named += [text(", ")] * bool(named) + [person(key, team)]
    return named + [text(f" and {len(keys) - most} more")] * (len(keys) > most)


def date(when: datetime, *, layout: str = _MOMENT) -> Block:
    """Write a time as its reader's clock shows it, with how far away it is."""
    return {"type": "date", "timestamp": int(when.timestamp()), "format": layout, "fallback": f"{when:%Y-%m-%d %H:%M} UTC"}


def section(*elements: Block) -> Block:
    """Put elements on one line of a rich text."""
    return {"type": "rich_text_section", "elements": list(elements)}


def quote(words: str) -> Block:
    """Write what a person said, set off from what Askfirst says."""
    return {"type": "rich_text_quote", "elements": [text(words)]}


def preformatted(words: str) -> Block:
    """Write a text as it is, in one element of which Slack reads nothing."""
    return {"type": "rich_text_preformatted", "elements": [text(words)]}


def rich(*parts: Block, block_id: str | None = None) -> Block:
    """Make a block of rich text."""
    return {"type": "rich_text", **_named(block_id), "elements": list(parts)}


def plain(words: str, most: int = PLAIN) -> Block:
    """Write a plain text, in which nothing becomes an emoji."""
    shown = visible(words) or " "
    return {"type": "plain_text", "text": shown if len(shown) <= most else shown[: most - 1] + "…", "emoji": False}


def header(words: str) -> Block:
    """Write a headline."""
    return {"type": "header", "text": plain(words, HEADER)}


def context(words: str, block_id: str | None = None) -> Block:
    """Write small print."""
    return {"type": "context", **_named(block_id), "elements": [plain(words)]}


def divider() -> Block:
    """Draw a line."""
    return {"type": "divider"}


def actions(block_id: str, buttons: Sequence[Block]) -> Block:
    """Put buttons in a row."""
    return {"type": "actions", "block_id": block_id, "elements": list(buttons)}


def _named(block_id: str | None) -> Block:
    return {} if block_id is None else {"block_id": block_id}


def button(
    label: str,
    action: Action | str,
    *,
    value: str | None = None,
    url: str | None = None,
    style: str | None = None,
    confirm: Block | None = None,
    spoken: str | None = None,
) -> Block:
    """Make a button; `spoken` is what a screen reader says of it."""
    drawn: Block = {"type": "button", "text": plain(label, LABEL), "action_id": str(action)}
    optional: dict[str, JSON] = {"value": value, "style": style, "confirm": confirm}
    drawn |= {name: given for name, given in optional.items() if given is not None}
    if spoken:
        drawn["accessibility_label"] = short(spoken, _ACCESSIBLE)
    if url is not None and len(url) <= _URL:
        drawn["url"] = url
    return drawn


def confirm_approval(shown: Shown) -> Block:
    """Ask once more before a call of high risk is approved."""
    more = " The changed definition of the tool is accepted by it." if shown.difference else ""
    more += " Other approvals are needed too." if shown.needed > 1 else ""
    return {
        "title": plain("Approve this call?"),
        "text": plain(short(f"{shown.tool} on {shown.server} runs once, with exactly the arguments shown.{more}", 300)),
        "confirm": plain("Approve"),
        "deny": plain("Back"),
    }
