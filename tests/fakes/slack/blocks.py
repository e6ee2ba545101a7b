"""Blocks and their limits: what a message, a modal and a Home may contain. What Askfirst never draws is unknown. Pure."""

import re
from typing import Any

from tests.fakes.slack.elements import IN_ACTIONS, IN_CONTEXT, IN_INPUT, IN_SECTION
from tests.fakes.slack.shapes import Check, Problems, any_text, boolean, distinct, integer, listed, one_of, plain, shape, text, typed

_LONG = 2**53
_BLOCK_ID: dict[str, Check] = {"block_id": text(1, 255)}
_STYLE = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), boolean))
_TOKENS = {
    *(f"date{tail}" for tail in ("", "_num", "_short", "_long", "_long_full", "_pretty", "_short_pretty", "_long_pretty")),
    "day_divider_pretty",
    "time",
    "time_secs",
    "ago",
}


def _date_format(value: object, at: str, problems: Problems) -> None:
    tokens = re.findall(r"{(\w+)}", value) if isinstance(value, str) else []
    if not tokens or not _TOKENS.issuperset(tokens):
        problems.add("must be a format with known tokens", at)


_INLINE: dict[str, Check] = {
    "text": shape({"text": text(1, _LONG)}, {"style": _STYLE}),
    "link": shape({"url": text(1, 3000)}, {"text": text(1, _LONG), "unsafe": boolean, "style": _STYLE}),
    "user": shape({"user_id": text(1, 255)}, {"style": _STYLE}),
    "usergroup": shape({"usergroup_id": text(1, 255)}, {"style": _STYLE}),
    "channel": shape({"channel_id": text(1, 255)}, {"style": _STYLE}),
    "team": shape({"team_id": text(1, 255)}, {"style": _STYLE}),
    "emoji": shape({"name": text(1, 255)}, {"unicode": text(1, 255), "skin_tone": integer(1, 6)}),
    "date": shape(
        {"timestamp": integer(0, _LONG), "format": _date_format}, {"fallback": text(1, 3000), "url": text(1, 3000), "style": _STYLE}
    ),
    "broadcast": shape({"range": one_of("here", "channel", "everyone")}, {"style": _STYLE}),
    "color": shape({"value": text(1, 255)}, {"style": _STYLE}),
}
_ANY = listed(0, _LONG, typed(_INLINE))
_SECTION = shape({"elements": _ANY})
_RICH = {
    "rich_text_section": _SECTION,
    "rich_text_quote": shape({"elements": _ANY}, {"border": integer(0, 1)}),
    "rich_text_preformatted": shape(
        {"elements": listed(0, _LONG, typed(_INLINE, {"text", "link"}))}, {"border": integer(0, 1), "language": text(1, 50)}
    ),
    "rich_text_list": shape(
        {"elements": listed(0, _LONG, typed({"rich_text_section": _SECTION})), "style": one_of("bullet", "ordered")},
        {"indent": integer(0, 8), "offset": integer(0, _LONG), "border": integer(0, 1)},
    ),
}


def _section(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
    _SECTION_SHAPE(value, at, problems)
    if "text" not in value and "fields" not in value:
        problems.add("missing required field: text or fields", at)


_SECTION_SHAPE = shape(
    {}, {**_BLOCK_ID, "text": any_text(3000), "fields": listed(1, 10, any_text(2000)), "accessory": IN_SECTION, "expand": boolean}
)


def _actions(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
    shape({"elements": listed(1, 25, IN_ACTIONS)}, _BLOCK_ID)(value, at, problems)
    if isinstance(value.get("elements"), list):
        distinct(value["elements"], "action_id", f"{at}/elements", problems)


BLOCKS: dict[str, Check] = {
    "section": _section,
    "actions": _actions,
    "divider": shape({}, _BLOCK_ID),
    "header": shape({"text": plain(150)}, {**_BLOCK_ID, "level": integer(1, 4)}),
    "context": shape({"elements": listed(1, 10, IN_CONTEXT)}, _BLOCK_ID),
    "rich_text": shape({"elements": listed(1, _LONG, typed(_RICH))}, _BLOCK_ID),
    "image": shape({"image_url": text(1, 3000), "alt_text": text(1, 2000)}, {**_BLOCK_ID, "title": plain(2000)}),
    "input": shape(
        {"label": plain(2000), "element": IN_INPUT}, {**_BLOCK_ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean}
    ),
}
_BLOCK = typed(BLOCKS)


def check_blocks(blocks: object, *, at_most: int, at_least: int = 0, at: str = "/blocks") -> list[str]:
    """Say all that Slack would refuse in a list of blocks."""
    problems = Problems()
    listed(at_least, at_most, _BLOCK)(blocks, at, problems)
    if isinstance(blocks, list):
        distinct(blocks, "block_id", at, problems)
    return problems.found
