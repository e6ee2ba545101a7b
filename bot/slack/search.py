"""What History is searched by: the form that is filled in, and what was filled in. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.slack import blocks
from bot.slack.ids import Callback
from bot.slack.shapes import Block
from workflows.calls import JSON
from workflows.states import State

WORDS = 200  # characters of a field
STATES = {
    State.PENDING: "Waiting",
    State.APPROVED: "Approved",
    State.RELEASING: "Approved, running",
    State.RELEASED: "Approved, ran",
    State.FAILED: "Approved, then failed",
    State.LOST: "Approved, outcome unknown",
    State.DENIED: "Denied",
    State.CANCELLED: "Cancelled",
    State.EXPIRED: "Expired",
}


@dataclass(frozen=True, slots=True)
class Search:
    """What History is searched by, as it was typed; days are written 2026-12-31 and are UTC, the last one included."""

    words: str = ""
    tool: str = ""
    server: str = ""
    agent: str = ""
    person: str = ""
    state: str = ""
    since: str = ""
    until: str = ""

    @property
    def told(self) -> str:
        """Say in a line what is searched for; empty for everything."""
        return " · ".join(f"{name} {value}" for name, value in asdict(self).items() if value)


def modal(now: Search) -> dict[str, JSON]:
    """Draw the filters of History, filled with what is searched now."""
    states = [_choice(state, STATES[state]) for state in State]
    outcome: dict[str, JSON] = {"type": "static_select", "action_id": "state", "options": list(states), "placeholder": blocks.plain("Any")}
    chosen = [state for state in states if state["value"] == now.state]
    if chosen:
        outcome["initial_option"] = chosen[0]
    person: dict[str, JSON] = {"type": "users_select", "action_id": "person", "placeholder": blocks.plain("Anybody")}
    if now.person.startswith("slack:"):
        person["initial_user"] = now.person.rpartition("/")[2]
    return {
        "type": "modal",
        "callback_id": Callback.SEARCH,
        "title": blocks.plain("Search history"),
        "submit": blocks.plain("Search"),
        "close": blocks.plain("Back"),
        "blocks": [
            *(_filter(name, label, _typed(name, getattr(now, name))) for name, label in _TYPED),
            _filter("person", "Who answers for the agent, or decided", person),
            _filter("state", "What came of it", outcome),
            *(_filter(name, label, _date(name, getattr(now, name))) for name, label in _DATES),
        ],
    }


_TYPED = (("words", "Words"), ("tool", "Tool, whole name"), ("server", "Server, whole name"), ("agent", "Agent, whole name"))
_DATES = (("since", "Asked from (UTC)"), ("until", "Asked until, this day included (UTC)"))


def _filter(name: str, label: str, element: Block) -> Block:
    return {"type": "input", "block_id": name, "label": blocks.plain(label), "element": element, "optional": True}


def _typed(name: str, value: str) -> Block:
    element: dict[str, JSON] = {"type": "plain_text_input", "action_id": name, "max_length": WORDS}
    return {**element, "initial_value": value} if value else element


def _date(name: str, value: str) -> Block:
    element: dict[str, JSON] = {"type": "datepicker", "action_id": name}
    return {**element, "initial_date": value} if value else element


def _choice(value: str, text: str) -> Block:
    return {"text": blocks.plain(text), "value": value}


def searched(view: Mapping[str, Any], *, team: str) -> Search:
    """Read the filters as they were submitted."""
    values = (view.get("state") or {}).get("values") or {}

    def read(name: str, kind: str = "value") -> Any:  # noqa: ANN401  # whatever Slack sends there
        return ((values.get(name) or {}).get(name) or {}).get(kind)

    typed = {name: str(read(name) or "").strip()[:WORDS] for name, _ in _TYPED}
    days = {name: str(read(name, "selected_date") or "")[:10] for name, _ in _DATES}
    user, option = read("person", "selected_user"), read("state", "selected_option")
    return Search(**typed, **days, person=f"slack:{team}/{user}" if user else "", state=str((option or {}).get("value") or ""))
