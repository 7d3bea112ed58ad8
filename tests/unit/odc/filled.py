"""A store with some of everything, and whether it is still all there."""

from __future__ import annotations

import os
from pathlib import Path
from time import time

import pytest

from vopub.model.resource import KM3ResourceCollection
from vopub.odc.faults import GoneError
from vopub.odc.keeping import DAY, Verdict, examine
from vopub.odc.paging import Sort
from vopub.odc.search import Query
from vopub.odc.store import Store

from .conftest import CSV, make_collection, make_record, products

MOST = 1 << 20


def fill(store: Store) -> None:
    """Register two versions with the same files, one withdrawn resource and a collection."""
    for version in ("1.0", "1.1"):
        record = make_record(version=version)
        for file in products():
            reference = file.reference
            store.put_file(record.kid, reference.name, reference.sha256, [file.content], most=MOST)
        store.put_resource(record)
    withdrawn = make_record("evts20_01", files=[])
    store.put_resource(withdrawn)
    store.withdraw(withdrawn.kid, "wrong calibration")
    store.groupings.put(make_collection())


def check(store: Store) -> None:
    """Everything is there, and found."""
    for version in ("1.0", "1.1"):
        record = make_record(version=version)
        assert store.get_resource(record.kid) == record
        assert store.get_file(record.kid, "evts21_01.csv").path.read_bytes() == CSV
    with pytest.raises(GoneError, match="wrong calibration"):
        store.get_resource(make_record("evts20_01").kid)
    assert store.groupings.get(KM3ResourceCollection, "samples26_01") == make_collection()
    assert store.count(Query(q="muons", latest=True)).number == 1
    assert len(store.page(Query(), Sort.NEWEST).summaries) == 2


def verdicts(directory: Path, database: str) -> dict[str, Verdict]:
    """Return what is found of each file."""
    return {f.name: f.verdict for f in examine(directory, database)}


def age(store: Store, days: float) -> None:
    """Let all files have arrived so many days ago."""
    for path in store.blobs.path("00").parent.parent.glob("??/*"):
        os.utime(path, (time() - days * DAY, time() - days * DAY))
