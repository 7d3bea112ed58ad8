"""Verifying, collecting, backing up, exporting: on the store of a site that may be in use."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Event
from time import sleep, time
from typing import Any

import pytest

from vopub.errors import BusyError, FileError, UsageError
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection
from vopub.odc import keeping
from vopub.odc.answers import History
from vopub.odc.app import OdcConfig, create_app
from vopub.odc.backup import IncompleteError, back_up, restore
from vopub.odc.exchange import export, import_into
from vopub.odc.keeping import DAY, Verdict, collect, examine
from vopub.odc.store import Store
from vopub.odc.tokens import Scope
from vopub.public_web import PublicWeb

from .conftest import CSV, REMOTE_FILE, Product, make_collection, make_record, product, products
from .databases import Cluster
from .filled import MOST, check, fill, verdicts


@pytest.fixture
def store(store: Store) -> Store:
    fill(store)
    return store


def test_every_file_is_looked_at(store: Store, tmp_path: Path, database: str) -> None:
    directory = tmp_path / "odc"
    assert list(verdicts(directory, database).values()) == [Verdict.OK] * 8
    damaged, lost = products()[0].reference.sha256, products()[1].reference.sha256
    store.blobs.path(damaged).write_bytes(CSV.replace(b"1", b"2"))
    store.blobs.path(lost).unlink()
    (directory / "files" / "ab").mkdir(exist_ok=True)
    (directory / "files" / "ab" / ("ab" * 32)).write_bytes(b"what is this?")
    found = verdicts(directory, database)
    kid = make_record().kid
    assert found[f"{kid}/evts21_01.csv"] is Verdict.MISMATCH
    assert found[f"{kid}/evts21_01.h5"] is Verdict.MISSING
    assert found[f"{kid}/skymap.svg"] is Verdict.OK
    assert found["ab" * 32] is Verdict.MISMATCH


def test_a_file_that_the_disk_does_not_give_hides_no_other(
    store: Store, tmp_path: Path, database: str
) -> None:
    first, second = (store.blobs.path(each.reference.sha256) for each in products()[:2])
    stray = tmp_path / "odc" / "files" / "ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    for path in (first, stray):
        path.unlink(missing_ok=True)
        path.symlink_to("/proc/self/mem")  # whose first bytes are an error of input and output
    second.unlink()
    found = verdicts(tmp_path / "odc", database)
    for version in ("1.0", "1.1"):
        kid = make_record(version=version).kid
        assert found[f"{kid}/evts21_01.csv"] is Verdict.UNREADABLE
        assert found[f"{kid}/evts21_01.h5"] is Verdict.MISSING
        assert found[f"{kid}/skymap.svg"] is Verdict.OK
    assert found["ab" * 32] is Verdict.UNREADABLE


def test_files_that_no_record_names_are_collected(
    store: Store, tmp_path: Path, database: str
) -> None:
    record = make_record(version="9.0")
    never = product("never.csv", b"never named", "text/csv")
    store.put_file(record.kid, "never.csv", never.reference.sha256, [never.content], most=MOST)
    directory = tmp_path / "odc"
    assert collect(directory, database) == []  # it may still wait for its record
    assert collect(directory, database, days=0) == [never.reference.sha256]
    assert not store.blobs.path(never.reference.sha256).exists()
    assert list(verdicts(directory, database).values()) == [Verdict.OK] * 8
    # What was named once and is not any more.
    store.put_resource(make_record(version="1.0", files=[]))
    assert collect(directory, database, days=0) == []  # another version has the same bytes
    store.put_resource(make_record(version="1.1", files=[]))
    assert len(collect(directory, database, days=0)) == 4
    store.put_file(record.kid, "never.csv", never.reference.sha256, [never.content], most=MOST)
    assert store.get_file(record.kid, "never.csv", never.reference.sha256).size == 11


def test_the_service_itself_removes_what_no_record_names_for_a_day(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "EVERY", 0.05)
    app = create_app(OdcConfig(tmp_path / "odc", hashlib.sha256(b"").digest(), database=database))
    store: Store = app.state.store
    fill(store)
    kid = make_record(version="9.0").kid
    paths = []
    for name, age in (("old.csv", 2 * DAY), ("young.csv", DAY / 2)):
        made = product(name, name.encode(), "text/csv")
        store.put_file(kid, name, made.reference.sha256, [made.content], most=MOST)
        paths.append(store.blobs.path(made.reference.sha256))
        os.utime(paths[-1], (time() - age, time() - age))
    named = store.blobs.path(products()[0].reference.sha256)
    os.utime(named, (time() - 2 * DAY, time() - 2 * DAY))

    async def serve_until_it_is_gone() -> None:
        async with app.router.lifespan_context(app):
            until = time() + 30
            while paths[0].exists() and time() < until:
                await asyncio.sleep(0.05)

    asyncio.run(serve_until_it_is_gone())
    assert [path.exists() for path in (*paths, named)] == [False, True, True]


def test_a_backup_of_a_store_in_use_is_restored_on_either_database(
    store: Store, tmp_path: Path, database: str, postgresql: Cluster
) -> None:
    token = store.tokens.create("crew", Scope.parse("admin"))
    contents = back_up(tmp_path / "odc", database, tmp_path / "backup")
    assert (contents.counts["resources"], contents.counts["files"]) == (3, 4)
    store.put_resource(make_record(version="2.0", files=[]))  # the store goes on
    with pytest.raises(UsageError, match="a store already"):
        restore(tmp_path / "backup", tmp_path / "other", postgresql.database())
    for number, address in enumerate(("", postgresql.database("template0"))):
        directory = tmp_path / f"restored{number}"
        assert restore(tmp_path / "backup", directory, address) == contents
        restored = Store(directory, address)
        check(restored)
        grant = restored.tokens.grant_of(token)
        assert grant is not None
        assert grant.name == "crew"
        before = len(restored.life.history(make_record().kid).changes)
        restored.put_resource(make_record(rows=5))  # the history goes on
        assert len(restored.life.history(make_record().kid).changes) == before + 1
        name = make_collection().identifier
        before = len(restored.groupings.history(KM3ResourceCollection, name).changes)
        restored.groupings.put(make_collection(title="Another title"))
        assert len(restored.groupings.history(KM3ResourceCollection, name).changes) == before + 1
        restored.close()


def test_a_backup_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "odc")
    fill(store)
    back_up(tmp_path / "odc", "", tmp_path / "backup")
    with pytest.raises(BusyError):
        restore(tmp_path / "backup", tmp_path / "odc", "")
    with pytest.raises(FileError, match="cannot make"):
        back_up(tmp_path / "odc", "", tmp_path / "backup")
    lines = (tmp_path / "backup" / "resources.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "backup" / "resources.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(FileError, match=r"resources\.jsonl.*no part of a whole backup"):
        restore(tmp_path / "backup", tmp_path / "new", "")
    (tmp_path / "backup" / "store.json").write_text("{}")
    with pytest.raises(FileError, match="no part of a whole backup"):
        restore(tmp_path / "backup", tmp_path / "new2", "")
    store.close()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Give a backup of a store, beside it."""
    store = Store(tmp_path / "odc")
    fill(store)
    store.tokens.create("crew", Scope.parse("admin"))
    store.close()
    back_up(tmp_path / "odc", "", tmp_path / "backup")
    return tmp_path / "backup"


