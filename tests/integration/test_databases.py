"""The databases that the tests run on are real, empty and apart."""

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.waiting import eventually, until


def test_each_test_gets_an_empty_database_that_keeps_what_is_written(database_url: str) -> None:
    """A table made here is there for the next connection, and none was there before."""
    engine = create_engine(database_url)
    try:
        assert inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE seen (word TEXT)"))
            connection.execute(text("INSERT INTO seen VALUES ('once')"))
        with engine.begin() as connection:
            assert connection.execute(text("SELECT word FROM seen")).scalars().all() == ["once"]
    finally:
        engine.dispose()


async def test_a_fact_that_never_comes_fails_and_names_itself() -> None:
    """Waiting ends at the deadline with the reason that was seen last."""
    seen = ["something"]

    def never() -> bool:
        assert not seen, "still there"
        return True

    with pytest.raises(AssertionError, match=r"never true within 0\.05 s: .*never"):
        await eventually(never, within=0.05)
    with pytest.raises(AssertionError, match=r"never true within 0\.05 s"):
        until(lambda: False, within=0.05)


async def test_the_first_true_answer_ends_the_wait() -> None:
    """A plain and an async check both give their value."""
    answers = iter([0, None, "there"])

    async def later() -> str:
        return "came"

    assert await eventually(lambda: next(answers)) == "there"
    assert await eventually(later) == "came"
    assert until(lambda: 7) == 7
