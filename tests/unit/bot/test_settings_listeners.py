"""The sections [gateway] and [desk]."""

from pathlib import Path

import pytest

from bot.settings import Address
from bot.settings.listeners import address
from tests.unit.bot.configs import only, problems, read


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.9.9.9:1", "127.9.9.9", 1, True),
        ("localhost:0", "localhost", 0, True),
        ("[::1]:8080", "::1", 8080, True),
        ("0.0.0.0:65535", "0.0.0.0", 65535, False),  # noqa: S104  # the case that matters
        ("[::]:80", "::", 80, False),
        ("mcp.Example.com:80", "mcp.example.com", 80, False),
        ("10.0.0.1:80", "10.0.0.1", 80, False),
    ],
)
def test_addresses(text: str, host: str, port: int, loopback: bool) -> None:  # noqa: FBT001  # a column of the table
    """An address is a host and a port; only loopback is loopback, and a name is not until proven."""
    found = address(text)
    assert found == Address(host, port)
    assert found.loopback is loopback
    assert str(found) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:٣",
        "::1:80",
        "a b:80",
        "http://x:80",
        "999.1.1.1:80",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """Half an address, a URL or a port out of range is refused with what was found."""
    with pytest.raises(ValueError, match=r"Found"):
        address(text)


@pytest.mark.parametrize(
    ("line", "path", "message"),
    [
        ("listen = 8080", "gateway.listen", 'Found 8080; write "host:port", such as "127.0.0.1:8080".'),
        ('listen = ""', "gateway.listen", "Found an empty text"),
        ('listen = "8080"', "gateway.listen", "Found '8080'; write \"host:port\""),
        ('allowed_hosts = "mcp.example.com"', "gateway.allowed_hosts", "write a list of hosts"),
        ('allowed_hosts = ["ok.example.com", "https://x"]', "gateway.allowed_hosts[1]", "without a scheme"),
        ("allowed_hosts = [3]", "gateway.allowed_hosts[0]", "Found 3; write a list of hosts"),
        ('allowed_origins = ["app.example.com"]', "gateway.allowed_origins[0]", "write a URL such as"),
        ('allowed_origins = ["https://app.example.com/path"]', "gateway.allowed_origins[0]", "without anything after the host"),
        ("max_body_bytes = 10", "gateway.max_body_bytes", "Found 10; write a number from 1024 to"),
        ('max_body_bytes = "4 MiB"', "gateway.max_body_bytes", "write a whole number"),
        ("max_body_bytes = 5000.5", "gateway.max_body_bytes", "write a whole number"),
        ("max_depth = 0", "gateway.max_depth", "write a number from 4 to 200"),
        ("max_depth = 100000", "gateway.max_depth", "write a number from 4 to 200"),
        ("max_header_bytes = 1", "gateway.max_header_bytes", "write a number from 1024"),
        ("hold_budget_seconds = -1", "gateway.hold_budget_seconds", "write a number from 0 to 3600"),
        ('hold_budget_seconds = "50s"', "gateway.hold_budget_seconds", "write a number from 0 to 3600, without quotes"),
        ("connect_timeout_seconds = 0", "gateway.connect_timeout_seconds", "write a number from 0.1 to 300"),
        ("upstream_timeout_seconds = 0", "gateway.upstream_timeout_seconds", "write a number from 0.1 to 86400"),
        ("max_pending_per_grant = 0", "gateway.max_pending_per_grant", "write a number from 1 to"),
        ("max_pending_per_grant = true", "gateway.max_pending_per_grant", "Found true"),
    ],
)
def test_gateway_values_out_of_place(tmp_path: Path, line: str, path: str, message: str) -> None:
    """Each key says what was found and what would be right, on its line."""
    problem = only(problems(tmp_path, f"[gateway]\n{line}\n"))
    assert (problem.path, problem.line, problem.place) == (path, 2, "askfirst.toml:2")
    assert message in problem.message


@pytest.mark.parametrize(
    ("line", "path", "message"),
    [
        ('allow_remote = "yes"', "desk.allow_remote", "write true or false, without quotes"),
        ("session_hours = 0", "desk.session_hours", "write a number from 0.05 to 720"),
        ('public_url = "askfirst.example.com"', "desk.public_url", "write a URL such as"),
        ('public_url = "https://user:secret@askfirst.example.com"', "desk.public_url", "Found a URL with a user or password in it"),
        ('public_url = "javascript:alert(1)"', "desk.public_url", "write a URL such as"),
        ('public_url = "https://askfirst.example.com/desk"', "desk.public_url", "without anything after the host"),
        ('listen = "0.0.0.0:8081"', "desk.listen", 'Found "0.0.0.0:8081", which other machines can reach; write "127.0.0.1:8081"'),
        ('listen = "desk.internal:8081"', "desk.listen", "allow_remote = true"),
        ('listen = "[::]:8081"\nallow_remote = false', "desk.listen", "allow_remote = true"),
        ('listen = "127.0.0.1:8080"', "desk.listen", "Found the gateway's port 8080; give the desk another one"),
    ],
)
def test_desk_values_out_of_place(tmp_path: Path, line: str, path: str, message: str) -> None:
    """The desk is on loopback unless it is said in so many words, and never on the agents' port."""
    problem = only(problems(tmp_path, f"[desk]\n{line}\n"))
    assert (problem.path, problem.line) == (path, 2)
    assert message in problem.message


def test_a_remote_desk_is_possible_and_noted(tmp_path: Path) -> None:
    """With allow_remote the desk may listen anywhere; a missing public_url is noted, not refused."""
    settings = read(tmp_path, '[desk]\nlisten = "0.0.0.0:8081"\nallow_remote = true\n')
    assert not settings.desk.listen.loopback
    assert only(settings.notes).path == "desk.public_url"


def test_a_remote_gateway_is_possible_and_noted(tmp_path: Path) -> None:
    """The gateway may listen anywhere: agents have grants. Without allowed_hosts that is noted."""
    settings = read(tmp_path, '[gateway]\nlisten = "0.0.0.0:8080"\n')
    assert only(settings.notes).path == "gateway.allowed_hosts"
    named = read(tmp_path, '[gateway]\nlisten = "0.0.0.0:8080"\nallowed_hosts = ["MCP.example.com", "[::1]:80"]\n')
    assert (named.notes, named.gateway.allowed_hosts) == ((), ("mcp.example.com", "[::1]:80"))


def test_both_listeners_may_ask_for_any_free_port(tmp_path: Path) -> None:
    """Port 0 twice is no collision."""
    settings = read(tmp_path, '[gateway]\nlisten = "127.0.0.1:0"\n[desk]\nlisten = "127.0.0.1:0"\n')
    assert (settings.gateway.listen.port, settings.desk.listen.port) == (0, 0)
