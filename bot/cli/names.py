"""Names of the configuration, as they are typed."""

from collections.abc import Collection

from bot.settings import keys
from workflows.errors import AskfirstError


class UnknownName(AskfirstError):
    """The configuration has no such name."""

    code = "unknown_name"


def known(name: str, names: Collection[str], what: str, section: str) -> None:
    """Refuse a name that the configuration does not have, with the one that was probably meant. Raises UnknownName."""
    if name not in names:
        meant = keys.closest(name, names)
        remedy = f"Did you mean {meant}?" if meant else f"There are: {', '.join(names)}." if names else f"Declare it in {section}."
        raise UnknownName(f"There is no {what} {name} in the configuration. {remedy}")
