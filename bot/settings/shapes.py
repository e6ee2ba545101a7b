"""What a configuration says, once it was read and found good: frozen values, secrets hidden, paths absolute."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path

from bot.settings.problems import SettingProblem
from bot.settings.secret import Secret
from workflows.people import ApproverGroup
from workflows.policy import Policy


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. `port` 0 lets the system choose one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The listener for agents. Sizes are bytes, times seconds, depth counts nested arrays and objects.

    `allowed_hosts` (`host` or `host:port`) and `allowed_origins` (`scheme://host[:port]`) are accepted beside loopback names; lower case.
    """

    listen: Address
    allowed_hosts: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    max_body_bytes: int
    max_depth: int
    max_header_bytes: int
    hold_budget_seconds: float
    connect_timeout_seconds: float
    upstream_timeout_seconds: float
    max_pending_per_grant: int


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """The listener for people. `public_url` has no slash at its end; a session lasts `session_hours`."""

    listen: Address
    public_url: str
    allow_remote: bool
    session_hours: float


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """The database. `url` may hold a password, so it is a secret; `shown` is the same without it. A SQLite path is absolute."""

    url: Secret
    shown: str


class Forwarded(StrEnum):
    """Is the audit row of an allowed call committed before the call is forwarded (durable), or within 50 ms (buffered)."""

    BUFFERED = "buffered"
    DURABLE = "durable"


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The audit trail. Checkpoint lines are appended to `anchor`, a file, when there is one."""

    forwarded: Forwarded
    anchor: Path | None


class SlackMode(StrEnum):
    """How Slack reaches Askfirst: over a socket that Askfirst opens, or over HTTP requests that Slack sends."""

    SOCKET = "socket"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """The Slack app. `channel` and `fallback_channel` are ids or `#names`; `api_url` ends with a slash; `admins` are person keys.

    `app_token` is there in Socket Mode, `signing_secret` in HTTP mode, where requests are taken at `listen`. With `arguments` off the
    channel sees no arguments: they are read in a modal.
    """

    mode: SlackMode
    channel: str
    fallback_channel: str | None
    api_url: str
    admins: frozenset[str]
    bot_token: Secret
    app_token: Secret | None
    signing_secret: Secret | None
    listen: Address
    command: str = "/askfirst"
    arguments: bool = True


@dataclass(frozen=True, slots=True)
class HttpServer:
    """An upstream reached over Streamable HTTP; `headers` are sent with every message."""

    name: str
    url: str
    headers: Mapping[str, Secret]


@dataclass(frozen=True, slots=True)
class StdioServer:
    """An upstream started as a program in `directory`, spoken to over its standard input and output."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, Secret]
    directory: Path


@dataclass(frozen=True, slots=True)
class GrantSettings:
    """A grant declared in the file: one agent on one server. Its token is kept as SHA-256 in hex; without a policy every call is denied."""

    label: str
    server: str
    policy: str | None
    owner: str
    token_sha256: str
    hold_budget_seconds: int | None


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a configuration file says. `files` are those that it came from: when one changes, it is read again.

    `notes` are what is allowed and probably not meant. `directory` is what relative paths are relative to.
    """

    path: Path
    directory: Path
    gateway: GatewaySettings
    desk: DeskSettings
    database: DatabaseSettings
    audit: AuditSettings
    servers: Mapping[str, HttpServer | StdioServer]
    policies: Mapping[str, Policy]
    grants: Mapping[str, GrantSettings]
    groups: Mapping[str, ApproverGroup]
    slack: SlackSettings | None
    files: tuple[Path, ...]
    notes: tuple[SettingProblem, ...]


@dataclass(frozen=True, slots=True)
class Base:
    """The part of a configuration that reaches the database and both listeners, with the names of servers and policies."""

    gateway: GatewaySettings
    desk: DeskSettings
    database: DatabaseSettings
    audit: AuditSettings
    servers: tuple[str, ...]
    policies: tuple[str, ...]
