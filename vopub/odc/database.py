"""Opening the store's database, SQLite or PostgreSQL, and bringing it up to the newest schema."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from select import POLLIN, poll
from sqlite3 import Connection as SqliteConnection
from time import monotonic
from typing import Any, LiteralString

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg import Connection as PostgresqlConnection
from psycopg import Cursor as PostgresqlCursor
from psycopg import OperationalError, ServerCursor
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExecutionContext,
    create_engine,
    event,
    inspect,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DatabaseError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from vopub.errors import FileError, ServiceError, UsageError
from vopub.odc.looking import PLANNED_ONCE

SQLITE = "odc.db"
"""Name of the database of SQLite in the directory of a store."""
BUSY_SECONDS = 20
"""How long a transaction waits for another one that writes."""
CONNECTIONS = 20
MORE_CONNECTIONS = 30
"""Opened when all others are busy, and closed afterwards."""
LONGEST_REST = 60
"""Seconds after which a connection is asked whether it is still one; a wall may have cut it."""
CACHE_KIB = 2048
"""Memory that SQLite may keep pages in, for each connection."""
LOG_BYTES = 64 << 20
"""What is left of SQLite's log of writes once it was carried into the database."""
WRITERS = 0x4F4443
"""The lock of PostgreSQL that one transaction at a time writes under."""


def open_database(path: Path) -> Engine:
    """Open the SQLite database at ``path``, made or migrated as needed.

    Raises
    ------
    FileError
        If the file is not such a database, or was written by a newer vopub.
    """
    engine = _sqlite(path)
    hint = "restore it from a backup, or move it away to start with an empty one"
    try:
        migrate(engine)
    except CommandError as error:
        engine.dispose()
        raise _newer(error, str(path)) from error
    except DatabaseError as error:
        engine.dispose()
        raise FileError(f"cannot be used: {error.orig}", where=path, hint=hint) from error
    return engine


def open_postgresql(address: str) -> Engine:
    """Open a database of PostgreSQL, whose tables are made or migrated as needed.

    Parameters
    ----------
    address
        As of libpq, without a password: ``postgresql://role@host:port/name``, or with a socket
        ``postgresql://role@/name?host=/directory``.

    Raises
    ------
    UsageError
        If it is not such an address, or holds a password.
    ServiceError
        If the server does not let us in, or refuses.
    FileError
        If the tables were written by a newer vopub.
    """
    engine = _postgresql(address)
    hint = "check the setting odc_database, and that the server runs"
    try:
        migrate(engine)
    except CommandError as error:
        engine.dispose()
        raise _newer(error, address) from error
    except DatabaseError as error:
        engine.dispose()
        said = str(error.orig).strip().replace("\n", " ")
        raise ServiceError(f"PostgreSQL: {said}", where=address, hint=hint) from error
    return engine


def postgresql_url(address: str) -> URL:
    """Read an address of PostgreSQL.

    Raises
    ------
    UsageError
        If it is not one, or holds a password, which others could see in the list of processes.
    """
    try:
        url = make_url(address)
    except ArgumentError as error:
        hint = "write postgresql://role@host:port/name"
        raise UsageError("this is not the address of a database", hint=hint) from error
    if url.password is not None or "password" in url.query:
        hint = "put it into a file of libpq and name that: …?passfile=/path"
        raise UsageError("the address of the database holds a password", hint=hint)
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        hint = "write postgresql://role@host:port/name"
        raise UsageError(f"{url.drivername!r} is no database that is known here", hint=hint)
    return url.set(drivername="postgresql+psycopg")


def writing(engine: Engine) -> Engine:
    """Return the same database, whose transactions lock out other writers from their start.

    A transaction that reads first and writes later could otherwise find that what it read changed.
    """
    if engine.dialect.name == "postgresql":
        # What was committed while it waited for the lock must be seen.
        return engine.execution_options(immediate=True, isolation_level="READ COMMITTED")
    return engine.execution_options(immediate=True)


def database_of(directory: Path, address: str) -> Engine:
    """Open the database of a store in a directory: SQLite there, or PostgreSQL at the address."""
    return open_postgresql(address) if address else open_database(directory / SQLITE)


