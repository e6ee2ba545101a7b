"""What is wrong with a configuration: every problem at once, each with its place, what was found and what would be right."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeAlias

from workflows.errors import AskfirstError

KeyPath: TypeAlias = tuple[str | int, ...]
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One problem. `path` is the key as `grants.support-agent.owner`, `line` counts from 1, `file` is named as the config file names it."""

    path: str
    line: int | None
    message: str
    file: str

    @property
    def place(self) -> str:
        """Write where it is, as an editor understands it: `askfirst.toml:12`."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.path}: {self.message}" if self.path else f"{self.place}: {self.message}"


class SettingsInvalid(AskfirstError):
    """The configuration cannot be used. `askfirst check` lists every problem with its remedy."""

    code: ClassVar[str] = "settings_invalid"

    def __init__(self, problems: Iterable[SettingProblem], *, files: Iterable[Path] = ()) -> None:
        self.problems = tuple(problems)
        self.files = tuple(files)
        more = f" (and {len(self.problems) - 1} more; `askfirst check` lists them all)" if len(self.problems) > 1 else ""
        super().__init__(f"The configuration cannot be used: {self.problems[0]}{more}" if self.problems else None)


@dataclass(slots=True)
class Findings:
    """Collect problems, notes and files while a configuration is read. `lines` maps a key path to the line that it stands on."""

    file: str
    lines: Mapping[KeyPath, int]
    problems: list[SettingProblem] = field(default_factory=list)
    notes: list[SettingProblem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def problem(self, path: KeyPath, message: str) -> None:
        """Add what makes the configuration unusable."""
        self.problems.append(SettingProblem(dotted(path), self._line(path), message, self.file))

    def note(self, path: KeyPath, message: str) -> None:
        """Add what is allowed and probably not meant."""
        self.notes.append(SettingProblem(dotted(path), self._line(path), message, self.file))

    def _line(self, path: KeyPath) -> int | None:
        """Give the line of the key, or of the closest table around it that was written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def dotted(path: KeyPath) -> str:
    """Write a key path as TOML does, `members[0]` for an element; a key that needs quotes gets them."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        else:
            name = part if part and _PLAIN.issuperset(part) else json.dumps(part)
            written += f".{name}" if written else name
    return written
