"""The tree keeps its shape: every module has its tests, names say something, and nothing here knows one machine."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
UNIT, BOTH = TOP / "tests" / "unit", TOP / "tests" / "integration"
FORBIDDEN = frozenset(
    {"manager", "managers", "service", "services", "util", "utils", "helper", "helpers", "common", "misc", "base", "core"}
)
_HOME = "home|root|Users|work|mnt"
MACHINE_PATH = re.compile(rf"(?<![\w./~}})-])/(?:{_HOME}|opt/venv|tmp/[\w.-]+/)[\w.-]*/?")
REGISTRY = re.compile(
    "|".join(("pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.", "index" + "-url", "jfrog", "artifactory", "nexus/"))
)

# Modules without a mirror: why, and the tests that cover them.
_EXCEPTIONS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "The composition root and the clock are tested as the process that they are.",
        ("bot/app.py", "bot/scheduler.py"),
        ("unit/bot/cli/test_serve.py", "acceptance/test_calls.py", "acceptance/test_upstreams.py", "acceptance/test_crashes.py"),
    ),
    (
        "What every command shares is tested through the commands.",
        ("bot/cli/__init__.py", "bot/cli/__main__.py", "bot/cli/opening.py", "bot/cli/options.py", "bot/cli/output.py", "bot/cli/shown.py"),
        ("unit/bot/cli/test_cli.py", "unit/bot/cli/test_requests.py"),
    ),
    (
        "The demo's programs are tested by running the demo.",
        ("bot/cli/demo.py", "bot/demo/__init__.py", "bot/demo/agent.py", "bot/demo/server.py", "bot/demo/stage.py"),
        ("unit/bot/demo/test_run.py", "acceptance/test_demo.py"),
    ),
    (
        "The gateway is tested from outside, by what it does with an agent's message.",
        (
            "bot/gateway/context.py",
            "bot/gateway/outcomes.py",
            "bot/gateway/replies.py",
            "bot/gateway/server.py",
            "bot/gateway/tools.py",
            "bot/gateway/waiting.py",
        ),
        (
            "unit/bot/gateway/test_access.py",
            "unit/bot/gateway/test_strictness.py",
            "unit/bot/gateway/test_trail.py",
            "integration/test_gateway_holding.py",
            "unit/test_documents.py",
        ),
    ),
    (
        "Reading and writing messages is one subject, tested in two files.",
        (
            "bot/mcp/eras.py",
            "bot/mcp/headers.py",
            "bot/mcp/listing.py",
            "bot/mcp/messages.py",
            "bot/mcp/spans.py",
            "bot/mcp/sse.py",
        ),
        ("unit/bot/test_mcp.py", "unit/bot/test_mcp_answers.py"),
    ),
    (
        "What every section of the configuration shares is tested with whole files.",
        (
            "bot/settings/keys.py",
            "bot/settings/load.py",
            "bot/settings/problems.py",
            "bot/settings/reading.py",
            "bot/settings/references.py",
            "bot/settings/secret.py",
            "bot/settings/shapes.py",
        ),
        ("unit/bot/test_settings.py", "unit/bot/test_settings_servers.py"),
    ),
    (
        "The client of the upstreams is tested against upstreams that run, over HTTP, as programs, and those of the official SDK.",
        (
            "bot/upstream/__init__.py",
            "bot/upstream/address.py",
            "bot/upstream/child.py",
            "bot/upstream/exchange.py",
            "bot/upstream/front.py",
            "bot/upstream/session.py",
            "bot/upstream/sessions.py",
            "bot/upstream/wire.py",
        ),
        (
            "integration/test_upstream_http.py",
            "integration/test_upstream_stdio.py",
            "integration/test_upstream_relay.py",
            "integration/test_upstream_sdk.py",
        ),
    ),
    (
        "Limits, groups and the clock are tested by what they decide.",
        ("workflows/counters.py", "workflows/groups.py", "workflows/lifecycle/clock.py"),
        ("integration/test_limits.py", "integration/test_recorder.py", "integration/test_voting.py", "integration/test_grants.py"),
    ),
    (
        "Doctor is tested as a command, against a Slack, servers and databases that run.",
        ("bot/cli/examining.py", "bot/slack/checks.py"),
        ("integration/test_doctor.py",),
    ),
    (
        "What follows a click is tested by clicking, in a Slack that runs.",
        (
            "bot/slack/actions.py",
            "bot/slack/answers.py",
            "bot/slack/context.py",
            "bot/slack/deciding.py",
            "bot/slack/fulltext.py",
            "bot/slack/ids.py",
            "bot/slack/submissions.py",
        ),
        ("integration/test_slack_clicks.py", "integration/test_slack_modals.py", "integration/test_slack_attacks.py"),
    ),
    (
        "The Home and its groups are tested by opening them, in a Slack that runs.",
        ("bot/slack/group_actions.py", "bot/slack/homes.py", "bot/slack/seeing.py"),
        ("integration/test_slack_home.py", "integration/test_slack_groups.py", "integration/test_slack_commands.py"),
    ),
    (
        "What is posted is tested by what then stands in a Slack that runs.",
        ("bot/slack/finding.py", "bot/slack/pace.py", "bot/slack/posting.py"),
        ("integration/test_slack_sync.py",),
    ),
    (
        "The doors of the Slack face are tested from outside.",
        ("bot/slack/events.py", "bot/slack/listening.py", "bot/slack/precheck.py", "bot/slack/refusals.py"),
        ("integration/test_slack_server.py", "integration/test_slack_http.py"),
    ),
    (
        "The values of a drawing are tested by what is drawn of them.",
        ("bot/slack/shapes.py",),
        ("unit/bot/slack/test_cards.py", "unit/bot/slack/test_modals.py"),
    ),
    (
        "Rows and revisions are held against each other.",
        (
            "workflows/tables.py",
            "workflows/migrations/env.py",
            "workflows/migrations/versions/0001_first.py",
            "workflows/migrations/versions/0002_slack.py",
            "workflows/migrations/versions/0003_policy.py",
        ),
        ("integration/test_migrations.py",),
    ),
)
ELSEWHERE = {module: (reason, tests) for reason, modules, tests in _EXCEPTIONS for module in modules}


def _tracked() -> list[Path]:
    """Give every file of the project; what git does not know is not ours."""
    git = shutil.which("git")
    if git is None or not (TOP / ".git").exists():
        return [path for path in TOP.rglob("*") if path.is_file() and not any(part.startswith(".") for part in path.relative_to(TOP).parts)]
    listed = subprocess.run([git, "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout.decode()
    return [TOP / name for name in listed.split("\0") if name and (TOP / name).is_file()]


FILES = _tracked()


def _modules() -> list[str]:
    return sorted(
        path.relative_to(TOP).as_posix() for package in ("bot", "workflows") for path in (TOP / package).rglob("*.py") if _has_code(path)
    )


def _has_code(path: Path) -> bool:
    """Tell a module from a package's front that only names what is inside: imports, `__all__`, a docstring."""
    return path.name != "__init__.py" or bool(re.search(r"^(?:async )?(?:def|class) ", path.read_text(encoding="utf-8"), re.MULTILINE))


