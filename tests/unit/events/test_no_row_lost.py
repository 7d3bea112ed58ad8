"""No event is lost: for every file of the collaboration's test data, by an independent count.

The events, and those of them that have a reconstruction, are counted here with uproot, h5py and
PyTables alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import tables
import uproot
from km3net_testdata import data_path

from vopub.errors import InputError, SelectionError
from vopub.events.convert import Reduction
from vopub.events.readers import open_reader
from vopub.model.description import Cut, EventsSection
from vopub.model.event_table import EventAccount

DATA = Path(data_path("offline/numucc.root")).parents[1]
FOLDERS = ("offline", "gseagen", "mupage", "dst", "hdf5", "seatray")
ELSEWHERE = {
    "acoustics": 4, "astro": 10, "calib": 3, "corsika": 3, "daq": 12, "datx": 1, "db": 8,
    "detector_geometry": 6, "detx": 14, "evt": 5, "gibuu": 4, "online": 11, "oscillations": 3,
    "pmt": 1,
}  # fmt: skip
"""The other folders, which hold no level-2 events, and how many files each has."""
BEFORE_RECONSTRUCTION = {
    "KM3NeT_00000133_JDAQEvent.root": "KM3NET_EVENT",
    "KM3NeT_00000267_00025291_JDAQEvent_JDAQSummaryslice.root": "KM3NET_EVENT",
    "KM3NeT_00000267_00025291_L1.root": "KM3NET_TIMESLICE_L1",
    "KM3NeT_00000267_00025291_SN.root": "KM3NET_TIMESLICE_SN",
    "events_sample.root": "KM3NET_EVENT",
    "km3net_online.root": "KM3NET_EVENT",
    "muon_cc_daqevents.root": "KM3NET_EVENT",
}
"""Files of the data acquisition, and the first tree that they hold."""
PROTOTYPE = "hdf5/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.hdf5"
OFFICIAL = (
    "offline/KM3NeT_00000049_00011291.mc.gsg_neutrinos.km3sim_sirene_merged.jterbr."
    "jppmuon_jppshower_static.offline.v9.2.sample"
)
ELECTRONS = "offline/mcv5.0.gsg_elec-CC_10-100GeV.km3sim.JDK.jte.jmergefit.orca"
MCV6_DST = "dst/mcv6.gsg_numu-CCHEDIS_1e2-1e8GeV.sirene.jte.jchain.aashower.dst.bdt_trk.bdt_casc"

Counter = Callable[[Path], int]


def in_root(path: Path, *, kind: int, first: int, last: int) -> int:
    """Count the events of a tree with a track of a type whose stages are all from first to last."""
    with uproot.open({path: "E"}) as tree:
        types = tree["trks.rec_type"].array().tolist()
        stages = tree["trks.rec_stages"].array().tolist()
    return sum(
        any(
            t == kind and s and all(first <= stage <= last for stage in s)
            for t, s in zip(event_types, event_stages, strict=True)
        )
        for event_types, event_stages in zip(types, stages, strict=True)
    )


def in_table(path: Path, *, name: str, key: str, kind: int | None = None) -> int:
    """Count the events that a table of tracks names, if they have a direction and are of a type."""
    with tables.open_file(path) as file:  # also unpacks what h5py cannot
        rows = file.get_node(f"/{name}").read()
    good = rows["dir_x"] ** 2 + rows["dir_y"] ** 2 + rows["dir_z"] ** 2 > 0.5
    if kind is not None:
        good &= rows["rec_type"] == kind
    return len(np.unique(rows[key][good]))


def with_energy(path: Path) -> int:
    """Count the fits of Dusj that are any: the others are zero throughout."""
    with tables.open_file(path) as file:
        return int((file.get_node("/reco/dusj").col("d_E") > 0).sum())


def existing(path: Path) -> int:
    """Count the fits that a table of SeaTray says exist."""
    with h5py.File(path) as file:
        return int(file["AafitFinalFit"]["exists"].sum())


def all_of_them(path: Path) -> int:
    """Count every event as reconstructed."""
    return events_in(path)


JMUON = partial(in_root, kind=4000, first=0, last=99)
JSHOWER = partial(in_root, kind=4000, first=100, last=199)
AASHOWER = partial(in_root, kind=101, first=300, last=399)


@dataclass(frozen=True)
class Case:
    """A file, a reconstruction that it has, and how to count the events that have it."""

    name: str
    reconstruction: str
    reconstructed: Counter
    simulated: bool = True
    detector: str = "ORCA"
    cut: str = "zenith < 90 deg"


PUBLISHED = [
    Case(f"{OFFICIAL}.root", "jmuon", JMUON),
    Case(f"{OFFICIAL}.root", "jshower", JSHOWER),
    Case("offline/km3net_offline.root", "jmuon", JMUON, simulated=False),
    Case("offline/mcv5.0.DAT004340.propa.sirene.jte.jchain.aanet.4340.root", "jmuon", JMUON),
    Case(f"{ELECTRONS}.909.evtsample.root", "jmuon", JMUON),
    Case(f"{ELECTRONS}.909.evtsample.root", "jshower", JSHOWER),
    Case(f"{ELECTRONS}.aanet.909.evtsample.root", "jmuon", JMUON),
    Case(f"{ELECTRONS}.aanet.909.evtsample.root", "jshower", JSHOWER),
    Case(
        "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root", "jmuon", JMUON
    ),
    Case(
        "offline/mcv5.11r2.gsg_muonCChigherE-CC_50-5000GeV.km3_AAv1.jterbr00004695.jchain.aanet"
        ".498.root",
        "jmuon", JMUON,
    ),
    Case(
        "offline/mcv6.0.gsg_muon_highE-CC_50-500GeV.km3sim.jterbr00008357.jorcarec.aanet.905.root",
        "jmuon", JMUON,
    ),
    Case(
        "offline/mcv6.gsg_nue-CCHEDIS_1e4-1e6GeV.sirene.jte.jchain.aanet.1.root", "jmuon", JMUON
    ),
    Case("offline/numucc.root", "jmuon", JMUON),
    Case("dst/mcv5.1.km3_numuCC.ALL.dst.bdt.10events.root", "jmuon", JMUON),
    Case(f"{MCV6_DST}.10events.root", "jmuon", JMUON),
    Case(f"{MCV6_DST}.10events.root", "aashower", AASHOWER),
    Case("dst/orca4_sample.root", "jmuon", JMUON, simulated=False),
    Case("dst/orca6_sample.root", "jmuon", JMUON, simulated=False),
    Case(
        "hdf5/basic_analysis_sample.h5", "jmuon",
        partial(in_table, name="reco/gandalf", key="event_id"),
    ),
    Case(
        "hdf5/geamon.h5", "jmuon",
        partial(in_table, name="reco/tracks", key="group_id", kind=4000),
    ),
    Case(
        "hdf5/mupage_ARCA.h5", "jmuon",
        partial(in_table, name="reco/tracks", key="group_id", kind=4000),
    ),
    Case(
        "hdf5/numu_cc_test.h5", "jmuon", partial(in_table, name="reco/gandalf", key="event_id")
    ),
    Case("hdf5/numu_cc_test.h5", "dusj", with_energy, cut="zenith > 90 deg"),
    Case(
        "hdf5/test_event_info.h5", "jmuon",
        partial(in_table, name="reco/jmuongandalf", key="group_id"),
    ),
    Case(PROTOTYPE, "jmuon", all_of_them),
    Case("seatray/antares.h5", "aafit", existing, simulated=False, detector="ANTARES"),
]  # fmt: skip

WITHOUT_RECONSTRUCTION = {
    "offline/multiHead.root": 10,
    "offline/muon_cc_events.root": 1000,
    "offline/usr-sample.root": 3,
    "gseagen/DAT000001.gSeaGen.1.aa.root": 8,
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root": 82,
    "mupage/mcv8.1.mupage_tuned_100G.sirene.jterbr00013288.10.root": 10,
}
WITHOUT_EVENTS = (
    "offline/empty_events.root",
    "online/KM3NeT_00000049_00008456.summaryslice-167941.root",
    "online/summaryslices.root",
)
"""All hold the summary slices that level-2 files keep, so that nothing tells them apart."""
REFUSED = {
    f"{OFFICIAL}.md": "no known layout (begins with b'# File d')",
    "gseagen/gseagen.root": "no event tree 'E'; the file holds Events (TTree), Header (TTree)",
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.evt": "no known layout (begins with b'start_ru')",
    "mupage/mcv5.0.mupage_1G.5.evt": "no known layout (begins with b'start_ru')",
    "hdf5/atmospheric_muons_sample.h5": "500 events, none of them reconstructed",
    "hdf5/mcv5.40.mupage_10G.sirene.jterbr00006060.962.root.h5":
        "10 events, none of them reconstructed",
    "hdf5/raw_header.h5": "no events: /event_info is missing",
    "hdf5/geamon.h5.prov.json": "no known layout",
    "hdf5/mupage_ARCA.h5.prov.json": "no known layout",
}  # fmt: skip
"""Files that hold no events, or none that could be published, and what is said of them."""


def events_in(path: Path) -> int:
    """Count the events of a file without the project's readers."""
    if path.suffix == ".root":
        with uproot.open({path: "E"}) as tree:
            return int(tree.num_entries)
    with h5py.File(path) as file:
        tables_of_events = ("event_info", "ID", "AafitFinalFit")
        (name,) = [name for name in tables_of_events if name in file]
        return len(file[name])


