"""How people prove who they are, and that nothing an agent holds ever does."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import Session, select

from tests.factories import ALICE, NOW, OLIVIA, Scene
from workflows import access, grants
from workflows.errors import TokenRefused
from workflows.tables import DeskLink, DeskSession, PersonalToken


def _link(scene: Scene) -> str:
    return scene.database.write(partial(access.mint_link, person=ALICE, now=scene.now))


def _sign_in(scene: Scene, link: str) -> tuple[str, DeskSession]:
    return scene.database.write(partial(access.use_link, token=link, now=scene.now))


def test_a_link_signs_one_person_in_once(scene: Scene) -> None:
    """To look at it, as programs do before people, spends nothing."""
    link = _link(scene)
    for _ in range(2):
        assert scene.database.read(partial(access.peek_link, token=link, now=scene.now)) == ALICE
    token, row = _sign_in(scene, link)
    assert (row.person, row.expires_at) == (ALICE.key, NOW + timedelta(hours=12))
    assert scene.database.read(partial(access.find_session, token=token, now=scene.now)).csrf == row.csrf
    with pytest.raises(TokenRefused, match="unknown, used or expired"):
        _sign_in(scene, link)
    with pytest.raises(TokenRefused):
        scene.database.read(partial(access.peek_link, token=link, now=scene.now))
    assert scene.events()[-2:] == ["desk.link", "desk.sign_in"]


def test_a_link_is_used_by_one_of_many_at_the_same_moment(scene: Scene) -> None:
    """Eight clicks, one session."""
    link, start = _link(scene), threading.Barrier(8)

    def click() -> bool:
        start.wait()
        try:
            _sign_in(scene, link)
        except TokenRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(future.result() for future in [threads.submit(click) for _ in range(8)]) == 1


def test_links_sessions_and_tokens_end(scene: Scene) -> None:
    """Ten minutes, twelve hours, ninety days; the moment itself is too late."""
    link, unused = _link(scene), _link(scene)
    session, _ = _sign_in(scene, link)
    token = scene.database.write(partial(access.mint_token, person=OLIVIA, label="laptop", now=scene.now))
    checks: list[tuple[timedelta, Callable[[], object]]] = [
        (access.LINK_LIVES, lambda: scene.database.read(partial(access.peek_link, token=unused, now=scene.now))),
        (access.SESSION_LIVES, lambda: scene.database.read(partial(access.find_session, token=session, now=scene.now))),
        (access.TOKEN_LIVES, lambda: scene.database.read(partial(access.find_token, token=token, now=scene.now))),
    ]
    assert [life for life, _ in checks] == [timedelta(minutes=10), timedelta(hours=12), timedelta(days=90)]
    for life, check in checks:
        scene.now = NOW + life - timedelta(microseconds=1)
        check()
        scene.now = NOW + life
        with pytest.raises(TokenRefused):
            check()


def test_signing_out_ends_the_session(scene: Scene) -> None:
    """Once more changes nothing."""
    session, _ = _sign_in(scene, _link(scene))
    for _ in range(2):
        scene.database.write(partial(access.end_session, token=session, now=scene.now))
    with pytest.raises(TokenRefused, match="not signed in"):
        scene.database.read(partial(access.find_session, token=session, now=scene.now))
    assert scene.events().count("desk.sign_out") == 1


def test_a_personal_token_is_its_persons(scene: Scene) -> None:
    """Until it is revoked."""
    token = scene.database.write(partial(access.mint_token, person=OLIVIA, label="laptop", now=scene.now))
    assert scene.database.read(partial(access.find_token, token=token, now=scene.now)) == OLIVIA

    def revoke(session: Session) -> None:
        row = session.get_one(PersonalToken, grants.token_hash(token))
        row.revoked_at = NOW

    scene.database.write(revoke)
    with pytest.raises(TokenRefused, match="revoked"):
        scene.database.read(partial(access.find_token, token=token, now=scene.now))


def test_no_credential_opens_another_door(scene: Scene) -> None:
    """T11: an agent's token reaches no verb that decides, a person's no server; a link, a session and a token are three things."""
    _, agent = scene.database.write(
        partial(grants.create, label="made", server="payments", policy=None, owner=OLIVIA.key, budget=None, actor="cli", now=NOW)
    )
    personal = scene.database.write(partial(access.mint_token, person=OLIVIA, label="laptop", now=scene.now))
    link = _link(scene)
    session, _ = _sign_in(scene, _link(scene))
    doors: dict[str, Callable[[str], object]] = {
        link: lambda token: scene.database.read(partial(access.peek_link, token=token, now=scene.now)),
        session: lambda token: scene.database.read(partial(access.find_session, token=token, now=scene.now)),
        personal: lambda token: scene.database.read(partial(access.find_token, token=token, now=scene.now)),
    }
    book = grants.GrantBook()
    scene.database.read(book.refresh)
    for own, opens in doors.items():
        opens(own)
        assert book.find(own) is None
        for other in {agent, personal, link, session, "", grants.token_hash(own)} - {own}:
            with pytest.raises(TokenRefused):
                opens(other)
    for verb in (access.use_link, access.end_session):
        before = scene.events()
        if verb is access.use_link:
            with pytest.raises(TokenRefused):
                scene.database.write(partial(verb, token=agent, now=scene.now))
        else:
            scene.database.write(partial(verb, token=agent, now=scene.now))
        assert scene.events() == before
    assert book.find(agent) is not None


def test_only_hashes_are_stored(scene: Scene) -> None:
    """None of the tokens is in any row, of the trail neither."""
    link = _link(scene)
    token = scene.database.write(partial(access.mint_token, person=OLIVIA, label="laptop", now=scene.now))
    session, _ = _sign_in(scene, link)
    written = "".join(row.model_dump_json() for row in scene.trail())
    for secret in (link, token, session):
        assert secret not in written
        for table in (DeskLink, DeskSession, PersonalToken):
            assert scene.database.read(lambda at, table=table, secret=secret: at.get(table, secret)) is None  # type: ignore[misc]  # bound early


def test_what_ended_is_forgotten(scene: Scene) -> None:
    """Links and sessions past their time go, others stay."""
    _sign_in(scene, _link(scene))
    scene.later(hours=1)
    link = _link(scene)
    scene.database.write(partial(access.purge, now=scene.now))
    assert scene.database.read(partial(access.peek_link, token=link, now=scene.now)) == ALICE
    scene.later(hours=12)
    scene.database.write(partial(access.purge, now=scene.now))
    for table in (DeskLink, DeskSession):
        assert scene.database.read(lambda at, table=table: at.exec(select(table)).all()) == []  # type: ignore[misc]  # bound early
