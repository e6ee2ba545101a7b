"""Draws Intercept documents, and calls of their tools, for the properties that hold for all of them."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import call
from workflows.calls import JSON, ToolCall

many = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
few = settings(many, max_examples=60)
"""How many documents are drawn. How long that takes is no matter."""

TOOLS = ("pay", "ask", "policies.create")
UNKNOWN_TOOL = "other"
WINDOWS = ("minute", "hour", "day")

# Each argument has its own kind. The optional ones may be left out, and no rule waits there for every value but one.
NUMBERS, WORDS, FLAG, LISTED = ("n", "order.total"), ("word", "optional"), "flag", "listed"
_TEXTS = ("red", "green", "blue", "red car", "")

_numbers = st.one_of(st.integers(-5, 30), st.sampled_from([0.5, 2.5, 10.0, 1e3]))
_texts = st.sampled_from(_TEXTS)


def _condition(path: str, op: str, value: JSON) -> dict[str, JSON]:
    return {"path": f"args.{path}", "op": op, "value": value}


conditions: st.SearchStrategy[dict[str, JSON]] = st.one_of(
    st.builds(_condition, st.sampled_from(NUMBERS), st.sampled_from(["lt", "lte", "gt", "gte", "eq"]), _numbers),
    st.builds(_condition, st.just("n"), st.just("neq"), _numbers),
    st.builds(_condition, st.sampled_from(NUMBERS), st.just("in"), st.lists(_numbers, min_size=1, max_size=3)),
    st.builds(_condition, st.sampled_from(WORDS), st.just("eq"), _texts),
    st.builds(_condition, st.just("word"), st.just("neq"), _texts),
    st.builds(_condition, st.just("word"), st.just("not_in"), st.lists(_texts, min_size=1, max_size=3)),
    st.builds(_condition, st.sampled_from(WORDS), st.just("in"), st.lists(_texts, min_size=1, max_size=3)),
    st.builds(_condition, st.sampled_from(WORDS), st.just("contains"), st.sampled_from(["e", "car", ""])),
    st.builds(_condition, st.sampled_from(WORDS), st.just("regex"), st.sampled_from(["^red", "car$", "e{2}", ""])),
    st.builds(_condition, st.just(LISTED), st.just("contains"), _texts),
    st.builds(_condition, st.just(FLAG), st.sampled_from(["eq", "neq"]), st.booleans()),
    st.builds(_condition, st.sampled_from([*WORDS, *NUMBERS, "order", "absent"]), st.just("exists"), st.booleans()),
)

_tests = st.lists(conditions, min_size=1, max_size=2)
_words: st.SearchStrategy[dict[str, JSON]] = st.one_of(
    st.just({}), st.builds(lambda text: {"on_deny": text}, st.sampled_from(["No.", "Not so"]))
)
_deny: st.SearchStrategy[dict[str, JSON]] = st.just({"action": "deny"})
_evaluate: st.SearchStrategy[dict[str, JSON]] = st.builds(lambda tests: {"conditions": tests}, _tests)
_ask: st.SearchStrategy[dict[str, JSON]] = st.builds(
    lambda tests, timeout: {"action": "require_approval", "conditions": tests, **timeout},
    st.lists(conditions, max_size=2),
    st.sampled_from([{}, {"approval_timeout": "15m"}, {"approval_timeout": "1h30m"}]),
)


def _rate(most: int, window: str) -> dict[str, JSON]:
    return {"rate_limit": f"{most}/{window}"}


def _kept(path: str, window: str, bounds: list[tuple[str, JSON]], more: list[JSON], step: dict[str, JSON]) -> dict[str, JSON]:
    own: list[JSON] = [{"path": path, "op": op, "value": value} for op, value in bounds]
    return {"conditions": own + more, "state": {"counter": path.rpartition(".")[2], "window": window, **step}}


def _keeping(owner: str, counter: str, *, summed: bool) -> st.SearchStrategy[dict[str, JSON]]:
    steps: list[dict[str, JSON]] = [{}, {"increment": 1}, {"increment": 3}]
    return st.builds(
        _kept,
        st.just(f"state.{owner}.{counter}"),
        st.sampled_from(WINDOWS),
        st.lists(st.tuples(st.sampled_from(["lt", "lte"]), st.integers(2, 12)), min_size=1, max_size=2),
        st.lists(conditions, max_size=1),
        st.just({"increment_from": "args.amount"}) if summed else st.sampled_from(steps),
    )


@st.composite
def _rules(draw: st.DrawFn, owner: str, *, asks: bool, summed: bool) -> list[JSON]:
    kinds = [_evaluate, _evaluate, st.builds(_rate, st.integers(1, 4), st.sampled_from(WINDOWS)), _deny, st.none()]
    kinds += [_ask] if asks else []
    rules: list[JSON] = []
    taken: set[str] = set()
    for number in range(draw(st.integers(0, 4))):
        rule = draw(draw(st.sampled_from(kinds)))
        if rule is None:
            rule = draw(_keeping(owner, f"c{number}", summed=summed and draw(st.booleans())))
        if str(rule.get("rate_limit", "")).partition("/")[2] in taken:
            continue
        if "rate_limit" in rule:
            taken.add(str(rule["rate_limit"]).partition("/")[2])
        named: dict[str, JSON] = {"name": f"rule {number}"} if draw(st.booleans()) else {}
        rules.append({**named, **rule, **draw(_words)})
    return rules


@st.composite
def documents(draw: st.DrawFn, *, asks: bool = True, summed: bool = True) -> dict[str, JSON]:
    """Draw a valid document whose rules read no counter but their own; with `asks` some ask people, with `summed` some add amounts up."""
    names = draw(st.lists(st.sampled_from([*TOOLS, "*"]), unique=True, max_size=4))
    tools: dict[str, JSON] = {}
    for name in names:
        rules = draw(_rules("_global" if name == "*" else name, asks=asks, summed=summed))
        tools[name] = {"rules": rules}
    document: dict[str, JSON] = {"version": "1", "tools": tools}
    default = draw(st.sampled_from(["allow", "deny", None]))
    if default is not None:
        document["default"] = default
    hide = draw(st.lists(st.sampled_from([*TOOLS, UNKNOWN_TOOL]), unique=True, max_size=1))
    if draw(st.booleans()) and hide:
        document["hide"] = list(hide)
    if default is None and not tools:
        document["description"] = "Nothing is said of any tool."
    return document


@st.composite
def well_typed(draw: st.DrawFn) -> ToolCall:
    """Draw a call whose arguments are of the kinds that the rules compare: nothing for Askfirst to be stricter about."""
    arguments: dict[str, JSON] = {
        "n": draw(_numbers),
        "word": draw(_texts),
        "flag": draw(st.booleans()),
        "listed": list(draw(st.lists(_texts, max_size=2))),
        "amount": draw(st.integers(0, 6)),
    }
    if draw(st.booleans()):
        arguments["optional"] = draw(_texts)
    order: dict[str, JSON] = {"total": draw(_numbers)} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        arguments["order"] = order
    return call(draw(st.sampled_from([*TOOLS, UNKNOWN_TOOL])), **arguments)


_anything: st.SearchStrategy[JSON] = st.one_of(
    st.none(),
    st.booleans(),
    _numbers,
    st.just(-1),
    _texts,
    st.sampled_from(["5", "1e2", "true"]),
    st.just([1, "red"]),
    st.just({"total": "2"}),
)
_spelt = st.sampled_from(["n", "N", "word", "Word", "flag", "listed", "optional", "order", "amount", "absent"])


@st.composite
def calls(draw: st.DrawFn) -> ToolCall:
    """Draw a call with arguments of any kind, missing and misspelt ones among them."""
    return call(draw(st.sampled_from([*TOOLS, UNKNOWN_TOOL])), **draw(st.dictionaries(_spelt, _anything, max_size=6)))
