"""Who may call which method: the class of the token, its scopes, and how often a minute."""

from dataclasses import dataclass

from tests.fakes.slack.state import Workspace
from tests.fakes.slack.values import Refused

T2, T3, T4, MANY = 20, 50, 100, 600  # calls a minute


@dataclass(frozen=True, slots=True)
class Rule:
    """What a method asks for. Of `scopes` every one is needed; those that depend on the conversation are asked for later."""

    per_minute: int
    scopes: tuple[str, ...] = ()
    app_token: bool = False


RULES: dict[str, Rule] = {
    "api.test": Rule(MANY),
    "auth.test": Rule(MANY),
    "apps.connections.open": Rule(T3, ("connections:write",), app_token=True),
    "blocks.validate": Rule(MANY),
    "bots.info": Rule(T3, ("users:read",)),
    "chat.delete": Rule(T3, ("chat:write",)),
    "chat.getPermalink": Rule(MANY),
    "chat.postEphemeral": Rule(T4, ("chat:write",)),
    "chat.postMessage": Rule(300, ("chat:write",)),
    "chat.update": Rule(T3, ("chat:write",)),
    "conversations.history": Rule(T3),
    "conversations.info": Rule(T3),
    "conversations.list": Rule(T2, ("channels:read", "groups:read")),
    "conversations.members": Rule(T4),
    "conversations.open": Rule(T3, ("im:write",)),
    "conversations.replies": Rule(T3),
    "files.completeUploadExternal": Rule(T4, ("files:write",)),
    "files.getUploadURLExternal": Rule(T4, ("files:write",)),
    "team.info": Rule(T3, ("team:read",)),
    "usergroups.list": Rule(T2, ("usergroups:read",)),
    "usergroups.users.list": Rule(T2, ("usergroups:read",)),
    "users.info": Rule(T4, ("users:read",)),
    "users.list": Rule(T2, ("users:read",)),
    "users.lookupByEmail": Rule(T3, ("users:read.email",)),
    "views.open": Rule(T4),
    "views.publish": Rule(T4),
    "views.push": Rule(T4),
    "views.update": Rule(T4),
}


def admit(workspace: Workspace, method: str, token: str | None) -> Rule:
    """Let a call in, or raise what Slack answers."""
    rule = RULES.get(method)
    if rule is None:
        raise Refused("unknown_method", req_method=method)
    if not token:
        raise Refused("not_authed")
    if token not in (workspace.BOT_TOKEN, workspace.APP_TOKEN):
        raise Refused("invalid_auth")
    if token in workspace.bad_tokens:
        raise Refused(workspace.bad_tokens[token])
    if rule.app_token is not (token == workspace.APP_TOKEN):
        raise Refused("not_allowed_token_type")
    need(workspace, *rule.scopes, app_token=rule.app_token)
    return rule


def need(workspace: Workspace, *scopes: str, app_token: bool = False) -> None:
    """Ask for scopes; raises missing_scope."""
    given = workspace.app_scopes if app_token else workspace.scopes
    missing = [scope for scope in scopes if scope not in given]
    if missing:
        raise Refused("missing_scope", needed=",".join(missing), provided=",".join(sorted(given)))
