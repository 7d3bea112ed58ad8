"""Level-2 files to an event table: the real samples, and copies of them with something wrong."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import astropy.units as u
import km3io
import numpy as np
import pytest
import uproot
from astropy.coordinates import SkyCoord
from astropy.time import Time
from km3net_testdata import data_path

from vopub.errors import DescriptionError, InputError, SelectionError
from vopub.events.convert import Reduction
from vopub.model.description import EventsSection
from vopub.model.event_table import EventTable, concatenate

Alter = Callable[[Mapping[str, Mapping[int, float]]], Path]
MakeSection = Callable[..., EventsSection]
NAN, INF = float("nan"), float("inf")


def reduced(reduction: Reduction) -> EventTable:
    chunks = list(reduction)
    return concatenate(chunks[0].parameters, chunks)


def test_up_going_events_of_orca6(orca6: Path, make_section: MakeSection) -> None:
    reduction = Reduction([orca6], make_section("zenith > 90 deg"), simulated=False)
    table = reduced(reduction)
    account = reduction.account
    assert (account.read, account.kept, len(table)) == (2499, 230, 230)
    assert account.not_reconstructed.events == 4
    assert [(c.reason, c.events) for c in account.cuts] == [("cut 0", 2265)]
    assert account.malformed == ()
    assert len(account.cuts[0].first) == 5
    assert len(set(table["event_id"])) == 230
    assert (table["zenith"] > 90).all()
    assert set(table["detector_id"]) == {49}
    assert set(table["run_id"]) == {9505}


def test_all_events_of_orca4(orca4: Path, make_section: MakeSection) -> None:
    reduction = Reduction([orca4], make_section(), simulated=False)
    assert len(reduced(reduction)) == 2498
    assert reduction.account.not_reconstructed.events == 2
    (run,) = reduction.data_taking.runs
    assert (run.detector_id, run.run, run.livetime) == (44, 6370, 21582.2)
    assert reduction.data_taking.start == reduction.data_taking.first_event


def test_every_known_parameter_can_be_a_column(orca6: Path, make_section: MakeSection) -> None:
    table = reduced(Reduction([orca6], make_section(), simulated=False))
    assert tuple(table.columns) == make_section().columns


def test_every_value_is_that_of_km3io(orca6: Path, make_section: MakeSection) -> None:
    """Read the file with the collaboration's reader and compare event by event."""
    table = reduced(Reduction([orca6], make_section(), simulated=False))
    with km3io.OfflineReader(orca6) as file:
        events, tracks = file.events, file.events.tracks
        rows = [i for i, stages in enumerate(tracks.rec_stages.tolist()) if stages[0]]
        assert len(rows) == len(table) == 2495
        flat = {
            n: getattr(tracks, n).tolist() for n in ("dir_x", "dir_y", "dir_z", "E", "t", "lik")
        }
        fit, length = tracks.fitinf.tolist(), tracks.len.tolist()
        named = {n: np.asarray(getattr(events, n)) for n in ("det_id", "run_id", "frame_index",
                 "trigger_counter", "trigger_mask", "overlays", "t_sec", "t_ns")}  # fmt: skip
    for row, i in list(enumerate(rows))[::7]:
        name = ".".join(
            str(named[n][i]) for n in ("det_id", "run_id", "frame_index", "trigger_counter")
        )
        assert table["event_id"][row] == f"km3.{name}"
        assert table["energy"][row] == flat["E"][i][0]
        assert table["track_length"][row] == length[i][0]
        assert table["n_hits"][row] == fit[i][0][3]
        assert table["trigger_mask"][row] == named["trigger_mask"][i]
        assert table["overlays"][row] == named["overlays"][i]
        assert table["zenith"][row] == pytest.approx(
            180 - np.degrees(np.arccos(flat["dir_z"][i][0]))
        )
        towards = np.degrees(np.arctan2(flat["dir_y"][i][0], flat["dir_x"][i][0]))
        assert table["azimuth"][row] == pytest.approx((towards + 180) % 360)
        exact = int(named["t_sec"][i]) * 10**9 + int(named["t_ns"][i]) + round(flat["t"][i][0])
        assert int(table["unix_time"][row]) == exact
        lik, beta = flat["lik"][i][0], fit[i][0][0]
        assert table["likelihood"][row] == lik or (
            lik < -1e300 and np.isnan(table["likelihood"][row])
        )
        if 0 < beta < np.pi:
            assert table["angular_error"][row] == pytest.approx(np.degrees(beta))
        else:
            assert np.isnan(table["angular_error"][row])