def test_no_table_of_a_backup_can_be_missing_or_other(backup: Path) -> None:
    tables = sorted(backup.glob("*.jsonl"))
    assert {path.stem for path in tables} >= {"resources", "changes", "tokens", "uploads"}
    for number, path in enumerate(tables):
        new = backup.parent / f"new{number}"
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(FileError, match=rf"{path.name}.*no part of a whole backup"):
            restore(backup, new, "")
        path.write_bytes(content.replace(b"evts20_01", b"evts20_02") + b"\n")
        with pytest.raises(FileError, match=rf"{path.name}.*no part of a whole backup"):
            restore(backup, new, "")
        path.write_bytes(content)
        assert not (new / "odc.db").exists()
    assert restore(backup, backup.parent / "whole", "").counts["tokens"] == 1


def test_no_file_of_a_backup_can_be_missing_or_damaged(backup: Path) -> None:
    blobs = [path for path in backup.glob("files/*/*") if path.is_file()]
    assert len(blobs) == 4
    blobs[0].write_bytes(b"damaged")
    blobs[1].unlink()
    with pytest.raises(IncompleteError, match="lacks 4 files that records name"):
        restore(backup, backup.parent / "new", "")
    assert not (backup.parent / "new" / "odc.db").exists()


def test_a_manifest_without_its_tables_is_refused(backup: Path) -> None:
    manifest = json.loads((backup / "store.json").read_text())
    for name in ("resources", "published_files", "files"):
        counts = {key: value for key, value in manifest["counts"].items() if key != name}
        (backup / "store.json").write_text(json.dumps({**manifest, "counts": counts}))
        with pytest.raises(FileError, match=r"store\.json.*no part of a whole backup"):
            restore(backup, backup.parent / "new", "")


def test_a_backup_of_the_first_kind_is_restored(backup: Path) -> None:
    manifest = json.loads((backup / "store.json").read_text())
    del manifest["sha256"]
    (backup / "store.json").write_text(json.dumps(manifest))
    restore(backup, backup.parent / "new", "")
    store = Store(backup.parent / "new")
    check(store)
    store.close()


