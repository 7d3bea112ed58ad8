from __future__ import annotations

import fcntl
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, text

from vopub.errors import BusyError, FileError
from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, KM3ResourceStream
from vopub.odc.answers import Outcome
from vopub.odc.faults import GoneError, NotFoundError, RefusedError, TooLargeError
from vopub.odc.schema import ResourceRow
from vopub.odc.search import Query, version_key
from vopub.odc.store import Store

from .conftest import Product, make_collection, make_record, product, products

MOST = 1 << 20


def put(store: Store, record: KM3OpenResource, files: list[Product]) -> Outcome:
    for file in files:
        reference = file.reference
        chunks = [file.content[:7], file.content[7:]]
        store.put_file(record.kid, reference.name, reference.sha256, chunks, most=MOST)
    return store.put_resource(record)


def test_a_record_comes_back_equal_and_its_files_byte_for_byte(store: Store) -> None:
    record = make_record()
    assert put(store, record, products()) is Outcome.CREATED
    assert store.get_resource(record.kid) == record
    for file in products():
        found = store.get_file(record.kid, file.reference.name)
        assert found.path.read_bytes() == file.content
        assert (found.sha256, found.size) == (file.reference.sha256, len(file.content))


def test_those_registered_at_the_same_time_have_numbers_of_their_own(store: Store) -> None:
    records = [make_record(version=f"1.{number}", files=[]) for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(store.put_resource, records)) == [Outcome.CREATED] * 40
    with store.reading() as session:
        numbers = session.scalars(select(ResourceRow.number).order_by(ResourceRow.number)).all()
    assert numbers == list(range(1, 41))


def test_an_equal_record_changes_nothing(store: Store) -> None:
    record = make_record()
    put(store, record, products())
    before = written(store)
    assert store.put_resource(record) is Outcome.UNCHANGED
    assert written(store) == before
    assert store.put_resource(make_record(rows=5)) is Outcome.REPLACED
    assert written(store) != before


def written(store: Store) -> str:
    with store._engine.connect() as connection:
        return str(connection.execute(text("SELECT written FROM resources")).scalar())


def test_a_record_is_refused_as_long_as_a_file_is_missing_or_differs(store: Store) -> None:
    record = make_record()
    with pytest.raises(RefusedError) as refused:
        store.put_resource(record)
    assert len(refused.value.problems) == len(record.files)
    good, *others = products()
    other = product(good.reference.name, good.content + b"x", "text/csv")
    with pytest.raises(RefusedError, match="not here"):
        put(store, record, [other, *others])
    with pytest.raises(NotFoundError):
        store.get_resource(record.kid)
    assert put(store, record, [good]) is Outcome.CREATED


def test_a_record_with_a_wrong_size_or_a_name_twice_is_refused(store: Store) -> None:
    file = products()[0]
    wrong = file.reference.model_copy(update={"size": 3})
    for files, said in (([wrong], "not 3"), ([file.reference] * 2, "more than once")):
        record = make_record(files=[]).model_copy(update={"files": tuple(files)})
        with pytest.raises(RefusedError) as refused:
            put(store, record, [file])
        assert said in str(refused.value.problems[0])


def test_new_bytes_are_not_served_before_the_record_names_them(store: Store) -> None:
    record = make_record()
    put(store, record, products())
    newer = product("evts21_01.csv", b"event_id\nnew\n", "text/csv; charset=utf-8")
    name, sha256 = newer.reference.name, newer.reference.sha256
    store.put_file(record.kid, name, sha256, [newer.content], most=MOST)
    assert store.get_file(record.kid, name).path.read_bytes() == products()[0].content
    assert store.get_file(record.kid, name, sha256).path.read_bytes() == newer.content
    store.put_resource(make_record(files=[newer, *products()[1:]]))
    assert store.get_file(record.kid, name).sha256 == sha256


def test_a_file_with_another_digest_or_too_large_leaves_nothing(store: Store) -> None:
    record = make_record()
    digest = hashlib.sha256(b"right").hexdigest()
    with pytest.raises(RefusedError, match="announced"):
        store.put_file(record.kid, "a.csv", digest, [b"wro", b"ng"], most=MOST)
    with pytest.raises(TooLargeError, match="4 bytes"):
        store.put_file(record.kid, "a.csv", digest, [b"rig", b"ht"], most=4)
    with pytest.raises(NotFoundError):
        store.get_file(record.kid, "a.csv", digest)
    kept = store.blobs.path(digest).parent
    assert list(kept.iterdir()) == []


def test_a_file_that_was_damaged_on_disk_is_not_served_and_can_be_sent_again(store: Store) -> None:
    record = make_record()
    put(store, record, products())
    file = products()[0]
    store.blobs.path(file.reference.sha256).write_bytes(b"cut")
    with pytest.raises(NotFoundError):
        store.get_file(record.kid, file.reference.name)
    put(store, record, [file])
    assert store.get_file(record.kid, file.reference.name).path.read_bytes() == file.content


def test_a_full_disk_is_told_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    blocked = tmp_path / "odc" / "files" / digest[:2]
    blocked.symlink_to("/dev/full")
    with pytest.raises(FileError, match="cannot write"):
        store.put_file(make_record().kid, "a.csv", digest, [b"x"], most=MOST)
    assert store.find(Query()).total == 0


