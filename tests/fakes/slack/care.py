"""What an app must not do in Slack although Slack lets it: markup, unfurling, mentions, argument values where notifications show them."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.fakes.slack.values import Call

_SHOWN = (
    "chat.postMessage",
    "chat.update",
    "chat.postEphemeral",
    "views.open",
    "views.update",
    "views.push",
    "views.publish",
    "response_url",
)
_LASTING = ("chat.postMessage", "chat.update")
_FLAGS = {"parse": ("none",), "link_names": (False, "0", "false", 0), "unfurl_links": (False, "0", "false", 0)}


def careless(calls: Iterable[Call], *values: str) -> list[str]:
    """Say what is wrong with what an app showed; `values` are words of arguments, which no message's `text` may contain.

    A message in a channel has a rich_text block in every state, else Slack would refuse to bring one back (`block_mismatch`).
    """
    return [f"{call.method}: {problem}" for call in calls if call.method in _SHOWN for problem in _problems(call, values)]


def _problems(call: Call, values: tuple[str, ...]) -> Iterator[str]:
    if any(_mrkdwn(call.args.get(name)) for name in ("blocks", "view", "attachments")):
        yield "a mrkdwn object"
    text = str(call.args.get("text") or "")
    yield from (f"text shows {value!r}" for value in values if value and value in text)
    if call.method in _LASTING and "files" not in call.args:
        for name, good in _FLAGS.items():
            if (name, call.method) != ("unfurl_links", "chat.update") and call.args.get(name) not in good:
                yield f"{name} is {call.args.get(name)!r}"
        if call.method == "chat.postMessage" and call.args.get("unfurl_media") not in _FLAGS["unfurl_links"]:
            yield f"unfurl_media is {call.args.get('unfurl_media')!r}"
        if not any(block.get("type") == "rich_text" for block in call.args.get("blocks") or ()):
            yield "no rich_text block"


def _mrkdwn(value: Any) -> bool:  # noqa: ANN401  # any JSON
    if isinstance(value, list):
        return any(map(_mrkdwn, value))
    if isinstance(value, dict):
        return value.get("type") == "mrkdwn" or any(map(_mrkdwn, value.values()))
    return False
