"""`askfirst requests`: see what waits, and decide it. The same verbs as the desk, over the database or, with --desk, over the desk."""

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from bot.cli import shown
from bot.cli.opening import now, opened
from bot.cli.options import CONFIG, As, Config, Desk, Json, Reason, RequestId
from bot.cli.output import document, say, table
from bot.cli.remote import Remote
from bot.web import plain
from workflows import lifecycle, queries
from workflows.calls import JSON
from workflows.errors import AskfirstError, NotFound
from workflows.people import Person, parse_person
from workflows.queries import Filters
from workflows.quorum import Choice
from workflows.states import LIVE, State
from workflows.tables import ApprovalRequest

app = typer.Typer(help="See and decide what agents ask.", no_args_is_help=True)
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class WhoAsks(AskfirstError):
    """A decision has somebody's name on it. Say who you are with --as local:NAME."""

    code = "who_asks"


@app.command("list")
def listing(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Settled ones too, newest first.")] = False,
    state: Annotated[State | None, typer.Option("--state", help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most, with --all or --state.")] = 100,
    who: As = None,
    as_json: Json = False,
    desk: Desk = None,
    config: Config = CONFIG,
) -> None:
    """List what waits for a decision, runs, or was lost."""
    if desk is not None:
        _no_name(who)
        states = [state.value] if state else [""] if everything else [each.value for each in (*LIVE, State.LOST)]
        found = _remote(desk).listing(states, limit=limit)
        found.sort(key=lambda one: str(one["held_at"]), reverse=everything or state is not None)
        found.sort(key=lambda one: not everything and one["state"] == State.LOST)
    else:
        person = parse_person(who).key if who else None
        found = _listed(config, person, history=everything or state is not None, state=state, limit=limit)
    if as_json:
        document([*found])
    else:
        table(shown.COLUMNS, shown.rows(found), empty="Nothing waits.")


def _listed(config: Path, person: str | None, *, history: bool, state: State | None, limit: int) -> list[dict[str, JSON]]:
    def look(session: Session) -> list[dict[str, JSON]]:
        filters = Filters(state=state.value if state else "")
        views = queries.history(session, filters, limit=limit).rows if history else queries.inbox(session, person=person)
        return [plain.summary(view, person) for view in views]

    with opened(config) as at:
        return at.database.read(look)


@app.command()
def show(request_id: RequestId, who: As = None, as_json: Json = False, desk: Desk = None, config: Config = CONFIG) -> None:
    """Show one request: all of its arguments, votes, outcome and trail."""
    if desk is not None:
        _no_name(who)
        found = _remote(desk).one(_id(request_id))
    else:
        person = parse_person(who).key if who else None
        with opened(config) as at:
            view = at.database.read(lambda session: queries.one(session, _id(request_id)))
        if view is None:
            raise _unknown(request_id)
        found = plain.complete(view, person)
    if as_json:
        document(found)
    else:
        for line in shown.lines(found):
            say(line)


@app.command()
def approve(
    request_id: RequestId, *, who: As = None, reason: Reason = None, as_json: Json = False, desk: Desk = None, config: Config = CONFIG
) -> None:
    """Approve a held call. It runs once, as it stands, when enough people approved."""
    _act("approve", request_id, who, reason, as_json=as_json, desk=desk, config=config)


@app.command()
def deny(
    request_id: RequestId, *, who: As = None, reason: Reason = None, as_json: Json = False, desk: Desk = None, config: Config = CONFIG
) -> None:
    """Deny a held call. It does not run, and the agent is told your reason."""
    _act("deny", request_id, who, reason, as_json=as_json, desk=desk, config=config)


@app.command()
def cancel(
    request_id: RequestId, *, who: As = None, reason: Reason = None, as_json: Json = False, desk: Desk = None, config: Config = CONFIG
) -> None:
    """Withdraw a call that has not begun to run."""
    _act("cancel", request_id, who, reason, as_json=as_json, desk=desk, config=config)


def _act(verb: str, request_id: str, who: str | None, reason: str | None, *, as_json: bool, desk: str | None, config: Path) -> None:
    if desk is not None:
        _no_name(who)
        found = _remote(desk).act(_id(request_id), verb, reason)
    else:
        if who is None:
            raise WhoAsks
        found = _decided(config, _verb(verb), _id(request_id), parse_person(who), reason)
    if as_json:
        document(found)
    else:
        say(_told(found))


def _verb(verb: str) -> Callable[..., ApprovalRequest]:
    return lifecycle.cancel if verb == "cancel" else partial(lifecycle.vote, choice=Choice(verb))


def _decided(config: Path, verb: Callable[..., ApprovalRequest], request_id: str, person: Person, reason: str | None) -> dict[str, JSON]:
    with opened(config) as at:
        at.database.write(partial(verb, request_id=request_id, actor=person, reason=reason, via="cli", now=now()))
        view = at.database.read(lambda session: queries.one(session, request_id))
    if view is None:
        raise _unknown(request_id)
    return plain.summary(view, person.key)


def _told(found: dict[str, JSON]) -> str:
    match found["state"]:
        case "pending":
            return f"{found['id']}: your approval counts; {found['needed']} more needed."
        case "approved":
            return f"{found['id']}: approved. `askfirst serve` releases it, once."
        case state:
            return f"{found['id']}: {state}."


def _remote(desk: str) -> Remote:
    return Remote(desk, os.environ.get("ASKFIRST_TOKEN"))


def _no_name(who: str | None) -> None:
    if who is not None:
        raise WhoAsks("With --desk the personal token says who you are. Leave --as out.")


def _id(request_id: str) -> str:
    if not _ID.fullmatch(request_id):
        raise _unknown(request_id)
    return request_id


def _unknown(request_id: str) -> NotFound:
    return NotFound(f"There is no request {request_id[:60]!r}. `askfirst requests list --all` shows those there are.")
