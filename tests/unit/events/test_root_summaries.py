"""Summaries of events in DST files, against what uproot finds in the tree ``T``."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from km3net_testdata import data_path

from tests.unit.events.conftest import MakeSection, rewrite
from vopub.errors import DescriptionError, InputError, SelectionError
from vopub.events.convert import Reduction
from vopub.events.inspect import inspect
from vopub.events.readers import open_reader
from vopub.events.recipe import Recipe
from vopub.model.event_table import EventTable, concatenate

DST = sorted(path.name for path in Path(data_path("dst/orca6_sample.root")).parent.glob("*.root"))
LISTED = "w2list_gseagen"
NOTHING = (-999.0, 1e20, 1e50, -1e50)
DESCRIBED = {"ucd": "meta.number", "description": "A number that a test asks for."}
NUMBERS = {"int32_t": (), "double": (), "float": (), "float[2]": (2,)}


def expected(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the numbers in the tree, with names made from the paths in it."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    with uproot.open(path) as file:
        for key, branch in file["T"].items():
            top, last = key.split("/")[0], key.split("/")[-1]
            if branch.branches or last.endswith(("fUniqueID", "fBits")):
                continue
            name = f"dst_{top}_{last.removeprefix(top + '.')}" if last != top else f"dst_{top}"
            name = (
                re.sub(r"\[.*|(?<=dst_crkv_hits_)crkv_hits\.", "", name).replace(".", "_").lower()
            )
            if branch.typename in NUMBERS or branch.typename.endswith("[][3]"):
                array = ak.to_numpy(branch.array())
                for place in np.ndindex(array.shape[1:]):
                    full = "_".join((name, *map(str, place)))
                    found[full] = array[(slice(None), *place)].astype(np.float64)
    return found


def table_of(path: Path, section: Any, *, simulated: bool = False) -> EventTable:
    chunks = list(Reduction([path], section, simulated=simulated))
    return concatenate(chunks[0].parameters, chunks)


@pytest.mark.parametrize("name", DST)
def test_all_numbers_of_the_tree_are_offered(name: str) -> None:
    path = Path(data_path(f"dst/{name}"))
    numbers = expected(path)
    with open_reader(path) as reader:
        found = reader.find_summaries()
        offered = {one for key, names in found.items() if key != LISTED for one in names}
        assert offered == set(numbers)
        chunks = [(chunk.values, len(chunk)) for chunk in reader.chunks(1000)]
        for one, there in numbers.items():
            given = np.concatenate([values[one] for values, _ in chunks])
            known = np.isfinite(there) & ~np.isin(there, NOTHING)
            np.testing.assert_array_equal(given, np.where(known, there, np.nan), err_msg=one)
    assert len(numbers) > 35


def test_nothing_of_them_is_read_unless_it_is_asked_for(orca6: Path) -> None:
    with open_reader(orca6) as reader:
        (chunk,) = reader.chunks(10_000)
        assert not [name for name in chunk.values if name.startswith("dst_")]


def test_a_selection_a_column_and_a_formula(orca6: Path, make_section: MakeSection) -> None:
    section = make_section(
        "dst_sum_trig_hits_nhits >= 20 and dst_feat_neutrino2020_gandalf_nhits > 30",
        "dst_coords_trackfit_dec > -2",
        columns=("event_id", "dst_sum_hits_ndoms", "hits_per_string", "dst_coords_mjd"),
        overrides={
            "dst_sum_hits_ndoms": {**DESCRIBED, "dtype": "int32", "null": ""},
            "dst_coords_mjd": {**DESCRIBED, "unit": "d"},
        },
        derived={
            "hits_per_string": {
                "formula": "dst_sum_hits_nhits / dst_sum_hits_nlines",
                "ucd": "meta.number;arith.ratio",
                "description": "Hits for each string with hits.",
            }
        },
    )
    numbers = expected(orca6)
    with open_reader(orca6) as reader:
        (chunk,) = reader.chunks(10_000)
        found, _ = chunk.tracks.best("jmuon", ())
    kept = (numbers["dst_sum_trig_hits_nhits"] >= 20) & found
    kept &= numbers["dst_feat_neutrino2020_gandalf_nhits"] > 30
    kept &= (numbers["dst_coords_trackfit_dec"] > -2) & (numbers["dst_coords_trackfit_dec"] != -999)
    assert 0 < kept.sum() < found.sum()
    table = table_of(orca6, section)
    assert table.columns["dst_sum_hits_ndoms"].dtype == np.int32
    assert (
        table.columns["dst_sum_hits_ndoms"].tolist() == numbers["dst_sum_hits_ndoms"][kept].tolist()
    )
    ratio = numbers["dst_sum_hits_nhits"] / numbers["dst_sum_hits_nlines"]
    assert table.columns["hits_per_string"].tolist() == ratio[kept].tolist()
    units = {parameter.name: parameter.unit for parameter in table.parameters}
    assert units["dst_coords_mjd"] == "d"


def test_a_number_that_stands_for_none_is_not_available(
    orca4: Path, make_section: MakeSection
) -> None:
    name = "dst_coords_trackfit_ra"
    section = make_section(columns=("event_id", name), overrides={name: DESCRIBED})
    column = table_of(orca4, section).columns[name]
    assert column.min(where=np.isfinite(column), initial=0) > -1
    other = make_section("dst_coords_showerfit_dec < 2", columns=("event_id",))
    with pytest.raises(SelectionError, match="no event is left"):
        table_of(orca4, other)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("dst/orca6_sample.root", "the file does not give dst_sum_hits_nhit; did you mean dst_sum"),
        ("offline/km3net_offline.root", "does not give dst_sum_hits_nhit; vopub inspect says"),
        ("hdf5/mupage_ARCA.h5", "does not give dst_sum_hits_nhit; vopub inspect says"),
    ],
)
def test_files_without_them_are_refused(file: str, told: str, make_section: MakeSection) -> None:
    simulated = file.startswith("hdf5")
    section = make_section(
        "dst_sum_hits_nhit > 3", columns=("event_id",), detector="ARCA" if simulated else "ORCA"
    )
    with pytest.raises(InputError, match=told):
        list(Reduction([Path(data_path(file))], section, simulated=simulated))


def test_a_tree_of_other_events_is_refused(
    orca6: Path, tmp_path: Path, make_section: MakeSection
) -> None:
    content = bytearray(orca6.read_bytes())
    with uproot.open(orca6) as file:
        key = file.key("T")
        seek, length = int(key.fSeekKey), int(key.fKeylen)
    block = seek + length
    packed = int.from_bytes(content[block + 3 : block + 6], "little")
    raw = zlib.decompress(content[block + 9 : block + 9 + packed])
    place = raw.index((2499).to_bytes(8, "big")) + 7
    rewrite(content, seek, ">B", {place: 2498 % 256})
    path = tmp_path / "short.root"
    path.write_bytes(content)
    section = make_section("dst_sum_hits_nhits > 3", columns=("event_id",))
    with pytest.raises(InputError, match=r"short.root: the tree T has 2498 entries, .* E 2499"):
        list(Reduction([path], section, simulated=False))
    with pytest.raises(InputError, match="the tree T has 2498 entries"):
        inspect(path)


@pytest.mark.parametrize(
    "cut", ["dst_sum_mc_evt_weight > 0", "dst_sum_mc_trks_etot > 1", "dst_coords_nu_ra > 0"]
)
def test_what_only_simulated_events_have(cut: str, make_section: MakeSection) -> None:
    section = make_section(cut, columns=("event_id",))
    with pytest.raises(DescriptionError, match="only simulated events have 'dst_"):
        Recipe(section, simulated=False)
    Recipe(section, simulated=True)


def test_the_truth_of_simulated_events(make_section: MakeSection) -> None:
    name = next(name for name in DST if "bdt_trk" in name)
    path = Path(data_path(f"dst/{name}"))
    column = "dst_sum_mc_evt_weight"
    section = make_section(
        columns=("event_id", column), detector="ARCA", overrides={column: DESCRIBED}
    )
    table = table_of(path, section, simulated=True)
    assert set(table.columns[column]) <= set(expected(path)[column])
    assert table.parameters[1].truth


def test_a_unit_that_nobody_declared_is_refused(make_section: MakeSection) -> None:
    section = make_section("dst_sum_hits_tmin > 3 ns", columns=("event_id",))
    with pytest.raises(SelectionError, match="dst_sum_hits_tmin, which has no unit"):
        Recipe(section, simulated=False)


def test_text_is_refused(make_section: MakeSection) -> None:
    name = "dst_sum_hits_tmin"
    text = {name: {**DESCRIBED, "dtype": "text", "null": ""}}
    with pytest.raises(DescriptionError, match=f"overrides.{name}.dtype: summaries are numbers"):
        Recipe(make_section(columns=("event_id", name), overrides=text), simulated=False)


def test_they_are_listed_by_branch(orca6: Path) -> None:
    found = inspect(orca6)
    assert {part: len(names) for part, names in found.summaries.items()} == {
        "dst_sum_jgandalf": 8, "dst_sum_hits": 6, "dst_sum_trig_hits": 6, "dst_coords": 7,
        "dst_crkv_hits": 24, "dst_feat_neutrino2020": 24, "dst_feat_dimitris": 24,
    }  # fmt: skip
    assert not inspect(Path(data_path("offline/km3net_offline.root"))).summaries
