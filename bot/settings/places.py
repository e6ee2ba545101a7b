"""Where each key of a TOML text stands. The text was already read by tomllib, so this walks over it and judges nothing."""

import re
import tomllib
from typing import cast

from bot.settings.problems import KeyPath

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_OTHER = re.compile(r"[^,\]}\n#]*")


def find(text: str) -> dict[KeyPath, int]:
    """Map every key path of a valid TOML text to the line, from 1, where it first stands; array elements are numbered from 0."""
    walk = _Walk(text)
    try:
        walk.document()
    except RecursionError:
        return walk.lines
    return walk.lines


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        self.skip(_SPACE)
        while self.at < len(self.text):
            before = self.at
            if self.text[self.at] == "[":
                brackets = 2 if self.text.startswith("[[", self.at) else 1
                self.at += brackets
                table = self.key(())
                self.at += brackets
            else:
                self.pair(table)
            self.skip(_SPACE)
            if self.at == before:
                return

    def skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        passed = found.group() if found else ""
        self.at += len(passed)
        self.line += passed.count("\n")
        return passed

    def key(self, table: KeyPath) -> KeyPath:
        path = table
        while True:
            self.skip(_BLANK)
            quoted = self.text[self.at : self.at + 1] in {'"', "'"}
            part = self.skip(_STRING if quoted else _BARE)
            path = (*path, cast("str", tomllib.loads(f"k={part}")["k"]) if quoted else part)
            self.lines.setdefault(path, self.line)
            self.skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return path
            self.at += 1

    def pair(self, table: KeyPath) -> None:
        path = self.key(table)
        self.at += 1
        self.skip(_BLANK)
        self.value(path)

    def value(self, path: KeyPath) -> None:
        first = self.text[self.at : self.at + 1]
        if first == "[":
            self.elements(path, "]")
        elif first == "{":
            self.elements(path, "}")
        elif first in {'"', "'"}:
            self.skip(_STRING)
        else:
            self.skip(_OTHER)

    def elements(self, path: KeyPath, end: str) -> None:
        self.at += 1
        index = 0
        self.skip(_SPACE)
        while self.at < len(self.text) and self.text[self.at] != end:
            before = self.at
            if end == "]":
                self.lines.setdefault((*path, index), self.line)
                self.value((*path, index))
                index += 1
            else:
                self.pair(path)
            self.skip(_SPACE)
            if self.text.startswith(",", self.at):
                self.at += 1
                self.skip(_SPACE)
            if self.at == before:
                return
        self.at += 1
