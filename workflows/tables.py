"""The rows, columns only. A row is built and changed by the verbs, from values that were checked; nobody else writes one."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_LIVE = sa.text("state IN ('pending', 'approved', 'releasing')")


class Grant(SQLModel, table=True):
    """A bearer token for one agent on one server. The token itself is nowhere: only its SHA-256 (hex)."""

    __tablename__: ClassVar[str] = "grants"

    id: str = Field(primary_key=True, max_length=40)
    label: str = Field(unique=True, max_length=100)
    server: str = Field(max_length=100)
    policy: str | None = Field(default=None, max_length=100)
    owner: str = Field(max_length=100)
    token_sha256: str = Field(unique=True, max_length=64)
    budget: int | None = None  # seconds that a held call may keep its stream open; None = the gateway's setting
    declared: bool = False  # in the config file: managed there alone
    created_at: datetime
    revoked_at: datetime | None = None


class Group(SQLModel, table=True):
    """An approver group. `members` is a JSON list of person keys, `user_groups` one of Slack user groups (`slack:TEAM/SUBTEAM`)."""

    __tablename__: ClassVar[str] = "groups"

    name: str = Field(primary_key=True, max_length=100)
    members: str = Field(sa_type=sa.Text)
    user_groups: str = Field(default="[]", sa_type=sa.Text)
    self_approval: bool = False
    quorum: int = 1  # a call that asks this group needs at least so many approvals
    channel: str | None = Field(default=None, max_length=100)  # where its cards go when the rule names no channel
    guests: bool = False  # may members who are guests of the workspace decide
    external: bool = False  # may members who belong to another workspace decide
    direct: bool = False  # is each member told by direct message that a request waits
    declared: bool = False
    version: int = 1
    updated_at: datetime


class ApprovalRequest(SQLModel, table=True):
    """A held call and its life. `arguments` is the exact JSON text that the agent sent, and that a release sends on."""

    __tablename__: ClassVar[str] = "requests"
    __table_args__ = (
        sa.Index("ix_requests_state_expires_at", "state", "expires_at"),
        sa.Index("ix_requests_held_at", "held_at"),
        sa.Index("uq_requests_live", "grant_id", "call_sha256", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )

    id: str = Field(primary_key=True, max_length=40)
    state: str = Field(max_length=16)
    version: int = 1
    grant_id: str = Field(max_length=40, foreign_key="grants.id")
    agent: str = Field(max_length=100)  # the grant's label
    owner: str = Field(max_length=100)
    server: str = Field(max_length=100)
    tool: str = Field(max_length=256)
    arguments: bytes
    call_sha256: str = Field(max_length=64, index=True)  # what a repeat of the call is known by
    fingerprint: str = Field(max_length=64)  # what the votes are for: the call and the definition of its tool
    definition: str | None = Field(default=None, max_length=64)  # of the tool when it was held
    policy: str = Field(max_length=100)
    policy_sha256: str = Field(max_length=64)
    rule: str = Field(sa_type=sa.Text)
    reason: str = Field(sa_type=sa.Text)
    approvers: str = Field(max_length=100)
    quorum: int
    reason_required: str = Field(default="never", max_length=8)
    channel: str | None = Field(default=None, max_length=100)
    remind_every: int | None = None  # seconds
    previous_id: str | None = Field(default=None, max_length=40)  # the last identical call of the same grant
    held_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = Field(default=None, sa_type=sa.Text)
    decision_reason: str | None = Field(default=None, sa_type=sa.Text)
    claimed_at: datetime | None = None
    claimed_by: str | None = Field(default=None, max_length=40)  # the instance that releases it
    charged: str | None = Field(default=None, sa_type=sa.Text)  # JSON list of the limits that its release reserved
    settled_at: datetime | None = None  # when it reached a state that it never leaves
    collected_at: datetime | None = None  # when the agent was given the outcome
    handed_off: bool = False  # the agent holds a pending result and comes back for the outcome
    unattended_at: datetime | None = None  # when the agent broke off; None while it waits or holds a handle
    reminded_at: datetime | None = None
    outcome_kind: str | None = Field(default=None, max_length=16)
    outcome: bytes | None = None  # JSON text of the upstream's result or error object
    outcome_is_error: bool = False
    category: str | None = Field(default=None, max_length=16)  # what the catalogue made of the tool when the call was held
    risk: str | None = Field(default=None, max_length=16)
    signals: str | None = Field(default=None, sa_type=sa.Text)  # JSON list of sentences, reasons for care
    redaction: str | None = Field(default=None, sa_type=sa.Text)  # what the policy hides, as `Redaction.written` writes it
    tool_sha256: str | None = Field(default=None, max_length=64)  # of the tool's definition, as `ToolDefinition` has it
    difference: str | None = Field(default=None, sa_type=sa.Text)  # how that differs from the one that was accepted; None: it does not


class ToolDefinition(SQLModel, table=True):
    """A tool of a server: the definition that was accepted, and the one that the server lists now where that differs.

    Both are canonical JSON of what an agent goes by: name, description, inputSchema, annotations. The digests are SHA-256 (hex).
    """

    __tablename__: ClassVar[str] = "tools"

    server: str = Field(primary_key=True, max_length=100)
    tool: str = Field(primary_key=True, max_length=256)
    sha256: str = Field(max_length=64)
    definition: str = Field(sa_type=sa.Text)
    accepted_at: datetime
    accepted_by: str = Field(sa_type=sa.Text)
    changed_sha256: str | None = Field(default=None, max_length=64)
    changed_definition: str | None = Field(default=None, sa_type=sa.Text)
    changed_at: datetime | None = None


class Vote(SQLModel, table=True):
    """One person's word on one request. A later denial replaces an approval; the audit trail keeps both."""

    __tablename__: ClassVar[str] = "votes"

    request_id: str = Field(primary_key=True, max_length=40, foreign_key="requests.id")
    voter: str = Field(primary_key=True, max_length=100)
    choice: str = Field(max_length=8)
    reason: str | None = Field(default=None, sa_type=sa.Text)
    via: str = Field(max_length=16)
    at: datetime


