"""The stage of a publication that makes its table, on processes of this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import awkward as ak
import uproot

from vopub.events.scale.processes import LocalWorkers
from vopub.events.scale.workers import Here, Workers
from vopub.files import sha256_of
from vopub.model.dataset import Manifest
from vopub.model.description import Cut
from vopub.publish.convert import Way, convert
from vopub.publish.state import Key
from vopub.resources import read_folder
from vopub.settings import load_settings

ROOT = Path(__file__).parents[3]
CUT = Cut(name="well reconstructed", keep="likelihood > 50")
KEY = Key(inputs="i", description="d", publisher="p", software="s")


def csv_of(workers: Workers, place: Path) -> str:
    """Make the table of two input files; return the digest of its rows."""
    folder = read_folder(ROOT / "resources" / "evts20_01")
    other = "package:km3net_testdata/data/dst/orca6_sample.root"
    events = folder.description.events.model_copy(
        update={
            "inputs": (*folder.description.events.inputs, other),
            "detector_ids": (),
            "selection": (CUT,),
        }
    )
    folder = replace(folder, description=folder.description.model_copy(update={"events": events}))
    publisher = load_settings(environ={}, directory=ROOT).publisher
    way = Way(place / "parts", workers=workers)
    build = convert(folder, KEY, publisher, place / "table", place / "build.json", way)
    assert build.metadata.account.read == 4999
    _check_cut_flow(build.manifest, folder.inputs())
    return sha256_of(place / "table" / "evts20_01.csv")


def _check_cut_flow(manifest: Manifest, inputs: tuple[Path, ...]) -> None:
    """Compare what the manifest says of each file with a count of its own."""
    assert [file.name for file in manifest.cut_flow] == [path.name for path in inputs]
    for file, path in zip(manifest.cut_flow, inputs, strict=True):
        with uproot.open(path) as root:
            tracks = root["E/Evt/trks"]
            likelihood, stages = (tracks[f"trks.{n}"].array() for n in ("lik", "rec_stages"))
        fitted = ak.num(stages, axis=2) > 0
        good = ak.any(fitted & (likelihood > 50), axis=1)
        assert file.account.read == len(likelihood)
        assert file.account.not_reconstructed.events == int(ak.sum(~ak.any(fitted, axis=1)))
        assert file.account.kept == int(ak.sum(good)) > 0
        assert [cut.reason for cut in file.account.cuts] == ["well reconstructed"]
        out = sum(excluded.events for excluded in file.account.excluded)
        assert file.account.read == file.account.kept + out
    assert sum(file.account.kept for file in manifest.cut_flow) == manifest.rows


def test_two_workers_publish_the_same_rows(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "one").mkdir()
    assert csv_of(LocalWorkers(2), tmp_path / "two") == csv_of(Here(), tmp_path / "one")
