"""One running program that speaks MCP in lines: started, read, written to, and stopped without leaving anything behind."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from bot.upstream.address import MAX_MESSAGE, ServerAddress, UpstreamBroken
from workflows.errors import UpstreamUnreachable
from workflows.redaction import redact_text, visible

_INHERITED: Final = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TERM",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "APPDATA",
    "LOCALAPPDATA",
    "USERPROFILE",
)
_GRACE_SECONDS: Final = 2.0
_LOG_LINE: Final = 64 * 1024
_SHOWN: Final = 2000
_SECRET_LENGTH: Final = 6

log = logging.getLogger(__name__)


class Child:
    """A program and its three streams. `on_line` gets each line that it writes, `on_end` a sentence once it is gone."""

    def __init__(
        self, address: ServerAddress, process: asyncio.subprocess.Process, on_line: Callable[[bytes], None], on_end: Callable[[str], None]
    ) -> None:
        self._address, self._process = address, process
        self._on_line, self._on_end = on_line, on_end
        loop = asyncio.get_running_loop()
        self._reading = loop.create_task(self._read(), name=f"read {address.name}")
        self._logging = loop.create_task(self._log(), name=f"log {address.name}")

    @classmethod
    async def start(
        cls, address: ServerAddress, on_line: Callable[[bytes], None], on_end: Callable[[str], None], *, max_bytes: int = MAX_MESSAGE
    ) -> "Child":
        """Start the program of an address. Raises UpstreamUnreachable when it cannot be started."""
        if not address.command:
            raise ValueError("A program needs a command.")
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(address.environment)
        try:
            process = await asyncio.create_subprocess_exec(
                *address.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
                cwd=address.directory,
                limit=max_bytes,
                start_new_session=True,  # a group of its own, so that what it starts can be ended with it
            )
        except (OSError, ValueError) as error:
            raise UpstreamUnreachable(f"The program of {address.name} cannot be started: {error}. Nothing was sent.") from error
        return cls(address, process, on_line, on_end)

    @property
    def alive(self) -> bool:
        """Tell whether the program runs and still reads."""
        return self._process.returncode is None and not self._reading.done() and not self._stdin.is_closing()

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None  # noqa: S101  # started with a pipe
        return self._process.stdin

    async def write(self, line: bytes) -> None:
        """Write one line. Raises UpstreamUnreachable when nothing of it left, UpstreamBroken when some of it may have."""
        if not self.alive:
            raise UpstreamUnreachable(f"The program of {self._address.name} has ended. Nothing was sent.")
        try:
            self._stdin.write(line + b"\n")
            await self._stdin.drain()
        except (OSError, RuntimeError) as error:
            raise UpstreamBroken(f"The program of {self._address.name} stopped reading while it was written to.") from error

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # started with a pipe
        why = "ended"
        try:
            while line := await self._process.stdout.readline():
                if line.strip():
                    self._on_line(line.strip())
        except ValueError:
            why = "wrote a line that is too long, and was stopped"
            self._signal(signal.SIGKILL)
        if why == "ended":
            await _within(self._process.wait(), _GRACE_SECONDS)
            why = "ended" if self._process.returncode is None else f"ended with status {self._process.returncode}"
        self._on_end(f"The program of {self._address.name} {why}.")

    async def _log(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  # started with a pipe
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:
                log.info("%s: (a line that is too long)", self._address.name)
                continue
            if not line:
                return
            log.info("%s: %s", self._address.name, self._shown(line.decode("utf-8", "replace").rstrip()))

    def _shown(self, text: str) -> str:
        for secret in self._address.environment.values():
            if len(secret) >= _SECRET_LENGTH:
                text = text.replace(secret, "[redacted]")
        return visible(redact_text(text))[:_SHOWN]

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    async def stop(self) -> None:
        """End the program: close its input, then ask, then kill; and wait until it and the readers are gone."""
        with suppress(OSError, RuntimeError):
            self._stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                self._signal(number)
            if await _within(self._process.wait(), _GRACE_SECONDS):
                break
        if not await _within(asyncio.wait({self._reading, self._logging}), _GRACE_SECONDS / 4):
            self._signal(signal.SIGKILL)  # something that it started still holds the pipes
            await _within(asyncio.wait({self._reading, self._logging}), _GRACE_SECONDS)
        for task in (self._reading, self._logging):
            task.cancel()
        await asyncio.gather(self._reading, self._logging, return_exceptions=True)
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001  # asyncio has no other way to let go of its pipes
        await asyncio.sleep(0)


async def _within(work: Awaitable[object], seconds: float) -> bool:
    """Wait for something for so long; tells whether it ended."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
