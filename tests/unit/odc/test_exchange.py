"""What is exported and imported is the same afterwards, with all that became of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from vopub.errors import FileError
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, KM3ResourceStream, make_kid
from vopub.odc.answers import History
from vopub.odc.exchange import export, import_into
from vopub.odc.faults import GoneError
from vopub.odc.harvest import Wanted, changed
from vopub.odc.paging import Sort
from vopub.odc.search import Query
from vopub.odc.store import Store

from .conftest import AUTHORITY, CSV, make_collection, make_record, products
from .databases import Cluster
from .test_groupings import make_stream
from .test_migrations import first_store

MOST = 1 << 20
COUNTS = {"resources": 5, "files": 8, "streams": 2, "collections": 1}
GROUPINGS = (
    (KM3ResourceStream, "events21_01"), (KM3ResourceStream, "events21_02"),
    (KM3ResourceCollection, "samples26_01"),
)  # fmt: skip
LATER = ("number", "written", "withdrawn")
"""What histories did not say at first."""
OTHERS = ("evts20_01", "evts21_02")
KINDS = {"1.9": "created", "1.10": "created replaced withdrawn restored withdrawn",
         "2.0": "created replaced"}  # fmt: skip


@pytest.fixture
def store(store: Store) -> Store:
    """Give a store in which much happened."""
    live(store)
    return store


def put(store: Store, record: KM3OpenResource, who: str) -> None:
    for file in products() if record.files else ():
        reference = file.reference
        store.put_file(record.kid, reference.name, reference.sha256, [file.content], most=MOST)
    store.put_resource(record, who=who)


def another(identifier: str) -> KM3OpenResource:
    kid = make_kid(AUTHORITY, identifier, "1.0")
    return make_record(files=[]).model_copy(update={"identifier": identifier, "kid": kid})


def live(store: Store) -> None:
    newest, middle = make_record(version="2.0"), make_record(version="1.10", files=[])
    put(store, newest, "crew")
    put(store, make_record(version="1.9"), "crew")
    put(store, middle, "crew")
    put(store, make_record(version="1.10", files=[], rows=225), "someone else")
    store.withdraw(middle.kid, "wrong <b>calibration</b>", who="shift")
    store.life.restore(middle.kid, "it was right", who="crew")
    store.withdraw(middle.kid, "wrong after all\r\nsee the logbook", who="shift")
    put(store, make_record(version="2.0", publication={"title": "Événements de l'ORCA"}), "crew")
    for name in OTHERS:
        put(store, another(name), "")
    groupings = store.groupings
    for kids in ([newest.kid], [newest.kid, middle.kid], [middle.kid]):
        groupings.put(make_stream(resources=kids), who="recorder")
    groupings.put(make_stream(identifier="events21_02"), who="crew")
    groupings.withdraw(KM3ResourceStream, "events21_02", "not needed", who="crew")
    groupings.put(make_collection(), who="crew")
    groupings.withdraw(KM3ResourceCollection, "samples26_01", "too early", who="crew")
    groupings.restore(KM3ResourceCollection, "samples26_01", "now", who="shift")


def everything_in(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def what_is_told(store: Store) -> dict[str, object]:
    """Return all that the service says of what became of things."""
    told: dict[str, object] = {}
    versions = [make_record(version=version) for version in KINDS]
    for kid in (record.kid for record in [*versions, *map(another, OTHERS)]):
        told[str(kid)] = store.life.history(kid), store.life.versions(kid)
        try:
            told[f"{kid} itself"] = store.get_resource_json(kid), store.life.replaced_by(kid)
        except GoneError as error:
            told[f"{kid} itself"] = error.tombstone
    for kind, name in GROUPINGS:
        told[name] = store.groupings.history(kind, name), store.groupings.standing(kind, name)
    with store.reading() as session:
        told["harvested"] = changed(session, Wanted(), 10)
    told["listed"] = [store.page(Query(), sort).summaries for sort in Sort]
    return told


def test_an_imported_store_is_the_same_with_all_that_became_of_it(
    store: Store, tmp_path: Path, database: str, postgresql: Cluster
) -> None:
    assert export(tmp_path / "odc", database, tmp_path / "out") == COUNTS
    for number, address in enumerate(("", postgresql.database("template0"))):
        directory, again = tmp_path / f"other{number}", tmp_path / f"again{number}"
        other = Store(directory, address)
        for _ in range(2):  # the second time changes nothing
            assert import_into(other, tmp_path / "out") == COUNTS | {"kept": 0}
            assert what_is_told(other) == what_is_told(store)
        assert export(directory, address, again) == COUNTS
        assert everything_in(again) == everything_in(tmp_path / "out")
        record = make_record(version="1.9")
        assert other.get_file(record.kid, "evts21_01.csv").path.read_bytes() == CSV
        other.put_resource(make_record(version="1.9", rows=5), who="new crew")  # and it goes on
        assert other.life.history(record.kid).changes[-1].who == "new crew"
        other.close()


def test_histories_are_as_they_were_made(store: Store, tmp_path: Path, database: str) -> None:
    export(tmp_path / "odc", database, tmp_path / "out")
    other = Store(tmp_path / "other")
    import_into(other, tmp_path / "out")
    for version, kinds in KINDS.items():
        changes = other.life.history(make_record(version=version).kid).changes
        assert " ".join(change.kind.value for change in changes) == kinds
    withdrawn = other.life.history(make_record(version="1.10").kid).changes
    assert [each.who for each in withdrawn] == ["crew", "someone else", "shift", "crew", "shift"]
    assert withdrawn[1].differences[0].after == 225
    told = json.loads((tmp_path / "out/resources/evts21_01/1.10/history.json").read_text("utf-8"))
    assert History.model_validate(told).changes == withdrawn
    grown = other.groupings.history(KM3ResourceStream, "events21_01").changes
    assert [len(each.differences) for each in grown] == [0, 1, 1]
    other.close()


def test_what_went_on_where_it_comes_from_goes_on_here(
    store: Store, tmp_path: Path, database: str
) -> None:
    other = Store(tmp_path / "other")
    record, name = make_record(version="1.9"), "events21_01"
    export(tmp_path / "odc", database, tmp_path / "first")
    import_into(other, tmp_path / "first")
    put(store, make_record(version="1.9", rows=7), "crew")
    store.withdraw(record.kid, "empty", who="shift")
    store.groupings.put(make_stream(title="Another title"), who="recorder")
    export(tmp_path / "odc", database, tmp_path / "second")
    for directory, kept in (("second", 0), ("first", 2), ("second", 0)):
        assert import_into(other, tmp_path / directory)["kept"] == kept
        told, expected = what_is_told(other), what_is_told(store)
        for each in (told, expected):  # harvesters who know it have to come for it again
            del each["harvested"], each["listed"]
        assert told == expected
        assert other.groupings.get(KM3ResourceStream, name).title == "Another title"
    other.close()


def test_harvesters_of_a_store_in_use_get_what_is_imported_into_it(
    store: Store, tmp_path: Path, database: str
) -> None:
    export(tmp_path / "odc", database, tmp_path / "out")
    other = Store(tmp_path / "other")
    other.put_resource(another("evts21_03"))
    visited = datetime.now(UTC).replace(tzinfo=None)
    import_into(other, tmp_path / "out")
    with other.reading() as session:
        assert len(changed(session, Wanted(since=visited), 10)) == COUNTS["resources"]
    other.close()


def test_what_is_another_one_is_changed_and_that_is_noted(
    store: Store, tmp_path: Path, database: str
) -> None:
    export(tmp_path / "odc", database, tmp_path / "out")
    corrected = make_record(version="1.9", rows=1)
    path = tmp_path / "out" / "resources" / "evts21_01" / "1.9" / "record.json"
    path.write_text(corrected.model_dump_json(indent=2))  # by a person
    gone = another("evts20_01")
    (tmp_path / "out/resources/evts20_01/1.0/withdrawn.txt").write_text("by hand")
    (tmp_path / "out/collections/samples26_01/withdrawn.txt").write_text("by hand")
    for _ in range(2):
        import_into(store, tmp_path / "out")
        change = store.life.history(corrected.kid).changes[-1]
        assert (change.who, [d.path for d in change.differences]) == ("import", ["rows"])
        for history in (
            store.life.history(gone.kid),
            store.groupings.history(KM3ResourceCollection, "samples26_01"),
        ):
            last = history.changes[-1]
            assert (last.who, last.kind.value, last.reason) == ("import", "withdrawn", "by hand")
    assert store.get_resource(corrected.kid) == corrected
    assert store.get_resource_json(corrected.kid) == corrected.model_dump_json()


def test_a_store_of_the_first_version_comes_as_it_is(
    tmp_path: Path, database: str, postgresql: Cluster
) -> None:
    first_store(tmp_path / "odc").close()
    store = Store(tmp_path / "odc")
    texts = {kid: store.get_resource_json(kid) for kid in kids_of(store)}
    counts = export(tmp_path / "odc", "", tmp_path / "out")
    other = Store(tmp_path / "other", database)
    assert import_into(other, tmp_path / "out") == counts | {"kept": 0}
    assert {kid: other.get_resource_json(kid) for kid in kids_of(other)} == texts
    export(tmp_path / "other", database, tmp_path / "again")
    assert everything_in(tmp_path / "again") == everything_in(tmp_path / "out")
    other.close()
    store.close()


def kids_of(store: Store) -> list[UUID]:
    return [summary.kid for summary in store.find(Query()).resources]


def test_an_export_of_an_earlier_version_comes_with_its_histories(
    store: Store, tmp_path: Path, database: str
) -> None:
    export(tmp_path / "odc", database, tmp_path / "out")
    for path in (tmp_path / "out").rglob("history.json"):
        told = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({k: v for k, v in told.items() if k not in LATER}), "utf-8")
    other = Store(tmp_path / "other")
    import_into(other, tmp_path / "out")
    for version in KINDS:
        kid = make_record(version=version).kid
        assert other.life.history(kid) == store.life.history(kid)
    gone = make_record(version="1.10").kid
    with pytest.raises(GoneError, match="wrong after all") as caught:
        other.get_resource(gone)
    assert caught.value.tombstone is not None
    assert caught.value.tombstone.withdrawn == store.life.history(gone).changes[-1].when
    for kind, name in GROUPINGS:
        assert other.groupings.history(kind, name) == store.groupings.history(kind, name)
    other.close()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("history.json", b'{"changes": [{"kind": "moved"}]}', r"changes\.0\.kind: Input should be"),
        ("history.json", b"[", "Invalid JSON"),
        ("record.json", b"\xff", "is not UTF-8"),
        ("withdrawn.txt", b"\xff", "is not UTF-8"),
    ],
)
def test_what_is_damaged_is_named_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    store = Store(tmp_path / "odc")
    store.put_resource(another("evts21_02"))
    export(tmp_path / "odc", "", tmp_path / "out")
    (tmp_path / "out" / "resources" / "evts21_02" / "1.0" / name).write_bytes(content)
    with pytest.raises(FileError, match=rf"1\.0/{name}: .*{said}.*; export it again"):
        import_into(store, tmp_path / "out")
    store.close()
