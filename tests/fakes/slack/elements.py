"""What people press and fill in: buttons, menus and fields, and their limits. Pure."""

from typing import Any

from tests.fakes.slack.shapes import Check, Problems, any_text, boolean, integer, listed, one_of, plain, shape, text, typed

ACTION_ID = text(1, 255)
_ANY_ID = text(1, 255)
_LONG = 2**53


def _number(value: object, at: str, problems: Problems) -> None:
    try:
        float(value if isinstance(value, str) else "-")
    except ValueError:
        problems.add("must be a number written as a string", at)


CONFIRM = shape(
    {"title": plain(100), "text": any_text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
OPTION = shape({"text": any_text(75), "value": text(1, 150)}, {"description": any_text(75), "url": text(1, 3000)})
_GROUPS = listed(1, 100, shape({"label": plain(75), "options": listed(1, 100, OPTION)}))
_MENU: dict[str, Check] = {"placeholder": plain(150), "action_id": ACTION_ID, "confirm": CONFIRM, "focus_on_load": boolean}
_MULTI: dict[str, Check] = {**_MENU, "max_selected_items": integer(1, _LONG)}
_FILTER = shape(
    {},
    {
        "include": listed(1, 4, one_of("im", "mpim", "private", "public")),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
_CONVERSATIONS: dict[str, Check] = {"default_to_current_conversation": boolean, "filter": _FILTER}
_CHOICES: dict[str, Check] = {"action_id": ACTION_ID, "confirm": CONFIRM, "focus_on_load": boolean}
_FIELD: dict[str, Check] = {
    "action_id": ACTION_ID,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "dispatch_action_config": shape(
        {"trigger_actions_on": listed(1, 2, one_of("on_enter_pressed", "on_character_entered"))},
    ),
}


def _options(required: dict[str, Check], optional: dict[str, Check]) -> Check:
    """Check a static menu: options or groups of them, and the first choice is one of its options."""
    inner = shape(required, {**optional, "options": listed(1, 100, OPTION), "option_groups": _GROUPS})

    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        inner(value, at, problems)
        if ("options" in value) is ("option_groups" in value):
            problems.add("exactly one of options and option_groups is required", at)
        _initial(value, at, problems)

    return check


def _initial(value: dict[str, Any], at: str, problems: Problems) -> None:
    groups = [value.get("options"), *(group.get("options") for group in value.get("option_groups") or () if isinstance(group, dict))]
    offered = [option for options in groups if isinstance(options, list) for option in options]
    chosen = value.get("initial_options", [value["initial_option"]] if "initial_option" in value else [])
    if not all(option in offered for option in chosen):
        problems.add("initial option is not among the options", at)


def _listed_choice(optional: dict[str, Check]) -> Check:
    inner = shape({"options": listed(1, 10, OPTION)}, {**_CHOICES, **optional})

    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        inner(value, at, problems)
        _initial(value, at, problems)

    return check


ELEMENTS: dict[str, Check] = {
    "button": shape(
        {"text": plain(75)},
        {
            "action_id": ACTION_ID,
            "value": text(0, 2000),
            "url": text(1, 3000),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": text(1, 75),
        },
    ),
    "overflow": shape({"options": listed(1, 5, OPTION)}, {"action_id": ACTION_ID, "confirm": CONFIRM}),
    "static_select": _options({}, {**_MENU, "initial_option": OPTION}),
    "external_select": shape({}, {**_MENU, "min_query_length": integer(0, _LONG), "initial_option": OPTION}),
    "users_select": shape({}, {**_MENU, "initial_user": _ANY_ID}),
    "conversations_select": shape({}, {**_MENU, **_CONVERSATIONS, "initial_conversation": _ANY_ID, "response_url_enabled": boolean}),
    "channels_select": shape({}, {**_MENU, "initial_channel": _ANY_ID, "response_url_enabled": boolean}),
    "multi_static_select": _options({}, {**_MULTI, "initial_options": listed(1, 100, OPTION)}),
    "multi_external_select": shape({}, {**_MULTI, "min_query_length": integer(0, _LONG), "initial_options": listed(1, 100, OPTION)}),
    "multi_users_select": shape({}, {**_MULTI, "initial_users": listed(0, _LONG, _ANY_ID)}),
    "multi_conversations_select": shape({}, {**_MULTI, **_CONVERSATIONS, "initial_conversations": listed(0, _LONG, _ANY_ID)}),
    "multi_channels_select": shape({}, {**_MULTI, "initial_channels": listed(0, _LONG, _ANY_ID)}),
    "checkboxes": _listed_choice({"initial_options": listed(1, 10, OPTION)}),
    "radio_buttons": _listed_choice({"initial_option": OPTION}),
    "datepicker": shape({}, {**_CHOICES, "placeholder": plain(150), "initial_date": text(10, 10)}),
    "timepicker": shape({}, {**_CHOICES, "placeholder": plain(150), "initial_time": text(5, 5), "timezone": text(1, 100)}),
    "datetimepicker": shape({}, {**_CHOICES, "initial_date_time": integer(1_000_000_000, 9_999_999_999)}),
    "plain_text_input": shape(
        {},
        {
            **_FIELD,
            "initial_value": text(0, 3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
    ),
    "number_input": shape(
        {"is_decimal_allowed": boolean}, {**_FIELD, "initial_value": _number, "min_value": _number, "max_value": _number}
    ),
    "email_text_input": shape({}, {**_FIELD, "initial_value": text(0, 3000)}),
    "url_text_input": shape({}, {**_FIELD, "initial_value": text(0, 3000)}),
    "image": shape(
        {"alt_text": text(1, 2000)}, {"image_url": text(1, 3000), "slack_file": shape({}, {"id": _ANY_ID, "url": text(1, 3000)})}
    ),
}
_MULTI_MENUS = {name for name in ELEMENTS if name.startswith("multi_")}
_MENUS = {name for name in ELEMENTS if name.endswith("_select")} - _MULTI_MENUS
_PICKED = {"checkboxes", "radio_buttons", "datepicker", "timepicker", "datetimepicker"}
_TYPED = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}

IN_ACTIONS = typed(ELEMENTS, {"button", "overflow"} | _MENUS | _PICKED)
IN_SECTION = typed(ELEMENTS, ({"button", "overflow", "image"} | _MENUS | _MULTI_MENUS | _PICKED) - {"datetimepicker"})
IN_INPUT = typed(ELEMENTS, _MENUS | _MULTI_MENUS | _PICKED | _TYPED)
IN_CONTEXT = typed(
    {
        "image": ELEMENTS["image"],
        "plain_text": shape({"text": text(1, 3000)}, {"emoji": boolean}),
        "mrkdwn": shape({"text": text(1, 3000)}, {"verbatim": boolean}),
    }
)
