"""Policy and call in, verdict out."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import call, document, only, policy, tool
from workflows.calls import JSON
from workflows.policy import Effect, Hold, Limit, Policy, PolicyBook, Scope, Window, evaluate, load
from workflows.policy.evaluating import DEFAULT_DENY, DEFAULT_REQUIRE_APPROVAL, HIDDEN, NO_POLICY

DATA = Path(__file__).parents[3] / "data" / "policies"
ALWAYS: dict[str, JSON] = {"conditions": []}
RATE = Limit("/tools/create_refund/limits/create_refund_rate", "create_refund_rate", Window.MINUTE, 30, Scope.GRANT)


def sample(name: str) -> Policy:
    """A policy file of the test data."""
    return load((DATA / name).read_text(), name=name)


@pytest.mark.parametrize("name", ["payments.json", "payments.yaml"])
@pytest.mark.parametrize(
    ("called", "effect", "rule"),
    [
        (call("list_customers"), "allow", ""),
        (call("create_refund", amount=5000), "allow", ""),
        (call("create_refund", amount=5001), "hold", "/tools/create_refund/require_approval/args.amount-gt"),
        (call("create_refund", amount="5001"), "hold", "/tools/create_refund/require_approval/args.amount-gt"),
        (call("create_refund", amount=100_000), "hold", "/tools/create_refund/require_approval/args.amount-gt"),
        (call("create_refund", amount=100_001), "deny", "/tools/create_refund/deny_if/args.amount-gt"),
        (call("create_refund", amount="all of it"), "deny", "/tools/create_refund/deny_if/args.amount-gt"),
        (call("create_refund"), "allow", ""),
        (call("binance_us_keepalive_listen_key"), "hold", "/tools/binance_us_*/require_approval/always"),
        (call("delete_customer"), "deny", DEFAULT_DENY),
    ],
)
def test_the_sample_policy(name: str, called: Any, effect: str, rule: str) -> None:  # noqa: ANN401  # a table's column
    """The sample policy means the same in JSON and in YAML."""
    verdict = evaluate(sample(name), called)
    assert (verdict.effect, verdict.rule) == (effect, rule)


def test_a_held_call_of_the_sample_policy() -> None:
    """A verdict says how the call is held, and which limits to reserve."""
    verdict = evaluate(sample("payments.json"), call("create_refund", amount=6000))
    assert verdict.hold == Hold(
        approvers="payments",
        quorum=2,
        expires_in=timedelta(minutes=30),
        remind_every=timedelta(minutes=10),
        channel="#agent-approvals",
        reason="Refund above $50",
        reason_required="never",
    )
    assert verdict.message == "Refund above $50"
    assert verdict.limits == (RATE,)
    assert evaluate(sample("payments.json"), call("create_refund", amount=6)).limits == (RATE,)


@pytest.mark.parametrize(
    ("called", "effect", "rule", "message"),
    [
        (call("list_invoices"), "allow", "", ""),
        (call("pay_invoice", currency="EUR", amount=500), "allow", "", ""),
        (call("pay_invoice", currency="EUR", amount=501), "deny", "/tools/pay_invoice/deny_if/args.amount-gt", "Above the payment limit."),
        (call("pay_invoice", currency="GBP", amount=501), "deny", "/tools/pay_invoice/require/args.currency-in", "Only EUR and USD."),
        (call("pay_invoice", amount=5), "deny", "/tools/pay_invoice/require/args.currency-in", "Only EUR and USD."),
        (call("pay_invoice", currency="EUR"), "allow", "", ""),
        (call("drop_tenant"), "deny", HIDDEN, 'Tool "drop_tenant" is hidden by policy.'),
        (call("other"), "deny", DEFAULT_DENY, 'Tool "other" is not permitted by policy.'),
    ],
)
def test_a_policylayer_document_means_what_it_meant(called: Any, effect: str, rule: str, message: str) -> None:  # noqa: ANN401  # a table's column
    """A plain v1 document loads unchanged, and well-typed calls get the verdicts of v1."""
    verdict = evaluate(sample("policylayer.json"), called)
    assert (verdict.effect, verdict.rule, verdict.message) == (effect, rule, message)
    counters = [limit.counter for limit in verdict.limits]
    assert counters == ([] if effect == "deny" else (["pay_invoice_rate"] if called.tool == "pay_invoice" else []) + ["calls-per-minute"])


def test_no_policy_denies() -> None:
    """A grant without a policy may call nothing."""
    verdict = evaluate(None, call())
    assert (verdict.effect, verdict.rule) == (Effect.DENY, NO_POLICY)


@pytest.mark.parametrize(
    ("default", "effect", "rule"),
    [("allow", "allow", ""), ("deny", "deny", DEFAULT_DENY), ("require_approval", "hold", DEFAULT_REQUIRE_APPROVAL)],
)
def test_the_default_is_for_unlisted_tools(default: str, effect: str, rule: str) -> None:
    """A tool without an entry gets the default; one with an empty entry is allowed whatever the default is."""
    loaded = policy(
        default=default, tools={"listed": {}}, all_tools={"limits": [{"counter": "c", "window": "day", "max": 9, "scope": "grant"}]}
    )
    verdict = evaluate(loaded, call("unlisted"))
    assert (verdict.effect, verdict.rule) == (effect, rule)
    assert [limit.rule for limit in verdict.limits] == ([] if effect == "deny" else ["/all_tools/limits/c"])
    assert evaluate(loaded, call("listed")).effect is Effect.ALLOW


def test_a_held_default_uses_the_general_approval() -> None:
    """An unlisted tool is held as `approval` says."""
    loaded = policy(default="require_approval", approval={"approvers": "ops", "quorum": 3, "reason": "Unknown tool"})
    hold = evaluate(loaded, call("unlisted")).hold
    assert hold == Hold("ops", 3, timedelta(minutes=30), None, None, "Unknown tool", "never")


@pytest.mark.parametrize("hide", [["pay"], ["*"], ["p*"], ["x", "*y"]])
def test_hidden_tools_are_denied_before_any_rule(hide: list[JSON]) -> None:
    """A hidden tool is denied even when it is listed or allowed by default."""
    loaded = policy(default="allow", hide=hide, tools={"pay": {"deny_if": [ALWAYS]}})
    assert loaded.hides("pay")
    assert evaluate(loaded, call()).rule == HIDDEN


def test_what_is_not_hidden_is_shown() -> None:
    """Hiding is by exact name unless there is a star."""
    loaded = policy(hide=["pay", "drop_*"])
    assert [loaded.hides(name) for name in ("pay", "payment", "drop_", "Drop_x", "drop_x")] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("rules", "arguments", "rule"),
    [
        ({"deny_if": [ALWAYS]}, {}, "/tools/pay/deny_if/always"),
        ({"deny_if": [only("args.a", "gt", 5), only("args.a", "gt", 1)]}, {"a": 3}, "/tools/pay/deny_if/args.a-gt-2"),
        ({"deny_if": [only("args.a", "gt", 5), only("args.a", "gt", 1)]}, {"a": 9}, "/tools/pay/deny_if/args.a-gt"),
        ({"require": [only("args.a", "exists", True)]}, {}, "/tools/pay/require/args.a-exists"),
        ({"require": [only("args.a.b", "eq", 1)], "deny_if": [ALWAYS]}, {}, "/tools/pay/require/args.a.b-eq"),
        ({"require": [ALWAYS], "deny_if": [ALWAYS]}, {}, "/tools/pay/deny_if/always"),
        (
            {"deny_if": [{"conditions": only("args.a", "eq", 1)["conditions"] + only("args.b/c", "lt", 2)["conditions"]}]},  # type: ignore[operator]  # both are lists
            {"a": 1, "b/c": 1},
            "/tools/pay/deny_if/args.a-eq+args.b~1c-lt",
        ),
        ({"deny_if": [ALWAYS], "require_approval": [ALWAYS]}, {}, "/tools/pay/deny_if/always"),
        ({"require_approval": [ALWAYS]}, {}, "/tools/pay/require_approval/always"),
    ],
)
def test_the_rule_that_decided_is_named(rules: dict[str, JSON], arguments: dict[str, JSON], rule: str) -> None:
    """The first denial wins, a denial beats a hold, and each rule has an id of its own."""
    assert evaluate(tool(**rules), call("pay", **arguments)).rule == rule


def test_names_with_slashes_are_escaped_in_rule_ids() -> None:
    """A rule id is a JSON pointer."""
    assert evaluate(policy(tools={"a/b~c": {"deny_if": [ALWAYS]}}), call("a/b~c")).rule == "/tools/a~1b~0c/deny_if/always"


@pytest.mark.parametrize(
    ("arguments", "effect"),
    [
        ({"a": 9, "b": "x"}, "deny"),
        ({"a": 9, "b": "y"}, "allow"),
        ({"a": 1, "b": "x"}, "allow"),
        ({"a": [], "b": "y"}, "allow"),
        ({"a": [], "b": "x"}, "deny"),
    ],
)
def test_conditions_of_a_denial_must_all_match(arguments: dict[str, JSON], effect: str) -> None:
    """One condition that is not met settles it, even beside one that cannot be told."""
    both = {"conditions": [{"path": "args.a", "op": "gt", "value": 5}, {"path": "args.b", "op": "eq", "value": "x"}]}
    assert evaluate(tool(deny_if=[both]), call("pay", **arguments)).effect == effect


@pytest.mark.parametrize(
    ("arguments", "effect"),
    [({"a": 9, "b": "x"}, "allow"), ({"a": 9, "b": "y"}, "deny"), ({"a": 9}, "deny"), ({"a": [], "b": "x"}, "deny"), ({}, "deny")],
)
def test_conditions_of_a_requirement_must_all_pass(arguments: dict[str, JSON], effect: str) -> None:
    """A requirement is met only when each of its conditions is."""
    both = {"conditions": [{"path": "args.a", "op": "gt", "value": 5}, {"path": "args.b", "op": "eq", "value": "x"}]}
    assert evaluate(tool(require=[both]), call("pay", **arguments)).effect == effect


@pytest.mark.parametrize("amount", ["lots", None, True, [900], {"value": 900}])
@pytest.mark.parametrize(("key", "effect"), [("require", "deny"), ("deny_if", "deny"), ("require_approval", "hold")])
def test_what_cannot_be_compared_closes_the_gate(key: str, effect: str, amount: JSON) -> None:
    """T17: a value of the wrong kind fails `require`, and matches `deny_if` and `require_approval`; the message names its kind."""
    for op in ("gt", "lte"):
        verdict = evaluate(tool(**{key: [only("args.amount", op, 500)]}), call("pay", amount=amount))
        assert verdict.effect == effect
        assert "args.amount is " in verdict.message
        assert verdict.hold is None or verdict.hold.reason == verdict.message


def test_a_missing_argument_matches_no_denial() -> None:
    """An optional argument that was left out is not a reason to deny or to ask, but fails a requirement, as in v1."""
    assert evaluate(tool(deny_if=[only("args.amount", "gt", 500)]), call()).effect is Effect.ALLOW
    assert evaluate(tool(require_approval=[only("args.force", "eq", True)]), call()).effect is Effect.ALLOW
    assert evaluate(tool(require=[only("args.amount", "lte", 500)]), call()).effect is Effect.DENY


@pytest.mark.parametrize(("op", "value"), [("neq", "EUR"), ("not_in", ["EUR"])])
def test_leaving_an_argument_out_opens_no_gate(op: str, value: JSON) -> None:
    """An operator that every other value meets is not passed by sending none."""
    denied = evaluate(tool(deny_if=[only("args.currency", op, value)]), call())
    assert denied.effect is Effect.DENY
    assert "args.currency is missing" in denied.message
    assert evaluate(tool(require=[only("args.currency", op, value)]), call()).effect is Effect.DENY
    assert evaluate(tool(require_approval=[only("args.currency", op, value)]), call()).effect is Effect.HOLD


def test_an_argument_in_another_letter_case_closes_the_gate() -> None:
    """An upstream that reads names without case cannot be reached past a rule."""
    verdict = evaluate(tool(deny_if=[only("args.amount", "gt", 500)]), call("pay", amount=1, AMOUNT=900))
    assert verdict.effect is Effect.DENY
    assert "letter case" in verdict.message


def test_what_is_said_on_a_denial() -> None:
    """A denial says `on_deny`, else names its rule; why a value could not be compared comes after it."""
    spoken = {**only("args.a", "gt", 5), "on_deny": "Too much."}
    assert evaluate(tool(deny_if=[spoken]), call("pay", a=6)).message == "Too much."
    assert evaluate(tool(deny_if=[spoken]), call("pay", a="x")).message.startswith("Too much. args.a is text")
    assert evaluate(tool(deny_if=[only("args.a", "gt", 5)]), call("pay", a=6)).message == 'Denied by rule "/tools/pay/deny_if/args.a-gt".'
    assert (
        evaluate(tool(require=[only("args.a", "lt", 5)]), call("pay", a=6)).message
        == 'The call does not meet rule "/tools/pay/require/args.a-lt".'
    )


def test_a_made_up_tool_name_is_quoted_and_bounded() -> None:
    """A tool's name in a message is escaped and cut."""
    assert evaluate(policy(), call("a\n\u202eb")).message == 'Tool "a\\n\\u202eb" is not permitted by policy.'
    assert len(evaluate(policy(), call("x" * 100_000)).message) < 400