def section(case: Case, *keep: str) -> EventsSection:
    cuts = tuple(Cut(name="down-going", keep=text) for text in keep)
    return EventsSection.model_validate(
        {
            "inputs": ("a",),
            "detector": case.detector,
            "reconstruction": case.reconstruction,
            "columns": ("event_id", "zenith", "azimuth", "energy", "likelihood"),
            "selection": cuts,
        }
    )


@cache
def take(case: Case, *keep: str, rows: int) -> tuple[EventAccount, list[float], set[str]]:
    """Return the account, and zenith and name of every row."""
    reduction = Reduction(
        [DATA / case.name], section(case, *keep), simulated=case.simulated, rows=rows
    )
    zenith: list[float] = []
    names: set[str] = set()
    for chunk in reduction:
        zenith += chunk["zenith"].tolist()
        names |= set(chunk["event_id"])
    return reduction.account, zenith, names


def total(account: EventAccount) -> int:
    """Add up where the events went."""
    gone = (account.not_reconstructed, account.repeated, *account.cuts, *account.malformed)
    return account.kept + sum(entry.events for entry in gone)


def called(case: Case) -> str:
    return f"{case.name.rpartition('/')[2][:40]}-{case.reconstruction}"


@pytest.mark.parametrize("case", PUBLISHED, ids=called)
def test_every_event_is_accounted_for(case: Case) -> None:
    path = DATA / case.name
    account, zenith, names = take(case, rows=1000)
    assert account.read == events_in(path) == total(account)
    assert account.read - account.not_reconstructed.events == case.reconstructed(path)
    assert account.kept == len(zenith) == len(names) > 0
    assert account.malformed == ()
    assert account.repeated.events == 0


