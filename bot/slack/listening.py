"""What happens around listeners: the log hears of trouble but of nothing that was sent, and whoever closes waits for who works."""

import asyncio
import logging
import traceback
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.listener.async_listener_completion_handler import AsyncListenerCompletionHandler
from slack_bolt.listener.async_listener_start_handler import AsyncListenerStartHandler

log = logging.getLogger(__name__)

_CLIENT = "bot.slack.web"  # the logger that our client hands to the SDK
_LIBRARIES = ("slack_bolt", "slack_sdk", _CLIENT)


class _Told(logging.Handler):
    """Tell that a library had trouble and where, without its words: they quote bodies, tokens and one-time URLs."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        what = f" ({type(error).__name__})" if error else ""
        log.log(
            record.levelno,
            "%s had trouble in %s%s",
            "slack_sdk" if record.name == _CLIENT else record.name.partition(".")[0],
            record.funcName,
            what,
        )


def quiet() -> None:
    """Let nothing that the Slack libraries log reach a log as it is; what is below a warning reaches none."""
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.propagate = False
        if not any(isinstance(handler, _Told) for handler in library.handlers):
            library.handlers = [_Told(logging.WARNING)]
        library.setLevel(logging.WARNING)


class Listening:
    """How many listeners are at work. Bolt lets them run on after their ack, and forgets them."""

    def __init__(self) -> None:
        self._working = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def follow(self, app: AsyncApp) -> None:
        """Count the listeners of this app."""
        app.listener_runner.listener_start_handler = _Begun(self)
        app.listener_runner.listener_completion_handler = _Ended(self)

    async def finished(self, within: float) -> None:
        """Wait until nobody works, for at most so many seconds."""
        await asyncio.wait([asyncio.ensure_future(self._idle.wait())], timeout=within)

    def count(self, change: int) -> None:
        """One more, or one less."""
        self._working += change
        if self._working:
            self._idle.clear()
        else:
            self._idle.set()


class _Begun(AsyncListenerStartHandler):
    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    async def handle(self, request: Any, response: Any) -> None:  # noqa: ANN401, ARG002  # the library's own signature
        self._listening.count(1)


class _Ended(AsyncListenerCompletionHandler):
    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    async def handle(self, request: Any, response: Any) -> None:  # noqa: ANN401, ARG002  # the library's own signature
        self._listening.count(-1)


def where(error: BaseException) -> str:
    """Name an error and its place for the log; never its text, which may quote what Slack sent."""
    inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
    frames = traceback.extract_tb(inner.__traceback__)
    return f"{type(inner).__name__} in {frames[-1].name}, line {frames[-1].lineno}" if frames else type(inner).__name__