def test_mjd_and_nanoseconds_agree(orca6: Path, make_section: MakeSection) -> None:
    table = reduced(Reduction([orca6], make_section(), simulated=False))
    seconds, rest = np.divmod(table["unix_time"], 10**9)
    moment = Time(seconds.astype(float), rest * 1e-9, format="unix", scale="utc")
    late = (Time(table["mjd"], format="mjd", scale="utc") - moment).to_value(u.us)
    assert np.abs(late).max() < 1


def test_events_are_where_the_file_itself_says(orca6: Path, make_section: MakeSection) -> None:
    table = reduced(Reduction([orca6], make_section(), simulated=False))
    with uproot.open(orca6) as file:
        ra, dec = (file["T"][f"coords/trackfit_{n}"].array(library="np") for n in ("ra", "dec"))
    there = SkyCoord(ra[ra > -900] * u.rad, dec[ra > -900] * u.rad)
    here = SkyCoord(table["ra"] * u.deg, table["dec"] * u.deg)
    assert here.separation(there).deg.max() < 0.01


def test_data_taking_of_orca6(orca6: Path, make_section: MakeSection) -> None:
    reduction = Reduction([orca6], make_section("zenith > 90 deg"), simulated=False)
    table = reduced(reduction)
    taking = reduction.data_taking
    assert (taking.detector, taking.reconstruction) == ("ORCA", "jmuon")
    assert taking.selection == ("zenith > 90 deg",)
    assert taking.livetime == 21593.2
    assert taking.start == datetime.fromtimestamp(1614168005, UTC)
    assert taking.stop == datetime.fromtimestamp(1614189598, UTC)
    assert taking.first_event is not None
    assert taking.last_event is not None
    assert taking.first_event.timestamp() == pytest.approx(table["unix_time"].min() / 1e9, abs=1e-5)
    assert taking.last_event.timestamp() == pytest.approx(table["unix_time"].max() / 1e9, abs=1e-5)
    assert taking.runs[0].source == "headerTree"


def test_inputs_are_named_without_folder(orca6: Path, make_section: MakeSection) -> None:
    reduction = Reduction([orca6], make_section(), simulated=False)
    reduced(reduction)
    (entity,) = reduction.inputs
    assert entity.name == "orca6_sample.root"
    assert entity.identifier == "sha256:" + hashlib.sha256(orca6.read_bytes()).hexdigest()
    assert str(entity.uuid) == "be1c6fbe-e641-11eb-9486-7e046b91beef"


def test_chunks_make_no_difference(orca6: Path, make_section: MakeSection) -> None:
    section = make_section("zenith > 90 deg")
    whole = Reduction([orca6], section, simulated=False)
    parts = Reduction([orca6], section, simulated=False, rows=1000)
    sizes = [len(chunk) for chunk in parts]
    assert len(sizes) == 3
    assert reduced(whole).equals(reduced(parts))
    assert whole.account == parts.account
    assert whole.data_taking == parts.data_taking


def test_it_tells_nothing_before_its_end(orca6: Path, make_section: MakeSection) -> None:
    reduction = Reduction([orca6], make_section(), simulated=False, rows=1000)
    next(iter(reduction))
    with pytest.raises(RuntimeError, match="not finished"):
        reduction.account  # noqa: B018


def test_two_detectors_in_one_table(orca4: Path, orca6: Path, make_section: MakeSection) -> None:
    reduction = Reduction([orca6, orca4], make_section("energy > 100 GeV"), simulated=False)
    table = reduced(reduction)
    assert reduction.account.read == 4999
    assert set(table["detector_id"]) == {44, 49}
    assert [(r.detector_id, r.run) for r in reduction.data_taking.runs] == [(44, 6370), (49, 9505)]
    assert reduction.data_taking.livetime == pytest.approx(21582.2 + 21593.2)


def test_cuts_count_in_their_order(orca6: Path, make_section: MakeSection) -> None:
    section = make_section("zenith > 90 deg", "likelihood > 50", columns=("event_id", "ra"))
    reduction = Reduction([orca6], section, simulated=False)
    table = reduced(reduction)
    assert tuple(table.columns) == ("event_id", "ra")
    account = reduction.account
    assert account.cuts[0].events == 2265
    assert account.kept == 2499 - 4 - 2265 - account.cuts[1].events
    assert 0 < account.kept < 230


