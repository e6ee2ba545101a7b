"""What the documents say is what the code does: tables, commands, policies, texts and command lines are held against it."""

import importlib
import json
import pkgutil
import re
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement

import bot
from bot import settings
from bot.cli import app
from bot.gateway import outcomes
from bot.mcp.answers import DENIED
from bot.settings import keys
from tests.unit.bot.configs import ENVIRONMENT
from tests.unit.workflows.catalogue import definitions
from workflows import catalogue, policy
from workflows.calls import ToolCall
from workflows.counters import Refused
from workflows.errors import AskfirstError
from workflows.policy import KnownTool, Limit, Policy, Situation, approvals, expecting, limit_rules, options, predicates, validating
from workflows.policy.expecting import expectations, judged
from workflows.policy.limits import Scope, Window
from workflows.policy.paths import SUBJECTS
from workflows.policy.shapes import Joined, Op
from workflows.states import State
from workflows.tables import ApprovalRequest

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
WORDS = README + (TOP / "workflows" / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def _section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _rows(text: str) -> list[list[str]]:
    """Give the first table of a text, without its head."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("|"):
            lines.append(line)
        elif lines:
            break
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def _table_of(section: str) -> list[list[str]]:
    """Give the rows of the table that follows the paragraph about a section of the configuration file."""
    found = re.search(rf"^`\[{section}(\.NAME)?\]`", _section("The configuration file"), re.MULTILINE)
    assert found, f"no paragraph begins with [{section}]"
    return _rows(_section("The configuration file")[found.end() :])


def _bare(cell: str) -> str:
    return cell.strip("`")


@pytest.mark.parametrize("section", [name for name in keys.ALL_SECTIONS if name != "policies"])
def test_every_key_of_the_configuration_has_its_row_and_no_other_has(section: str) -> None:
    """The table of a section names its keys, each once and in their order."""
    assert [_bare(row[0]) for row in _table_of(section)] == list(keys.SECTIONS.get(section) or keys.ENTRIES[section])


def test_every_section_of_the_configuration_is_told_and_no_other() -> None:
    """[policies] too, which has names and no keys."""
    told = re.findall(r"^`\[(\w+)(?:\.NAME)?\]`", _section("The configuration file"), re.MULTILINE)
    assert sorted(told) == sorted(keys.ALL_SECTIONS)


def _loaded(directory: Path, text: str) -> settings.Settings:
    (directory / "askfirst.toml").write_text(text)
    return settings.load(directory / "askfirst.toml", ENVIRONMENT)


_DEFAULTS = [
    (section, _bare(row[0]), _bare(row[1]))
    for section, known in keys.SECTIONS.items()
    for row in _table_of(section)
    if _bare(row[0]) in known and row[1] != "none"
]


@pytest.mark.parametrize(("section", "key", "default"), _DEFAULTS)
def test_a_default_in_the_table_is_the_one_in_force(tmp_path: Path, section: str, key: str, default: str) -> None:
    """To write it down changes nothing."""
    needed = f"[{section}]\n" + 'channel = "#agent-approvals"\n' * (section == "slack")
    assert _loaded(tmp_path, f"{needed}{key} = {default}\n") == _loaded(tmp_path, needed)


def test_the_tables_give_a_default_wherever_there_is_one() -> None:
    """Among the keys of whole sections, only the anchor and Slack's channels have none."""
    given = {(section, key) for section, key, _ in _DEFAULTS}
    assert {(section, key) for section, known in keys.SECTIONS.items() for key in known} - given == {
        ("audit", "anchor"),
        ("slack", "channel"),
        ("slack", "fallback_channel"),
    }


def _commands(command: Any, words: tuple[str, ...] = ("askfirst",)) -> dict[str, Any]:  # noqa: ANN401  # typer's own click has no public types
    below = getattr(command, "commands", None)
    if below is None:
        return {" ".join(words): command}
    return {path: one for name, inner in below.items() for path, one in _commands(inner, (*words, name)).items()}


COMMANDS = _commands(typer.main.get_command(app))


def test_every_command_has_its_row_and_no_other_has() -> None:
    """The table of commands is the command line."""
    listed = [_bare(row[0]) for row in _rows(README.split("Every command;", 1)[1])]
    assert sorted(listed) == sorted(COMMANDS)


def test_the_commands_without_a_configuration_are_told() -> None:
    """Whoever writes `--config` after any other is understood."""
    without = {path.split()[1] for path, command in COMMANDS.items() if not any("--config" in each.opts for each in command.params)}
    told = re.search(r"all take `--config` but those that read no configuration \(([^)]*)\)", README)
    assert told, "the README no longer says which commands read no configuration"
    assert set(_names(told[1])) == without


def test_every_option_of_a_command_is_told() -> None:
    """Whatever can be written after a command stands in the chapter about it."""
    options = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts if option[:2] == "--"}
    told = _section("Deciding") + _section("Commands")
    assert [option for option in sorted(options) if option not in told] == []


