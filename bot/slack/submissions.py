"""The forms that people fill in: deny, request changes, approve with a comment.

Law: a form is a click with words: whoever sends it is judged as at a click, by the same verb.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack import modals
from bot.slack.answers import NOTHING, STRANGE, show, tell, told
from bot.slack.context import SlackContext
from bot.slack.deciding import Clicked, Said, decide, who
from bot.slack.ids import Callback
from workflows.errors import BadReason, ReasonRequired
from workflows.quorum import Choice

_SOON = 1.0  # seconds: Slack waits three for the answer to a form, and what takes longer is shown when it is there

Words = Mapping[str, str]  # what stands in the form, by block


@dataclass(frozen=True, slots=True)
class Form:
    """What a form says: the vote, how its words become the reason, and the block where a complaint about them stands."""

    choice: Choice
    write: Callable[[Words], str | None]
    block: str
    needed: str = ""  # the complaint when there must be words whatever the policy says


def register(app: AsyncApp, slack: SlackContext) -> None:
    """Listen to the three forms."""
    for callback, form in FORMS.items():
        app.view(callback)(_submitting(slack, form))


def _submitting(slack: SlackContext, form: Form) -> Callable[..., Any]:
    async def submit(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _submit(slack, ack, body, form)

    return submit


async def _submit(slack: SlackContext, ack: AsyncAck, body: Mapping[str, Any], form: Form) -> None:
    view, person = body.get("view"), who(body)
    origin = modals.read(view) if isinstance(view, Mapping) else None
    if person is None or origin is None or not isinstance(view, Mapping):
        await ack(response_action="update", view=told(NOTHING, STRANGE, slack.team))
        return
    reason = form.write(words(view))
    if form.needed and reason is None:
        await ack(response_action="errors", errors={form.block: form.needed})
        return
    async with asyncio.TaskGroup() as group:
        deciding = group.create_task(decide(slack, Clicked(person, origin.touched), form.choice, reason))
        done, _ = await asyncio.wait({deciding}, timeout=_SOON)
        if not done:
            await ack(response_action="update", view=modals.loading("Deciding"))
    said = deciding.result()
    if done and isinstance(said.error, (ReasonRequired, BadReason)):
        await ack(response_action="errors", errors={form.block: said.sentence})
    elif done:
        await ack(response_action="update", view=_told(said, slack.team))
    elif await show(slack, str(view.get("id")), _told(said, slack.team)) is None:
        await tell(slack, body, said.sentence)


def _told(said: Said, team: str) -> modals.View:
    return told(NOTHING if said.error else "Done", said.sentence, team)


def words(view: Mapping[str, Any]) -> Words:
    """Read what stands in a form, by block: typed text, or the value of the option that was chosen."""
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    found: dict[str, str] = {}
    for block, inputs in values.items() if isinstance(values, Mapping) else ():
        for element in inputs.values() if isinstance(inputs, Mapping) else ():
            option = element.get("selected_option") if isinstance(element, Mapping) else None
            value = option.get("value") if isinstance(option, Mapping) else element.get("value") if isinstance(element, Mapping) else None
            if isinstance(value, str) and value.strip():
                found[str(block)] = value.strip()
    return found


def denial(said: Words) -> str | None:
    """Write the reason of a denial: the chosen sentence, and what was added to it."""
    return " ".join(said[block] for block in ("preset", "reason") if block in said) or None


def guidance(said: Words) -> str | None:
    """Write what the agent should do otherwise."""
    return f"Changes requested: {said['comment']}" if "comment" in said else None


def comment(said: Words) -> str | None:
    """Write what an approver adds to their approval."""
    return said.get("comment")


FORMS: Mapping[Callback, Form] = {
    Callback.DENY: Form(Choice.DENY, denial, "reason"),
    Callback.CHANGES: Form(Choice.DENY, guidance, "comment", needed="Say what should change: the agent reads it."),
    Callback.APPROVE: Form(Choice.APPROVE, comment, "comment"),
}