def _mirrors(module: str) -> list[Path]:
    """Where the tests of a module may be: at its place, in a file that names package and module, or, over both databases, by its name."""
    parts = [*Path(module).with_suffix("").parts]
    if parts[-1] == "__init__":
        parts.pop()
    *packages, name = parts
    found = [UNIT.joinpath(*packages, f"test_{name}.py"), BOTH / f"test_{name}.py", BOTH / f"test_{'_'.join([*packages, name][1:])}.py"]
    if len(packages) > 1:
        found.append(UNIT.joinpath(*packages[:-1], f"test_{packages[-1]}_{name}.py"))
    return found


@pytest.mark.parametrize("module", _modules())
def test_a_module_has_tests_that_mirror_it_or_a_reason(module: str) -> None:
    """Where to look for the tests of a module is no riddle."""
    if not any(path.is_file() for path in _mirrors(module)):
        assert module in ELSEWHERE, f"{module} has no {_mirrors(module)[0].relative_to(TOP)}"
        _, tests = ELSEWHERE[module]
        assert [test for test in tests if not (TOP / "tests" / test).is_file()] == []


def test_every_reason_is_about_a_module_that_is_there() -> None:
    """A list of exceptions does not outlive what it excepts."""
    assert sorted(ELSEWHERE.keys() - {path.relative_to(TOP).as_posix() for path in FILES}) == []


def test_no_name_says_nothing() -> None:
    """A file is named after a thing or a verb of the trade."""
    assert [path.relative_to(TOP).as_posix() for path in FILES if path.stem.removeprefix("test_") in FORBIDDEN] == []
    assert [path.relative_to(TOP).as_posix() for path in FILES if FORBIDDEN & {*path.relative_to(TOP).parts}] == []


def _lines(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in FILES:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(TOP)}:{number}: {line.strip()[:100]}")
    return found


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """Paths of somebody's home or workspace mean nothing to anybody else."""
    assert [line for line in _lines(MACHINE_PATH) if not line.startswith("tests/unit/test_tree.py")] == []


def test_no_file_names_a_registry() -> None:
    """Where packages come from is the installer's choice."""
    assert [line for line in _lines(REGISTRY) if not line.startswith("tests/unit/test_tree.py")] == []


def test_what_looks_like_a_path_of_a_machine_is_found() -> None:
    """The pattern would notice one."""
    for text in ("/" + "home/ann/askfirst", "open('/" + "root/.netrc')", "#!/" + "opt/venv/bin/python"):
        assert MACHINE_PATH.search(text)
    for text in ("/srv/askfirst/venv", "GET /health", "https://example.com/home/page", "policies/work/x"):
        assert not MACHINE_PATH.search(text)
