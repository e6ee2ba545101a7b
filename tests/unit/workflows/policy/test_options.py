"""What a document says of itself."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.workflows.policy.documents import call, document, places, policy, said
from workflows.calls import JSON
from workflows.policy import Hold, Mode, evaluate
from workflows.policy.options import KEYS, REDACT
from workflows.policy.shapes import Changed
from workflows.redaction import NOTHING, Redaction

ALWAYS: dict[str, JSON] = {"conditions": []}


def test_what_is_not_said_is_the_strict_choice() -> None:
    """A document that says nothing of itself holds calls, in UTC, asks about changed tools, and hides nothing but secrets."""
    shape = policy().shape
    assert (shape.mode, shape.changed_tools, shape.zone, shape.redaction) == (Mode.ENFORCE, Changed.HOLD, "UTC", NOTHING)


def test_every_option_is_read() -> None:
    """Each key has its place in the shape."""
    options: dict[str, JSON] = {
        "mode": "monitor",
        "changed_tools": "deny",
        "time_zone": "Europe/Berlin",
        "redact": {"paths": ["args.customer.email", "args.*.iban", "args.note"], "patterns": ["[0-9]{16}"]},
    }
    assert options.keys() == KEYS
    shape = policy(**options).shape
    assert (shape.mode, shape.changed_tools, shape.zone) == (Mode.MONITOR, Changed.DENY, "Europe/Berlin")
    assert shape.redaction == Redaction((("customer", "email"), ("*", "iban"), ("note",)), ("[0-9]{16}",))


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Asia/Kolkata"])
def test_a_time_zone_is_one_of_the_list(name: str) -> None:
    """Names of the IANA list are taken as they are written."""
    assert policy(time_zone=name).shape.zone == name


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({"time_zone": "europe/berlin"}, "/time_zone", 'did you mean "Europe/Berlin"'),
    ({"time_zone": "Europe/Berln"}, "/time_zone", 'did you mean "Europe/Berlin"'),
    ({"time_zone": "Berlin time"}, "/time_zone", "IANA"),
    ({"time_zone": "UTC+1"}, "/time_zone", "IANA"),
    ({"time_zone": "Europe"}, "/time_zone", "IANA"),
    ({"time_zone": ""}, "/time_zone", "IANA"),
    ({"time_zone": "localtime"}, "/time_zone", "IANA"),
    ({"time_zone": "posix/Europe/Berlin"}, "/time_zone", "IANA"),
    ({"time_zone": "right/UTC"}, "/time_zone", "IANA"),
    ({"time_zone": "../../etc/passwd"}, "/time_zone", "IANA"),
    ({"time_zone": "/etc/localtime"}, "/time_zone", "IANA"),
    ({"time_zone": "a\0b"}, "/time_zone", "IANA"),
    ({"time_zone": "x" * 5_000}, "/time_zone", "IANA"),
    ({"time_zone": 1}, "/time_zone", "a number"),
    ({"time_zone": None}, "/time_zone", "null"),
    ({"mode": "monitoring"}, "/mode", 'did you mean "monitor"'),
    ({"mode": "shadow"}, "/mode", "enforce, monitor"),
    ({"mode": False}, "/mode", "a boolean"),
    ({"changed_tools": "allow"}, "/changed_tools", "hold, deny"),
    ({"redact": ["args.a"]}, "/redact", "an object"),
    ({"redact": {"path": []}}, "/redact/path", 'did you mean "paths"'),
    ({"redact": {"paths": "args.a"}}, "/redact/paths", "a list"),
    ({"redact": {"paths": [5]}}, "/redact/paths/0", '"args.customer.email"'),
    ({"redact": {"paths": ["args.a", "customer.email"]}}, "/redact/paths/1", '"args.customer.email"'),
    ({"redact": {"paths": ["args"]}}, "/redact/paths/0", '"args.customer.email"'),
    ({"redact": {"paths": ["args."]}}, "/redact/paths/0", '"args.customer.email"'),
    ({"redact": {"paths": ["args.a..b"]}}, "/redact/paths/0", "dots"),
    ({"redact": {"paths": ["args.items[0].iban"]}}, "/redact/paths/0", "lists are walked through"),
    ({"redact": {"paths": ["args.items[]"]}}, "/redact/paths/0", "lists are walked through"),
    ({"redact": {"paths": ["args.card_*"]}}, "/redact/paths/0", "one whole name"),
    ({"redact": {"paths": ["args.**"]}}, "/redact/paths/0", "one whole name"),
    ({"redact": {"patterns": ["[0-9]+", "(?=a)"]}}, "/redact/patterns/1", "look-around"),
    ({"redact": {"patterns": [5]}}, "/redact/patterns/0", "a number"),
    ({"redact": {"patterns": [""]}}, "/redact/patterns/0", "needs a character"),
    ({"redact": {"patterns": ["[0-9]*"]}}, "/redact/patterns/0", "needs a character"),
    ({"redact": {"patterns": ["^|x"]}}, "/redact/patterns/0", "needs a character"),
]


@pytest.mark.parametrize(("changes", "place", "word"), SLIPS)
def test_a_slip_is_told_at_its_key(changes: dict[str, Any], place: str, word: str) -> None:
    """Each slip has one problem, at its place, with what to write."""
    assert places(document(**changes)) == [place]
    assert word in said(document(**changes), place)


def test_the_keys_of_redact_are_known() -> None:
    """What is hidden is named by path or by pattern."""
    assert {"paths", "patterns"} == REDACT


def test_a_changed_tool_is_asked_about_as_the_top_says() -> None:
    """The terms at the top are for what no rule asks about."""
    loaded = policy(approval={"approvers": "security", "quorum": 2, "expires_in": "1h"}, tools={"pay": {"require_approval": [ALWAYS]}})
    assert loaded.shape.general == Hold("security", 2, timedelta(hours=1), None, None, "The definition of the tool changed.", "never")


def test_without_terms_at_the_top_those_of_the_first_rule_are_taken() -> None:
    """Somebody can be asked wherever the document names anybody."""
    rules = {
        "list": {"deny_if": [ALWAYS]},
        "pay": {"require_approval": [{**ALWAYS, "approvers": "a"}]},
        "sell": {"require_approval": [{**ALWAYS, "approvers": "b"}]},
    }
    general = policy(approval={"quorum": 3}, tools=rules).shape.general
    assert general is not None
    assert (general.approvers, general.quorum) == ("a", 3)


def test_without_any_approvers_nobody_can_be_asked() -> None:
    """A document that only allows and denies names nobody."""
    assert policy(approval={}, tools={"list": {}}).shape.general is None


def test_options_change_no_verdict_by_themselves() -> None:
    """A zone or a redaction is not a rule."""
    loaded = policy(time_zone="Asia/Tokyo", redact={"paths": ["args.a"]}, tools={"pay": {}})
    assert evaluate(loaded, call("pay", a=1)).rule == ""