def test_all_matching_entries_apply() -> None:
    """Patterns add to the exact entry, whose rules are asked first; a denial of any of them wins."""
    tools = {
        "*": {"deny_if": [only("args.a", "gt", 100)], "require_approval": [only("args.a", "gt", 50)]},
        "pay": {"deny_if": [only("args.a", "gt", 100)]},
        "p*": {"deny_if": [only("args.a", "gt", 90)]},
    }
    loaded = policy(tools=tools)
    rules = {amount: evaluate(loaded, call("pay", a=amount)).rule for amount in (101, 91, 51, 1)}
    assert rules == {
        101: "/tools/pay/deny_if/args.a-gt",
        91: "/tools/p*/deny_if/args.a-gt",
        51: "/tools/*/require_approval/args.a-gt",
        1: "",
    }
    assert evaluate(loaded, call("other", a=1)).effect is Effect.ALLOW


def test_an_empty_exact_entry_does_not_free_from_a_pattern() -> None:
    """An entry takes nothing away from a pattern."""
    loaded = policy(tools={"pay": {}, "p*": {"require_approval": [ALWAYS]}})
    assert evaluate(loaded, call()).effect is Effect.HOLD


@pytest.mark.parametrize(
    ("holds", "group"),
    [
        ([{"approvers": "a"}, {"approvers": "b", "quorum": 2}], "b"),
        ([{"approvers": "a", "quorum": 2}, {"approvers": "b", "quorum": 1, "expires_in": "1m"}], "a"),
        ([{"approvers": "a", "expires_in": "10m"}, {"approvers": "b", "expires_in": "5m"}], "b"),
        ([{"approvers": "a"}, {"approvers": "b"}], "a"),
    ],
)
def test_the_strictest_hold_wins(holds: list[dict[str, JSON]], group: str) -> None:
    """The largest quorum wins, then the shortest time, then the first."""
    verdict = evaluate(tool(require_approval=[{**ALWAYS, **hold} for hold in holds]), call())
    assert verdict.hold is not None
    assert verdict.hold.approvers == group
    assert verdict.rule == ("/tools/pay/require_approval/always" if group == "a" else "/tools/pay/require_approval/always-2")


