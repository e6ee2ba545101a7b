"""A configuration on disk, as somebody writes and edits it: one server, one agent, one policy, one group."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflows.grants import token_hash

AGENT = "agent"
TOOLS: dict[str, Any] = {
    "list_customers": {},
    "create_refund": {"require_approval": [{"conditions": [], "reason": "A refund"}]},
    "limited": {"limits": [{"counter": "some", "window": "day", "max": 2}]},
}


def policy(**tools: object) -> str:
    """Write a policy; `tools` replace or add entries, None takes one out."""
    entries = {name: entry for name, entry in {**TOOLS, **tools}.items() if entry is not None}
    whole = {"version": "1", "default": "deny", "approval": {"approvers": "payments", "expires_in": "30m"}, "tools": entries}
    return json.dumps(whole)


@dataclass(slots=True)
class Files:
    """The files of a configuration, as somebody edits them."""

    directory: Path
    upstream: str
    database: str
    gateway: Mapping[str, object] = field(default_factory=dict)
    server: str = ""
    grants: Mapping[str, str] = field(default_factory=lambda: {"agent": 'policy = "payments"'})
    members: tuple[str, ...] = ("local:alice", "local:bob")
    more: str = ""

    @property
    def config(self) -> Path:
        """The main file."""
        return self.directory / "askfirst.toml"

    def write(self) -> None:
        """Write the main file."""
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in {"listen": "127.0.0.1:0", **self.gateway}.items())
        grants = "\n".join(
            f'[grants.{label}]\nserver = "payments"\nowner = "local:olivia"\ntoken_sha256 = "{token_hash(label)}"\n{rest}'
            for label, rest in self.grants.items()
        )
        self.put(
            self.config,
            f'[gateway]\n{lines}\n[desk]\nlisten = "127.0.0.1:0"\n[database]\nurl = "{self.database}"\n'
            f'[servers.payments]\nurl = "{self.upstream}"\n{self.server}\n[policies]\npayments = "payments.json"\n'
            f"{grants}\n[groups.payments]\nmembers = {json.dumps(self.members)}\n{self.more}",
        )

    def put(self, path: Path, text: str) -> None:
        """Write a file; its time of change differs from before, as it does when a person edits."""
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_text(text)
        os.utime(path, ns=(before + 1_000_000, max(path.stat().st_mtime_ns, before + 1_000_000)))

    def policy(self, text: str) -> None:
        """Write the policy file."""
        self.put(self.directory / "payments.json", text)
