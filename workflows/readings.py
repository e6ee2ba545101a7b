"""Who opened which pages of a call's arguments: where they do not fit on a card, nobody approves what they did not open whole."""

import json
from datetime import datetime

from sqlmodel import Session

from workflows import audit
from workflows.audit import Tag
from workflows.errors import NotFound
from workflows.people import Person
from workflows.redaction import visible
from workflows.tables import ApprovalRequest, Reading


def note_page(session: Session, request_id: str, *, person: Person, page: int, pages: int, now: datetime) -> Reading:
    """Write that a person opened page `page` (from 1) of `pages`. The last one that was missing is audited, once.

    A reading is of one fingerprint: were the request's to differ, it would begin again. Raises NotFound.
    """
    request = session.get(ApprovalRequest, request_id)
    if request is None or not 1 <= page <= pages:
        raise NotFound(f"There is no page {page} of the arguments of {visible(request_id[:40])}.")
    reading = session.get(Reading, (request_id, person.key), with_for_update=True, populate_existing=True)
    if reading is None:
        reading = Reading(request_id=request_id, person=person.key, fingerprint=request.fingerprint, pages="[]")
        session.add(reading)
    if reading.fingerprint != request.fingerprint:
        reading.fingerprint, reading.pages, reading.whole_at = request.fingerprint, "[]", None
    opened = {*json.loads(reading.pages), page}
    reading.pages = json.dumps(sorted(opened))
    if reading.whole_at is None and opened.issuperset(range(1, pages + 1)):
        reading.whole_at = now
        audit.record(
            session,
            Tag.REQUEST_READ,
            actor=person.key,
            now=now,
            request_id=request.id,
            agent=request.agent,
            server=request.server,
            tool=request.tool,
            detail={"pages": pages, "fingerprint": request.fingerprint},
        )
    return reading


def whole(session: Session, request: ApprovalRequest, person: str) -> bool:
    """Tell whether this person opened every page of this call's arguments."""
    reading = session.get(Reading, (request.id, person))
    return reading is not None and reading.whole_at is not None and reading.fingerprint == request.fingerprint
