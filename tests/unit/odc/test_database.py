from __future__ import annotations

import sqlite3
import threading
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from vopub.errors import FileError, ServiceError, UsageError
from vopub.model.ktype import Ktype
from vopub.odc import carrying, database
from vopub.odc.database import (
    migrate,
    open_database,
    open_postgresql,
    postgresql_url,
    writing,
)
from vopub.odc.one_by_one import OneByOne
from vopub.odc.ownership import Owned
from vopub.odc.schema import Base
from vopub.odc.search import Query
from vopub.odc.store import Store

from .conftest import make_record, wait_until
from .databases import Cluster


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path, database: str) -> None:
    engine = open_postgresql(database) if database else open_database(tmp_path / "odc.db")
    with engine.connect() as connection:
        opts = {"compare_type": True, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out the index of words, which is not one of SQLAlchemy's tables."""
    return kind != "table" or not str(name).startswith("resource_words")


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "100% odc" / "odc.db"
    path.parent.mkdir()
    open_database(path).dispose()
    before = dump(path)
    engine = open_database(path)
    migrate(engine)
    engine.dispose()
    assert dump(path) == before


def test_sqlites_log_of_writes_stays_short_while_there_is_always_one_who_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "LONG", 4_000_000)
    engine = open_database(tmp_path / "odc.db")
    transactions = OneByOne(engine, Owned(-1))
    with transactions.begin() as session:
        session.execute(text("CREATE TABLE texts (content BLOB)"))
    lengths = []

    def write() -> None:
        for _ in range(120):
            with transactions.begin() as session:
                session.execute(text("INSERT INTO texts VALUES (randomblob(1000000))"))
            lengths.append((tmp_path / "odc.db-wal").stat().st_size)

    def read() -> None:
        while any(writer.is_alive() for writer in writers):
            with engine.connect() as connection:
                connection.execute(text("SELECT sum(length(content)) FROM texts")).all()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for thread in (*writers, reader := threading.Thread(target=read)):
        thread.start()
    for thread in (*writers, reader):
        thread.join()
    assert len(lengths) == 240
    assert max(lengths) < 120_000_000  # half of all, with some seconds of a slow carrier
    transactions.close()
    engine.dispose()
    assert not (tmp_path / "odc.db-wal").exists()
    assert (tmp_path / "odc.db").stat().st_size > 120_000_000


def test_a_short_log_is_carried_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "EVERY", 0.05)
    engine = open_database(tmp_path / "odc.db")
    transactions = OneByOne(engine, Owned(-1))
    before = (tmp_path / "odc.db").stat().st_size
    with transactions.begin() as session:
        session.execute(text("CREATE TABLE texts (content BLOB)"))
        session.execute(text("INSERT INTO texts VALUES (randomblob(1000000))"))
    end = monotonic() + 20
    while (tmp_path / "odc.db").stat().st_size < before + 1_000_000:
        assert monotonic() < end, "it stays in the log"
        sleep(0.02)
    transactions.close()
    engine.dispose()


def dump(path: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    lines = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
    lines += connection.execute("SELECT * FROM alembic_version").fetchall()
    lines += connection.execute("PRAGMA schema_version").fetchall()
    connection.close()
    return lines


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "odc.db"
    path.write_bytes(b"this is not a database, by far" * 100)
    with pytest.raises(FileError, match=r"odc\.db.*not a database.*backup"):
        open_database(path)


def test_a_database_of_a_newer_version_is_told(tmp_path: Path) -> None:
    path = tmp_path / "odc.db"
    open_database(path).dispose()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(FileError, match=r"unknown schema.*newer"):
        open_database(path)


def test_foreign_keys_hold(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "odc.db")
    with pytest.raises(IntegrityError), writing(engine).begin() as connection:
        connection.execute(
            text("INSERT INTO published_files VALUES ('k', 'n', 's', 1, 'text/csv', 'data')")
        )
    engine.dispose()


def test_writers_wait_for_each_other_and_lose_nothing(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "odc.db")
    write = writing(engine)
    count = text("SELECT count(*) FROM streams")
    insert = text(
        "INSERT INTO streams (identifier, record, written, summary, reason) "
        "VALUES (:name, 'x', '2026-11-22 00:00:00.000000', 'x', '')"
    )

    def add() -> None:
        for _ in range(10):
            with write.begin() as connection:
                number = connection.execute(count).scalar()
                connection.execute(insert, {"name": f"number {number}"})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert connection.execute(count).scalar() == 40
    engine.dispose()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://odc:secret@/odc", "holds a password"),
        ("postgresql://odc@/odc?password=secret", "holds a password"),
        ("mysql://odc@/odc", "'mysql' is no database"),
        ("somewhere", "not the address"),
    ],
)
def test_addresses_that_are_none_are_told_without_secrets(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        open_postgresql(address)
    assert "secret" not in str(told.value)


def test_a_postgresql_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"PostgreSQL: .*No such file.*odc_database"):
        open_postgresql(f"postgresql://odc@/odc?host={tmp_path}")


@pytest.mark.parametrize("told", [True, False], ids=["told", "after a rest"])
def test_connections_that_postgresql_has_left_are_replaced(
    told: bool, tmp_path: Path, postgresql: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not told:  # as if a wall had cut it, which tells nobody
        monkeypatch.setattr(database, "_has_something_to_read", lambda _: False)
        monkeypatch.setattr(database, "LONGEST_REST", 0)
    address = postgresql.database()
    store = Store(tmp_path / "odc", address)
    assert store.count(Query()).number == 0
    others = f"FROM pg_stat_activity WHERE datname = '{postgresql_url(address).database}'"
    with psycopg.connect(postgresql.address("postgres"), autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) {others}")
        wait_until(lambda: _number(connection, others) == 0, "all others have gone")
    store.put_resource(make_record(files=[]))
    assert store.count(Query()).number == 1
    store.close()


def _number(connection: psycopg.Connection[tuple[int]], others: str) -> int:
    row = connection.execute(f"SELECT count(*) {others}").fetchone()
    assert row is not None
    return row[0]


def test_plans_are_kept_of_what_is_found_by_a_name_and_of_nothing_else(
    tmp_path: Path, postgresql: Cluster
) -> None:
    store = Store(tmp_path / "odc", postgresql.database())
    record = make_record(files=[])
    store.put_resource(record)
    for _ in range(10):
        store.get_resource(record.kid)
        store.page(Query(collection="samples26_01"))
        store.page(Query(ktype=Ktype.EVENTS, collection="samples26_01"))
        store.page(Query(until=datetime(2030, 1, 1)))  # noqa: DTZ001 - as queries have it
        store.page(Query(position=(10.0, 20.0)))
    with store.reading() as session:
        kept = session.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert any("resources.kid = " in statement for statement in kept)
    assert any("resources.collection = " in statement for statement in kept)
    for word in ("resources.ktype = ", "resources.moment <= ", "sky.first"):
        assert not any(word in statement for statement in kept)
    store.close()
