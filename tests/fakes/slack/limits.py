"""Messages and views as wholes, and their limits. Every check raises what Slack answers."""

import json
from typing import Any

from tests.fakes.slack.blocks import check_blocks
from tests.fakes.slack.shapes import Check, Problems, boolean, plain, shape, text
from tests.fakes.slack.text import weight
from tests.fakes.slack.values import Body, Refused

POSTED = 40_000  # characters of text that a post keeps
UPDATED = 4_000  # bytes of text that an update takes
VIEW_BYTES = 250_000
_METADATA_BYTES = 16_000


def message(text: object, blocks: object, *, blocks_limit: int, update: bool = False) -> tuple[str, list[Body]]:
    """Check text and blocks of a message, and give them as they are kept."""
    if text is not None and not isinstance(text, str):
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] must be a string [json-pointer:/text]"]})
    if blocks is not None and not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    if not text and not blocks:
        raise Refused("no_text")
    found = check_blocks(blocks or [], at_most=50)
    if found:
        raise Refused("invalid_blocks", errors=found, response_metadata={"messages": found})
    if weight(blocks) > blocks_limit:
        raise Refused("msg_blocks_too_long")
    if update and len((text or "").encode()) > UPDATED:
        raise Refused("msg_too_long")
    return (text or "")[:POSTED], blocks or []


def metadata(value: object) -> Body | None:
    """Check the metadata of a message."""
    if value is None or value == "":
        return None
    if not isinstance(value, dict):
        raise Refused("invalid_metadata_format")
    if not isinstance(value.get("event_type"), str) or not value["event_type"] or not isinstance(value.get("event_payload"), dict):
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(value)) > _METADATA_BYTES:
        raise Refused("metadata_too_large")
    return value


def _blocks(high: int, low: int) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:  # noqa: ANN401  # it is checked here
        problems.found += check_blocks(value, at_most=high, at_least=low, at=at)

    return check


_ANY: dict[str, Check] = {"private_metadata": text(0, 3000), "callback_id": text(0, 255), "external_id": text(0, 255)}
_MODAL = shape(
    {"title": plain(24), "blocks": _blocks(100, 1)},
    {
        **_ANY,
        "submit": plain(24),
        "close": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
_HOME = shape({"blocks": _blocks(100, 0)}, _ANY)


def view_problems(view: object, kind: str) -> list[str]:
    """Say all that Slack would refuse in a view; `kind` is modal or home."""
    problems = Problems()
    if not isinstance(view, dict):
        problems.add("must be an object", "/view")
        return problems.found
    if view.get("type") != kind:
        problems.add(f"unsupported type: {view.get('type')}", "/view/type")
        return problems.found
    (_MODAL if kind == "modal" else _HOME)(view, "/view", problems)
    blocks = [block for block in view.get("blocks") or () if isinstance(block, dict)]
    if kind == "modal" and "submit" not in view and any(block.get("type") == "input" for block in blocks):
        problems.add("missing required field: submit", "/view")
    if json.dumps(view).count('"focus_on_load": true') > 1:
        problems.add("only one element may have focus_on_load", "/view")
    return problems.found


def view(value: object, kind: str) -> Body:
    """Check a view, and give it."""
    if len(json.dumps(value, ensure_ascii=False).encode()) > VIEW_BYTES:
        raise Refused("view_too_large")
    found = view_problems(value, kind)
    if found or not isinstance(value, dict):
        raise Refused("invalid_arguments", response_metadata={"messages": found})
    return value
