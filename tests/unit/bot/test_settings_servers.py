"""The section [servers.NAME]."""

from pathlib import Path

import pytest

from bot.settings import HttpServer, StdioServer
from tests.unit.bot.configs import SERVER, only, problems, read

AT = "servers.payments"


@pytest.mark.parametrize(
    ("lines", "path", "message"),
    [
        ("", AT, "Found neither; write one."),
        ('url = "http://127.0.0.1/mcp"\ncommand = ["x"]', AT, "Found both url and command; keep one."),
        ('url = "127.0.0.1:9000/mcp"', f"{AT}.url", "write a URL such as"),
        ('url = "ftp://127.0.0.1/mcp"', f"{AT}.url", "write a URL such as"),
        ('url = "http://127.0.0.1:99999/mcp"', f"{AT}.url", "write a URL such as"),
        ('url = "http://127.0.0.1/a b"', f"{AT}.url", "write a URL such as"),
        ('url = "http://user:secret@127.0.0.1/mcp"', f"{AT}.url", "put the credential into `headers`"),
        ('url = "http://127.0.0.1/mcp#x"', f"{AT}.url", "without a fragment"),
        ('url = "http://127.0.0.1/mcp"\nenvironment = {}', f"{AT}.environment", "It goes with `command` only."),
        ('command = ["x"]\nheaders = {}', f"{AT}.headers", "It goes with `url` only."),
        ('command = "python server.py"', f"{AT}.command", "write a list of texts"),
        ("command = []", f"{AT}.command", "Found an empty list"),
        ('command = ["python", 3]', f"{AT}.command[1]", "Found 3; write a list of texts"),
        (r'command = ["a\u0000"]', f"{AT}.command[0]", "NUL"),
        ('command = ["x"]\nenvironment = { "A-B" = "1" }', f"{AT}.environment.A-B", "no name for an environment variable"),
        ('command = ["x"]\nenvironment = { API_TOKEN = "abc" }', f"{AT}.environment.API_TOKEN", "Found a secret in plain text."),
        ('command = ["x"]\nenvironment = { A = 1 }', f"{AT}.environment.A", "write a text in quotes"),
    ],
)
def test_servers_that_cannot_be(tmp_path: Path, lines: str, path: str, message: str) -> None:
    """Each mistake names its key and its remedy."""
    problem = only(problems(tmp_path, f"[servers.payments]\n{lines}\n"))
    assert problem.path == path
    assert message in problem.message
    assert "secret@" not in problem.message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ('Authorization = "Bearer abc"', 'Found a secret in plain text. Write "env:NAME" or "file:PATH"'),
        ('authorization = "abc"', "Found a secret in plain text."),
        ('X-Api-Key = "abc"', "Found a secret in plain text."),
        ('Cookie = "abc"', "Found a secret in plain text."),
        ('Authorization = "env:NOT_SET"', "The environment variable NOT_SET is not set. Set it where Askfirst is started."),
        ('Authorization = "env:EMPTY"', "The environment variable EMPTY is empty."),
        ('Authorization = "env:NOT A NAME"', "letters, digits and _ only"),
        ('Authorization = "env:MULTILINE"', "characters that cannot be sent"),
        ('Authorization = "file:nowhere"', "There is no file"),
        ('Authorization = "file:empty.txt"', "is empty. Write the secret into it."),
        ('Content-Length = "3"', "The gateway sets this header itself."),
        ('HOST = "x"', "The gateway sets this header itself."),
        ('"X Team" = "risk"', "This is no name for a header."),
        ('X-Team = "a\\nX-Admin: 1"', "characters that cannot be sent"),
        ("X-Team = 3", "write a text in quotes"),
    ],
)
def test_headers_that_cannot_be(tmp_path: Path, header: str, message: str) -> None:
    """A secret in plain text, one that is not there, and what no header can carry are refused; no value is shown."""
    environment = {"EMPTY": " ", "MULTILINE": "hidden\r\nX-Admin: 1"}
    problem = only(problems(tmp_path, f"{SERVER}[servers.payments.headers]\n{header}\n", {"empty.txt": "\n"}, environment=environment))
    assert problem.path.startswith(f"{AT}.headers.")
    assert problem.line == 4
    assert message in problem.message
    assert "hidden" not in problem.message


def test_a_header_twice(tmp_path: Path) -> None:
    """Header names do not mind case, TOML keys do: two spellings of one are refused."""
    found = problems(tmp_path, SERVER + 'headers = { X-Team = "a", x-team = "b" }\n')
    assert [problem.path for problem in found] == [f"{AT}.headers.X-Team", f"{AT}.headers.x-team"]


def test_secrets_come_from_the_environment_or_a_file_with_or_without_a_scheme(tmp_path: Path) -> None:
    """What is resolved is sent as it is; a scheme may stand before the reference; a file's last line break is not part of it."""
    text = SERVER + 'headers = { Authorization = "Bearer file:deep/token", X-Api-Key = "env:KEY", X-Url = "https://env.example.com" }\n'
    settings = read(tmp_path, text, {"deep/token": "abc\n"}, environment={"KEY": "k"})
    server = settings.servers["payments"]
    assert isinstance(server, HttpServer)
    assert {name: value.reveal() for name, value in server.headers.items()} == {
        "Authorization": "Bearer abc",
        "X-Api-Key": "k",
        "X-Url": "https://env.example.com",
    }
    assert tmp_path / "deep" / "token" in settings.files


def test_a_command_with_a_reference(tmp_path: Path) -> None:
    """A program's environment may point at secrets, and it starts beside the config file."""
    text = (
        '[servers.files]\ncommand = ["python", "server.py"]\n[servers.files.environment]\nAPI_TOKEN = "env:KEY"\nEMPTY_IS_REFUSED = "x"\n'
    )
    server = read(tmp_path, text, environment={"KEY": "k"}).servers["files"]
    assert isinstance(server, StdioServer)
    assert server.environment["API_TOKEN"].reveal() == "k"
    assert server.directory == tmp_path
