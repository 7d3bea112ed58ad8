"""No backup and no export is taken for whole that lacks files which records name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vopub.errors import FileError
from vopub.odc.backup import IncompleteError, back_up, restore
from vopub.odc.exchange import export, import_into
from vopub.odc.keeping import Verdict
from vopub.odc.store import Store

from .conftest import CSV, make_record, product, products
from .filled import MOST, check, fill, verdicts

FIRST, SECOND = products()[:2]
LACKING = {
    f"{make_record(version=version).kid}/{product.reference.name}": verdict
    for version in ("1.0", "1.1")
    for product, verdict in ((FIRST, Verdict.MISMATCH), (SECOND, Verdict.MISSING))
}


@pytest.fixture
def store(store: Store) -> Store:
    """Give a store of which one file is damaged and one missing."""
    fill(store)
    store.blobs.path(FIRST.reference.sha256).write_bytes(CSV.replace(b"1", b"2"))
    store.blobs.path(SECOND.reference.sha256).unlink()
    return store


def put_into_a_place_that_cannot_be_read(store: Store) -> dict[str, Verdict]:
    """Let the disk not give the damaged file; return what is lacking then."""
    path = store.blobs.path(FIRST.reference.sha256)
    path.unlink()
    path.symlink_to("/proc/self/mem")  # whose first bytes are an error of input and output
    unreadable = {Verdict.MISMATCH: Verdict.UNREADABLE, Verdict.MISSING: Verdict.MISSING}
    return {name: unreadable[verdict] for name, verdict in LACKING.items()}


def back_up_in_part(
    tmp_path: Path, database: str, lacking: dict[str, Verdict] | None = None
) -> Path:
    with pytest.raises(IncompleteError) as raised:
        back_up(tmp_path / "odc", database, tmp_path / "backup")
    contents = raised.value.contents
    assert contents.lacking == (lacking or LACKING)
    assert (contents.counts["resources"], contents.counts["files"]) == (3, 2)
    assert raised.value.exit_code == 10
    told = contents.lacking.items()
    assert all(f"{name} ({verdict})" in str(raised.value) for name, verdict in told)
    return tmp_path / "backup"


@pytest.mark.usefixtures("store")
def test_a_backup_names_what_is_missing_or_damaged(tmp_path: Path, database: str) -> None:
    backup = back_up_in_part(tmp_path, database)
    assert json.loads((backup / "store.json").read_text())["lacking"] == LACKING
    assert not list(backup.rglob("*.part"))
    new = tmp_path / "new"
    with pytest.raises(IncompleteError, match="--incomplete") as raised:
        restore(backup, new, "")
    assert raised.value.contents.lacking == LACKING
    assert not (new / "odc.db").exists()
    contents = restore(backup, new, "", incomplete=True)
    assert contents.lacking == LACKING
    assert (contents.counts["resources"], contents.counts["files"]) == (3, 2)
    found = verdicts(new, "")
    assert {name for name, verdict in found.items() if verdict is not Verdict.OK} == set(LACKING)


@pytest.mark.usefixtures("store")
def test_a_backup_of_earlier_times_is_looked_at_as_well(tmp_path: Path, database: str) -> None:
    backup = back_up_in_part(tmp_path, database)
    manifest = json.loads((backup / "store.json").read_text())
    del manifest["lacking"]
    (backup / "store.json").write_text(json.dumps(manifest))
    with pytest.raises(IncompleteError) as raised:
        restore(backup, tmp_path / "new", "")
    assert raised.value.contents.lacking == dict.fromkeys(LACKING, Verdict.MISSING)
    assert raised.value.exit_code == 12


@pytest.mark.usefixtures("store")
def test_a_backup_is_whole_once_the_files_were_added(tmp_path: Path, database: str) -> None:
    backup = back_up_in_part(tmp_path, database)
    for file in (FIRST, SECOND):
        digest = file.reference.sha256
        (backup / "files" / digest[:2]).mkdir(exist_ok=True)
        (backup / "files" / digest[:2] / digest).write_bytes(file.content)
    assert restore(backup, tmp_path / "new", "").counts["files"] == 4
    restored = Store(tmp_path / "new")
    check(restored)
    restored.close()


def test_a_file_that_the_disk_does_not_give_takes_no_other_with_it(
    store: Store, tmp_path: Path, database: str
) -> None:
    lacking = put_into_a_place_that_cannot_be_read(store)
    backup = back_up_in_part(tmp_path, database, lacking)
    with pytest.raises(IncompleteError) as raised:
        restore(backup, tmp_path / "new", "")
    assert raised.value.contents.lacking == lacking


@pytest.mark.parametrize("readable", [True, False])
def test_an_export_has_only_files_that_are_whole_and_names_the_others(
    store: Store, tmp_path: Path, database: str, readable: bool
) -> None:
    lacking = LACKING if readable else put_into_a_place_that_cannot_be_read(store)
    out = tmp_path / "out"
    with pytest.raises(IncompleteError, match=r"lacks 4 files .*export again") as raised:
        export(tmp_path / "odc", database, out)
    assert raised.value.contents.lacking == lacking
    assert raised.value.exit_code == 10
    counts = raised.value.contents.counts
    assert (counts["resources"], counts["files"], counts["collections"]) == (3, 4, 1)
    written = {path.name for path in out.rglob("files/*")}
    names = {file.reference.name for file in products()}
    assert written == names - {FIRST.reference.name, SECOND.reference.name}
    with pytest.raises(FileError, match=r"evts21_01/1\.0/files/evts21_01\."):
        import_into(Store(tmp_path / "new"), out)
    for file in (FIRST, SECOND):
        for record in out.glob("resources/evts21_01/*"):
            (record / "files" / file.reference.name).write_bytes(file.content)
    import_into(Store(tmp_path / "other"), out)
    assert set(verdicts(tmp_path / "other", "").values()) == {Verdict.OK}


def test_what_no_record_names_may_go_but_not_from_a_backup(tmp_path: Path, database: str) -> None:
    store = Store(tmp_path / "odc", database)
    fill(store)
    never = product("never.csv", b"never named", "text/csv")
    for file in (never, gone := product("gone.csv", b"gone", "text/csv")):
        reference = file.reference
        store.put_file(
            make_record().kid, reference.name, reference.sha256, [file.content], most=MOST
        )
    store.blobs.path(gone.reference.sha256).unlink()
    store.close()
    backup = tmp_path / "backup"
    assert back_up(tmp_path / "odc", database, backup).counts["files"] == 5
    digest = never.reference.sha256
    (backup / "files" / digest[:2] / digest).unlink()
    with pytest.raises(FileError, match="only 4 of 5 files are whole"):
        restore(backup, tmp_path / "new", "")
    contents = restore(backup, tmp_path / "new", "", incomplete=True)
    assert (contents.counts["files"], contents.lacking) == (4, {})


def test_restoring_a_damaged_file_leaves_one_alone_that_is_whole(
    store: Store, tmp_path: Path, database: str
) -> None:
    store.put_file(
        make_record().kid, FIRST.reference.name, FIRST.reference.sha256, [CSV], most=MOST
    )
    with pytest.raises(IncompleteError):
        back_up(tmp_path / "odc", database, tmp_path / "backup")
    digest = FIRST.reference.sha256
    (tmp_path / "backup" / "files" / digest[:2] / digest).write_bytes(b"damaged since")
    there = tmp_path / "new" / "files" / digest[:2] / digest
    there.parent.mkdir(parents=True)
    there.write_bytes(CSV)
    restore(tmp_path / "backup", tmp_path / "new", "", incomplete=True)
    assert there.read_bytes() == CSV