def test_what_the_publisher_chooses_for_a_column(orca6: Path, make_section: MakeSection) -> None:
    section = make_section(
        "energy > 0.1 TeV",
        columns=("event_id", "energy"),
        overrides={"energy": {"unit": "TeV", "dtype": "float32", "range": [0.0, 1e9]}},
    )
    table = reduced(Reduction([orca6], section, simulated=False))
    assert table["energy"].dtype == np.float32
    assert table["energy"].min() >= np.float32(0.1)
    assert table["energy"].max() < 20


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trks.dir.x": {5: 0.0}, "trks.dir.y": {5: 0.0}, "trks.dir.z": {5: 0.0}}, "direction"),
        ({"trks.dir.y": {5: NAN}}, "direction is not a unit vector"),
        ({"trks.dir.y": {5: 1e200}}, "direction is not a unit vector"),
        ({"trks.dir.z": {5: -INF}}, "direction is not a unit vector"),
        ({"trks.t": {5: NAN}}, "time of the track is not a number"),
        ({"t.fSec": {5: 3}}, "time is before 2005 or in the future"),
        ({"t.fSec": {5: 2_147_483_647}}, "time is before 2005 or in the future"),
        ({"t.fSec": {5: -5}}, "time is before 2005 or in the future"),
        ({"trks.E": {5: -3.0}}, "energy is outside 0 to 1e+12 GeV"),
        ({"trks.E": {5: INF}}, "energy is infinite"),
        ({"trks.len": {5: 1e9}}, "track_length is outside 0 to 100000 m"),
        ({"run_id": {5: -1}}, "run or frame number is negative"),
        ({"frame_index": {5: -7}}, "run or frame number is negative"),
        ({"trigger_mask": {5: 2**63}}, "trigger_mask does not fit int64"),
        ({"trigger_counter": {5: 2**63 + 7}}, "trigger_counter does not fit int64"),
        ({"overlays": {5: 4_000_000_000}}, "overlays is outside 0 to 1e+09"),
    ],
)
def test_malformed_events_are_counted_and_left_out(
    changes: dict[str, dict[int, float]], reason: str, alter: Alter, make_section: MakeSection
) -> None:
    path = alter(changes)
    reduction = Reduction([path], make_section(), simulated=False)
    table = reduced(reduction)
    account = reduction.account
    assert (account.read, account.kept, len(table)) == (2499, 2494, 2494)
    (entry,) = account.malformed
    assert (entry.reason.startswith(reason), entry.events) == (True, 1), entry.reason
    assert entry.first[0].startswith("km3.49.")
    assert entry.first[0] not in set(table["event_id"])


def test_a_defect_in_what_nobody_asks_for_does_not_matter(
    alter: Alter, make_section: MakeSection
) -> None:
    path = alter({"trks.E": {5: -3.0}})
    without = Reduction([path], make_section(columns=("event_id", "ra")), simulated=False)
    assert len(reduced(without)) == 2495
    section = make_section("energy != 7 GeV", columns=("event_id", "ra"))
    asked = Reduction([path], section, simulated=False)
    assert len(reduced(asked)) == 2494
    assert asked.account.malformed[0].reason == "energy is outside 0 to 1e+12 GeV"


def test_events_of_the_future_depend_on_the_present(orca6: Path, make_section: MakeSection) -> None:
    now = 1614168100 * 10**9
    reduction = Reduction([orca6], make_section(), simulated=False, now=now)
    table = reduced(reduction)
    assert int(table["unix_time"].max()) <= now
    assert 0 < reduction.account.malformed[0].events < 2495


def test_an_event_without_reconstruction_of_that_kind(
    orca6: Path, make_section: MakeSection
) -> None:
    with pytest.raises(SelectionError) as raised:
        list(Reduction([orca6], make_section(reconstruction="jshower"), simulated=False))
    assert "no event is left of 2499 read: 2499 no reconstruction of the chosen kind" in str(
        raised.value
    )


def test_no_event_left_says_where_they_went(orca6: Path, make_section: MakeSection) -> None:
    section = make_section("zenith > 90 deg", "energy > 1 PeV")
    with pytest.raises(SelectionError) as raised:
        list(Reduction([orca6], section, simulated=False))
    assert str(raised.value).startswith(
        "orca6_sample.root: no event is left of 2499 read: 4 no reconstruction of the chosen kind, "
        "2265 cut 0, 230 cut 1; check the selection"
    )


def test_a_file_without_events(make_section: MakeSection) -> None:
    path = Path(data_path("offline/empty_events.root"))
    with pytest.raises(SelectionError, match="no event is left of 0 read; check"):
        list(Reduction([path], make_section(), simulated=True))


def test_an_identifier_in_two_files(orca6: Path, tmp_path: Path, make_section: MakeSection) -> None:
    copy = tmp_path / "copy.root"
    copy.write_bytes(orca6.read_bytes() + b"and a few bytes that make it another file")
    with pytest.raises(InputError) as raised:
        list(Reduction([orca6, copy], make_section(), simulated=False))
    message = str(raised.value)
    assert message.startswith(f"{copy}: event km3.49.9505.")
    assert f"is also in {orca6}" in message