@pytest.mark.parametrize("case", PUBLISHED, ids=called)
def test_every_event_is_accounted_for_with_a_cut(case: Case) -> None:
    _, all_of, every = take(case, rows=1000)
    account, zenith, names = take(case, case.cut, rows=97)
    stays = sum((value < 90) == ("<" in case.cut) for value in all_of)
    assert account.read == events_in(DATA / case.name) == total(account)
    assert account.kept == len(zenith) == stays
    assert account.cuts[0].events == len(all_of) - stays
    assert names <= every


@pytest.mark.parametrize(("name", "events"), WITHOUT_RECONSTRUCTION.items())
def test_files_without_reconstruction_say_so(name: str, events: int) -> None:
    path = DATA / name
    assert events_in(path) == events
    with open_reader(path) as reader:
        simulated = bool(reader.header.simulated)
        assert reader.entries == events
    case = Case(name, "jmuon", JMUON, simulated=simulated)
    assert case.reconstructed(path) == 0
    with pytest.raises(SelectionError) as raised:
        take(case, rows=1000)
    what = f"no event is left of {events} read: {events} no reconstruction of the chosen kind"
    assert f"{path.name}: {what}" in str(raised.value)


@pytest.mark.parametrize("name", WITHOUT_EVENTS)
def test_files_without_events_say_so(name: str) -> None:
    assert events_in(DATA / name) == 0
    with pytest.raises(SelectionError, match="no event is left of 0 read"):
        take(Case(name, "jmuon", JMUON), rows=1000)


@pytest.mark.parametrize(("name", "what"), REFUSED.items())
def test_other_files_are_refused_with_a_reason(name: str, what: str) -> None:
    with pytest.raises(InputError) as raised:
        open_reader(DATA / name)
    message = str(raised.value)
    assert message.startswith(f"{DATA / name}: {what}")
    assert "\n" not in message


@pytest.mark.parametrize("folder", ELSEWHERE)
def test_whatever_holds_no_level_2_events_is_refused(folder: str) -> None:
    paths = [path for path in (DATA / folder).iterdir() if path.is_file() and path.suffix != ".py"]
    assert len(paths) == ELSEWHERE[folder]
    for path in (path for path in paths if f"{folder}/{path.name}" not in WITHOUT_EVENTS):
        with pytest.raises(InputError) as raised:
            open_reader(path)
        message = str(raised.value)
        assert message.startswith(str(path))
        assert "\n" not in message
        assert "did not foresee" not in message


@pytest.mark.parametrize(("name", "tree"), BEFORE_RECONSTRUCTION.items())
def test_what_the_data_acquisition_writes_is_said_to_be_that(name: str, tree: str) -> None:
    with pytest.raises(InputError, match=f"holds data before reconstruction: {tree} "):
        open_reader(DATA / "online" / name)


def test_no_file_is_left_out_here() -> None:
    folders = {path.name for path in DATA.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == {*FOLDERS, *ELSEWHERE}
    there = {f"{path.parent.name}/{path.name}" for f in FOLDERS for path in (DATA / f).iterdir()}
    here = {case.name for case in PUBLISHED}
    empty = {name for name in WITHOUT_EVENTS if name.partition("/")[0] in FOLDERS}
    assert there == here | set(WITHOUT_RECONSTRUCTION) | empty | set(REFUSED)


def test_the_ages_of_the_root_files_are_all_there() -> None:
    """Among what is read above are files with and without each of what came later."""
    with_header_uuid, with_usr, with_multihead = set(), set(), set()
    names = {case.name for case in PUBLISHED} | set(WITHOUT_RECONSTRUCTION) | set(WITHOUT_EVENTS)
    for name in sorted(n for n in names if n.endswith(".root")):
        with uproot.open(DATA / name) as file:
            branches = set(file["E"].keys(recursive=True))
            with_header_uuid.add("Evt/header_uuid[16]" in branches)
            with_usr.add("Evt/AAObject/usr" in branches)
            with_multihead.add("MultiHead" in file)
    assert with_header_uuid == with_usr == with_multihead == {True, False}
