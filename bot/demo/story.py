"""What the demo prints: who does what, as it happens. Colour on a terminal, plain lines elsewhere, and no text of others unescaped."""

import json
import sys
from collections.abc import Mapping
from typing import Literal, TextIO, TypeAlias

from rich.console import Console
from rich.text import Text

from workflows.redaction import visible

Who: TypeAlias = Literal["demo", "server", "gateway", "desk", "agent", "you", "audit"]

_STYLES: dict[str, str] = {
    "demo": "bold",
    "server": "magenta",
    "gateway": "blue",
    "desk": "cyan",
    "agent": "yellow",
    "you": "bold green",
    "audit": "blue",
}
_INDENT = 10


class Story:
    """Prints the lines of one demo."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._console = Console(file=out or sys.stdout, highlight=False, markup=False, emoji=False)

    def say(self, who: Who, text: str, *, style: str = "") -> None:
        """Print one line: who, and what happened to them."""
        self._console.print(Text.assemble((f"{who:<{_INDENT}}", _STYLES[who]), (visible(text), style)), soft_wrap=True)

    def calls(self, tool: str, arguments: Mapping[str, object]) -> None:
        """The agent asks for a call."""
        self.say("agent", f"-> {tool} {json.dumps(dict(arguments))}")

    def answered(self, tool: str, text: str, *, is_error: bool) -> None:
        """The agent got its answer."""
        self.say("agent", f"<- {tool}: {text}", style="red" if is_error else "green")

    def invite(self, url: str, person: str) -> None:
        """Show the one-time link, whole and on a line of its own so that it can be copied."""
        self.say("desk", f"An agent waits for your decision. Open this link as {person}, once:", style="bold")
        self._console.print(Text(f"\n{url}\n", style=f"bold green link {url}"), soft_wrap=True)

    def outcome(self, checks: Mapping[str, bool]) -> None:
        """Say of every expectation whether it held."""
        for sentence, held in checks.items():
            self.say("demo", f"{'ok  ' if held else 'NO  '} {sentence}", style="green" if held else "bold red")
