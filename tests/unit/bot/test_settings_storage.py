"""The sections [database] and [audit]."""

from pathlib import Path

import pytest

from tests.unit.bot.configs import only, problems, read


@pytest.mark.parametrize(
    ("url", "complete", "shown"),
    [
        ("sqlite:///a b.db", "sqlite:///{here}/a b.db", "sqlite:///{here}/a b.db"),
        ("sqlite:////askfirst.db", "sqlite:////askfirst.db", "sqlite:////askfirst.db"),
        ("postgresql://olivia@db/askfirst", "postgresql://olivia@db/askfirst", "postgresql://olivia@db/askfirst"),
        (
            "postgresql://postgres@/askfirst?host=/run/postgresql",
            "postgresql://postgres@/askfirst?host=/run/postgresql",
            "postgresql://postgres@/askfirst?host=/run/postgresql",
        ),
        ("postgresql+psycopg://db/askfirst", "postgresql+psycopg://db/askfirst", "postgresql+psycopg://db/askfirst"),
    ],
)
def test_database_urls(tmp_path: Path, url: str, complete: str, shown: str) -> None:
    """SQLite is relative to the config file or absolute; PostgreSQL stays as it is written."""
    database = read(tmp_path, f'[database]\nurl = "{url}"\n').database
    assert (database.url.reveal(), database.shown) == (complete.format(here=tmp_path), shown.format(here=tmp_path))


def test_a_database_url_from_the_environment(tmp_path: Path) -> None:
    """`env:NAME` keeps a password out of the file, and out of everything that is shown."""
    url = "postgresql://olivia:p/s:s@db:5432/askfirst?password=other"
    settings = read(tmp_path, '[database]\nurl = "env:DATABASE_URL"\n', environment={"DATABASE_URL": url})
    assert settings.database.url.reveal() == url
    assert settings.database.shown == "postgresql://olivia:…@db:5432/askfirst?password=…"
    assert "p/s:s" not in repr(settings)
    assert settings.notes == ()


def test_a_relative_file_from_the_environment_is_beside_the_config(tmp_path: Path) -> None:
    """What a reference holds is read as if it had been written."""
    settings = read(tmp_path, '[database]\nurl = "env:DATABASE_URL"\n', environment={"DATABASE_URL": "sqlite:///x.db"})
    assert settings.database.url.reveal() == f"sqlite:///{tmp_path}/x.db"


def test_a_password_in_the_file_is_noted(tmp_path: Path) -> None:
    """It works, and the remedy is said."""
    note = only(read(tmp_path, '[database]\nurl = "postgresql://olivia:secret@db/askfirst"\n').notes)
    assert (note.path, note.line) == ("database.url", 2)
    assert "env:DATABASE_URL" in note.message
    assert "secret" not in note.message


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("askfirst.db", "Found a URL that starts with 'askfirst.db'; write \"sqlite:///askfirst.db\""),
        ("sqlite://", "a database in memory is not enough"),
        ("sqlite:///:memory:", "a database in memory is not enough"),
        ("sqlite:///x?mode=ro", "question mark"),
        ("sqlite:///no/such/x.db", "There is no directory"),
        ("postgres://db/x", 'write "postgresql://…"'),
        ("mysql://db/x", "Found a URL that starts with 'mysql'"),
        ("postgresql://db", "without a database"),
        ("postgresql://db:port/x", "with a bad port"),
        ("env:NO_SUCH_VARIABLE", "The environment variable NO_SUCH_VARIABLE is not set."),
        ("env:BAD", "What env:BAD holds is no database URL"),
        ("file:nowhere.txt", "There is no file"),
    ],
)
def test_what_is_no_database(tmp_path: Path, url: str, message: str) -> None:
    """A database that would forget, or that nobody knows, is refused; what a variable holds is not shown."""
    problem = only(problems(tmp_path, f'[database]\nurl = "{url}"\n', environment={"BAD": "mysql://hidden"}))
    assert (problem.path, problem.line) == ("database.url", 2)
    assert message in problem.message
    assert "hidden" not in problem.message


@pytest.mark.parametrize(
    ("line", "path", "message"),
    [
        ('forwarded = "sometimes"', "audit.forwarded", 'Found \'sometimes\'; write "buffered" or "durable".'),
        ("forwarded = true", "audit.forwarded", 'write "buffered" or "durable"'),
        ('anchor = "."', "audit.anchor", "a directory; write the path of a file"),
        ('anchor = "no/such/anchor.log"', "audit.anchor", "There is no directory"),
        ("anchor = 3", "audit.anchor", "write the path of a file"),
        (r'anchor = "a\u0000b"', "audit.anchor", "NUL"),
    ],
)
def test_audit_values_out_of_place(tmp_path: Path, line: str, path: str, message: str) -> None:
    """Words that mean nothing here, and anchors that could never be written, are refused."""
    problem = only(problems(tmp_path, f"[audit]\n{line}\n"))
    assert (problem.path, problem.line) == (path, 2)
    assert message in problem.message
