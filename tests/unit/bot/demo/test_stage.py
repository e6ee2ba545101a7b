"""The children of the demo."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot.demo.stage import Child


async def _child(program: str) -> Child:
    process = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", program, stdout=asyncio.subprocess.PIPE)
    return Child("child", process, Path(os.devnull))


async def test_a_child_that_ends_while_it_is_asked_to_keeps_its_exit_code() -> None:
    """The loop waits for it, and nobody else takes its end: it ended by itself or by the signal, and nothing is unknown (255)."""
    codes = set()
    for _ in range(40):
        child = await _child("pass")
        async for _line in child.lines():
            pass
        await child.end()
        codes.add(child.process.returncode)
    assert codes <= {0, -signal.SIGTERM}


async def test_a_child_that_ended_is_left_alone() -> None:
    """Its number may be somebody else's by now."""
    child = await _child("pass")
    await child.process.wait()
    await child.end()
    assert child.process.returncode == 0
