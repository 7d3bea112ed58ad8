"""What an answer says is of one moment, and what is kept for others is not older than that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from vopub.model.resource import KM3ResourceCollection
from vopub.odc.schema import ResourceRow
from vopub.odc.search import EVERYTHING
from vopub.odc.store import Store

from .conftest import make_collection, make_record


def elsewhere(store: Store, version: str) -> None:
    """Write a resource and a collection as another request would."""
    collection = make_collection(f"samples0{version}_01")
    with ThreadPoolExecutor(1) as other:
        other.submit(store.put_resource, make_record(version=version, files=[])).result()
        other.submit(store.groupings.put, collection).result()


def total(store: Store) -> int:
    return store.find(EVERYTHING).total


def names(store: Store) -> list[str]:
    return [each.identifier for each in store.groupings.all(KM3ResourceCollection)]


def test_everything_that_is_read_inside_is_of_one_moment(store: Store) -> None:
    elsewhere(store, "1")
    with store.reading():
        assert total(store) == 1
        elsewhere(store, "2")
        assert total(store) == 1
        with store.reading() as inner, store.reading() as same:
            assert inner is same
    assert total(store) == 2


def test_what_is_kept_is_not_older_than_the_mark_it_is_kept_under(store: Store) -> None:
    elsewhere(store, "1")
    with store.reading():
        assert total(store) == 1
        elsewhere(store, "2")
        assert names(store) == ["samples01_01", "samples02_01"]
        assert b'"version":"2"' in store.catalog.body()
    assert names(store) == ["samples01_01", "samples02_01"]


def test_a_failure_inside_leaves_nothing_for_the_next(store: Store) -> None:
    elsewhere(store, "1")
    with pytest.raises(RuntimeError), store.reading():
        assert total(store) == 1
        raise RuntimeError
    elsewhere(store, "2")
    assert total(store) == 2


def test_what_is_changed_while_reading_is_not_written(store: Store) -> None:
    record = make_record(files=[])
    store.put_resource(record)
    with store.reading() as session:
        row = session.get(ResourceRow, str(record.kid))
        assert row is not None
        row.reason = "by mistake"
        assert session.scalar(select(ResourceRow.reason)) == ""
    assert store.life.present(record.kid).reason == ""
