"""Files that a command makes. Law: nothing is overwritten."""

from pathlib import Path

from workflows.errors import AskfirstError


class NotOverwritten(AskfirstError):
    """A file is in the way, and is not overwritten."""

    code = "not_overwritten"


class NotWritten(AskfirstError):
    """A file cannot be written."""

    code = "not_written"


def write(path: Path, text: str) -> None:
    """Write a file that is not there yet, also not as a link. Raises NotOverwritten and NotWritten."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise NotOverwritten(f"{path} exists already, and is not overwritten. Name a new file.") from error
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}. Name another file.") from error
