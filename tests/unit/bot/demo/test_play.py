"""When the demo counts as passed."""

from collections import Counter

from bot.demo.play import Seen


def _as_expected() -> Seen:
    return Seen(
        effects=Counter(list_customers=1, binance_us_keepalive_listen_key=1, create_refund=1),
        answers=[
            ("list_customers", False, "cus_ada (Ada Lovelace, 48000)"),
            ("binance_us_keepalive_listen_key", False, "stays open"),
            ("create_refund", True, "[POLICY DENIED] Refunds above $1,000 are made by people."),
            ("create_refund", False, "refunded 12000 cents to Ada Lovelace"),
            ("delete_customer", True, "Denied by local:alice: Blaise is still a customer."),
        ],
    )


def test_all_is_well_when_each_call_ended_as_it_should() -> None:
    """The expected story passes every check."""
    assert all(_as_expected().checks().values())


def test_a_second_effect_fails_it() -> None:
    """An approved call that ran twice is a failure."""
    seen = _as_expected()
    seen.effects["create_refund"] += 1
    assert [sentence for sentence, held in seen.checks().items() if not held] == ["the approved refund ran exactly once"]


def test_a_denied_call_that_ran_fails_it() -> None:
    """A denial that did not keep the call from running is a failure."""
    seen = _as_expected()
    seen.effects["delete_customer"] += 1
    assert not all(seen.checks().values())


def test_a_denial_without_its_reason_fails_it() -> None:
    """The agent must read why."""
    seen = _as_expected()
    seen.answers[-1] = ("delete_customer", True, "Denied.")
    assert not all(seen.checks().values())