class UserGroup(SQLModel, table=True):
    """A Slack user group as it was read last. `members` is a JSON list of person keys; what is older than a minute gives no right."""

    __tablename__: ClassVar[str] = "user_groups"

    key: str = Field(primary_key=True, max_length=100)
    handle: str = Field(default="", max_length=100)
    members: str = Field(sa_type=sa.Text)
    read_at: datetime


class Delivery(SQLModel, table=True):
    """One message that Slack shows, or should: a card, a reply in its thread, a word to one person. Written before it is posted.

    `state` is one of `cards.Standing`; `updated_at` is when its last post began, until it is known what became of it.
    """

    __tablename__: ClassVar[str] = "deliveries"
    __table_args__ = (
        sa.Index("ix_deliveries_request_id", "request_id"),
        sa.Index("ix_deliveries_state", "state"),
        sa.Index("ix_deliveries_ts", "ts"),
    )

    id: str = Field(primary_key=True, max_length=200)  # REQUEST/KIND or REQUEST/KIND/PERSON
    request_id: str = Field(max_length=40, foreign_key="requests.id")
    kind: str = Field(max_length=16)
    target: str = Field(max_length=100)  # the channel as it is configured, or a person key
    channel: str | None = Field(default=None, max_length=40)  # the id that Slack answered with
    ts: str | None = Field(default=None, max_length=40)
    state: str = Field(max_length=16)
    shown_version: int = 0  # of the request, when it was painted last; 0 for never, negative when that is to be made sure of
    attempt: int = 0
    retry_at: datetime | None = None
    problem: str | None = Field(default=None, sa_type=sa.Text)
    updated_at: datetime


class Reading(SQLModel, table=True):
    """Which pages of a call's arguments one person opened; `whole_at` when there was none left."""

    __tablename__: ClassVar[str] = "readings"

    request_id: str = Field(primary_key=True, max_length=40, foreign_key="requests.id")
    person: str = Field(primary_key=True, max_length=100)
    fingerprint: str = Field(max_length=64)
    pages: str = Field(sa_type=sa.Text)  # JSON list of page numbers, from 1
    whole_at: datetime | None = None


class AuditEvent(SQLModel, table=True):
    """One link of the chain. `detail` is canonical JSON text, hashed as it stands; `hash` covers the row and the hash before it."""

    __tablename__: ClassVar[str] = "audit"
    __table_args__ = (sa.Index("ix_audit_request_id", "request_id"), sa.Index("ix_audit_at", "at"))

    seq: int = Field(
        primary_key=True, sa_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa_column_kwargs={"autoincrement": False}
    )
    at: datetime
    event: str = Field(max_length=40)
    actor: str = Field(sa_type=sa.Text)
    request_id: str | None = Field(default=None, max_length=40)
    agent: str | None = Field(default=None, max_length=100)
    server: str | None = Field(default=None, max_length=100)
    tool: str | None = Field(default=None, max_length=256)
    detail: str = Field(sa_type=sa.Text)
    hash: str = Field(max_length=64)


class AuditHead(SQLModel, table=True):
    """The end of the chain, one row: a cut tail no longer reaches it."""

    __tablename__: ClassVar[str] = "audit_head"

    id: int = Field(primary_key=True)
    seq: int = Field(sa_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"))
    hash: str = Field(max_length=64)


class AuditCheckpoint(SQLModel, table=True):
    """A word about the chain that is also written outside the database: whoever rewrites all rows is found by it."""

    __tablename__: ClassVar[str] = "audit_checkpoints"

    seq: int = Field(
        primary_key=True, sa_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa_column_kwargs={"autoincrement": False}
    )
    at: datetime
    hash: str = Field(max_length=64)
    chain: str = Field(max_length=64)


class Counter(SQLModel, table=True):
    """How much of a limit is used in one window, in units: `Limit.unit` tells how many make one."""

    __tablename__: ClassVar[str] = "counters"

    key: str = Field(primary_key=True, max_length=512)
    window_start: datetime = Field(primary_key=True)
    used: int = Field(sa_type=sa.BigInteger)


class DeskLink(SQLModel, table=True):
    """A one-time link that signs a person in to the desk."""

    __tablename__: ClassVar[str] = "desk_links"

    token_sha256: str = Field(primary_key=True, max_length=64)
    person: str = Field(max_length=100)
    expires_at: datetime
    used_at: datetime | None = None


class DeskSession(SQLModel, table=True):
    """A person who is signed in to the desk."""

    __tablename__: ClassVar[str] = "desk_sessions"

    token_sha256: str = Field(primary_key=True, max_length=64)
    person: str = Field(max_length=100)
    csrf: str = Field(max_length=64)
    created_at: datetime
    expires_at: datetime


class PersonalToken(SQLModel, table=True):
    """A person's token for the command line."""

    __tablename__: ClassVar[str] = "personal_tokens"

    token_sha256: str = Field(primary_key=True, max_length=64)
    person: str = Field(max_length=100)
    label: str = Field(max_length=100)
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class Meta(SQLModel, table=True):
    """Facts about this database itself, such as the key of its redaction fingerprints."""

    __tablename__: ClassVar[str] = "meta"

    name: str = Field(primary_key=True, max_length=40)
    value: str = Field(sa_type=sa.Text)
