"""Stores that earlier versions wrote are read without loss."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select, text

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3ResourceCollection, KM3ResourceStream, make_kid
from vopub.odc.database import postgresql_url
from vopub.odc.faults import GoneError
from vopub.odc.paging import Sort
from vopub.odc.schema import (
    CollectionRow,
    PublishedFileRow,
    ResourceRow,
    StreamRow,
    UploadRow,
)
from vopub.odc.search import Query
from vopub.odc.store import Store

from .conftest import make_record
from .databases import Cluster, go_back

FIRST = Path(__file__).parent / "first_store.sql"
CONTENT = b"ra,dec\n10.5,-20.25\n"
KEYS = (("1", "9", "0"), ("1", "10", "0"), ("12", "0", "0"))
AUTHORITY = "samples.km3net.invalid"


def kid(identifier: str, version: str) -> UUID:
    return make_kid(AUTHORITY, identifier, version)


def first_store(directory: Path) -> sqlite3.Connection:
    """Make the store that the first version wrote, with its file."""
    directory.mkdir()
    connection = sqlite3.connect(directory / "odc.db")
    connection.executescript(FIRST.read_text(encoding="utf-8"))
    (digest,) = connection.execute("SELECT DISTINCT sha256 FROM uploads").fetchone()
    blob = directory / "files" / digest[:2] / digest
    blob.parent.mkdir(parents=True)
    blob.write_bytes(CONTENT)
    return connection


def check(store: Store) -> None:
    """Look whether everything is there that the first version wrote."""
    for version in ("1.9", "1.10"):
        record = store.get_resource(kid("evts21_01", version))
        assert record.publication.title == f"Événements of ORCA, version {version}"
        assert store.get_file(record.kid, "evts21_01.csv").path.read_bytes() == CONTENT
    with pytest.raises(GoneError, match="wrong calibration"):
        store.get_resource(kid("evts21_02", "1.0"))
    assert store.latest("evts21_01").publication.version == "1.10"
    stream = store.groupings.get(KM3ResourceStream, "events21_01")
    assert stream.resources == (kid("evts21_03", "1.0"),)
    collection = store.groupings.get(KM3ResourceCollection, "samples26_01")
    assert collection.title == "Samples of ORCA"
    assert store.count_by_ktype() == {Ktype.EVENTS: 3}


def check_everything(store: Store, first: dict[str, list[sqlite3.Row]]) -> None:
    """Compare every row that the first version wrote with what is there now."""
    assert len(first["resources"]) == store.count(Query()).number + 1  # one was withdrawn
    with store.reading() as session:
        for row in first["resources"]:
            kept = session.get(ResourceRow, row["kid"])
            assert kept is not None
            assert json.loads(kept.record) == json.loads(row["record"])
            assert (kept.withdrawn is None) == (row["withdrawn"] is None)
            assert kept.reason == row["reason"]
            assert f"{kept.written}" == row["written"]
        for name, table in (("uploads", UploadRow), ("published_files", PublishedFileRow)):
            rows = [dict(row) for row in session.execute(select(table.__table__)).mappings()]
            there = [{key: f"{value}" for key, value in row.items()} for row in rows]
            said = [{key: f"{row[key]}" for key in row.keys()} for row in first[name]]  # noqa: SIM118
            assert sorted(map(str, there)) == sorted(map(str, said))
        for name, kind in (("streams", StreamRow), ("collections", CollectionRow)):
            for row in first[name]:
                there_now = session.get(kind, row["identifier"])
                assert there_now is not None
                assert json.loads(there_now.record) == json.loads(row["record"])


def rows_of_first() -> dict[str, list[sqlite3.Row]]:
    """Return the rows of each table as the first version wrote them."""
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.executescript(FIRST.read_text(encoding="utf-8"))
    names = ("resources", "uploads", "published_files", "streams", "collections")
    found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    connection.close()
    return found


def check_groupings_live(store: Store) -> None:
    """Look whether what the first version wrote can be withdrawn and returned."""
    groupings = store.groupings
    for kind, name in ((KM3ResourceStream, "events21_01"), (KM3ResourceCollection, "samples26_01")):
        there = groupings.get_json(kind, name)
        groupings.withdraw(kind, name, "to see")
        with pytest.raises(GoneError, match="to see"):
            groupings.get_json(kind, name)
        groupings.restore(kind, name, "seen")
        assert groupings.get_json(kind, name) == there
        kinds = [change.kind.value for change in groupings.history(kind, name).changes]
        assert kinds[-2:] == ["withdrawn", "restored"]


def check_index(store: Store) -> None:
    """Look whether it is found as if it had been written today."""
    for query, number in (
        (Query(), 3), (Query(latest=True), 2), (Query(q="evenements orca"), 3),
        (Query(position=(61.875, 19.47122063)), 2), (Query(stream="events21_01"), 1),
        (Query(since=datetime(2021, 2, 24, 9), until=datetime(2021, 2, 25)), 2),  # noqa: DTZ001
    ):  # fmt: skip
        assert store.count(query).number == number, query
    assert len(store.page(Query(), Sort.OLDEST).summaries) == 3


def test_a_store_of_the_first_version_is_whole_in_todays(tmp_path: Path) -> None:
    first_store(tmp_path / "odc").close()
    for _ in range(2):  # opening it again finds it done
        store = Store(tmp_path / "odc")
        check(store)
        check_everything(store, rows_of_first())
        check_index(store)
        check_groupings_live(store)
        store.close()


def test_records_in_postgresql_outlive_a_step_of_the_schema(
    tmp_path: Path, postgresql: Cluster
) -> None:
    address = postgresql.database("template0")
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    configuration = Config()
    scripts = Path(__file__).parents[3] / "vopub" / "odc" / "migrations"
    configuration.set_main_option("script_location", str(scripts))
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0001")
        copy_tables(first_store(tmp_path / "odc"), connection.exec_driver_sql)
    engine.dispose()
    (tmp_path / "odc" / "odc.db").unlink()
    store = Store(tmp_path / "odc", address)
    check(store)
    check_everything(store, rows_of_first())
    check_index(store)
    check_groupings_live(store)
    store.close()


def copy_tables(source: sqlite3.Connection, run: object) -> None:
    assert callable(run)
    for table in ("resources", "uploads", "published_files", "streams", "collections"):
        rows = source.execute(f"SELECT * FROM {table}")
        places = ", ".join("%s" for _ in rows.description)
        for row in rows.fetchall():
            run(f"INSERT INTO {table} VALUES ({places})", tuple(row))
    source.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_lies_closer_together_is_the_same(
    kind: str, tmp_path: Path, postgresql: Cluster
) -> None:
    """A store of the step before has other keys of versions, and other ones of changes."""
    address = "" if kind == "sqlite" else postgresql.database("template0")
    versions = ("1.9", "1.10", "12")
    kids = [kid("evts21_01", version) for version in versions]
    store = Store(tmp_path / "odc", address)
    for version, each in zip(versions, kids, strict=True):
        store.put_resource(make_record(version=version, files=[]), who=f"person {version}")
        store.withdraw(each, f"reason {version}")
        store.life.restore(each, "looked again")
    told = [store.life.history(each) for each in kids]
    listed = store.page(Query()).summaries
    store.close()
    go_back(tmp_path / "odc" / "odc.db", "0008", address)
    engine = create_engine(
        postgresql_url(address) if address else f"sqlite:///{tmp_path / 'odc' / 'odc.db'}"
    )
    with engine.connect() as connection:
        keys = connection.scalars(text("SELECT version_key FROM resources ORDER BY number")).all()
        whose = connection.scalars(text("SELECT kid FROM changes ORDER BY number")).all()
    engine.dispose()
    assert keys == [".".join(f"{part:0>32}" for part in each) for each in KEYS]
    assert whose == [str(each) for each in kids for _ in range(3)]
    store = Store(tmp_path / "odc", address)
    assert [store.life.history(each) for each in kids] == told
    assert [json.loads(each)["version"] for each in listed] == ["12", "1.10", "1.9"]
    assert store.page(Query()).summaries == listed
    assert store.life.replaced_by(kids[0]) == kids[1]
    store.close()


def test_what_is_counted_and_put_in_order_is_the_same_after_a_step(
    tmp_path: Path, database: str
) -> None:
    """A store of the step before has no sums of all streams, and words without an order."""
    store = Store(tmp_path / "odc", database)
    for version in ("1.9", "1.10"):
        store.put_resource(make_record(version=version, files=[]))
    queries = (Query(), Query(latest=True), Query(q="orca"), Query(q="orca", ktype=Ktype.EVENTS))
    told = [(store.count(query), store.page(query, sort)) for query in queries for sort in Sort]
    assert told[0][0].number == 2
    store.close()
    go_back(tmp_path / "odc" / "odc.db", "0010", database)
    store = Store(tmp_path / "odc", database)
    assert [(store.count(q), store.page(q, sort)) for q in queries for sort in Sort] == told
    store.put_resource(make_record(version="1.11", files=[]))
    for query, number in zip(queries, (3, 1, 3, 3), strict=True):
        assert store.count(query).number == number
        assert len(store.page(query).summaries) == number
    store.close()
