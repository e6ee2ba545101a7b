"""The modals in which people read all arguments, and give a reason. Pure: a `Shown` in, a view out.

Law: a view carries which request it is about and the mark of what was seen, never a word of the call.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.slack import blocks, cards, changed
from bot.slack.arguments import notes
from bot.slack.blocks import short, text
from bot.slack.ids import Action, Callback, Touched, touched
from bot.slack.shapes import Block, Page, Shown
from workflows.calls import JSON
from workflows.states import State

View: TypeAlias = dict[str, JSON]

PRESETS = (
    "This is not needed.",
    "The arguments are wrong.",
    "This is too risky.",
    "Ask again with more context.",
    "Somebody will do this by hand.",
)
REASON = 500  # characters that a form takes
_TITLE = 24  # characters that Slack takes
_MOST_PAGES = 10_000_000
_SIGNALS, _SIGNAL = 12, 200  # reasons for care that are told, and characters of each


@dataclass(frozen=True, slots=True)
class Origin:
    """What a view is about, and which page of it shows (from 1)."""

    touched: Touched
    page: int


def read(view: Mapping[str, Any]) -> Origin | None:
    """Read where a view comes from; None for what is none of ours."""
    try:
        told = json.loads(view.get("private_metadata") or "")
        what = touched(f"r:{told['r']}:{told['d']}")
        page = told["p"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if what is None or not isinstance(page, int) or isinstance(page, bool) or not 1 <= page <= _MOST_PAGES:
        return None
    return Origin(what, page)


def _view(title: str, drawn: Sequence[Block], *, close: str = "Close", **more: JSON) -> View:
    return {"type": "modal", "title": blocks.plain(title, _TITLE), "close": blocks.plain(close), "blocks": list(drawn), **more}


def _metadata(shown: Shown, page: int = 1) -> str:
    return json.dumps({"r": shown.id, "d": shown.mark, "p": page})


def _sentence(words: str) -> Block:
    return blocks.rich(blocks.section(text(short(words, blocks.PLAIN))))


def loading(title: str) -> View:
    """Draw what stands there until the content is read."""
    return _view(title or "Askfirst", [_sentence("One moment…")], callback_id=Callback.TOLD)


def told(title: str, sentence: str) -> View:
    """Draw one sentence."""
    return _view(title, [_sentence(sentence)], callback_id=Callback.TOLD)


def full(shown: Shown, page: int, *, may_approve: bool) -> View:
    """Draw one page (from 1) of what there is to read: how the tool's definition changed, where it did, then all the arguments.

    `may_approve` when this person has read the whole and may decide.
    """
    pages = shown.pages
    number = min(max(page, 1), len(pages))
    told = [f"{shown.id} · seen as {shown.mark[:12]}", f"part {number} of {len(pages)}", *notes(shown.arguments)]
    facts = [text(short(shown.tool, 2500), bold=True), text(f" on {short(shown.server, 150)}, asked by {short(shown.agent, 150)}")]
    turns = [blocks.button("Previous", Action.PREVIOUS, value=str(number))] * (number > 1)
    turns += [blocks.button("Next", Action.NEXT, value=str(number))] * (number < len(pages))
    drawn = [
        blocks.rich(blocks.section(*facts), *_risk(shown)),
        blocks.context(" · ".join(told)),
        blocks.rich(*_heading(shown, pages[number - 1]), blocks.preformatted(pages[number - 1].text)),
        blocks.actions("pages", [*turns, blocks.button("Send as file", Action.FILE, value=str(number))]),
    ]
    if shown.state is State.PENDING and number == len(pages):
        drawn += _last(shown, may_approve=may_approve)
    title = "Full arguments" if shown.difference is None else "Change and arguments"
    return _view(title, drawn, callback_id=Callback.FULL, private_metadata=_metadata(shown, number))


def _risk(shown: Shown) -> list[Block]:
    """Say how dangerous the call looks, with every reason for care."""
    lines = [blocks.section(text("Risk: ", bold=True), text(shown.risk))]
    if shown.signals:
        lines.append(blocks.section(text("Signals: ", bold=True), text(cards.signals(shown, most=_SIGNALS, longest=_SIGNAL))))
    return lines


def _heading(shown: Shown, page: Page) -> list[Block]:
    """Say what a page is of, where there is more than arguments."""
    if page.of_difference:
        return [blocks.section(text(changed.SENTENCE, bold=True), text(f" {changed.ACCEPTS}"))]
    return [blocks.section(text("Arguments", bold=True))] if shown.difference else []


def _last(shown: Shown, *, may_approve: bool) -> list[Block]:
    """End the last page: with the buttons for who may approve; others read what there is to read."""
    if not may_approve:
        return []
    deny = blocks.button("Deny…", Action.DENY, value=Touched(shown.id, shown.mark).value, style="danger")
    return [blocks.actions("decide", [cards.approve(shown), deny])]


def _about(what: str, shown: Shown, then: str) -> Block:
    return blocks.rich(
        blocks.section(text(f"{what} "), text(short(shown.tool, 300), bold=True), text(f", asked by {short(shown.agent, 150)}. {then}"))
    )


def _words(block_id: str, label: str, *, optional: bool, hint: str = "") -> Block:
    element: Block = {"type": "plain_text_input", "action_id": block_id, "multiline": True, "max_length": REASON}
    drawn: Block = {"type": "input", "block_id": block_id, "label": blocks.plain(label), "element": element, "optional": optional}
    return {**drawn, "hint": blocks.plain(hint)} if hint else drawn


def _form(title: str, callback: Callback, submit: str, shown: Shown, drawn: Sequence[Block]) -> View:
    return _view(title, drawn, close="Back", submit=blocks.plain(submit), callback_id=str(callback), private_metadata=_metadata(shown))


def deny(shown: Shown) -> View:
    """Ask why a call is denied: one of the usual reasons, words, or both."""
    options: list[JSON] = [{"text": blocks.plain(reason, blocks.LABEL), "value": reason} for reason in PRESETS]
    select: Block = {"type": "static_select", "action_id": "preset", "placeholder": blocks.plain("Choose one"), "options": options}
    preset: Block = {"type": "input", "block_id": "preset", "label": blocks.plain("Reason"), "element": select, "optional": True}
    hint = "The policy wants a reason: choose one, write one, or both." if shown.deny_needs_reason else ""
    drawn = [
        _about("Deny", shown, "It does not run. The reason is returned to the agent."),
        preset,
        _words("reason", "In your words", optional=True, hint=hint),
    ]
    return _form("Deny", Callback.DENY, "Deny", shown, drawn)


def changes(shown: Shown) -> View:
    """Ask what the agent should do otherwise; the call is denied."""
    drawn = [
        _about("Request changes to", shown, "This call is denied; what you write is returned to the agent, which may ask again."),
        _words("comment", "What should change", optional=False),
    ]
    return _form("Request changes", Callback.CHANGES, "Deny with this", shown, drawn)


def approve(shown: Shown) -> View:
    """Ask for the reason that the policy wants with an approval."""
    drawn = [
        _about("Approve", shown, "It runs once, with exactly the arguments shown." + f" {changed.ACCEPTS}" * bool(shown.difference)),
        _words("comment", "Reason", optional=not shown.approve_needs_reason, hint="It is written down with your approval."),
    ]
    return _form("Approve", Callback.APPROVE, "Approve", shown, drawn)
