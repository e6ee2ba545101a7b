"""Who opened all pages of the arguments is remembered, for that call and no other."""

from functools import partial

import pytest
from sqlmodel import Session

from tests.factories import ALICE, BOB, Scene
from workflows import readings
from workflows.errors import NotFound
from workflows.people import Person
from workflows.tables import ApprovalRequest, Reading


def _open(scene: Scene, request_id: str, page: int, *, pages: int = 3, person: Person = ALICE) -> Reading:
    return scene.database.write(
        partial(readings.note_page, request_id=request_id, person=person, page=page, pages=pages, now=scene.now),
    )


def _whole(scene: Scene, request_id: str, person: Person = ALICE) -> bool:
    row = scene.row(request_id)
    return scene.database.read(partial(readings.whole, request=row, person=person.key))


def test_arguments_are_read_whole_when_every_page_was_opened(scene: Scene) -> None:
    """T02: in any order, each as often as one likes; it is audited once, with the person's name."""
    request_id = scene.held()
    for page in (3, 1, 3):
        _open(scene, request_id, page)
        assert not _whole(scene, request_id)
    reading = _open(scene, request_id, 2)
    assert reading.whole_at == scene.now
    assert _whole(scene, request_id)
    scene.later(seconds=5)
    assert _open(scene, request_id, 1).whole_at != scene.now
    assert scene.events(request_id) == ["request.hold", "request.read"]
    assert scene.trail(request_id)[-1].actor == ALICE.key


def test_what_one_person_read_nobody_else_did(scene: Scene) -> None:
    """Nor is it a reading of another request."""
    request_id, other = scene.held(), scene.held()
    _open(scene, request_id, 1, pages=1)
    assert _whole(scene, request_id)
    assert not _whole(scene, request_id, BOB)
    assert not _whole(scene, other)


def test_a_reading_is_of_one_fingerprint(scene: Scene) -> None:
    """Were the request's to change, what was read counts for nothing, and reading begins again."""
    request_id = scene.held()
    _open(scene, request_id, 1, pages=2)
    _open(scene, request_id, 2, pages=2)
    changed = partial(_refingerprint, request_id=request_id)
    scene.database.write(changed)
    assert not _whole(scene, request_id)
    _open(scene, request_id, 2, pages=2)
    assert not _whole(scene, request_id)
    _open(scene, request_id, 1, pages=2)
    assert _whole(scene, request_id)


def _refingerprint(session: Session, request_id: str) -> None:
    session.get_one(ApprovalRequest, request_id).fingerprint = "f" * 64


@pytest.mark.parametrize(("page", "pages"), [(0, 1), (2, 1), (-1, 3), (1, 0)])
def test_a_page_that_is_not_there_is_not_read(scene: Scene, page: int, pages: int) -> None:
    """Nothing becomes whole by it."""
    request_id = scene.held()
    with pytest.raises(NotFound):
        _open(scene, request_id, page, pages=pages)
    with pytest.raises(NotFound):
        _open(scene, "apr_0", 1)
    assert not _whole(scene, request_id)
