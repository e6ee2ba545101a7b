"""The values of the catalogue have an order, and it is that of care."""

from workflows.catalogue import Category, Classified, Risk, Signal, SignalKind


def test_risks_compare_by_how_bad_they_are() -> None:
    """Their letters would say otherwise."""
    assert [*sorted(Risk, reverse=True)] == [Risk.CRITICAL, Risk.HIGH, Risk.MEDIUM, Risk.LOW]
    assert Risk.HIGH > Risk.MEDIUM
    assert Risk.LOW < Risk.MEDIUM
    assert Risk.HIGH >= Risk.HIGH
    assert Risk.LOW <= Risk.CRITICAL
    assert Risk.CRITICAL.at_least(Risk.HIGH)
    assert not Risk.MEDIUM.at_least(Risk.HIGH)


def test_beside_plain_text_a_risk_is_its_word() -> None:
    """It is text too, and sorts among texts as one."""
    assert Risk.HIGH < "Low"
    assert Risk.HIGH <= "High"
    assert Risk.LOW > "High"
    assert Risk.LOW >= "Low"
    assert Risk.HIGH.value == "High"


def test_a_risk_is_raised_by_one_and_the_worst_stays() -> None:
    """There is nothing beyond Critical."""
    assert [each.raised() for each in Risk] == [Risk.MEDIUM, Risk.HIGH, Risk.CRITICAL, Risk.CRITICAL]


def test_destruction_and_money_are_grave() -> None:
    """What cannot be taken back."""
    assert [each for each in Category if each.grave] == [Category.DESTRUCTIVE, Category.FINANCIAL]
    assert max(Category, key=lambda each: each.rank).grave


def test_a_tool_tells_which_signals_it_has() -> None:
    """One of the kinds is enough."""
    found = Classified("t", Category.READ, Risk.LOW, (Signal(SignalKind.URL, "Accepts URL/endpoint input (url)"),), ("because",), {}, ())
    assert found.has(SignalKind.CODE, SignalKind.URL)
    assert not found.has(SignalKind.CODE)