def test_only_holds_that_match_are_weighed() -> None:
    """A strict rule that does not match asks nobody."""
    rules = [{**only("args.a", "gt", 5), "quorum": 5}, {**ALWAYS, "quorum": 2}]
    verdict = evaluate(tool(require_approval=rules), call("pay", a=1))
    assert verdict.hold is not None
    assert verdict.hold.quorum == 2


@pytest.mark.parametrize(
    ("choices", "kept"), [(("never", "always"), "always"), (("deny", "never"), "deny"), (("always", "deny"), "always")]
)
def test_a_reason_required_by_any_hold_stays_required(choices: tuple[str, str], kept: str) -> None:
    """The winning hold is never weaker than another that matched."""
    first, second = choices
    rules = [{**ALWAYS, "quorum": 2, "reason_required": first}, {**ALWAYS, "reason_required": second}]
    verdict = evaluate(tool(require_approval=rules), call())
    assert verdict.hold is not None
    assert (verdict.hold.quorum, verdict.hold.reason_required) == (2, kept)


@given(
    st.lists(st.tuples(st.sampled_from(["eq", "neq", "lt", "gt", "contains", "exists"]), st.integers(0, 9)), max_size=3),
    st.sampled_from(["eq", "neq", "lt", "gt", "contains"]),
    st.dictionaries(st.sampled_from(["a", "A", "b"]), st.integers(0, 9) | st.text("09x", max_size=2) | st.none(), max_size=3),
)
def test_adding_a_denial_never_opens(rules: list[tuple[str, int]], op: str, arguments: dict[str, JSON]) -> None:
    """With one more `deny_if`, what was denied stays denied and what was held is not allowed."""

    def written(index: int, each: str, value: int) -> dict[str, Any]:
        return only("args.a", each, value > 4 if each == "exists" else value) | {"on_deny": str(index)}

    base = [written(index, each, value) for index, (each, value) in enumerate(rules)]
    asked: list[Any] = [only("args.b", "exists", True)]
    before = evaluate(tool(deny_if=base, require_approval=asked), call("pay", **arguments)).effect
    after = evaluate(tool(deny_if=[*base, only("args.a", op, 5)], require_approval=asked), call("pay", **arguments)).effect
    assert after in {Effect.DENY, before}


