"""The arguments as Slack shows them: whole in pages, cut per value on a card, and everything that is left out counted."""

import json

from hypothesis import given, settings

from bot.slack.arguments import CARD, CARD_LINES, lay, withheld
from bot.slack.blocks import weight
from bot.slack.cutting import PAGE
from tests.unit.bot.slack.rows import arguments
from workflows.calls import JSON


def laid(call: JSON) -> bytes:
    """Write a call's arguments as an agent sends them."""
    return json.dumps(call).encode()


@settings(max_examples=60, deadline=None)
@given(arguments)
def test_pages_are_the_whole_and_a_card_has_its_part(call: dict[str, JSON]) -> None:
    """T02: nothing is missing between pages, each fits, and what a card shows fits a card; cut means that it is not the whole."""
    made = lay(laid(call)).arguments
    assert "".join(made.pages) == made.text
    assert all(0 < len(page) <= PAGE for page in made.pages)
    assert weight(made.short) <= CARD
    assert made.short.count("\n") < CARD_LINES
    assert made.cut is bool(made.hidden) is (made.short != made.text)


def test_a_long_value_pushes_no_other_out_of_sight() -> None:
    """T02: values are cut one by one, so that what comes after a long one is still there."""
    made = lay(laid({"note": "x" * 9000, "amount": 4900, "lines": "a\n" * 900, "last": "zebra"})).arguments
    assert '"amount": 4900' in made.short
    assert '"last": "zebra"' in made.short
    assert made.hidden.startswith("2 values cut, ")
    assert "more characters" in made.short


def test_what_is_nested_gives_way_before_what_is_not() -> None:
    """T02: where lines do not fit, deep ones are left out, in their place and with their number."""
    made = lay(laid({"deep": {f"k{n}": {"a": n, "b": n} for n in range(60)}, "amount": 4900})).arguments
    assert '"amount": 4900' in made.short
    assert "more lines" in made.short
    assert "lines left out" in made.hidden


def test_thousands_of_values_are_counted() -> None:
    """T02: of very many values the first are shown, and the rest is a number."""
    made = lay(laid({f"k{n}": n for n in range(9000)})).arguments
    assert '"k0": 0' in made.short
    assert "lines left out" in made.hidden
    assert len(made.pages) > 10


def test_hidden_characters_are_counted_exactly() -> None:
    """T02: the card says how much it does not show."""
    made = lay(laid({"note": "x" * 4000})).arguments
    assert made.hidden == f"1 value cut, {4000 - made.short.count('x') + 1:,} characters hidden"


def test_runs_of_spaces_are_visible() -> None:
    """T03: what stands far to the right behind spaces is no longer far, and the reader is told."""
    made = lay(laid({"path": "/srv" + " " * 60 + "/etc/passwd"}))
    assert "/srv" + "␣" * 60 + "/etc/passwd" in made.arguments.text
    assert "Runs of spaces are written as ␣." in made.warnings


def test_a_channel_gets_none_of_them() -> None:
    """T21: withheld arguments leave nothing on the card, and count as cut."""
    made = withheld(lay(laid({"amount": 1})).arguments)
    assert (made.short, made.cut) == ("", True)
    assert made.pages


def test_what_is_no_json_is_shown_as_it_is() -> None:
    """T02: arguments that have no layout are shown exactly, with a warning, in pages."""
    made = lay(b"not json " + b"x" * 5000)
    assert made.arguments.cut
    assert "".join(made.arguments.pages).startswith("not json ")
    assert made.warnings == ("The arguments have no layout, and are shown as they are.",)
