"""`askfirst init`: a first configuration and policy."""

import os
import shlex
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.new_files import NotOverwritten, NotWritten
from bot.cli.output import say

STARTERS = {"askfirst.toml": "askfirst.toml", "policies/payments.json": "payments.json"}


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