@pytest.mark.parametrize("block", [found[3] for found in _BLOCK.finditer(README) if found[2] == "sh"])
def test_every_command_line_in_the_readme_is_one_that_there_is(block: str) -> None:
    """A reader who copies a line of `askfirst` is understood."""
    for line in re.findall(r"(?:^|bin/) *(askfirst .*)$", block, re.MULTILINE):
        words = re.split(r" (?:&&|\|) ", line)[0].split()
        path = next((" ".join(words[:length]) for length in (3, 2) if " ".join(words[:length]) in COMMANDS), None)
        assert path, line
        known = {option for parameter in COMMANDS[path].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def _codes(kind: type[AskfirstError]) -> set[str]:
    own = set() if kind.__module__.startswith("tests.") else {kind.code}
    return own.union(*map(_codes, kind.__subclasses__()))


def test_every_code_of_a_refusal_is_told() -> None:
    """In the README, or where the package tells its own."""
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert [code for code in sorted(_codes(AskfirstError)) if f"`{code}`" not in WORDS] == []


def _policies() -> list[tuple[Policy, str]]:
    """Give every policy in the README with the text that follows it."""
    chapter = _section("Policies")
    blocks = [found for found in _BLOCK.finditer(chapter) if found[2] in {"json", "yaml"} and "version" in found[3]]
    return [(policy.load(found[3], name="readme"), chapter[found.end() :]) for found in blocks]


def test_the_first_policy_is_the_one_that_init_writes() -> None:
    """A newcomer finds in the README what is on their disk."""
    text = next(found[3] for found in _BLOCK.finditer(_section("Policies")))
    assert text == (TOP / "bot" / "cli" / "templates" / "payments.json").read_text(encoding="utf-8")


_VERDICTS = [(found, row) for found, after in _policies() for row in _rows(after)]


def test_each_policy_is_followed_by_its_verdicts() -> None:
    """Four policies, and a table after each."""
    assert len(_policies()) == 4
    assert all(len(_rows(after)) > 5 for _, after in _policies())


@pytest.mark.parametrize("row", _VERDICTS)
def test_a_verdict_in_the_readme_is_the_one_of_the_code(row: tuple[Policy, list[str]]) -> None:
    """Effect and words, call by call; where a table tells who asks and when, in that situation."""
    found, (call, *who, effect, said) = row
    tool, _, arguments = _bare(call).partition(" ")
    situation = _situation(tool, *re.findall(r"`([^`]+)`", who[0])) if who else Situation()
    verdict = policy.evaluate(found, ToolCall("server", tool, json.loads(arguments), arguments.encode()), situation)
    assert (verdict.effect.value, verdict.message) == (effect, said)


def _situation(tool: str, label: str, owner: str, at: str) -> Situation:
    known = catalogue.classify({"name": tool})
    return Situation(label, owner, datetime.fromisoformat(at), KnownTool(known.category.value, known.risk.value))


def test_the_expectations_in_the_readme_are_met() -> None:
    """They are of the policy before them, the one that `init` writes; every key of a case is told."""
    text = next(found[3] for found in _BLOCK.finditer(_section("Policies")) if "\ncases:" in found[3])
    outcomes_ = [judged(case, _policies()[0][0]) for case in expectations(text, name="readme").cases]
    assert outcomes_
    assert [outcome.instead for outcome in outcomes_ if outcome.instead] == []
    told = _section("Policies").split("### Working on a policy")[1]
    assert [key for key in sorted(expecting.CASE | expecting.DOCUMENT) if f"`{key}`" not in told and f"{key}:" not in told] == []


def test_the_catalogue_agrees_as_often_as_is_told() -> None:
    """With a careful person, of the tools of the public catalogue."""
    found = re.search(r"Of (\d+) tools\s+of a public catalogue it agrees with a careful person on (\d+)", README)
    assert found, "the README no longer says how often"
    listed = definitions.rows("sample.jsonl")
    agreed = sum(
        definitions.tool(row["tool"], row.get("description") or "").category.value == (row.get("better") or row["category"])
        for row in listed
    )
    assert int(found[1]) == len(listed)
    assert int(found[2]) <= agreed


def _limits_of_the_readme() -> list[str]:
    chapter = _section("Policies").split("### Limits")[1].split("\n### ")[0]
    return [found[3] for found in _BLOCK.finditer(chapter)]


@pytest.mark.parametrize("text", _limits_of_the_readme())
def test_a_limit_in_the_readme_is_one(text: str) -> None:
    """It loads where limits stand."""
    document = {"version": "1", "default": "deny", "tools": {"refund": {"limits": [json.loads(text)]}}}
    assert len(policy.load(json.dumps(document), name="readme").shape.entries[0].limits) == 1


def test_every_path_of_a_condition_is_told() -> None:
    """Each subject, and each name that it has."""
    told = _section("Policies")
    paths = [f"{subject}.{name}" for subject, names in SUBJECTS.items() for name in names]
    assert [path for path in paths if f"`{path}" not in told] == []


def test_every_key_of_a_policy_and_every_operator_is_told() -> None:
    """The table names the keys of the format, and no other."""
    told = {name for row in _rows(_section("Policies").split("| key | where", 1)[1].join(["| key | where", ""])) for name in _names(row[0])}
    others = {"conditions", "on_deny"} | limit_rules.KEYS | options.REDACT
    joined = {joined.value for joined in Joined}
    known = validating.DOCUMENT | validating.ENTRY | predicates.KEYS | approvals.KEYS | joined
    assert told == known
    assert [key for key in sorted(others) if f"`{key}`" not in _section("Policies")] == []
    assert [op for op in Op if f"`{op}`" not in _section("Policies")] == []


def _names(cell: str) -> list[str]:
    return re.findall(r"`(\$?\w+)`", cell)


def test_every_other_configuration_in_the_readme_can_be_read() -> None:
    """What is not a policy and is JSON or TOML is at least that."""
    for found in _BLOCK.finditer(README):
        if found[2] == "json":
            json.loads(found[3])
        if found[2] == "toml":
            tomllib.loads(found[3])


@pytest.mark.parametrize("text", [found[3] for found in _BLOCK.finditer(README) if found[2] == "toml" and "[slack]" in found[3]])
def test_a_configuration_for_slack_in_the_readme_is_one_that_there_is(tmp_path: Path, text: str) -> None:
    """Whoever follows "Connect Slack" step by step is not stopped by a key."""
    assert _loaded(tmp_path, text).slack is not None


_AT = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def _row(state: State, **facts: Any) -> ApprovalRequest:  # noqa: ANN401  # columns of many kinds
    return ApprovalRequest(id="apr_x", state=state.value, tool="create_refund", approvers="payments", expires_at=_AT, **facts)


@pytest.mark.parametrize(
    "text",
    [
        outcomes.pending(_row(State.PENDING)),
        DENIED + outcomes.denial(_row(State.DENIED, decided_by="local:alice", decision_reason="The receipt is missing.")),
        outcomes.told(_row(State.EXPIRED)),
        outcomes.told(_row(State.CANCELLED)),
        outcomes.told(_row(State.FAILED, outcome_kind="not_sent", outcome=b"The server payments cannot be reached.")),
        outcomes.told(_row(State.LOST, outcome_kind="unknown")),
        DENIED
        + Refused(
            Limit("/tools/x", "create_refund_rate", Window.MINUTE, 30, Scope.GRANT), datetime(2026, 1, 1, 12, 1, tzinfo=UTC)
        ).sentence,
    ],
)
def test_what_the_agent_is_told_stands_in_the_readme_word_for_word(text: str) -> None:
    """Whoever writes an agent can look for these texts."""
    assert text in _section("What the agent sees")


def _line(marker: str) -> str:
    """Take a command line from the README exactly as .ci/run does."""
    script = (TOP / ".ci" / "run").read_text(encoding="utf-8")
    function = re.search(r"^readme_line\(\) \{.*?^\}$", script, re.MULTILINE | re.DOTALL)
    assert function, "the function that takes a line from the README is gone from .ci/run"
    assert f'readme_line "{marker}"' in script
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", f'{function[0]}\nreadme_line "$1"', "bash", marker],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_two_lines_of_the_readme_are_what_ci_runs() -> None:
    """One line each; both make their own environment, take the exact versions, and do what the README says of them."""
    demo, test = _line("demo line"), _line("test line")
    for line, extra in ((demo, "'.[demo]'"), (test, "-e '.[test]'")):
        assert "\n" not in line
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
        assert "-c constraints.txt" in line
        assert extra in line
    assert demo.endswith(".venv/bin/askfirst demo")
    assert test.endswith(".venv/bin/pytest")


def test_the_four_checks_are_the_ones_that_ci_runs() -> None:
    """What a developer is told to run is what is run."""
    block = next(found[3] for found in _BLOCK.finditer(_section("Development")) if found[2] == "sh")
    script = (TOP / ".ci" / "run").read_text(encoding="utf-8")
    assert block == "ruff check && ruff format --check\nmypy\nlint-imports\npytest\n"
    assert [check for check in re.split(r"\n| && ", block) if check and not re.search(rf"(^|/){re.escape(check)}$|{check}", script)] == []
    assert "bash .ci/run" in (TOP / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_every_dependency_is_pinned_within_its_range() -> None:
    """constraints.txt holds one exact version for each direct dependency, and names no host."""
    text = (TOP / "constraints.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", text, re.MULTILINE))
    plain = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(pins) == len(plain)
    assert "://" not in text
    versions = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins.items()}
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text_ in [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]:
        requirement = Requirement(text_)
        if requirement.name != "askfirst":
            version = versions.get(re.sub(r"[-_.]+", "-", requirement.name).lower())
            assert version is not None, f"{requirement.name} is not pinned"
            assert requirement.specifier.contains(version), f"{requirement.name} {version} is outside of {requirement.specifier}"


DOCUMENTS = [
    path for path in (*TOP.glob("*.md"), *TOP.glob("docs/*.md"), *TOP.glob(".github/*.md"), *TOP.glob("*/README.md")) if path.is_file()
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_link_and_every_named_test_is_there(path: Path) -> None:
    """A document does not send its reader to nothing."""
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)|(?:src|href)=\"([^\"#:]+)(?:#[^\"]*)?\"", text)
    assert [link for link in (one or other for one, other in links) if not (path.parent / link).exists()] == []
    named = re.findall(r"(tests/[\w/]+\.py)(?:::(test_\w+))?", text)
    missing = [f"{file}::{name}" for file, name in named if not _has_test(file, name)]
    assert missing == []


def _has_test(file: str, name: str) -> bool:
    path = TOP / file
    return path.is_file() and (
        not name or re.search(rf"^(async )?def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE) is not None
    )


def test_pictures_are_small() -> None:
    """A checkout stays light."""
    assert [path.name for path in (TOP / "docs").glob("*.png") if path.stat().st_size > 150_000] == []
