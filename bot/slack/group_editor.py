"""The modals in which an administrator makes, changes and removes an approver group. Pure.

Law: a view carries the group's name and the version that was shown, and what is saved is saved over that version only.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack import blocks
from bot.slack.ids import Action, Callback
from bot.slack.shapes import Block
from workflows.calls import JSON
from workflows.redaction import visible

MOST_APPROVALS = 10
_MOST_OPTIONS = 100  # that Slack takes
_OPTION = 75  # characters of an option's text
_NAME = 60  # characters; longer ones are made on the command line
_SELF, _GUESTS, _EXTERNAL, _DIRECT = "self_approval", "guests", "external", "direct"
_CHECKS = (
    (_SELF, "Who answers for an agent may approve its calls"),
    (_GUESTS, "Members who are guests of this workspace may decide"),
    (_EXTERNAL, "Members who belong to another workspace may decide"),
    (_DIRECT, "Tell each member by direct message when a call waits"),
)


@dataclass(frozen=True, slots=True)
class Edited:
    """A group as the editor shows it. `version` 0 is a new one.

    `people` are user ids, `user_groups` ids with their handles; `kept` names members of other places, who stay as they are.
    `channel` is an id that Slack's own picker knows, `channel_name` one that it does not.
    """

    name: str = ""
    version: int = 0
    people: Sequence[str] = ()
    user_groups: Sequence[tuple[str, str]] = ()
    kept: Sequence[str] = ()
    quorum: int = 1
    channel: str | None = None
    channel_name: str | None = None
    self_approval: bool = False
    guests: bool = False
    external: bool = False
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """What was filled in. `quorum` is None when it is no whole number from 1 to 10."""

    name: str
    version: int
    people: frozenset[str]
    user_groups: frozenset[str]
    quorum: int | None
    channel: str | None
    self_approval: bool
    guests: bool
    external: bool
    direct: bool


def editor(edited: Edited) -> dict[str, JSON]:
    """Draw the editor of a group, or of a new one."""
    return {
        "type": "modal",
        "callback_id": Callback.GROUP,
        "title": blocks.plain("Approver group" if edited.version else "New approver group"),
        "submit": blocks.plain("Save"),
        "close": blocks.plain("Cancel"),
        "private_metadata": _metadata(edited.name, edited.version),
        "blocks": [*_head(edited), _people(edited), _user_groups(edited), _quorum(edited), _channel(edited), _checks(edited)],
    }


def _metadata(name: str, version: int) -> str:
    return json.dumps({"g": name, "v": version}, ensure_ascii=False)


def _head(edited: Edited) -> list[Block]:
    if not edited.version:
        hint = "Lower-case letters, digits, dots, hyphens and underscores. Rules of a policy name it; it cannot be changed later."
        return [_input("name", "Name", {"type": "plain_text_input", "action_id": "name", "min_length": 1, "max_length": _NAME}, hint=hint)]
    lines = [blocks.section(blocks.text("Group "), blocks.text(edited.name, bold=True))]
    if edited.kept:
        kept = ", ".join(edited.kept[:20]) + (f" and {len(edited.kept) - 20} more" if len(edited.kept) > 20 else "")  # noqa: PLR2004  # both times the same
        lines.append(blocks.section(blocks.text(f"Also in it, and kept: {kept}.")))
    return [blocks.rich(*lines)]


def _people(edited: Edited) -> Block:
    element: dict[str, JSON] = {"type": "multi_users_select", "action_id": "people", "placeholder": blocks.plain("Nobody yet")}
    if edited.people:
        element["initial_users"] = list(edited.people)
    return _input("people", "People", element, optional=True, hint="Each of them has one voice. Bots and deactivated people have none.")


def _user_groups(edited: Edited) -> Block:
    element: dict[str, JSON] = {
        "type": "multi_external_select",
        "action_id": Action.USER_GROUPS,
        "min_query_length": 0,
        "placeholder": blocks.plain("None"),
    }
    if edited.user_groups:
        element["initial_options"] = [*options(edited.user_groups)]
    hint = "Whoever is in one of them at the moment of a decision may decide."
    return _input("user_groups", "Slack user groups", element, optional=True, hint=hint)


def _quorum(edited: Edited) -> Block:
    element: dict[str, JSON] = {
        "type": "number_input",
        "action_id": "quorum",
        "is_decimal_allowed": False,
        "min_value": "1",
        "max_value": str(MOST_APPROVALS),
        "initial_value": str(edited.quorum),
    }
    return _input("quorum", "Approvals needed", element, hint="At least so many different people; a rule may ask for more.")


def _channel(edited: Edited) -> Block:
    element: dict[str, JSON] = {
        "type": "conversations_select",
        "action_id": "channel",
        "filter": {"include": ["public", "private"], "exclude_external_shared_channels": True, "exclude_bot_users": True},
        "placeholder": blocks.plain("The usual channel"),
    }
    if edited.channel:
        element["initial_conversation"] = edited.channel
    hint = "Where its cards go when the rule names no channel."
    if edited.channel_name:
        hint = f"Now {visible(edited.channel_name)[:80]}, and it stays unless you choose another one. {hint}"
    return _input("channel", "Channel", element, optional=True, hint=hint)


def _checks(edited: Edited) -> Block:
    drawn: dict[str, Block] = {name: _option(name, text) for name, text in _CHECKS}
    element: dict[str, JSON] = {"type": "checkboxes", "action_id": "checks", "options": list(drawn.values())}
    chosen = {_SELF: edited.self_approval, _GUESTS: edited.guests, _EXTERNAL: edited.external, _DIRECT: edited.direct}
    if any(chosen.values()):
        element["initial_options"] = [drawn[name] for name, on in chosen.items() if on]
    return _input("checks", "Options", element, optional=True)


def _input(block_id: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    drawn: Block = {"type": "input", "block_id": block_id, "label": blocks.plain(label), "element": element, "optional": optional}
    if hint:
        drawn["hint"] = blocks.plain(hint)
    return drawn


def _option(value: str, text: str) -> Block:
    shown = visible(text) or value
    return {"text": blocks.plain(shown if len(shown) <= _OPTION else shown[: _OPTION - 1] + "…"), "value": value}


def options(found: Iterable[tuple[str, str]], query: str = "") -> list[Block]:
    """Write user groups (id, handle) as options, those that `query` is found in; at most 100."""
    wanted = query.strip().lstrip("@").casefold()
    fitting = [(key, handle) for key, handle in found if wanted in handle.casefold() or wanted in key.casefold()]
    return [_option(key, f"@{handle}" if handle else key) for key, handle in fitting[:_MOST_OPTIONS]]


def removal(name: str, version: int) -> dict[str, JSON]:
    """Draw the question whether a group shall be removed."""
    return {
        "type": "modal",
        "callback_id": Callback.GROUP_DELETE,
        "title": blocks.plain("Delete this group?"),
        "submit": blocks.plain("Delete"),
        "close": blocks.plain("Keep it"),
        "private_metadata": _metadata(name, version),
        "blocks": [
            blocks.rich(
                blocks.section(
                    blocks.text("Calls that rules hold for "),
                    blocks.text(name, bold=True),
                    blocks.text(" are denied from then on, because nobody can approve them. The audit trail keeps the group."),
                )
            )
        ],
    }


def origin(view: Mapping[str, Any]) -> tuple[str, int]:
    """Read which group a view is about, and the version that was shown; ("", 0) for a new one."""
    try:
        told = json.loads(view.get("private_metadata") or "{}")
        return str(told["g"]), int(told["v"])
    except (ValueError, KeyError, TypeError):
        return "", 0


def filled(view: Mapping[str, Any]) -> Filled:
    """Read the editor as it was submitted."""
    name, version = origin(view)
    values = (view.get("state") or {}).get("values") or {}
    checks = {each.get("value") for each in _value(values, "checks", "checks", "selected_options") or ()}
    return Filled(
        name=name if version else str(_value(values, "name", "name", "value") or "").strip(),
        version=version,
        people=frozenset(map(str, _value(values, "people", "people", "selected_users") or ())),
        user_groups=frozenset(
            str(each.get("value")) for each in _value(values, "user_groups", Action.USER_GROUPS, "selected_options") or ()
        ),
        quorum=_whole(_value(values, "quorum", "quorum", "value")),
        channel=_value(values, "channel", "channel", "selected_conversation") or None,
        self_approval=_SELF in checks,
        guests=_GUESTS in checks,
        external=_EXTERNAL in checks,
        direct=_DIRECT in checks,
    )


def _value(values: Mapping[str, Any], block_id: str, action_id: str, kind: str) -> Any:  # noqa: ANN401  # whatever Slack sends there
    return ((values.get(block_id) or {}).get(action_id) or {}).get(kind)


def _whole(text: object) -> int | None:
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > 3:  # noqa: PLR2004  # 10 has two
        return None
    return int(text) if 1 <= int(text) <= MOST_APPROVALS else None
