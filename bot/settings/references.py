"""What a configuration points at instead of holding it: `env:NAME` and `file:PATH`, resolved once, when the file is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.settings.problems import Findings, KeyPath
from bot.settings.secret import Secret

MAX_SECRET_BYTES = 64 * 1024
_REFERENCE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9_-]* )?(?P<kind>env|file):(?P<place>.+)", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_NAME = re.compile(r"authorization|cookie|token|secret|passw|credential|(api|access|private)[-_]?key", re.IGNORECASE)
HOW = 'Write "env:NAME" or "file:PATH" and keep the secret itself out of this file'


def secret_name(name: str) -> bool:
    """Tell whether a header or variable of this name carries a secret."""
    return bool(_SECRET_NAME.search(name))


@dataclass(frozen=True, slots=True)
class Sources:
    """Where references are looked up: the environment, and files relative to `directory`."""

    environment: Mapping[str, str]
    directory: Path
    findings: Findings

    def at(self, text: str) -> Path:
        """Make a path of the configuration absolute; raises ValueError for one that cannot be."""
        if "\0" in text:
            raise ValueError("Found a path with a NUL character; write the path of a file.")
        try:
            return self.directory / Path(text).expanduser()
        except RuntimeError as error:
            raise ValueError(f"Found {text!r}, which names no home directory; write the path in full.") from error

    def read(self, path: Path, *, most: int) -> str:
        """Read a UTF-8 file of at most `most` bytes and watch it; raises ValueError with a sentence."""
        if path not in self.findings.files:
            self.findings.files.append(path)
        try:
            with path.open("rb") as file:
                content = file.read(most + 1)
            if len(content) > most:
                raise ValueError(f"The file {path} is larger than {most:,} bytes. Is it the right one?")
            return content.decode()
        except FileNotFoundError as error:
            raise ValueError(f"There is no file {path}. Create it, or correct the path.") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"The file {path} is not UTF-8 text. Save it as UTF-8.") from error
        except OSError as error:
            raise ValueError(f"The file {path} cannot be read: {error.strerror or error}.") from error

    def secret(self, text: str, path: KeyPath) -> Secret | None:
        """Resolve a reference, and keep a scheme before it (`Bearer env:NAME`). None when `text` is no reference, or after a problem."""
        found = _REFERENCE.fullmatch(text)
        if found is None:
            return None
        try:
            value = self._variable(found["place"]) if found["kind"] == "env" else self._content(found["place"])
        except ValueError as error:
            self.findings.problem(path, str(error))
            return None
        return Secret((found["scheme"] or "") + value)

    def _variable(self, name: str) -> str:
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"Found env:{name!r}; a variable's name has letters, digits and _ only.")
        value = self.environment.get(name)
        if value is None:
            raise ValueError(f"The environment variable {name} is not set. Set it where Askfirst is started.")
        if not value.strip():
            raise ValueError(f"The environment variable {name} is empty. Set it to the secret.")
        return value.strip()

    def _content(self, place: str) -> str:
        path = self.at(place)
        value = self.read(path, most=MAX_SECRET_BYTES).removeprefix("\ufeff").strip()
        if not value:
            raise ValueError(f"The file {path} is empty. Write the secret into it.")
        return value


def is_reference(text: str) -> bool:
    """Tell whether a text points at a secret."""
    return _REFERENCE.fullmatch(text) is not None
