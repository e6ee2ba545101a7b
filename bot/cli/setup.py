"""`askfirst init` and `askfirst check`: a first configuration, and what is wrong with the one there is."""

import os
import shlex
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from bot import settings
from bot.cli.options import CONFIG, Config
from bot.cli.output import one_line, say
from bot.settings import Settings, SettingsInvalid
from workflows.errors import AskfirstError

STARTERS = {"askfirst.toml": "askfirst.toml", "policies/payments.json": "payments.json"}


class NotOverwritten(AskfirstError):
    """A file is in the way, and is not overwritten."""

    code = "not_overwritten"


class NotWritten(AskfirstError):
    """A file cannot be written."""

    code = "not_written"


def init(directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write; made when it is not there.")] = Path()) -> None:
    """Write a first configuration and policy, and say what comes next. Nothing is overwritten."""
    for name in STARTERS:
        if os.path.lexists(directory / name):
            raise NotOverwritten(f"{directory / name} exists already, and nothing was written. Move it away, or name another directory.")
    for name, template in STARTERS.items():
        _write(directory / name, (resources.files("bot.cli") / "templates" / template).read_text(encoding="utf-8"))
        say(f"wrote {directory / name}")
    say(_steps("" if directory == Path() else f" --config {shlex.quote(str(directory / 'askfirst.toml'))}"))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}. Name another directory.") from error


def _steps(option: str) -> str:
    return f"""
Next:
  1. In askfirst.toml, write your MCP server's address under [servers.payments] and your people under [groups.payments]; then
       askfirst check{option}
  2. Start it, and in another terminal make the token that your agent sends:
       askfirst serve{option}
       askfirst grants create support-agent --server payments --policy payments --owner local:olivia{option}
  3. Open the page where you decide:
       askfirst desk login --as local:alice{option}"""


def check(config: Config = CONFIG) -> None:
    """Read the configuration and all that it names, and print every problem with its place and remedy."""
    try:
        found = settings.load(config, os.environ)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            say(f"problem: {one_line(str(problem))}")
        count = len(invalid.problems)
        say(f"{count} problem{'s' * (count != 1)}. Nothing was started or changed.")
        raise typer.Exit(1) from None
    for note in found.notes:
        say(f"note: {one_line(str(note))}")
    for line in _good(found):
        say(f"ok: {line}")


def _good(found: Settings) -> list[str]:
    return [
        f"{found.path.name}: gateway on {found.gateway.listen}, desk on {found.desk.listen}, database {found.database.shown}",
        *([f"slack: cards go to {found.slack.channel}, in {found.slack.mode} mode"] if found.slack else []),
        *(f"policy {name}: SHA-256 {policy.sha256}" for name, policy in found.policies.items()),
        *(f"server {name}" for name in found.servers),
        *(
            f"grant {grant.label}: server {grant.server}, policy {grant.policy or 'none'}, owner {grant.owner}"
            for grant in found.grants.values()
        ),
        *(f"group {group.name}: {', '.join(sorted(group.members | group.user_groups)) or 'nobody'}" for group in found.groups.values()),
    ]
