"""Grants and groups: a token is shown once, the config file is made true, and a change is told."""

from functools import partial
from typing import Any

import pytest

from tests.factories import ALICE, NOW, OLIVIA, PAYMENTS, Scene, make_grant
from workflows import audit, grants, groups
from workflows.errors import NotAllowed, NotFound, Taken
from workflows.grants import DeclaredGrant, GrantBook, token_hash
from workflows.people import ApproverGroup
from workflows.tables import Grant


def _create(scene: Scene, label: str = "made", **facts: Any) -> tuple[Grant, str]:  # noqa: ANN401  # the arguments of `create`
    known: dict[str, Any] = {"server": "payments", "policy": "payments", "owner": OLIVIA.key, "budget": 30, "actor": ALICE.key, "now": NOW}
    return scene.database.write(partial(grants.create, label=label, **{**known, **facts}))


def _book(scene: Scene) -> GrantBook:
    book = GrantBook()
    scene.database.read(book.refresh)
    return book


def _sync(scene: Scene, *declared: DeclaredGrant) -> None:
    scene.database.write(partial(grants.sync_declared, declared=declared, now=NOW))


def test_a_token_is_shown_once_and_stored_as_a_hash(scene: Scene) -> None:
    """It finds its grant; nowhere in the database is it written."""
    grant, token = _create(scene)
    assert token.startswith("askg_")
    assert len(token) > 40
    found = _book(scene).find(token)
    assert found is not None
    assert (found.id, found.label, found.server, found.policy, found.owner, found.budget) == (
        grant.id,
        "made",
        "payments",
        "payments",
        OLIVIA.key,
        30,
    )
    assert grant.token_sha256 == token_hash(token)
    assert token not in "".join(row.detail for row in scene.trail())
    assert scene.events()[-1] == "grant.create"
    assert _create(scene, "other")[1] != token


@pytest.mark.parametrize("token", ["", "askg_", "support", "é", "\ud800", token_hash("support-agent")])
def test_what_is_no_token_finds_no_grant(scene: Scene, token: str) -> None:
    """Not the label, not the hash, not half a character."""
    assert _book(scene).find(token) is None


def test_two_grants_have_two_labels(scene: Scene) -> None:
    """Also one that is declared in the config file takes its label."""
    for label in ("made", "support-agent"):
        if label == "made":
            _create(scene, label)
        with pytest.raises(Taken, match=label):
            _create(scene, label)


def test_a_rotated_token_ends_the_old_one(scene: Scene) -> None:
    """The grant stays the same, so what it has waiting stays its own."""
    grant, old = _create(scene)
    rotated, new = scene.database.write(partial(grants.rotate, label="made", actor=ALICE.key, now=NOW))
    assert rotated.id == grant.id
    book = _book(scene)
    assert book.find(old) is None
    found = book.find(new)
    assert found is not None
    assert found.id == grant.id


def test_a_revoked_grant_is_found_no_more_and_stays_revoked(scene: Scene) -> None:
    """Revoking twice tells once; a revoked one gets no new token."""
    _, token = _create(scene)
    for _ in range(2):
        assert scene.database.write(partial(grants.revoke, label="made", actor=ALICE.key, now=NOW)).revoked_at == NOW
    assert scene.events().count("grant.revoke") == 1
    assert _book(scene).find(token) is None
    with pytest.raises(NotAllowed, match="revoked"):
        scene.database.write(partial(grants.rotate, label="made", actor=ALICE.key, now=NOW))


@pytest.mark.parametrize("verb", [grants.rotate, grants.revoke])
def test_a_declared_grant_is_changed_in_the_config_file_alone(scene: Scene, verb: Any) -> None:  # noqa: ANN401  # one of two verbs
    """And one that is not there is not found."""
    with pytest.raises(NotAllowed, match="config file"):
        scene.database.write(partial(verb, label="support-agent", actor=ALICE.key, now=NOW))
    with pytest.raises(NotFound, match="nobody"):
        scene.database.write(partial(verb, label="nobody", actor=ALICE.key, now=NOW))


def test_the_config_files_grants_are_made_true(scene: Scene) -> None:
    """New ones are written, changed ones changed, missing ones revoked, returning ones revived; those made by command stay."""
    _, made = _create(scene)
    kept = scene.grant().id
    _sync(scene, make_grant(owner=ALICE.key), make_grant("second"))
    assert (scene.grant().id, scene.grant().owner, scene.grant().declared) == (kept, ALICE.key, True)
    _sync(scene, make_grant("second"))
    assert scene.grant().revoked_at == NOW
    book = _book(scene)
    assert book.find("support-agent") is None
    assert book.find("second") is not None
    assert book.find(made) is not None
    _sync(scene, make_grant(), make_grant("second"))
    found = _book(scene).find("support-agent")
    assert found is not None
    assert found.id == kept


def test_an_unchanged_config_file_tells_nothing(scene: Scene) -> None:
    """A reload that changes no grant and no group writes no row."""
    before = scene.events()
    scene.declare()
    assert scene.events() == before


def test_a_declared_grant_that_is_renamed_keeps_its_token(scene: Scene) -> None:
    """The label in the config file changed, the agent's token did not; and two that swap tokens do."""
    token = make_grant().token_sha256
    _sync(scene, make_grant("renamed", token_sha256=token))
    found = _book(scene).find("support-agent")
    assert found is not None
    assert found.label == "renamed"
    first, second = token_hash("1"), token_hash("2")
    _sync(scene, make_grant("a", token_sha256=first), make_grant("b", token_sha256=second))
    _sync(scene, make_grant("a", token_sha256=second), make_grant("b", token_sha256=first))
    book = _book(scene)
    assert {book.find(text).label for text in "12" if book.find(text)} == {"a", "b"}  # type: ignore[union-attr]  # those found
    found = book.find("2")
    assert found is not None
    assert found.label == "a"
    assert [grant.label for grant in scene.database.read(grants.listing)] == ["a", "b", "renamed", "support-agent"]


def test_the_config_files_groups_are_made_true(scene: Scene) -> None:
    """Written, changed with a new version, removed; each is told with its members."""
    scene.declare(ApproverGroup("payments", frozenset({ALICE.key}), self_approval=True), ApproverGroup("board", frozenset()))
    found = scene.database.read(partial(groups.find, name="payments"))
    assert found == ApproverGroup("payments", frozenset({ALICE.key}), self_approval=True)
    assert [(row.name, row.version, row.declared) for row in scene.database.read(groups.listing)] == [
        ("board", 1, True),
        ("payments", 2, True),
    ]
    scene.declare(ApproverGroup("board", frozenset()))
    assert scene.database.read(partial(groups.find, name="payments")) is None
    assert scene.database.read(partial(groups.find, name="board")) == ApproverGroup("board", frozenset())
    assert [row.event for row in scene.trail()[-1:]] == ["group.sync"]
    last = scene.last()
    assert (last["group"], last["members"], last["self_approval"], last["what"]) == ("payments", [ALICE.key], True, "removed")
    assert scene.database.read(audit.verify).bad_seq is None


def test_a_group_is_what_the_database_says_now(scene: Scene) -> None:
    """Nothing of it is remembered between two looks."""
    assert scene.database.read(partial(groups.find, name="payments")) == PAYMENTS
    scene.declare(ApproverGroup("payments", frozenset()))
    assert scene.database.read(partial(groups.find, name="payments")) == ApproverGroup("payments", frozenset())
    assert scene.database.read(partial(groups.find, name="PAYMENTS")) is None
