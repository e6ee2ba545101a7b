"""What the demo prints: who does what, as it happens. Colour on a terminal, plain lines elsewhere, and no text of others unescaped."""

import json
import sys
from collections.abc import Mapping
from typing import Literal, TextIO, TypeAlias

from rich.console import Console
from rich.panel import Panel
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
        line = Text(f"{who:<{_INDENT}}", style=_STYLES[who])
        line.append(Text(visible(text), style=style or "not bold"))
        self._console.print(line, soft_wrap=True)

    def calls(self, tool: str, arguments: Mapping[str, object]) -> None:
        """The agent asks for a call."""
        self.say("agent", f"-> {tool} {json.dumps(dict(arguments))}")

    def answered(self, tool: str, text: str, *, is_error: bool) -> None:
        """The agent got its answer."""
        self.say("agent", f"<- {tool}: {text}", style="red" if is_error else "green")

    def invite(self, url: str, person: str) -> None:
        """Show the one-time link, whole and on a line of its own so that it can be copied."""
        if self._console.is_terminal:
            words = Text.assemble(
                ("An agent waits for your decision. Open this link as ", ""),
                (person, "bold"),
                (", once:\n\n", ""),
                (url, f"bold link {url}"),
            )
            self._console.print(Panel(words, border_style="green", expand=False), soft_wrap=True)
        else:
            self.say("desk", f"An agent waits for your decision. Open this link as {person}, once:")
            self.say("desk", url)

    def outcome(self, checks: Mapping[str, bool]) -> None:
        """Say of every expectation whether it held."""
        for sentence, held in checks.items():
            self.say("demo", f"{'ok  ' if held else 'NO  '} {sentence}", style="green" if held else "bold red")
