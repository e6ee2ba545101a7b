"""An upstream that is a program: it speaks MCP in lines, and writes down every line that it was given. It needs nothing but Python.

Run it as `python -m tests.fakes.lines --journal FILE`. What a tool does is in its name: `ask` asks the agent first, `progress` and
`log` say something before they answer, `announce` says something afterwards that belongs to no call, `spawn` leaves a process
behind, `stuck` never answers, `garbage` writes a line that is no message first, `crash` ends the program.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_TOOLS = ("look", "act", "ask", "progress", "log", "announce", "spawn", "stuck", "garbage", "crash", "secret")
_CRASHED = 3


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def _text(message_id: object, words: str) -> None:
    _say({"id": message_id, "result": {"content": [{"type": "text", "text": words}]}})


class Program:
    """One run of the program. `_asked` are the calls that wait for an answer of the agent, by the id of the question."""

    def __init__(self, journal: Path) -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._asked: dict[str, object] = {}

    def note(self, line: str) -> None:
        """Write down what came."""
        os.write(self._journal, json.dumps({"pid": os.getpid(), "line": line}).encode() + b"\n")

    def take(self, message: dict[str, Any]) -> None:
        """Do what a line asks for."""
        method, message_id = message.get("method"), message.get("id")
        if method is None:
            _text(self._asked.pop(str(message_id)), f"the agent said {message.get('result')}")
        elif message_id is None:
            return
        elif method == "tools/call":
            self._call(message_id, message["params"])
        else:
            _say({"id": message_id, "result": _result(method)})

    def _call(self, message_id: object, params: dict[str, Any]) -> None:
        name = params["name"]
        if name == "ask":
            question = f"q-{len(self._asked)}"
            self._asked[question] = message_id
            _say({"id": question, "method": "elicitation/create", "params": {"message": "Sure?"}})
            return
        if name == "progress":
            token = params["_meta"]["progressToken"]
            for step in (1, 2):
                _say({"method": "notifications/progress", "params": {"progressToken": token, "progress": step}})
        if name == "log":
            _say({"method": "notifications/message", "params": {"level": "info", "data": "hello"}})
        if name == "garbage":
            sys.stdout.write("this is no message\n")
        if name == "crash":
            os._exit(_CRASHED)
        if name == "stuck":
            return
        words = f"{name} by {os.getpid()}"
        if name == "spawn":
            words = str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
        _text(message_id, words)
        if name == "announce":
            _say({"method": "notifications/tools/list_changed"})


def _result(method: str) -> dict[str, Any]:
    if method == "initialize":
        return {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "lines", "version": "1"}}
    if method == "server/discover":
        return {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {}}
    if method == "tools/list":
        return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in _TOOLS]}
    return {}


def main() -> None:
    """Run as a program until its input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journal", type=Path, required=True)
    program = Program(parser.parse_args().journal)
    for line in sys.stdin:
        program.note(line)
        program.take(json.loads(line))
    program.note("the end")


if __name__ == "__main__":
    main()