def connected(directory: Path, address: str) -> Engine:
    """Return the same for a database that was opened before, so has the newest schema."""
    return _postgresql(address) if address else _sqlite(directory / SQLITE)


def empty_database(directory: Path, address: str, revision: str) -> Engine:
    """Open a database that holds nothing, with the tables of a revision of the schema.

    Raises
    ------
    UsageError
        If there is something in it.
    """
    engine = connected(directory, address)
    if inspect(engine).get_table_names():
        engine.dispose()
        hint = "restore into an empty directory, or an empty database"
        raise UsageError("there is a store already", where=address or directory, hint=hint)
    try:
        migrate(engine, revision)
    except CommandError as error:
        engine.dispose()
        raise _newer(error, address or str(directory)) from error
    return engine


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to a revision, by default the newest, all in one transaction."""
    configuration = Config()
    scripts = str(files("vopub.odc") / "migrations")
    configuration.set_main_option("script_location", scripts.replace("%", "%%"))
    with writing(engine).connect() as connection:
        _heed_foreign_keys(connection, heed=False)
        with connection.begin():
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, revision)
        _heed_foreign_keys(connection, heed=True)


def _sqlite(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS},
        pool_size=CONNECTIONS, max_overflow=MORE_CONNECTIONS,
    )  # fmt: skip
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _postgresql(address: str) -> Engine:
    engine = create_engine(
        postgresql_url(address), pool_size=CONNECTIONS, max_overflow=MORE_CONNECTIONS,
        pool_use_lifo=True, isolation_level="REPEATABLE READ",
    )  # fmt: skip
    event.listen(engine, "begin", _begin)
    event.listen(engine, "do_execute", _execute)
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _check_rested)
    return engine


def _execute(
    cursor: PostgresqlCursor[Any] | ServerCursor[Any], statement: LiteralString,
    parameters: Mapping[str, Any], context: ExecutionContext,
) -> bool | None:  # fmt: skip
    """Have what is read planned for its values, unless it says otherwise."""
    options = context.execution_options
    is_kept = PLANNED_ONCE in options or options.get("immediate", False)
    if is_kept or isinstance(cursor, ServerCursor):  # of which no plan is kept
        return None
    cursor.execute(statement, parameters, prepare=False)
    return True


def _note_rest(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["resting_since"] = monotonic()


def _check_rested(
    connection: PostgresqlConnection, record: ConnectionPoolEntry, _proxy: object
) -> None:
    """Have a connection replaced that PostgreSQL has left.

    It is asked only if there is a reason: each question would cost a reader as much as a small
    statement. Who is left is told so, and has something to read.
    """
    rested = monotonic() - record.info.get("resting_since", monotonic())
    if rested < LONGEST_REST and not _has_something_to_read(connection.fileno()):
        return
    try:
        with connection.transaction():
            connection.execute("")
    except OperationalError as error:
        raise DisconnectionError(str(error)) from error


def _has_something_to_read(file: int) -> bool:
    waiting = poll()
    waiting.register(file, POLLIN)
    return bool(waiting.poll(0))


def _heed_foreign_keys(connection: Connection, *, heed: bool) -> None:
    """Let SQLite replace a table that others refer to; it would empty those as well."""
    if connection.dialect.name == "sqlite":
        # By the driver: SQLAlchemy would begin a transaction, inside which this does nothing.
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if heed else 'OFF'}")
        cursor.close()


def _newer(error: CommandError, where: str) -> FileError:
    hint = "start the vopub that wrote it, or a newer one"
    return FileError(f"unknown schema: {error}", where=where, hint=hint)


def _set_up(connection: SqliteConnection, _record: object) -> None:
    # Transactions are begun explicitly below; the driver's own are begun too late.
    connection.isolation_level = None
    pragmas = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
    sizes = (
        f"cache_size = -{CACHE_KIB}", f"journal_size_limit = {LOG_BYTES}",
        "wal_autocheckpoint = 0",  # see the carrier; who closes last carries what is left
    )  # fmt: skip
    for pragma in (*pragmas, *sizes):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
    elif immediate:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")
