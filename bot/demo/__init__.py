"""`askfirst demo`: everything at once on one machine, in half a minute, with nothing left behind."""

import asyncio
import importlib.util
import signal
import sys

from bot.demo.play import play
from bot.demo.stage import DemoFailed
from bot.demo.story import Story

_EXIT_BY_SIGNAL = 128


def run(*, auto: bool) -> int:
    """Run the demo and give the exit code: 0 as expected, 1 not, 2 not installed for it, 130 after Ctrl-C.

    With `auto` it plays the person too and checks every outcome; else it waits for somebody to decide at the desk.
    """
    if importlib.util.find_spec("mcp") is None:
        print("The demo needs the MCP SDK. Install it with: pip install 'askfirst[demo]'", file=sys.stderr)
        return 2
    signals: list[int] = []
    try:
        return asyncio.run(_until_told(signals, auto=auto))
    except (KeyboardInterrupt, asyncio.CancelledError, DemoFailed, BaseExceptionGroup) as error:
        if signals or isinstance(error, KeyboardInterrupt):
            print("Ended early. Nothing is left behind.", file=sys.stderr)
            return _EXIT_BY_SIGNAL + (signals[0] if signals else signal.SIGINT)
        first = _first(error)
        if not isinstance(first, DemoFailed):
            raise
        print(first, file=sys.stderr)
        return 1


async def _until_told(signals: list[int], *, auto: bool) -> int:
    """Play until the end or the first signal; later signals wait, so that the children are ended in any case."""
    playing = asyncio.current_task()

    def tell(number: int) -> None:
        signals.append(number)
        if len(signals) == 1 and playing is not None:
            playing.cancel()

    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, tell, number)
    return await play(Story(), auto=auto)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