def test_a_backup_while_others_write_is_whole(store: Store, tmp_path: Path, database: str) -> None:
    stop = Event()
    written: list[KM3OpenResource] = []

    def write() -> None:
        for number in count(1):
            record = make_record(version=f"3.{number}", files=[one := blob(number)])
            reference = one.reference
            store.put_file(record.kid, reference.name, reference.sha256, [one.content], most=MOST)
            store.put_resource(record)
            written.append(record)
            if stop.is_set():
                return

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        while not written:
            sleep(0.01)
        before = len(written)
        counts = back_up(tmp_path / "odc", database, tmp_path / "backup").counts
        stop.set()
        writer.result()
    restore(tmp_path / "backup", tmp_path / "restored", "")
    restored = Store(tmp_path / "restored")
    there = counts["resources"] - 3
    assert before <= there <= len(written)
    for record in written[:there]:
        assert restored.get_resource(record.kid) == record
        assert restored.get_file(record.kid, record.files[0].name).size == record.files[0].size
    restored.close()
    assert set(verdicts(tmp_path / "restored", "").values()) == {Verdict.OK}


def blob(number: int) -> Product:
    return product("numbered.csv", b"n\n%d\n" % number, "text/csv")


def test_everything_goes_out_as_files_and_comes_back(
    store: Store, tmp_path: Path, database: str
) -> None:
    out = tmp_path / "out"
    counts = export(tmp_path / "odc", database, out)
    assert counts == {"resources": 3, "files": 8, "streams": 0, "collections": 1}
    one = out / "resources" / "evts21_01" / "1.1"
    assert json.loads((one / "record.json").read_text())["identifier"] == "evts21_01"
    assert (one / "files" / "evts21_01.csv").read_bytes() == CSV
    gone = json.loads((out / "resources" / "evts20_01" / "1.0" / "history.json").read_text())
    told = History.model_validate(gone)
    assert told == store.life.history(make_record("evts20_01").kid)
    assert [change.reason for change in told.changes] == ["", "wrong calibration"]
    other = Store(tmp_path / "other")
    for _ in range(2):  # the second time changes nothing
        assert import_into(other, out) == counts | {"kept": 0}
        check(other)
    (one / "record.json").write_text("{}")
    with pytest.raises(FileError, match=r"1\.1/record\.json.*export it again"):
        import_into(other, out)
    other.close()


class Quiet(SimpleHTTPRequestHandler):
    """Serves the files of a directory."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def serving(directory: Path) -> Iterator[str]:
    """Give the address of a server of files."""
    handler = partial(Quiet, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_files_elsewhere_are_told_apart_and_asked_for(
    store: Store, tmp_path: Path, database: str
) -> None:
    (tmp_path / "hits.root").write_bytes(b"12345")
    with serving(tmp_path) as url, closing(PublicWeb(loopback=True, patience=5.0)) as web:
        places: dict[str, dict[str, Any]] = {
            "there.root": {"url": f"{url}/hits.root", "size": 5},
            "unknown.root": {"url": f"{url}/hits.root", "size": None},
            "grown.root": {"url": f"{url}/hits.root", "size": 4},
            "lost.root": {"url": f"{url}/lost.root"},
        }
        remote = [
            REMOTE_FILE.model_copy(update={"name": name, **place}) for name, place in places.items()
        ]
        record = make_record(version="2.0", files=[], elsewhere=remote)
        store.put_resource(record)
        directory = tmp_path / "odc"
        unasked = verdicts(directory, database)
        asked = {f.name: f.verdict for f in examine(directory, database, web)}
        with closing(PublicWeb(loopback=False, patience=5.0)) as public:
            refused = {f.name: f.verdict for f in examine(directory, database, public)}
    names = [f"{record.kid}/{name}" for name in places]
    assert {unasked[name] for name in names} == {Verdict.ELSEWHERE}
    assert len([v for v in unasked.values() if v is Verdict.OK]) == 8
    assert [asked[name] for name in names] == [
        Verdict.ELSEWHERE, Verdict.ELSEWHERE, Verdict.MISMATCH, Verdict.SILENT
    ]  # fmt: skip
    assert {refused[name] for name in names} == {Verdict.SILENT}


def test_what_points_elsewhere_is_exported_and_imported(
    store: Store, tmp_path: Path, database: str
) -> None:
    record = make_record(version="2.0", files=[], elsewhere=[REMOTE_FILE])
    store.put_resource(record)
    export(tmp_path / "odc", database, tmp_path / "exported")
    other = Store(tmp_path / "other")
    import_into(other, tmp_path / "exported")
    assert other.get_resource(record.kid) == record
    other.close()
