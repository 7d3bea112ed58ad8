"""What generators of neutrinos list, against uproot, and its names against km3io's."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import km3io.definitions
import numpy as np
import numpy.lib.recfunctions as rfn
import pytest
import uproot
from km3net_testdata import data_path

from tests.unit.events.conftest import MakeSection
from vopub.errors import DescriptionError, InputError
from vopub.events.convert import Reduction
from vopub.events.readers import open_reader
from vopub.events.readers.w2list import W2LIST, columns_listed, places_listed
from vopub.events.recipe import Recipe
from vopub.model.event_table import concatenate

SHORT = "offline/mcv5.11r2.gsg_muonCChigherE-CC_50-5000GeV.km3_AAv1.jterbr00004695"
SHORT += ".jchain.aanet.498.root"
"""Lists the first seven numbers alone."""
GENERATED = {
    "offline/multiHead.root": "gseagen",
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root": "gseagen",
    "gseagen/DAT000001.gSeaGen.1.aa.root": "gseagen",
    SHORT: "gseagen",
    "offline/numucc.root": "genhen",
}  # fmt: skip
DESCRIBED = {"ucd": "stat.weight", "description": "A number that the generator lists."}


@pytest.mark.parametrize("generator", W2LIST)
def test_the_names_and_places_are_those_of_the_data_definitions(generator: str) -> None:
    theirs = getattr(km3io.definitions, f"w2list_{generator}")
    assert W2LIST[generator] == {name.lower(): place for name, place in theirs.items()}


@pytest.mark.parametrize(("name", "generator"), GENERATED.items())
def test_what_is_listed_is_what_uproot_reads(name: str, generator: str) -> None:
    with uproot.open(data_path(name)) as file:
        lists = file["E/Evt/w2list"].array().tolist()
    with open_reader(Path(data_path(name))) as reader:
        names = reader.find_summaries()[f"w2list_{generator}"]
        (chunk,) = reader.chunks(10_000)
        for one in names:
            place = W2LIST[generator][one]
            listed = np.array([values[place] for values in lists])
            np.testing.assert_array_equal(
                chunk.values[one], np.where(np.isfinite(listed), listed, np.nan)
            )
    longest = max(map(len, lists))
    assert set(names) == {n for n, place in W2LIST[generator].items() if place < longest}


@pytest.mark.parametrize(
    ("said", "found"),
    [("GENHEN 7.2", True), ("", False), ("muons of MUPAGE", False), ("GENHEN gSeaGen", False)],
)
def test_a_list_means_something_only_if_one_generator_is_named(said: str, found: bool) -> None:
    assert bool(places_listed({"physics": said}, 6)) is found


def test_they_are_weights_of_a_table(make_section: MakeSection) -> None:
    path = Path(data_path("offline/numucc.root"))
    column = "w2list_genhen_column_depth"
    section = make_section(
        columns=("event_id", column, "transmitted"), detector="ARCA",
        overrides={column: {**DESCRIBED, "unit": "g.cm**-2"}},
        derived={"transmitted": {
            "formula": "weight_w2 * w2list_genhen_p_earth", **DESCRIBED, "unit": "",
        }},
    )  # fmt: skip
    chunks = list(Reduction([path], section, simulated=True))
    table = concatenate(chunks[0].parameters, chunks)
    with uproot.open(path) as file:
        lists = file["E/Evt/w2list"].array().tolist()
    assert set(table.columns[column]) <= {values[3] for values in lists}
    assert len(set(table.columns[column])) > 1
    assert np.isfinite(table.columns["transmitted"]).all()
    with pytest.raises(DescriptionError, match=f"only simulated events have '{column}'"):
        Recipe(section, simulated=False)


def test_another_generator_is_refused(make_section: MakeSection) -> None:
    section = make_section("w2list_gseagen_bx > 0", columns=("event_id",), detector="ARCA")
    path = Path(data_path("offline/numucc.root"))
    with pytest.raises(InputError, match="does not give w2list_gseagen_bx; did you mean w2list_"):
        list(Reduction([path], section, simulated=True))


def with_list(target: Path) -> tuple[Path, np.ndarray]:
    """Write a copy of a file of km3pipe whose events list what gSeaGen tells."""
    shutil.copy(data_path("hdf5/mupage_ARCA.h5"), target)
    with h5py.File(target, "r+") as file:
        rows, attributes = file["event_info"][:], dict(file["event_info"].attrs)
        depths = np.linspace(1, 2, len(rows))
        depths[0] = -999
        added = rfn.append_fields(rows, "W2LIST_GSEAGEN_COLUMN_DEPTH", depths, usemask=False)
        del file["event_info"]
        file["event_info"] = added
        file["event_info"].attrs.update(attributes)
    return target, depths


def test_columns_of_hdf5_files(tmp_path: Path) -> None:
    path, depths = with_list(tmp_path / "listed.h5")
    name = "w2list_gseagen_column_depth"
    with open_reader(path) as reader:
        assert reader.find_summaries() == {"w2list_gseagen": (name,)}
        values = np.concatenate([chunk.values[name] for chunk in reader.chunks(2)])
    np.testing.assert_array_equal(values, np.where(depths == -999, np.nan, depths))


def test_other_columns_are_none() -> None:
    assert columns_listed(["weight_w2", "W2LIST_GSEAGEN_NONE", "W2LIST_GENHEN_BX"]) == {
        "w2list_genhen_bx": "W2LIST_GENHEN_BX"
    }
