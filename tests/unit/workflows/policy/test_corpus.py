"""A corpus of documents of both formats, good and bad: what each call gets, what it counts, and what is said of each slip.

Beside each good `NAME.json` or `NAME.yaml` stands `NAME.cases.yaml`, which `askfirst policy test` takes too, and sometimes
`NAME.limits.yaml`; beside each bad one stands `NAME.expected.yaml`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workflows.policy.documents import call
from workflows import catalogue
from workflows.calls import JSON, parse_json
from workflows.policy import KnownTool, Limit, PolicyInvalid, Situation, evaluate, load
from workflows.policy.amounts import shown
from workflows.policy.converting import converted
from workflows.policy.expecting import Expectations, expectations, judged
from workflows.policy.loading import read

CORPUS = Path(__file__).parents[3] / "data" / "policies" / "corpus"
FORMATS = ("policylayer", "intercept", "askfirst")
CASES = sorted(path for kind in FORMATS for path in (CORPUS / kind).glob("*.cases.yaml"))
LIMITS = sorted(path for kind in FORMATS for path in (CORPUS / kind).glob("*.limits.yaml"))
BAD = sorted((CORPUS / "bad").glob("*.expected.yaml"))


def named(path: Path) -> str:
    """Name a file in a table of tests."""
    return f"{path.parent.name}/{path.name.partition('.')[0]}"


def documents(folder: Path) -> list[Path]:
    """The policies of a folder."""
    return sorted(path for path in folder.iterdir() if path.suffixes in ([".json"], [".yaml"]))


def document(path: Path) -> str:
    """The policy that stands beside a file of expectations."""
    (found,) = (each for each in documents(path.parent) if each.stem == path.name.partition(".")[0])
    return found.read_text(encoding="utf-8")


def expected(path: Path) -> list[Any]:
    """Read a file of expectations of this test."""
    source = read(path.read_text(encoding="utf-8"))
    assert source.problems == ()
    assert isinstance(source.value, list)
    return source.value


def test_every_document_says_what_is_expected_of_it() -> None:
    """A document that nothing holds against would prove nothing."""
    for kind, ending in (*((kind, "cases") for kind in FORMATS), ("bad", "expected")):
        found = documents(CORPUS / kind)
        assert [path.stem for path in found if not (path.parent / f"{path.stem}.{ending}.yaml").is_file()] == []
        assert len(found) >= 10


def facts(path: Path, found: Expectations) -> Mapping[str, KnownTool]:
    """What is known of the tools of the list that a file of expectations names."""
    if found.tools is None:
        return {}
    listed = parse_json((path.parent / found.tools).read_text(encoding="utf-8"))
    assert isinstance(listed, dict)
    assert isinstance(listed["tools"], list)
    return {str(each["name"]): fact(each) for each in listed["tools"] if isinstance(each, dict)}


def fact(definition: Mapping[str, JSON]) -> KnownTool:
    """What is known of a tool by its definition."""
    made, annotations = catalogue.classify(definition), definition.get("annotations")
    return KnownTool(made.category.value, made.risk.value, annotations=annotations if isinstance(annotations, dict) else {})


@pytest.mark.parametrize("path", CASES, ids=named)
def test_each_call_gets_the_verdict_that_is_expected(path: Path) -> None:
    """The verdict, and where it is written the rule and its words."""
    found = expectations(path.read_text(encoding="utf-8"), name=path.name)
    policy = load(document(path), name=path.name)
    known = facts(path, found)
    assert [(case.title, outcome) for case in found.cases if (outcome := judged(case, policy, known.get).instead)] == []


def written(limit: Limit) -> str:
    """Write a limit in a line."""
    parts = [f"{limit.max}/{limit.window.value}", limit.scope.value, limit.rule, limit.message]
    adding = "" if limit.amount == 1 else f"adding {shown(limit.amount, limit)}"
    return " ".join(part for part in (*parts, adding) if part)


@pytest.mark.parametrize("path", LIMITS, ids=named)
def test_each_call_counts_what_is_expected(path: Path) -> None:
    """The limits of an allowed call, in their order."""
    policy = load(document(path), name=path.name)
    for case in expected(path):
        verdict = evaluate(policy, call(case["tool"], **case.get("args", {})), Situation(used=case.get("used", {})))
        assert list(map(written, verdict.limits)) == case["limits"], case["tool"]


@pytest.mark.parametrize("path", BAD, ids=named)
def test_each_slip_is_told_with_its_place_and_remedy(path: Path) -> None:
    """Nothing is left out, and nothing is told that is no slip: pointer, line, and a word of what to write."""
    with pytest.raises(PolicyInvalid) as refused:
        load(document(path), name=path.name)
    slips = expected(path)
    problems = refused.value.problems
    assert sorted(problem.pointer for problem in problems) == sorted(slip["pointer"] for slip in slips)
    for slip in slips:
        said = [problem for problem in problems if problem.pointer == slip["pointer"] and slip["says"] in problem.message]
        assert [problem.line for problem in said] == [slip.get("line", said[0].line if said else None)], slip


NO_FORM = {"durations", "hide", "reading"}
CONVERTED = [path for path in CASES if path.parent.name == "intercept" and path.name.partition(".")[0] not in NO_FORM]


@pytest.mark.parametrize("path", CONVERTED, ids=named)
def test_a_converted_document_is_held_to_the_same_expectations(path: Path) -> None:
    """What Intercept's documents are converted to answers every case as they do, but for the ids of rules."""
    policy = load(document(path), name=path.name)
    new = load(json.dumps(converted(policy)), name="converted")
    for case in expectations(path.read_text(encoding="utf-8"), name=path.name).cases:
        before, after = evaluate(policy, case.call), evaluate(new, case.call)
        assert (after.effect, after.message) == (before.effect, before.message), case.title


@pytest.mark.parametrize("name", sorted(NO_FORM))
def test_a_document_that_has_no_other_form_is_not_converted(name: str) -> None:
    """Nothing is written that would mean something else."""
    path = CORPUS / "intercept" / f"{name}.yaml"
    with pytest.raises(PolicyInvalid):
        converted(load(path.read_text(encoding="utf-8"), name=name))
