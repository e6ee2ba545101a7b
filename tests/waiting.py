"""The one place where tests poll: for a fact, with a deadline, and a failure that says which fact never came."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

T = TypeVar("T")

_PAUSE = 0.01


@overload
async def eventually(check: Callable[[], Awaitable[T]], *, within: float = 5.0) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, within: float = 5.0) -> T: ...
async def eventually(check: Callable[[], object], *, within: float = 5.0) -> object:
    """Give the first truthy answer of `check` (plain or async); an AssertionError in it means not yet. Fails after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        reason: AssertionError | None = None
        try:
            answer = check()
            value = await cast("Awaitable[object]", answer) if inspect.isawaitable(answer) else answer
            if value:
                return value
        except AssertionError as error:
            reason = error
        if time.monotonic() > deadline:
            raise AssertionError(_sentence(check, within)) from reason
        await asyncio.sleep(_PAUSE)


def until(check: Callable[[], T], *, within: float = 5.0) -> T:
    """Do what `eventually` does, for a test without an event loop."""
    deadline = time.monotonic() + within
    while True:
        reason: AssertionError | None = None
        try:
            value = check()
            if value:
                return value
        except AssertionError as error:
            reason = error
        if time.monotonic() > deadline:
            raise AssertionError(_sentence(check, within)) from reason
        time.sleep(_PAUSE)


def _sentence(check: Callable[..., object], within: float) -> str:
    name = getattr(check, "__qualname__", repr(check))
    place = getattr(check, "__code__", None)
    where = f" ({place.co_filename}:{place.co_firstlineno})" if place else ""
    return f"never true within {within:g} s: {name}{where}"
