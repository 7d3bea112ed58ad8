"""A version of a resource is one record, on either database, and old stores keep what they have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from vopub.errors import FileError
from vopub.model.resource import KM3OpenResource, make_kid
from vopub.odc.answers import Outcome
from vopub.odc.exchange import export, import_into
from vopub.odc.faults import TakenError
from vopub.odc.search import Query
from vopub.odc.store import Store

from .conftest import Centre, make_record, opened


@pytest.fixture
def centre(tmp_path: Path, database: str) -> Iterator[Centre]:
    with opened(tmp_path, database) as centre:
        yield centre


def under(authority: str, record: KM3OpenResource) -> KM3OpenResource:
    kid = make_kid(authority, record.identifier, record.publication.version)
    return record.model_copy(update={"kid": kid})


def test_a_version_is_one_record(centre: Centre) -> None:
    ours = make_record(files=[])
    theirs = under("others.invalid", ours)
    centre.client.put_resource(ours)
    address = f"/api/resources/{theirs.kid}"
    answer = centre.http.put(address, content=theirs.model_dump_json())
    assert answer.status_code == 409
    assert f"'evts21_01' cannot have version 1.0 as {theirs.kid}" in answer.json()["error"]
    assert str(ours.kid) in answer.json()["error"]
    # It may be written as another version, but not changed into this one afterwards.
    other = under("others.invalid", make_record(files=[], version="2.0"))
    centre.client.put_resource(other)
    changed = theirs.model_copy(update={"kid": other.kid})
    address = f"/api/resources/{other.kid}"
    assert centre.http.put(address, content=changed.model_dump_json()).status_code == 409
    centre.store.withdraw(ours.kid, "wrong calibration")  # its place stays its own
    assert centre.http.put(f"/api/resources/{theirs.kid}", content=theirs.model_dump_json()
                           ).status_code == 409  # fmt: skip
    centre.client.put_resource(ours)
    assert centre.store.count(Query()).number == 2


def test_a_version_does_not_come_twice_at_once(centre: Centre) -> None:
    ours = make_record(files=[], version="1.0")
    for version in ("1.0", "1", "1.00.0"):
        theirs = under("others.invalid", make_record(files=[], version=version))
        with pytest.raises(TakenError, match="to be written as well"):
            centre.store.put_resources([ours, theirs])
    assert centre.store.count(Query()).number == 0


def two_in_one_place(directory: Path) -> tuple[KM3OpenResource, KM3OpenResource]:
    """Make a store with two records of one version, as earlier versions of the service took."""
    ours = make_record(files=[])
    theirs = make_record(files=[], version="2.0")
    store = Store(directory)
    store.put_resources([ours, theirs])
    store.close()
    moved = theirs.model_copy(
        update={"publication": theirs.publication.model_copy(update={"version": "1.0"})}
    )
    engine = create_engine(f"sqlite:///{directory / 'odc.db'}")
    with engine.begin() as connection:
        (key,) = connection.execute(
            text("SELECT version_key FROM resources WHERE kid = :kid"), {"kid": str(ours.kid)}
        ).one()
        connection.execute(
            text("UPDATE resources SET record = :record, version_key = :key WHERE kid = :kid"),
            {"record": moved.model_dump_json(), "key": key, "kid": str(moved.kid)},
        )
    engine.dispose()
    return ours, moved


def test_two_that_an_old_store_has_stay_and_are_exported(tmp_path: Path, database: str) -> None:
    ours, theirs = two_in_one_place(tmp_path / "odc")
    store = Store(tmp_path / "odc")
    for record in (ours, theirs):
        assert store.get_resource(record.kid) == record
        assert store.put_resource(record) is Outcome.UNCHANGED
        changed = record.model_copy(update={"rows": 5})
        assert store.put_resource(changed) is Outcome.REPLACED
    with pytest.raises(TakenError):
        store.put_resource(under("others.invalid", ours))
    out = tmp_path / "out"
    assert export(tmp_path / "odc", "", out)["resources"] == 2
    places = {path.parent.name for path in out.glob("resources/evts21_01/*/record.json")}
    assert places == {"1.0", f"1.0 {theirs.kid}"}
    new = Store(tmp_path / "new", database)
    for _ in range(2):
        assert import_into(new, out)["resources"] == 2
        for record in (ours, theirs):
            assert new.get_resource(record.kid).rows == 5
            assert new.life.versions(record.kid) == store.life.versions(record.kid)
            assert new.life.history(record.kid) == store.life.history(record.kid)
        assert new.latest("evts21_01") == store.latest("evts21_01")
    with pytest.raises(TakenError):  # a third is none too many
        new.put_resource(under("others.invalid", ours))
    new.close()
    store.close()


def test_an_import_takes_no_version_over_and_says_what_to_do(tmp_path: Path, database: str) -> None:
    store = Store(tmp_path / "odc")
    theirs = under("others.invalid", make_record(files=[]))
    store.put_resources([make_record("evts20_01", files=[]), theirs])
    out = tmp_path / "out"
    export(tmp_path / "odc", "", out)
    store.close()
    ours = make_record(files=[])
    new = Store(tmp_path / "new", database)
    new.put_resource(ours)
    said = rf"evts21_01/1\.0: has version 1\.0 .* as {theirs.kid}, .* as {ours.kid}; nothing was"
    with pytest.raises(FileError, match=said):
        import_into(new, out)
    assert new.count(Query()).number == 1
    (out / "resources" / "evts21_01").rename(tmp_path / "aside")  # as the message says
    assert import_into(new, out)["resources"] == 1
    assert new.count(Query()).number == 2
    new.close()


def test_an_import_names_the_directory_of_what_breaks_a_rule(tmp_path: Path) -> None:
    store = Store(tmp_path / "odc")
    store.put_resource(make_record(files=[]))
    out = tmp_path / "out"
    export(tmp_path / "odc", "", out)
    path = out / "resources" / "evts21_01" / "1.0" / "record.json"
    broken = make_record(files=[], collection="No Identifier")
    path.write_text(broken.model_dump_json())
    for place in (store, new := Store(tmp_path / "new")):
        with pytest.raises(FileError, match=r"1\.0: .*collection: 'No Identifier' is not"):
            import_into(place, out)
    assert new.count(Query()).number == 0
    new.close()
    store.close()