def test_withdrawing_leaves_a_tombstone_until_it_is_written_again(store: Store) -> None:
    record = make_record()
    put(store, record, products())
    store.withdraw(record.kid, "wrong calibration")
    for read in (
        lambda: store.get_resource(record.kid),
        lambda: store.get_file(record.kid, "evts21_01.csv"),
    ):
        with pytest.raises(GoneError, match="wrong calibration"):
            read()
    assert store.find(Query()).total == 0
    with pytest.raises(GoneError):
        store.withdraw(record.kid, "again")
    assert store.put_resource(record) is Outcome.CREATED
    assert store.get_resource(record.kid) == record


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), ["evts20_01", "evts21_01"]),
        (Query(q="up-going"), ["evts21_01"]),
        (Query(q="UP-GOING 9505"), ["evts21_01"]),
        (Query(q="muons run"), ["evts20_01", "evts21_01"]),
        (Query(q="angular_error"), ["evts20_01", "evts21_01"]),
        (Query(q="evts20"), ["evts20_01"]),
        (Query(q="nothing-like-it"), []),
        (Query(q="%"), []),
        (Query(q="evts2__01"), []),
        (Query(ktype=Ktype.EVENTS), ["evts20_01", "evts21_01"]),
        (Query(ktype=Ktype.PLOT), []),
        (Query(collection="samples26_01"), ["evts20_01", "evts21_01"]),
        (Query(identifier="evts20_01"), ["evts20_01"]),
        (Query(limit=1, offset=1), ["evts21_01"]),
    ],
)
def test_resources_are_found(store: Store, query: Query, expected: list[str]) -> None:
    for identifier in ("evts21_01", "evts20_01"):
        put(store, make_record(identifier, files=[]), [])
    assert [found.identifier for found in store.find(query).resources] == expected


def test_words_are_found_whatever_their_case_and_composition(store: Store) -> None:
    title = "Événements du détecteur ΣΚΥΛΛΑ"
    put(store, make_record(files=[], publication={"title": title}), [])
    for words in ("événements", "E\u0301VE\u0301NEMENTS", "σκυλλα"):
        assert store.find(Query(q=words)).total == 1


def test_the_latest_version_is_the_one_with_the_largest_number(store: Store) -> None:
    for version in ("1.9", "1.10", "1.2"):
        put(store, make_record(version=version, files=[]), [])
    assert store.latest("evts21_01").publication.version == "1.10"
    assert [r.version for r in store.find(Query(latest=True)).resources] == ["1.10"]
    assert [r.version for r in store.find(Query()).resources] == ["1.10", "1.9", "1.2"]
    store.withdraw(store.latest("evts21_01").kid, "")
    assert store.latest("evts21_01").publication.version == "1.9"


numbers = st.lists(st.integers(0, 10**20), min_size=1, max_size=3)


@given(numbers, numbers)
def test_versions_are_ordered_as_numbers(one: list[int], other: list[int]) -> None:
    keys = [version_key(".".join(map(str, parts))) for parts in (one, other)]
    full = [[*parts, 0, 0][:3] for parts in (one, other)]
    assert (keys[0] < keys[1]) == (full[0] < full[1])
    assert (keys[0] == keys[1]) == (full[0] == full[1])


def test_streams_and_collections_come_back(store: Store) -> None:
    collection = make_collection()
    stream = KM3ResourceStream(
        identifier="acoustic20_01_psd", title="Spectra", ktype=Ktype.ACOUSTIC_PSD,
        description="Spectral statistics of one hydrophone.",
    )  # fmt: skip
    for record in (collection, stream):
        assert store.groupings.put(record) is Outcome.CREATED
        assert store.groupings.put(record) is Outcome.UNCHANGED
    assert store.groupings.get(KM3ResourceCollection, "samples26_01") == collection
    assert store.groupings.get(KM3ResourceStream, "acoustic20_01_psd") == stream
    renamed = collection.model_copy(update={"title": "Another title"})
    assert store.groupings.put(renamed) is Outcome.REPLACED
    assert store.groupings.all(KM3ResourceCollection) == (renamed,)
    with pytest.raises(NotFoundError, match="no stream 'evts99_99'"):
        store.groupings.get(KM3ResourceStream, "evts99_99")


def test_named_resources_come_in_the_order_asked_for(store: Store) -> None:
    records = [make_record(version=f"{number}", files=[]) for number in (1, 2, 3)]
    for record in records:
        put(store, record, [])
    wanted = [records[2].kid, make_record("evts20_01").kid, records[0].kid]
    assert [found.kid for found in store.named(wanted)] == [records[2].kid, records[0].kid]
    assert store.count_by_ktype() == {Ktype.EVENTS: 3}


def test_only_one_process_can_own_a_directory(tmp_path: Path) -> None:
    first = Store(tmp_path / "odc")
    with pytest.raises(BusyError, match="another Open Data Center"):
        Store(tmp_path / "odc")
    first.close()
    Store(tmp_path / "odc").close()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="cannot use"):
        Store(tmp_path / "file" / "odc")


def test_what_a_crash_left_behind_is_swept(tmp_path: Path) -> None:
    Store(tmp_path / "odc").close()
    left = tmp_path / "odc" / "files" / "ab" / ".abcdef.x1.part"
    left.parent.mkdir()
    left.write_bytes(b"half")
    Store(tmp_path / "odc").close()
    assert not left.exists()


def test_everything_is_there_after_opening_again(tmp_path: Path, database: str) -> None:
    store = Store(tmp_path / "odc", database)
    record = make_record()
    put(store, record, products())
    store.close()
    store = Store(tmp_path / "odc", database)
    assert store.get_resource(record.kid) == record
    assert store.put_resource(record) is Outcome.UNCHANGED
    store.close()


def test_a_lock_is_given_up_by_a_dead_process_only(tmp_path: Path) -> None:
    store = Store(tmp_path / "odc")
    handle = os.open(tmp_path / "odc" / "lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    store.close()
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)


def test_a_published_file_cannot_lose_its_upload(tmp_path: Path) -> None:
    store = Store(tmp_path / "odc")
    put(store, make_record(), products())
    store.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'odc' / 'odc.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()
