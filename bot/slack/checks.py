"""What goes wrong with Slack in practice, looked at piece by piece, each with its remedy. Nothing stays changed."""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.settings import SlackSettings
from bot.settings.shapes import SlackMode
from bot.slack import cards, ids
from bot.slack import client as clients
from bot.slack.client import Trouble, TroubleKind, call
from bot.slack.people import Directory, Unreadable
from bot.slack.precheck import PATH
from bot.slack.refusals import refusal
from workflows.database import Database
from workflows.people import ApproverGroup, Identity
from workflows.quorum import why_not_identity

_APART = 60  # seconds between Slack's clock and ours that are still well
_PAGES, _PAGE = 20, 1000
_USER_GROUPS = {
    "no_such_subteam": "Slack has no such user group, or it was disabled",
    "plan_upgrade_required": "the plan of this workspace has no user groups",
    "missing_scope": "the scope usergroups:read is missing",
}


class Sort(StrEnum):
    """What a look found: all well, something to know, something to put right."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at. The sentence of a problem ends with its remedy."""

    sort: Sort
    sentence: str


@contextlib.asynccontextmanager
async def looking(settings: SlackSettings, database: Database, clock: Callable[[], datetime]) -> "AsyncIterator[Checks]":
    """Open what the checks need, and close it."""
    client = clients.client(settings)
    try:
        yield Checks(settings, client, database, clock)
    finally:
        await clients.close(client)


