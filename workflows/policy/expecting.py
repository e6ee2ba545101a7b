"""What a team expects of its policy: cases of a call and its verdict, read strictly and held against the policy. Pure.

A case without a time is judged at no known time, so that its outcome is the same on every day.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from workflows.calls import JSON, ToolCall
from workflows.errors import AskfirstError
from workflows.policy.advice import did_you_mean
from workflows.policy.evaluating import Policy
from workflows.policy.explaining import Explanation, Kind, explain, unused
from workflows.policy.loading import line_of, read
from workflows.policy.looking import Met, text
from workflows.policy.members import choice, items
from workflows.policy.paths import kind
from workflows.policy.shapes import Effect, Problem, Report, pointer
from workflows.policy.situation import KnownTool, Situation
from workflows.redaction import redact

DOCUMENT: Final = frozenset({"policy", "tools", "cases"})
CASE: Final = frozenset({"name", "tool", "args", "grant", "owner", "server", "at", "verdict", "rule", "message"})

_VERDICTS: Final = [each.value for each in Effect]


class ExpectationsInvalid(AskfirstError):
    """The expectations cannot be used. Every problem is listed with its place and its remedy."""

    code = "expectations_invalid"

    def __init__(self, name: str, problems: Collection[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n  ".join([f"The expectations {name!r} have {len(problems)} problem(s):", *map(str, problems)]))


@dataclass(frozen=True, slots=True)
class Case:
    """A call in its situation, and the verdict that is expected; `rule` and `message` where they are expected too. `line` counts from 1."""

    call: ToolCall
    verdict: Effect
    name: str = ""
    situation: Situation = field(default_factory=Situation)
    rule: str | None = None
    message: str | None = None
    line: int | None = None

    @property
    def title(self) -> str:
        """Name the case, by its call where it has no name."""
        return self.name or f"{self.call.tool} {text(redact(dict(self.call.arguments)))}"


@dataclass(frozen=True, slots=True)
class Expectations:
    """A file of cases. `policy` and `tools` are paths as the file has them."""

    policy: str | None
    tools: str | None
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: `instead` says what came in the place of what was expected, and why; it is empty when all is as expected."""

    case: Case
    instead: tuple[str, ...] = ()


def expectations(source: str, *, name: str) -> Expectations:
    """Read a file of cases, JSON or YAML. Raises ExpectationsInvalid with every problem, in the order of the document."""
    found = read(source.removeprefix("\ufeff"))
    problems = list(found.problems)

    def report(at: str, message: str) -> None:
        problems.append(Problem(at, line_of(found, at), message))

    unread = found.value is None and bool(found.problems)
    members = {} if unread else _members(found.value, "", "A file of expectations", DOCUMENT, report)
    cases: list[Case] = []
    if not unread and isinstance(found.value, dict):
        for number, value in enumerate(_cases(members, report)):
            at = pointer("/cases", number)
            case = _case(value, at, line_of(found, at), report)
            cases += [case] if case else []
    read_ = Expectations(_text(members, "", "policy", report), _text(members, "", "tools", report), tuple(cases))
    if problems:
        raise ExpectationsInvalid(name, sorted(problems, key=lambda problem: problem.line or 0))
    return read_


def _members(value: JSON, at: str, what: str, known: Collection[str], report: Report) -> dict[str, JSON]:
    if not isinstance(value, dict):
        report(at, f"{what} is an object, {{ … }}, and this is {kind(value)}.")
        return {}
    for key in value:
        if key not in known:
            guess = did_you_mean(key, known) or f". Known here: {', '.join(sorted(known))}."
            report(pointer(at, key), f"There is no key {key[:64]!r} here{guess}")
    return value


def _cases(members: Mapping[str, JSON], report: Report) -> list[JSON]:
    found = items(members.get("cases", []), "/cases", "cases", report)
    if not found and isinstance(members.get("cases", []), list):
        example = '{"tool": "create_refund", "args": {"amount": 9000}, "verdict": "hold"}'
        report("/cases" if "cases" in members else "", f'There are no cases, so nothing would be tested: write "cases": [{example}].')
    return found


