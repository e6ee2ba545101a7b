"""What Slack refuses about the app itself, as a sentence that says what to do."""

from typing import ClassVar

from workflows.errors import AskfirstError

_REMEDIES = {
    "account_inactive": "The app was uninstalled, or its workspace is gone. Install it again and set the new token.",
    "token_revoked": "The token was revoked. Install the app again and set the new token.",
    "token_expired": "The token has expired. Turn token rotation off, install the app again and set the new token.",
    "missing_scope": "A scope is missing. Compare the app's scopes with manifest.yml, and install it again.",
    "not_allowed_token_type": "It is a token of another kind: bot_token begins with xoxb-, app_token with xapp-.",
    "no_permission": "The app has not the right to do this. Ask an administrator of the workspace to approve it.",
    "team_access_not_granted": "The app was not given this workspace. Ask an administrator to approve it.",
}
_TOKENS = {
    "bot_token": "Copy the Bot User OAuth Token (xoxb-…) from the app's page OAuth & Permissions, and start Askfirst again.",
    "app_token": "Make an App-Level Token (xapp-…) with connections:write on the app's page Basic Information, and start Askfirst again.",
}


class SlackRefused(AskfirstError):
    """Slack refuses this app. Run `askfirst doctor` for the remedy."""

    code: ClassVar[str] = "slack_refused"


def refusal(token: str, error: str) -> SlackRefused:
    """Say what Slack refuses, and what to do: `token` is `bot_token` or `app_token`, `error` Slack's word."""
    remedy = _TOKENS[token] if token == "app_token" else _REMEDIES.get(error, _TOKENS[token])  # noqa: S105  # the setting's name
    return SlackRefused(f"Slack refuses slack.{token} ({error}). {remedy}")
