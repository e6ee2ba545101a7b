"""The section [grants.NAME]: agents of unattended set-ups, each with one server, a policy, an owner and a token."""

import hashlib
import re
from collections.abc import Iterable

from bot.settings import keys
from bot.settings.reading import Table
from bot.settings.references import HOW, Sources, is_reference
from bot.settings.shapes import GrantSettings
from workflows.errors import AskfirstError
from workflows.people import parse_person

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_SHORT = 20


def grants(root: Table, sources: Sources, *, servers: Iterable[str], policies: Iterable[str]) -> dict[str, GrantSettings]:
    """Read [grants.NAME]; one with a problem is left out. `servers` and `policies` are the names that it may refer to."""
    found: dict[str, GrantSettings] = {}
    for label, table in root.table("grants").tables(keys.ENTRIES["grants"]).items():
        _refer(table, "server", tuple(servers), "[servers.NAME]")
        _refer(table, "policy", tuple(policies), "[policies]")
        grant = _grant(label, table, sources)
        if grant is None:
            continue
        twin = next((other.label for other in found.values() if other.token_sha256 == grant.token_sha256), None)
        if twin is not None:
            table.problem(
                "token" if "token" in table else "token_sha256", f"Found the token of {twin} again. Give each grant a token of its own."
            )
        found[label] = grant
    return found


def _refer(table: Table, key: str, names: tuple[str, ...], section: str) -> None:
    """Check that what a grant names is there."""
    name = table.values.get(key)
    if not isinstance(name, str) or not name.strip() or name in names:
        return
    meant = keys.closest(name, names)
    remedy = f"Did you mean `{meant}`?" if meant else f"There are: {', '.join(names)}." if names else f"Declare it in {section}."
    table.problem(key, f"Found {name!r}, which {section} does not have. {remedy}")


def _grant(label: str, table: Table, sources: Sources) -> GrantSettings | None:
    server = _needed(table, "server", "write the name of a server, as in [servers.NAME]")
    owner = _needed(table, "owner", 'write who answers for this agent, such as "local:olivia"')
    token = _token(table, sources)
    if owner is not None:
        try:
            parse_person(owner)
        except AskfirstError as error:
            table.problem("owner", str(error))
    policy = table.text("policy", "write the name of a policy, as in [policies]")
    if "policy" not in table:
        table.findings.note(table.path, 'It has no policy, so every call is denied. Write policy = "NAME".')
    budget = table.whole("hold_budget_seconds", default=None, least=0, most=3600)
    if server is None or owner is None or token is None:
        return None
    return GrantSettings(label=label, server=server, policy=policy, owner=owner, token_sha256=token, hold_budget_seconds=budget)


def _needed(table: Table, key: str, right: str) -> str | None:
    if key not in table:
        table.problem(key, f"It is missing; {right}.")
    return table.text(key, right)


def _token(table: Table, sources: Sources) -> str | None:
    """Give the SHA-256 of the grant's token in hex; the token itself goes no further."""
    if ("token" in table) == ("token_sha256" in table):
        found = "both; keep one" if "token" in table else "neither; write one"
        table.findings.problem(table.path, f'A grant has a token = "env:NAME" or "file:PATH", or a token_sha256. Found {found}.')
        return None
    return _digest(table) if "token_sha256" in table else _hashed(table, sources)


def _digest(table: Table) -> str | None:
    digest = table.text("token_sha256", "write 64 hexadecimal digits")
    if digest is None or _SHA256.fullmatch(digest.lower()):
        return digest.lower() if digest else None
    table.problem("token_sha256", "Found something else than the 64 hexadecimal digits of a SHA-256; write those.")
    return None


def _hashed(table: Table, sources: Sources) -> str | None:
    text = table.text("token", "write a text in quotes")
    if text is not None and not is_reference(text):
        table.problem("token", f"Found a secret in plain text. {HOW}, or write token_sha256.")
    secret = sources.secret(text, (*table.path, "token")) if text else None
    if secret is None:
        return None
    token = secret.reveal()
    if not _TOKEN.fullmatch(token):
        table.problem("token", "The token has spaces or characters that no header can carry. Make one with `openssl rand -hex 32`.")
        return None
    if len(token) < _SHORT:
        table.note("token", f"The token is shorter than {_SHORT} characters and can be guessed. Make one with `openssl rand -hex 32`.")
    return hashlib.sha256(token.encode()).hexdigest()