def _case(value: JSON, at: str, line: int | None, report: Report) -> Case | None:
    members = _members(value, at, "A case", CASE, report)
    if not isinstance(value, dict):
        return None
    tool = _text(members, at, "tool", report)
    if "tool" not in members:
        report(at, 'tool is missing: write "tool": "NAME".')
    verdict = choice(members, at, "verdict", _VERDICTS, report, example='"verdict": "hold"')
    arguments = members.get("args", {})
    if not isinstance(arguments, dict):
        report(pointer(at, "args"), f"args are an object, {{ … }}, and this is {kind(arguments)}.")
    told = {key: _text(members, at, key, report) for key in ("name", "grant", "owner", "server")}
    when = _when(members, at, report)
    rule, message = (_text(members, at, key, report, empty=True) for key in ("rule", "message"))
    if not isinstance(arguments, dict) or tool is None or verdict is None:
        return None
    call = ToolCall(told["server"] or "", tool, arguments, json.dumps(arguments).encode())
    situation = Situation(label=told["grant"], owner=told["owner"], at=when)
    return Case(call, Effect(verdict), told["name"] or "", situation, rule, message, line)


def _text(members: Mapping[str, JSON], at: str, key: str, report: Report, *, empty: bool = False) -> str | None:
    value = members.get(key)
    if key not in members or (isinstance(value, str) and (value.strip() or empty)):
        return value if isinstance(value, str) else None
    report(pointer(at, key), f"{key} is text, and this is {'empty' if value == '' else kind(value)}.")
    return None


def _when(members: Mapping[str, JSON], at: str, report: Report) -> datetime | None:
    value = members.get("at")
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if "at" in members and (moment is None or moment.tzinfo is None):
        report(pointer(at, "at"), 'at is a time with its zone, in quotes: write it like "2026-01-31T09:00:00Z".')
        return None
    return moment


def judged(
    case: Case,
    policy: Policy,
    tool: Callable[[str], KnownTool | None] = lambda _: None,
    answered: Callable[[Explanation], Explanation] = lambda found: found,
) -> Outcome:
    """Hold a case against a policy; `tool` tells what is known of a tool, and `answered` what becomes of a verdict."""
    used, _ = unused(policy, case.call.tool)
    where = case.situation
    situation = Situation(label=where.label, owner=where.owner, at=where.at, tool=tool(case.call.tool), used=used)
    found = answered(explain(policy, case.call, situation))
    verdict = found.verdict
    instead = [
        *([] if verdict.effect is case.verdict else [f"expected {case.verdict.value}, and it is {verdict.effect.value}"]),
        *([] if case.rule in (None, verdict.rule) else [f"expected the rule {_quoted(case.rule)}, and it is {_quoted(verdict.rule)}"]),
        *(
            []
            if case.message in (None, verdict.message)
            else [f"expected to say {text(case.message)}, and it says {text(verdict.message)}"]
        ),
    ]
    return Outcome(case, tuple([*instead, *_why(found, case)] if instead else []))


def _quoted(rule: str | None) -> str:
    return rule or "(none)"


def _why(found: Explanation, case: Case) -> list[str]:
    """Give the sentence that decided, and that of the rule that should have."""
    steps = [step for step in found.trace if step.decided or (case.rule and step.rule == case.rule)]
    if not any(step.decided for step in steps) and not case.rule:
        kinds = (Kind.REQUIRE_APPROVAL,) if case.verdict is Effect.HOLD else (Kind.REQUIRE, Kind.DENY_IF)
        steps = [step for step in found.trace if step.kind in kinds and step.outcome is not Met.UNTOLD]
    told = [f"{step.rule}, {step.outcome.value}: {step.sentence}" for step in steps]
    return told or ["no rule denies the call or asks about it"]
