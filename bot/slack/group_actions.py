"""Approver groups from the Home: an administrator opens the editor, and what is saved goes over the version that was shown.

Law: who may is judged by the verb, on the person key of the verified payload; the buttons being absent for others is no check.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from sqlmodel import Session

from bot.slack import answers, group_editor, homes, modals
from bot.slack.context import SlackContext
from bot.slack.deciding import who
from bot.slack.group_editor import Edited, Filled
from bot.slack.ids import Action, Callback
from bot.slack.listening import where
from bot.slack.modals import View
from bot.slack.whereabouts import Place, Tab
from workflows import audit, groups
from workflows.audit import Tag
from workflows.calls import JSON
from workflows.errors import AskfirstError, BadGroup, BadName, BadPerson, NotAllowed, NotFound, Taken
from workflows.people import ApproverGroup, Person
from workflows.tables import Group

log = logging.getLogger(__name__)

_SOON = 2.0  # seconds: Slack waits three for the answer to a form
_VIA = "slack"
_TITLE = "Approver group"
_BLOCK: Mapping[type[AskfirstError], str] = {
    BadName: "name",
    Taken: "name",
    BadGroup: "quorum",
    BadPerson: "people",
}  # where a refusal is shown in the form


class _Listeners:
    def __init__(self, slack: SlackContext) -> None:
        self.slack = slack

    async def new(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open an empty editor."""
        await ack()
        person = who(body)
        if person is not None and await self._admin(body, person, "", "create"):
            await answers.opened_or_told(self.slack, body, _TITLE, group_editor.editor(Edited()))

    async def edit(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """Open the editor at once, because Slack waits three seconds, then fill it with the group."""
        await ack()
        person, name = who(body), str(action.get("value", ""))[:100]
        if person is None or not await self._admin(body, person, name, "edit"):
            return
        opened = await answers.opened_or_told(self.slack, body, _TITLE)
        if opened is not None:
            await answers.show(self.slack, opened, await self._editor(name))

    async def delete(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """Ask whether the group shall go."""
        await ack()
        person, name = who(body), str(action.get("value", ""))[:100]
        if person is None or not await self._admin(body, person, name, "delete"):
            return
        opened = await answers.opened_or_told(self.slack, body, _TITLE)
        if opened is None:
            return
        try:
            row = await self.slack.database.aread(partial(_row, name=name))
            view = group_editor.removal(row.name, row.version)
        except AskfirstError as refusal:
            view = modals.told(_TITLE, str(refusal))
        await answers.show(self.slack, opened, view)

    async def user_groups(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Offer the user groups of the workspace that fit what is typed; none when Slack does not list them."""
        try:
            found = await self.slack.directory.user_groups() if self._named(body) else []
        except AskfirstError as error:
            log.warning("the user groups cannot be offered: %s", error)
            found = []
        listed = ((_local(key), handle) for key, handle, _ in found)
        await ack(options=group_editor.options(listed, str(body.get("value") or "")))

    def _named(self, body: dict[str, Any]) -> bool:
        person = who(body)
        return person is not None and person.key in self.slack.admins

    async def save(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Save what was filled in, over the version that was shown."""
        filled, person = group_editor.filled(view), who(body)
        if filled.quorum is None:
            await ack(response_action="errors", errors={"quorum": f"Write a whole number from 1 to {group_editor.MOST_APPROVALS}."})
            return
        if person is None:
            await ack()
        else:
            move = partial(_save, slack=self.slack, filled=filled, person=person, now=self.slack.clock())
            await self._write(ack, view, move, person, new=not filled.version)

    async def remove(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Delete the group, unless it is not what was shown."""
        name, version = group_editor.origin(view)
        person = who(body)
        if person is None:
            await ack()
        else:
            move = partial(
                groups.delete, name=name, version=version, actor=person, admins=self.slack.admins, via=_VIA, now=self.slack.clock()
            )
            await self._write(ack, view, move, person)

    async def _write(
        self, ack: AsyncAck, view: dict[str, Any], move: Callable[[Session], object], person: Person, *, new: bool = False
    ) -> None:
        """Run the verb and answer the form with what came of it, in time; what takes longer is told in the Home."""
        async with asyncio.TaskGroup() as group:
            written = group.create_task(self._refusal(move))
            done, _ = await asyncio.wait({written}, timeout=_SOON)
            if not done:
                await ack(
                    response_action="update",
                    view=modals.told(_TITLE, "This takes longer than usual. Look at the list of groups in a moment."),
                )
        refusal = written.result()
        if done:
            await (ack(**_answer(view, refusal, new=new)) if refusal else ack())
        if refusal is None:
            self.slack.directory.asked.set()  # a user group that is new here counts once it was read
            await homes.show(self.slack, person, Place(Tab.GROUPS))

    async def _refusal(self, move: Callable[[Session], object]) -> AskfirstError | None:
        try:
            await self.slack.database.awrite(move)
        except AskfirstError as refusal:
            return refusal
        except Exception as error:  # noqa: BLE001  # every form gets an answer
            log.error("a group could not be written (%s)", where(error))  # noqa: TRY400  # a trace quotes what was typed
            return AskfirstError("Something went wrong inside Askfirst. Look at the list of groups, and try again.")
        return None

    async def _admin(self, body: dict[str, Any], person: Person, name: str, what: str) -> bool:
        """Tell whether this person may edit groups; a refusal is told to them and kept in the trail."""
        if person.key in self.slack.admins:
            return True
        sentence = "Only the administrators named in the configuration may change approver groups."
        detail: dict[str, JSON] = {"group": name, "tried": what, "code": NotAllowed.code, "why": sentence, "via": _VIA}
        note = partial(audit.record, event=Tag.GROUP_REFUSED, actor=person.key, now=self.slack.clock(), detail=detail)
        await self.slack.database.awrite(note)
        await answers.opened_or_told(self.slack, body, _TITLE, modals.told(_TITLE, sentence))
        return False

    async def _editor(self, name: str) -> View:
        try:
            listed = await self.slack.directory.user_groups()
        except AskfirstError as error:
            log.warning("the handles of user groups are not known: %s", error)
            listed = []
        try:
            row = await self.slack.database.aread(partial(_row, name=name))
        except AskfirstError as refusal:
            return modals.told(_TITLE, str(refusal))
        return group_editor.editor(_edited(row, self.slack.team, {key: handle for key, handle, _ in listed}))


def _answer(view: Mapping[str, Any], refusal: AskfirstError, *, new: bool) -> dict[str, Any]:
    """Show a refusal beside the field that it is about, where there is one, else instead of the form."""
    block = _BLOCK.get(type(refusal))
    if block is not None and view.get("callback_id") == Callback.GROUP and (new or block != "name"):
        return {"response_action": "errors", "errors": {block: str(refusal)}}
    return {"response_action": "update", "view": modals.told(_TITLE, str(refusal))}


def _row(session: Session, *, name: str) -> Group:
    row = session.get(Group, name)
    if row is None:
        raise NotFound("There is no such group any more. Look at the list again.")
    if row.declared:
        raise NotAllowed(f"The group {row.name} is declared in the config file. Change it there.")
    return row


def _local(key: str) -> str:
    return key.rpartition("/")[2]


def _edited(row: Group, team: str, handles: Mapping[str, str]) -> Edited:
    """Give a group as the editor shows it: what Slack's pickers know, and by name what they do not."""
    here = f"slack:{team}/"
    members, subteams = json.loads(row.members), json.loads(row.user_groups)
    return Edited(
        name=row.name,
        version=row.version,
        people=[_local(key) for key in members if key.startswith(here)],
        user_groups=[(_local(key), handles.get(key, "")) for key in subteams if key.startswith(here)],
        kept=[key for key in (*members, *subteams) if not key.startswith(here)],
        quorum=row.quorum,
        channel=None if _named(row.channel) else row.channel,
        channel_name=row.channel if _named(row.channel) else None,
        self_approval=row.self_approval,
        guests=row.guests,
        external=row.external,
        direct=row.direct,
    )


def _named(channel: str | None) -> bool:
    return channel is not None and channel.startswith("#")


def _save(session: Session, *, slack: SlackContext, filled: Filled, person: Person, now: datetime) -> Group:
    """Make or change the group; what the editor could not show stays as it is in the row."""
    here = f"slack:{slack.team}/"
    row = session.get(Group, filled.name) if filled.version else None
    kept = [key for key in json.loads(row.members) if not key.startswith(here)] if row else []
    kept_groups = [key for key in json.loads(row.user_groups) if not key.startswith(here)] if row else []
    group = ApproverGroup(
        filled.name,
        frozenset([*(f"{here}{user}" for user in filled.people), *kept]),
        self_approval=filled.self_approval,
        user_groups=frozenset([*(f"{here}{subteam}" for subteam in filled.user_groups), *kept_groups]),
        quorum=filled.quorum or 1,
        channel=filled.channel or (row.channel if row and _named(row.channel) else None),
        guests=filled.guests,
        external=filled.external,
        direct=filled.direct,
    )
    if filled.version:
        return groups.edit(session, group, version=filled.version, actor=person, admins=slack.admins, via=_VIA, now=now)
    return groups.create(session, group, actor=person, admins=slack.admins, via=_VIA, now=now)


def register(app: AsyncApp, slack: SlackContext) -> None:
    """Listen to the buttons and forms of approver groups."""
    here = _Listeners(slack)
    app.action(Action.GROUP_NEW)(here.new)
    app.action(Action.GROUP_EDIT)(here.edit)
    app.action(Action.GROUP_DELETE)(here.delete)
    app.options(Action.USER_GROUPS)(here.user_groups)
    app.view(Callback.GROUP)(here.save)
    app.view(Callback.GROUP_DELETE)(here.remove)
