"""Where an upstream is and how it is spoken to, and the ways in which it can fail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from workflows.errors import AskfirstError

MAX_MESSAGE: Final = 16 * 1024 * 1024
DEFAULT_TIMEOUT: Final = timedelta(seconds=300)
DEFAULT_CONNECT_TIMEOUT: Final = timedelta(seconds=10)


class UpstreamBroken(AskfirstError):
    """The upstream broke off before it answered. What it was asked for may have happened."""

    code = "upstream_broken"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One upstream: a `url` for Streamable HTTP, or a `command` to start and speak to over its standard input and output.

    `headers` are sent with every message and win over the agent's; `environment` is added to the little that a started program
    inherits, and `directory` is where it starts; `timeout` bounds one released call, `connect_timeout` the opening of a
    connection. Header values and environment are secrets.
    """

    name: str
    url: str | None = None
    command: tuple[str, ...] | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: Path | None = None
    timeout: timedelta = DEFAULT_TIMEOUT
    connect_timeout: timedelta = DEFAULT_CONNECT_TIMEOUT

    def __post_init__(self) -> None:
        if (self.url is None) == (not self.command):
            raise ValueError(f"The server {self.name} needs a url or a command, and only one of them.")
