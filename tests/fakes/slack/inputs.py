"""What stands in the fields of a view: their first values, and what a person puts into them, as far as Slack's clients let one."""

from collections.abc import Iterator
from typing import Any

from tests.fakes.slack.values import Body

_FIELDS = {
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}


class NotPossible(Exception):  # a refusal is named by what it says
    """No person could do this in Slack: the button is not there, or the field does not take it."""


def elements(view: Body) -> Iterator[tuple[Body, Body]]:
    """Give every element that can be touched, with its block."""
    for block in view["blocks"]:
        if block["type"] == "actions":
            yield from ((block, element) for element in block["elements"])
        for name in ("element", "accessory"):
            if name in block and block[name]["type"] != "image":
                yield block, block[name]


def initial_state(view: Body) -> dict[str, dict[str, Body]]:
    """Give the state that a view opens with, by block and action; buttons have none."""
    state: dict[str, dict[str, Body]] = {}
    for block, element in elements(view):
        name = _FIELDS.get(element["type"])
        if name is not None and element["type"] != "overflow":
            many = name in ("selected_options", "selected_users", "selected_conversations", "selected_channels")
            first = element.get(f"initial_{name.removeprefix('selected_')}", [] if many else None)
            state.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], name: first}
    return state


def chosen(element: Body, value: Any) -> Body:  # noqa: ANN401  # text, an option's value, ids, or the members as Slack writes them
    """Write what a person chose: give text, an option's value, ids, lists of them, or the members themselves."""
    kind = element["type"]
    name = _FIELDS.get(kind)
    if name is None:
        return {}
    if isinstance(value, dict) and (name in value or "type" in value):
        return {"type": kind, name: value.get(name)}
    if name == "selected_option":
        return {"type": kind, name: None if value is None else _option(element, value)}
    if name == "selected_options":
        return {"type": kind, name: [_option(element, one) for one in value or ()]}
    return {"type": kind, name: value}


def _option(element: Body, value: Any) -> Body:  # noqa: ANN401  # an option, or its value
    offered = [*element.get("options", ()), *(one for group in element.get("option_groups", ()) for one in group["options"])]
    for option in [*offered, *([element["initial_option"]] if "initial_option" in element else []), *element.get("initial_options", ())]:
        if value in (option, option["value"]):
            return dict(option)
    if isinstance(value, dict) and "external" in element["type"]:
        return value
    if isinstance(value, str) and "external" in element["type"]:
        return {"text": {"type": "plain_text", "text": value, "emoji": True}, "value": value}
    raise NotPossible(f"{value!r} is not offered by {element.get('action_id')}.")


def filled(view: Body, values: dict[str, dict[str, Any]]) -> dict[str, dict[str, Body]]:
    """Give the state of a view after a person put these values in; raises NotPossible where a client would not send it."""
    state = {block: dict(actions) for block, actions in view["state"]["values"].items()}
    by_id = {(block["block_id"], element["action_id"]): element for block, element in elements(view)}
    for block_id, actions in values.items():
        for action_id, value in actions.items():
            if block_id not in state or action_id not in state[block_id]:
                raise NotPossible(f"The view has no field {block_id}/{action_id}; it has {sorted(by_id)}.")
            state[block_id][action_id] = chosen(by_id[block_id, action_id], value)
    for block in view["blocks"]:
        if block["type"] == "input":
            _sendable(block, state[block["block_id"]][block["element"]["action_id"]])
    return state


def _sendable(block: Body, state: Body) -> None:
    element = block["element"]
    value = state.get(_FIELDS[element["type"]])
    if value in (None, "", []):
        if not block.get("optional"):
            raise NotPossible(f"{block['block_id']} must be filled in.")
        return
    if element["type"] == "plain_text_input" and not element.get("min_length", 0) <= len(value) <= element.get("max_length", 3000):
        raise NotPossible(f"{block['block_id']} does not take {len(value)} characters.")
    if element["type"] == "number_input":
        low, high = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
        if not low <= float(value) <= high:
            raise NotPossible(f"{block['block_id']} does not take {value}.")
    if "max_selected_items" in element and len(value) > element["max_selected_items"]:
        raise NotPossible(f"{block['block_id']} does not take {len(value)} choices.")
