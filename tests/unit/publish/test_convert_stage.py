"""The stage of a publication that makes its table, on processes of this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vopub.events.scale.cluster import LocalWorkers
from vopub.events.scale.workers import Here, Workers
from vopub.files import sha256_of
from vopub.publish.convert import Way, convert
from vopub.publish.state import Key
from vopub.resources import read_folder
from vopub.settings import load_settings

ROOT = Path(__file__).parents[3]
KEY = Key(inputs="i", description="d", publisher="p", software="s")


def csv_of(workers: Workers, place: Path) -> str:
    """Make the table of two input files; return the digest of its rows."""
    folder = read_folder(ROOT / "resources" / "evts20_01")
    other = "package:km3net_testdata/data/dst/orca6_sample.root"
    events = folder.description.events.model_copy(
        update={"inputs": (*folder.description.events.inputs, other), "detector_ids": ()}
    )
    folder = replace(folder, description=folder.description.model_copy(update={"events": events}))
    publisher = load_settings(environ={}, directory=ROOT).publisher
    way = Way(place / "parts", workers=workers)
    build = convert(folder, KEY, publisher, place / "table", place / "build.json", way)
    assert build.metadata.account.read == 4999
    return sha256_of(place / "table" / "evts20_01.csv")


def test_two_workers_publish_the_same_rows(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "one").mkdir()
    assert csv_of(LocalWorkers(2), tmp_path / "two") == csv_of(Here(), tmp_path / "one")
