"""A version of a resource is one record, on either database, and old stores keep what they have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

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


def test_two_that_an_old_store_has_stay_and_are_exported(tmp_path: Path) -> None:
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
    store.close()
    places = {path.parent.name for path in out.glob("resources/evts21_01/*/record.json")}
    assert places == {"1.0", f"1.0 {theirs.kid}"}
    new = Store(tmp_path / "new")
    with pytest.raises(TakenError, match=str(theirs.kid)):
        import_into(new, out)
    assert new.get_resource(UUID(str(ours.kid))).rows == 5
    new.close()
