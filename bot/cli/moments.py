"""Times that are typed: with their zone, or as how long ago."""

from datetime import datetime

import typer

from workflows.policy.approvals import duration


def moment(text: str, *, param: str, now: datetime | None = None) -> datetime:
    """Read a time with its zone; with `now` also how long ago it was, as policies write times (30m, 7d)."""
    span = duration(text) if now is not None else None
    if now is not None and span is not None:
        try:
            return now - span
        except OverflowError:
            raise typer.BadParameter(f"{text!r} is longer ago than any time.", param_hint=param) from None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        ago = ", or 7d for the last seven days" if now is not None else ""
        raise typer.BadParameter(f"{text!r} is no time with a zone: write it like 2026-01-31T09:00:00Z{ago}.", param_hint=param)
    return found