def test_the_same_file_twice(orca6: Path, tmp_path: Path, make_section: MakeSection) -> None:
    copy = tmp_path / "copy.root"
    shutil.copy(orca6, copy)
    section = make_section("energy > 1 PeV", "zenith > 90 deg")
    with pytest.raises(InputError) as raised:
        list(Reduction([orca6, copy], section, simulated=False))
    assert str(raised.value).startswith(f"{copy}: holds the same bytes as {orca6}; leave one")


def test_an_identifier_twice_in_a_file(alter: Alter, make_section: MakeSection) -> None:
    path = alter({"frame_index": {3: 114, 4: 114}, "trigger_counter": {3: 99, 4: 99}})
    with pytest.raises(InputError) as raised:
        list(Reduction([path], make_section(), simulated=False, rows=1000))
    assert str(raised.value).startswith(
        f"{path}: event km3.49.9505.114.99 is in the file twice; each event may come once"
    )


def test_simulated_events_in_an_observed_resource(make_section: MakeSection) -> None:
    path = Path(data_path("offline/numucc.root"))
    with pytest.raises(InputError) as raised:
        list(Reduction([path], make_section(), simulated=False))
    assert "holds simulated events, the resource is marked as one of observed" in str(raised.value)


def test_observed_events_in_a_simulated_resource(orca6: Path, make_section: MakeSection) -> None:
    with pytest.raises(InputError) as raised:
        list(Reduction([orca6], make_section(), simulated=True))
    assert "holds observed events, the resource is marked as one of simulated" in str(raised.value)


def test_simulated_events_in_a_simulated_resource(make_section: MakeSection) -> None:
    name = (
        "KM3NeT_00000049_00011291.mc.gsg_neutrinos.km3sim_sirene_merged.jterbr."
        "jppmuon_jppshower_static.offline.v9.2.sample.root"
    )
    reduction = Reduction([Path(data_path(f"offline/{name}"))], make_section(), simulated=True)
    assert len(reduced(reduction)) == 30
    assert reduction.data_taking.runs[0].livetime == 21586.9


def test_a_simulation_whose_times_mean_nothing(make_section: MakeSection) -> None:
    path = Path(data_path("offline/numucc.root"))
    table = reduced(Reduction([path], make_section(), simulated=True))
    assert len(table) == 9
    assert np.isnan(table["ra"]).all()
    assert np.isnan(table["dec"]).all()
    assert np.isfinite(table["zenith"]).all()
    assert (table["unix_time"] < 10**12).all()


def test_every_file_is_looked_at_before_any_event_is_read(
    orca6: Path, tmp_path: Path, make_section: MakeSection
) -> None:
    with pytest.raises(InputError, match=r"none\.root: cannot be read"):
        next(iter(Reduction([orca6, tmp_path / "none.root"], make_section(), simulated=False)))


def test_wrong_selections_and_columns_need_no_file(make_section: MakeSection) -> None:
    with pytest.raises(SelectionError, match="did you mean zenith"):
        Reduction([], make_section("zenit > 90 deg"), simulated=False)
    section = make_section(overrides={"energy": {"unit": "m"}})
    with pytest.raises(DescriptionError, match="does not measure the same"):
        Reduction([], section, simulated=False)


def test_a_damaged_file_stops_everything(
    orca6: Path, tmp_path: Path, make_section: MakeSection
) -> None:
    path = tmp_path / "damaged.root"
    content = bytearray(orca6.read_bytes())
    content[-900_000:-100_000] = bytes(800_000)
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        list(Reduction([path], make_section(), simulated=False))


def test_it_can_be_done_again(orca6: Path, make_section: MakeSection) -> None:
    reduction = Reduction([orca6], make_section("zenith > 90 deg"), simulated=False)
    first, account = reduced(reduction), reduction.account
    assert reduced(reduction).equals(first)
    assert reduction.account == account


def test_the_present_is_now_unless_told(orca6: Path, make_section: MakeSection) -> None:
    soon = time.time_ns() + 3600 * 10**9
    path = orca6
    assert len(reduced(Reduction([path], make_section(), simulated=False, now=soon))) == 2495


def test_altered_files_differ_only_where_they_should(orca6: Path, alter: Alter) -> None:
    same = alter({"trks.E": {}})
    assert same.stat().st_size == orca6.stat().st_size
    with km3io.OfflineReader(same) as ours, km3io.OfflineReader(orca6) as theirs:
        assert ours.events.tracks.E.tolist() == theirs.events.tracks.E.tolist()
