"""The table of runs and the chart that go with a table of events."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pandas as pd
import pytest

from vopub.formats.csv import read_csv
from vopub.formats.products import read_manifest, verify
from vopub.model.resource import FileRole
from vopub.model.run_table import run_table
from vopub.publish.convert import Source, Way, make_table
from vopub.resources import read_folder
from vopub.settings import load_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("resources") / "evts21_01"
    shutil.copytree(ROOT / "resources" / "evts21_01", place)
    shutil.copy(Path(__file__).with_name("good_runs.csv"), place)
    path = place / "resource.toml"
    path.write_text(
        path.read_text().replace("[events]\n", '[events]\ngood_runs = "good_runs.csv"\n')
    )
    folder = read_folder(place)
    publisher = load_settings(environ={}, directory=ROOT).publisher
    source = Source(folder.description, folder.inputs(), folder.good_runs(), publisher)
    out = tmp_path_factory.mktemp("made") / "evts21_01"
    make_table(source, out, Way())
    return out


def test_a_list_that_says_what_the_file_says_cuts_no_event(products: Path) -> None:
    dataset = read_csv(products / "evts21_01.csv")
    (run,) = dataset.metadata.data_taking.runs
    assert (run.source, run.events_read, run.events_kept) == ("good-run list", 2499, 230)
    assert (run.livetime, dataset.metadata.data_taking.livetime) == (21593.2, 21593.2)
    assert [(cut.reason, cut.events) for cut in dataset.metadata.account.cuts] == [
        ("run is not in the good-run list", 0),
        ("outside the start and stop of the good-run list", 0),
        ("up-going", 2265),
    ]


def test_the_runs_are_a_table_that_is_read_back(products: Path) -> None:
    events = read_csv(products / "evts21_01.csv").metadata
    path = products / "evts21_01.runs.csv"
    runs = read_csv(path)
    assert runs.table.equals(run_table(events.data_taking))
    assert runs.metadata.simulated is False
    with path.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["run_start"], row["livetime"]) == ("2021-02-24T12:00:05Z", "21593.2")


def test_runs_are_in_the_hdf5_file(products: Path) -> None:
    runs = pd.read_hdf(products / "evts21_01.h5", "runs")
    assert (runs["run"].tolist(), runs["events_kept"].tolist()) == ([9505], [230])
    assert runs["quality"].tolist() == ["not assessed (sample)"]


def test_the_manifest_lists_them(products: Path) -> None:
    verify(products)
    manifest = read_manifest(products)
    assert manifest is not None
    roles = {file.name: file.role for file in manifest.files}
    assert roles["evts21_01.runs.csv"] is FileRole.RUNS
    assert roles["evts21_01.runs.metadata.json"] is FileRole.METADATA
    assert roles["evts21_01.cutflow.svg"] is FileRole.PREVIEW


def test_the_list_is_in_the_provenance(products: Path) -> None:
    provenance = read_csv(products / "evts21_01.csv").metadata.provenance
    assert [e.name for e in provenance.entities if e.description == "Good-run list"] == [
        "good_runs.csv"
    ]