@given(st.text(max_size=300))
def test_a_default_deny_policy_denies_every_unlisted_name(name: str) -> None:
    """No tool name gets past the default."""
    assert evaluate(PAYMENTS, call(name)).effect is not Effect.ALLOW or name in {"list_customers", "create_refund"}


PAYMENTS = sample("payments.json")


def test_evaluation_is_stable_over_more_tools_than_are_remembered() -> None:
    """What is remembered about tools is bounded, and forgetting changes no verdict."""
    loaded = policy(tools={"pay": {"require_approval": [ALWAYS]}})
    first = evaluate(loaded, call())
    for number in range(3_000):
        assert evaluate(loaded, call(f"made_up_{number}")).rule == DEFAULT_DENY
    assert evaluate(loaded, call()) == first


def test_only_names_of_ordinary_length_are_remembered() -> None:
    """A plan is compiled once for a tool, and an endless name takes no place in memory."""
    loaded = policy()
    assert loaded.plan("x" * 256) is loaded.plan("x" * 256)
    assert loaded.plan("x" * 257) is not loaded.plan("x" * 257)


def test_a_book_swaps_its_policies() -> None:
    """A book gives what is in force by name, and nothing for no name."""
    one, other = policy(), policy(default="allow")
    book = PolicyBook({"one": one})
    assert (book.get("one"), book.get("two"), book.get(None)) == (one, None, None)
    book.replace({"two": other})
    assert (book.get("one"), book.get("two")) == (None, other)


def test_a_book_does_not_follow_the_mapping_it_was_given() -> None:
    """A later change of the mapping does not change the policies in force."""
    given_policies = {"one": policy()}
    book = PolicyBook()
    book.replace(given_policies)
    given_policies.clear()
    assert book.get("one") is not None


def test_all_approver_groups_are_known() -> None:
    """A policy names every group that any of its rules asks."""
    rules = {
        "a": {"require_approval": [{**ALWAYS, "approvers": "one"}, ALWAYS]},
        "b*": {"require_approval": [{**ALWAYS, "approvers": "two"}]},
    }
    assert policy(tools=rules).approver_groups == {"payments", "one", "two"}
    assert load(json.dumps({"version": "1", "default": "deny"}), name="plain").approver_groups == frozenset()
    assert policy().document == document()
