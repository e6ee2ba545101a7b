"""What the page about this package says is what the code does: diagram, invariants, codes and tags are held against it."""

import importlib
import pkgutil
import re
from pathlib import Path

import workflows
from workflows.audit import Tag
from workflows.errors import AskfirstError
from workflows.states import TERMINAL, TRANSITIONS, State

_TOP = Path(__file__).parents[3]
_TEXT = (_TOP / "workflows" / "README.md").read_text()


def _section(title: str) -> str:
    return _TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _first_column(title: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", _section(title), re.MULTILINE)


def test_the_diagram_is_the_table_of_the_machine() -> None:
    """Every step, no other, the beginning and the ends."""
    steps = re.findall(r"^    (\S+) --> (\S+?)(?:: (\w+))?$", _section("The machine"), re.MULTILINE)
    table = {(state.value, follows.value, event.value) for state, by_event in TRANSITIONS.items() for event, follows in by_event.items()}
    ends = {(state.value, "[*]", "") for state in TERMINAL}
    assert set(steps) == table | ends | {("[*]", State.PENDING.value, "hold")}
    assert len(steps) == len(set(steps))


def test_each_invariant_names_tests_that_exist() -> None:
    """Ten of them, none without a test."""
    invariants = re.split(r"^\d+\. ", _section("Invariants"), flags=re.MULTILINE)[1:]
    assert len(invariants) == 10
    for invariant in invariants:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", invariant)
        assert tests, invariant
        for path, name in tests:
            assert f"def {name}(" in (_TOP / path).read_text(), f"{path} has no {name}"


def _codes(kind: type[AskfirstError]) -> set[str]:
    own = {kind.code} if kind.__module__.startswith("workflows.") else set()
    return own.union(*map(_codes, kind.__subclasses__()))


def test_every_code_of_a_refusal_is_listed() -> None:
    """In order, each once."""
    for module in pkgutil.walk_packages(workflows.__path__, "workflows."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
    assert _first_column("Refusals") == sorted(_codes(AskfirstError))


def test_every_audit_tag_is_listed() -> None:
    """In order, each once."""
    assert _first_column("Audit tags") == [tag.value for tag in Tag]
