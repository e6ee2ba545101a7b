"""A wake-up reaches whoever watches, once or more, and nobody else."""

import asyncio

import pytest

from workflows.changes import Changes


async def test_all_who_watch_a_request_are_woken_and_nobody_else() -> None:
    """Two who wait for one request, one who waits for another."""
    changes = Changes()
    with changes.watch("apr_1") as first, changes.watch("apr_1") as second, changes.watch("apr_2") as other:
        changes.notify("apr_1")
        assert first.is_set()
        assert second.is_set()
        assert not other.is_set()


async def test_every_notice_wakes_the_release_loop() -> None:
    """`due` stays set until the loop takes what changed."""
    changes = Changes()
    changes.notify("apr_1")
    assert changes.due.is_set()
    assert changes.take() == {"apr_1"}
    assert not changes.due.is_set()


async def test_a_notice_between_the_reading_and_the_waiting_is_not_lost() -> None:
    """Clear, read, wait: a change after the reading has set the event again."""
    changes = Changes()
    with changes.watch("apr_1") as event:
        event.clear()
        changes.notify("apr_1")
        await asyncio.wait_for(event.wait(), 1)


async def test_nothing_is_kept_of_who_went() -> None:
    """Also when the one who watched ends in an error, and while another still watches."""
    changes = Changes()

    def leave_in_trouble() -> None:
        with changes.watch("apr_1"):
            assert changes.watched == ("apr_1",)
            raise LookupError

    with changes.watch("apr_1"):
        with pytest.raises(LookupError):
            leave_in_trouble()
        assert list(changes.watched) == ["apr_1"]
    assert list(changes.watched) == []
    changes.notify("apr_1")


async def test_what_changed_is_taken_once() -> None:
    """Each request once however often it changed; what changes later is taken later."""
    changes = Changes()
    for request_id in ("apr_1", "apr_2", "apr_1"):
        changes.notify(request_id)
    assert changes.take() == {"apr_1", "apr_2"}
    assert not changes.due.is_set()
    assert changes.take() == frozenset()
    changes.notify("apr_2")
    assert changes.due.is_set()
    assert changes.take() == {"apr_2"}


async def test_who_follows_everything_is_woken_by_every_notice() -> None:
    """As long as they follow, and also when everybody is woken."""
    changes = Changes()
    with changes.subscribe() as first, changes.subscribe() as second:
        for request_id in ("apr_1", "apr_2"):
            first.clear()
            changes.notify(request_id)
            assert first.is_set()
        first.clear()
        changes.wake_all()
        assert first.is_set()
        assert second.is_set()
        first.clear()
    changes.notify("apr_3")
    assert not first.is_set()
