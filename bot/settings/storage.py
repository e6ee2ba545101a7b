"""The sections [database] and [audit]: where Askfirst keeps what happened, and how much of it."""

import re
from pathlib import Path

from bot.settings import keys
from bot.settings.reading import Table, shown
from bot.settings.references import Sources, is_reference
from bot.settings.secret import Secret
from bot.settings.shapes import AuditSettings, DatabaseSettings, Forwarded

_RIGHT = 'write "sqlite:///askfirst.db", "postgresql://user@host/database", or "env:DATABASE_URL" when it holds a password'
_DEFAULT = "sqlite:///askfirst.db"
_SQLITE = "sqlite:///"
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):([^@]*)@|([?&]password=)[^&#]*")
_PARTS = re.compile(r"[a-z+]+://(?:[^:/@]*(?::[^@]*)?@)?(?:\[[^/?]+\]|[^/:?]*)(?::(?P<port>[^/?]*))?/[^/?]+(?:\?.*)?")
_POSTGRESQL = ("postgresql", "postgresql+psycopg")


def sections(root: Table, sources: Sources) -> tuple[DatabaseSettings, AuditSettings]:
    """Read both."""
    return database(root.table("database", keys.SECTIONS["database"]), sources), audit(root.table("audit", keys.SECTIONS["audit"]), sources)


def database(table: Table, sources: Sources) -> DatabaseSettings:
    """Read [database]. What is wrong with a resolved URL is said without showing it."""
    written = table.text("url", _RIGHT) or _DEFAULT
    url: str | None = written
    if is_reference(written):
        secret = sources.secret(written, (*table.path, "url"))
        url = secret.reveal() if secret else None
    elif _PASSWORD.search(written):
        table.note("url", 'It holds a password in plain text. Write url = "env:DATABASE_URL" and set that variable.')
    try:
        complete = _complete(url or _DEFAULT, sources)
    except ValueError as error:
        table.problem("url", str(error) if url == written else f"What {written} holds is no database URL; {_RIGHT.partition(', or')[0]}.")
        complete = _complete(_DEFAULT, sources)
    return DatabaseSettings(Secret(complete), _without_password(complete))


def _complete(url: str, sources: Sources) -> str:
    """Make a SQLite path absolute; raises ValueError with a sentence."""
    scheme = url.partition("://")[0]
    if scheme in _POSTGRESQL:
        return _postgresql(url)
    if scheme == "sqlite":
        path = url.removeprefix(_SQLITE)
        if not url.startswith(_SQLITE) or not path or path.startswith((":", "?")):
            raise ValueError(
                f'Found {shown(url)}; write "sqlite:///FILE": requests must outlive the process, so a database in memory is not enough.'
            )
        complete = str(_writable(sources.at(path)))
        if "?" in complete:
            raise ValueError(f"Found the path {complete!r}; a SQLite database cannot have a question mark in its path.")
        return _SQLITE + complete
    meant = ' (write "postgresql://…")' if scheme == "postgres" else ""
    raise ValueError(f"Found a URL that starts with {shown(scheme)}{meant}; {_RIGHT}.")


def _postgresql(url: str) -> str:
    parts = _PARTS.fullmatch(url)
    if parts is None or (parts["port"] and not (parts["port"].isascii() and parts["port"].isdigit())):
        raise ValueError('Found a PostgreSQL URL without a database or with a bad port; write "postgresql://user@host:5432/database".')
    return url


def _without_password(url: str) -> str:
    return _PASSWORD.sub(lambda found: f"{found[3]}…" if found[3] else f"{found[1]}:…@", url)


def audit(table: Table, sources: Sources) -> AuditSettings:
    """Read [audit]."""
    text = table.text("anchor", 'write the path of a file, such as "anchor.log"')
    anchor: Path | None = None
    try:
        anchor = _writable(sources.at(text)) if text else None
    except ValueError as error:
        table.problem("anchor", str(error))
    return AuditSettings(
        forwarded=table.choice("forwarded", Forwarded, default=Forwarded.BUFFERED),
        anchor=anchor,
    )


def _writable(path: Path) -> Path:
    """Check that a file could be there; raises ValueError with a sentence."""
    if path.is_dir():
        raise ValueError(f"Found {path}, a directory; write the path of a file.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no directory {path.parent} for this file. Create it, or correct the path.")
    return path
