"""Opening the store's database and bringing it up to the newest schema."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from vopub.errors import FileError

BUSY_SECONDS = 20
"""How long a transaction waits for another one that writes."""


def open_database(path: Path) -> Engine:
    """Open the SQLite database at ``path``, made or migrated as needed.

    Raises
    ------
    FileError
        If the file is not such a database, or was written by a newer vopub.
    """
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS}, pool_size=20, max_overflow=30
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    try:
        migrate(engine)
    except CommandError as error:
        engine.dispose()
        hint = "start the vopub that wrote it, or a newer one"
        raise FileError(f"unknown schema: {error}", where=path, hint=hint) from error
    except DatabaseError as error:
        engine.dispose()
        hint = "restore it from a backup, or move it away to start with an empty one"
        raise FileError(f"cannot be used: {error.orig}", where=path, hint=hint) from error
    return engine


def writing(engine: Engine) -> Engine:
    """Return the same database, whose transactions lock out other writers from their start.

    A transaction that reads first and writes later could otherwise find that what it read changed.
    """
    return engine.execution_options(immediate=True)


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision, all in one transaction."""
    configuration = Config()
    scripts = str(files("vopub.odc") / "migrations")
    configuration.set_main_option("script_location", scripts.replace("%", "%%"))
    with writing(engine).begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")


def _set_up(connection: SqliteConnection, _record: object) -> None:
    # Transactions are begun explicitly below; the driver's own are begun too late.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