class Checks:
    """The checks of one workspace. `introduce` comes first: without it, `known` stays false and the others mean nothing."""

    def __init__(self, settings: SlackSettings, client: AsyncWebClient, database: Database, clock: Callable[[], datetime]) -> None:
        self._settings, self._client, self._database, self._clock = settings, client, database, clock
        self._team = self._name = ""
        self._directory: Directory | None = None
        self._identities: dict[str, Identity | str] = {}
        self._listed: dict[str, Mapping[str, Any]] | None = None

    @property
    def known(self) -> bool:
        """Tell whether Slack said who we are."""
        return self._directory is not None

    async def introduce(self) -> list[Checked]:
        """Look at the bot's token, its scopes, and the clock."""
        before = self._clock()
        try:
            answer = await call(self._client.auth_test)
        except Trouble as trouble:
            return [self._refused("bot_token", trouble)]
        now = before + (self._clock() - before) / 2
        self._team, self._name = str(answer.get("team_id") or ""), str(answer.get("user") or "Askfirst")
        if not self._team:
            return [_problem(f"slack.api_url: what answers at {self._settings.api_url} is no Slack. Write the address of its Web API.")]
        self._directory = Directory(self._client, self._team, self._database, self._clock)
        return [_ok(f"slack.bot_token: Slack knows the bot {self._name} in {self._team}"), *_scopes(answer), _clock(answer, now)]

    async def transport(self) -> Checked:
        """Look whether Slack can reach us; in HTTP mode that cannot be seen from here."""
        if self._settings.mode is SlackMode.HTTP:
            return _note(
                f"slack.mode: Slack must reach {self._settings.listen} as https://…{PATH}, which cannot be seen from here: "
                f"type {self._settings.command} help in Slack while `askfirst serve` runs."
            )
        token = self._settings.app_token
        try:
            await call(self._client.apps_connections_open, app_token=token.reveal() if token else "")
        except Trouble as trouble:
            return self._refused("app_token", trouble)
        return _ok("slack.app_token: Socket Mode gives a connection")

    async def channels(self, named: Mapping[str, Collection[str]]) -> AsyncIterator[Checked]:
        """Look at channels, given by id or #name with the places that name them."""
        for target, places in named.items():
            yield await self._channel(target, f"channel {target} ({', '.join(places)})")

    async def why_not(self, person: str, group: ApproverGroup) -> str | None:
        """Say in a few words why somebody whom a group names cannot decide, or None when they can."""
        if not person.startswith("slack:"):
            return None
        found = await self._identity(person)
        if isinstance(found, str):
            return found
        if why_not_identity(found, group) is None:
            return None
        if found.deleted or found.bot:
            return "is deactivated in Slack" if found.deleted else "is a bot"
        return "belongs to another workspace" if found.external and not group.external else "is a guest"

    async def members(self, user_group: str) -> frozenset[str] | str:
        """Give the person keys of a Slack user group as it is now, or a few words about why nobody knows."""
        team, _, subteam = user_group.removeprefix("slack:").partition("/")
        if team != self._team:
            return f"it belongs to another workspace than this app, which is in {self._team}"
        try:
            users = (await call(self._client.usergroups_users_list, usergroup=subteam)).get("users")
        except Trouble as trouble:
            return _USER_GROUPS.get(trouble.error, f"it could not be read ({trouble.error})")
        return frozenset(f"slack:{team}/{user}" for user in users) if isinstance(users, list) else "it could not be read"

    async def canary(self) -> Checked:
        """Post a test card where cards go, and take it down."""
        channel, drawn = self._settings.channel, cards.canary()
        try:
            posted = await call(
                self._client.chat_postMessage,
                writes=True,
                channel=channel,
                text=drawn.text,
                blocks=drawn.blocks,
                parse="none",
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        except Trouble as trouble:
            seen = " It may stand there all the same: look." if trouble.kind is TroubleKind.AMBIGUOUS else ""
            return _problem(
                f"canary: no test card could be posted to {channel} ({trouble.error}).{seen} Put right what stands above, and try again."
            )
        try:
            await call(self._client.chat_delete, channel=str(posted.get("channel")), ts=str(posted.get("ts")))
        except Trouble as trouble:
            return _problem(f"canary: the test card in {channel} could not be taken down ({trouble.error}). Delete it by hand.")
        return _ok(f"canary: a test card was posted to {channel} and taken down")

    def _refused(self, token: str, trouble: Trouble) -> Checked:
        if trouble.kind is TroubleKind.AUTH:
            return _problem(f"slack.{token}: {refusal(token, trouble.error)}")
        return _problem(
            f"slack.{token}: Slack did not answer at {self._settings.api_url} ({trouble.error}). "
            "Check that this machine reaches it, and try again in a minute."
        )

    async def _channel(self, target: str, what: str) -> Checked:
        try:
            channel = await self._info(target)
        except Trouble as trouble:
            remedy = "Add the missing scope." if trouble.error == "missing_scope" else "Try again in a minute."
            return _problem(f"{what}: it could not be looked at ({trouble.error}). {remedy}")
        if channel is None:
            return _problem(
                f"{what}: Slack shows the bot no such channel. Correct its name, or type /invite @{self._name} in a private one."
            )
        if channel.get("is_archived"):
            return _problem(f"{what}: it is archived. Unarchive it, or name another one.")
        if not (channel.get("is_member") or channel.get("is_im")):
            return _problem(f"{what}: the bot is not in it. Type /invite @{self._name} there.")
        if channel.get("is_ext_shared"):
            return _note(f"{what}: it is shared with another organisation, whose people see the cards there too")
        return _ok(f"{what}: the bot is in it")

    async def _info(self, target: str) -> Mapping[str, Any] | None:
        """Give Slack's facts about a channel; None when there is none that the bot sees."""
        if target.startswith("#"):
            if self._listed is None:
                self._listed = await self._all()
            return self._listed.get(target[1:])
        try:
            found = (await call(self._client.conversations_info, channel=target)).get("channel")
        except Trouble as trouble:
            if trouble.error == "channel_not_found":
                return None
            raise
        return found if isinstance(found, dict) else None

    async def _all(self) -> dict[str, Mapping[str, Any]]:
        """List every channel by name, for a name is nothing that Slack could be asked about. An archived one gives way to its namesake."""
        found: dict[str, Mapping[str, Any]] = {}
        asked: dict[str, Any] = {"types": "public_channel,private_channel", "limit": _PAGE}
        for _ in range(_PAGES):
            answer = await call(self._client.conversations_list, **asked)
            for channel in answer.get("channels") or ():
                name = str(channel.get("name"))
                if name not in found or not channel.get("is_archived"):
                    found[name] = channel
            asked["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not asked["cursor"]:
                break
        return found

    async def _identity(self, person: str) -> Identity | str:
        found = self._identities.get(person)
        if found is None:
            team, _, user = person.removeprefix("slack:").partition("/")
            found = await _read(self._directory, user, team) if self._directory else "could not be read"
            self._identities[person] = found
        return found


def _ok(sentence: str) -> Checked:
    return Checked(Sort.OK, sentence)


def _note(sentence: str) -> Checked:
    return Checked(Sort.NOTE, sentence)


def _problem(sentence: str) -> Checked:
    return Checked(Sort.PROBLEM, sentence)


async def _read(directory: Directory, user: str, team: str) -> Identity | str:
    try:
        return await directory.identity(user, team)
    except Unreadable as error:
        why = getattr(error.__cause__, "error", "unreadable")
        return "is not known to Slack" if why == "user_not_found" else f"could not be read ({why})"


def _scopes(answer: AsyncSlackResponse) -> list[Checked]:
    """Hold the scopes that Slack says against those that are needed."""
    said = _header(answer, "X-OAuth-Scopes")
    if not said:
        return [_problem("slack.bot_token: Slack did not say which scopes it has. Compare the app's scopes with manifest.yml.")]
    given = {scope.strip() for scope in said.split(",")}
    missing = [scope for scope in ids.SCOPES if scope not in given]
    if not missing:
        return [_ok(f"slack.bot_token: it has all {len(ids.SCOPES)} scopes")]
    remedy = "Add it on the app's page OAuth & Permissions, under Bot Token Scopes, and install the app again."
    return [_problem(f"slack.bot_token: the scope {scope} is missing. {remedy}") for scope in missing]


def _clock(answer: AsyncSlackResponse, now: datetime) -> Checked:
    """Hold our clock against the time that Slack's answer carries."""
    said = _header(answer, "Date")
    try:
        theirs = parsedate_to_datetime(said)
    except ValueError:
        return _problem("clock: Slack's answer carries no time to compare with. Check that this machine's clock is right.")
    ahead = round((now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))).total_seconds())
    if abs(ahead) > _APART:
        where = "ahead of" if ahead > 0 else "behind"
        return _problem(
            f"clock: this machine's is {abs(ahead)} seconds {where} Slack's, so expiry and signatures are judged by a wrong time. "
            "Let it be set by the network (NTP)."
        )
    return _ok(f"clock: within {max(abs(ahead), 1)} s of Slack's")


def _header(answer: AsyncSlackResponse, name: str) -> str:
    found = {key.lower(): value for key, value in answer.headers.items()}.get(name.lower(), "")
    return found if isinstance(found, str) else ""
