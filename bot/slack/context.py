"""What every part of the Slack face works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import SlackSettings
from workflows.changes import Changes
from workflows.database import Database

if TYPE_CHECKING:
    from bot.slack.homes import Showing
    from bot.slack.people import Directory


@dataclass(slots=True)
class SlackContext:
    """One workspace. `team` and `bot_user` come from the start-up `auth.test`; `desk_url` has no slash at its end."""

    database: Database
    changes: Changes
    clock: Callable[[], datetime]
    client: AsyncWebClient
    settings: SlackSettings
    team: str
    bot_user: str
    bot_id: str
    desk_url: str
    directory: "Directory"
    homes: dict[str, "Showing"] = field(default_factory=dict)  # what each user's Home shows, for as long as this process remembers

    @property
    def admins(self) -> frozenset[str]:
        """The person keys of those who may edit groups."""
        return self.settings.admins
