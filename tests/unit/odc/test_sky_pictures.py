"""Pictures of events, lists of runs, alerts and coverages: what they show, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from mocpy import MOC

from vopub.errors import FileError
from vopub.model.ktype import Ktype
from vopub.model.resource import Coverage, FileRole
from vopub.odc import pictures
from vopub.odc.drawing import columns
from vopub.odc.drawing.charts import Lines, UndrawableError, svg_of
from vopub.odc.drawing.meaning import DEC, ENERGY, RA, column_of
from vopub.odc.drawing.runs import runs_chart
from vopub.odc.drawing.skies import (
    AlertSky,
    Distribution,
    EventSky,
    alert_chart,
    coverage_chart,
    events_chart,
)
from vopub.odc.drawing.subject import subject_of
from vopub.odc.drawing.tables import bins_chart
from vopub.odc.drawing.times import as_mjd

from ..figures.projected import marks, places  # noqa: TID252 - the same way to look
from . import pictured
from .conftest import product
from .pictured import Made, laid

NEAR = 0.25
"""In points on a map; see the tests of the figures."""


@pytest.fixture(autouse=True, scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let all drawings know the fonts that the first has found, which takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "FONTS", str(tmp_path_factory.mktemp("fonts")))
        yield


def described(made: Made, names: list[str]) -> Made:
    """Return a record that describes only some of its columns."""
    record, file = made
    kept = tuple(p for p in record.parameters if p.name in names)
    return record.model_copy(update={"parameters": kept}), file


@pytest.mark.parametrize("media_type", pictured.WRITTEN)
def test_events_are_on_the_map_where_their_table_says(media_type: str, tmp_path: Path) -> None:
    path, subject = laid(pictured.events(media_type), tmp_path)
    chart = events_chart(path, subject.task)
    assert isinstance(chart, EventSky)
    events = pictured.directions()
    assert chart.sky.number == len(events)
    svg = chart.svg()
    assert np.abs(marks(svg) - places(svg, events["alpha"], events["delta"])).max() < NEAR
    assert subject.alt.startswith("Sky map of the events in neutrinos.")


def test_a_table_in_pieces_gives_the_same_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = set()
    for rows in (1 << 17, 70):
        monkeypatch.setattr(columns, "ROWS", rows)
        for media_type in pictured.WRITTEN:
            path, subject = laid(pictured.events(media_type), tmp_path)
            drawn.add(events_chart(path, subject.task).svg())
    assert len(drawn) == 1


def test_what_a_column_means_is_said_by_its_ucd_and_else_by_its_name() -> None:
    record, _ = pictured.events()
    known = {p.name: p for p in record.parameters}
    assert column_of(RA, known, ["alpha", "ra"]) == "alpha"
    assert column_of(DEC, known, ["delta_error", "DELTA"]) == "DELTA"
    assert column_of(DEC, known, ["delta_error"]) == ""
    assert column_of(RA, {}, ["dec", "RAJ2000"]) == "RAJ2000"
    true = known["energy"].model_copy(update={"truth": True})
    fitted = known["energy"].model_copy(update={"name": "e_reco"})
    both = {"energy": true, "e_reco": fitted}
    assert column_of(ENERGY, both, list(both)) == "e_reco"
    assert column_of(ENERGY, both, ["energy"]) == "energy"
    mean = known["energy"].model_copy(update={"ucd": "phys.energy;stat.mean"})
    assert column_of(ENERGY, {"energy": mean}, ["energy"]) == ""


def test_positions_in_radians_and_hours_are_positions(tmp_path: Path) -> None:
    record, _ = pictured.events()
    table = Table({"alpha": [1.0, 2.0], "delta": [0.5, -0.5]})
    file = pictured.written("neutrinos", table, "text/csv")
    units = {"alpha": "h", "delta": "rad"}
    parameters = tuple(
        p.model_copy(update={"unit": units.get(p.name, p.unit)}) for p in record.parameters
    )
    changed = {"files": (file.reference,), "parameters": parameters}
    path, subject = laid((record.model_copy(update=changed), file), tmp_path)
    svg = events_chart(path, subject.task).svg()
    there = places(svg, [15.0, 30.0], np.degrees([0.5, -0.5]))
    assert np.abs(marks(svg) - there).max() < NEAR


def test_events_without_a_position_are_drawn_over_energy(tmp_path: Path) -> None:
    path, subject = laid(pictured.events("text/csv", ["mjd", "energy"]), tmp_path)
    chart = events_chart(path, subject.task)
    assert isinstance(chart, Distribution)
    edges, counts = chart.histogram.bars()
    energies = pictured.directions()["energy"]
    assert counts.tolist() == np.histogram(np.log10(energies), edges)[0].tolist()
    assert (chart.decades, chart.label) == (True, "Energy estimate of the event [GeV]")
    assert subject.alt == (
        "Histogram of the events in neutrinos.csv over Energy estimate of the event [GeV]: "
        "Neutrinos without a map."
    )


def test_events_with_a_time_only_are_drawn_over_it(tmp_path: Path) -> None:
    made = pictured.events("application/fits", ["mjd"], simulated=True)
    path, subject = laid(made, tmp_path)
    chart = events_chart(path, subject.task)
    assert isinstance(chart, Distribution)
    assert chart.histogram.number == 300
    assert b"<title>Simulated events</title>" in chart.svg()
    assert "simulated events" in subject.alt


EVENTS = [
    ("delta_error\n1\n", "no column is known"),
    ("ra,dec\n1,100\n", "hold no positions"),
    ("ra,dec\n10h,20d\n", "hold no positions"),
    ("energy\n-1\n", "no positive numbers"),
]


@pytest.mark.parametrize(("text", "reason"), EVENTS)
def test_why_events_are_not_drawn_is_said(text: str, reason: str, tmp_path: Path) -> None:
    record, _ = described(pictured.events(), ["delta_error"])
    file = product("neutrinos.csv", text.encode(), "text/csv")
    path, subject = laid((record.model_copy(update={"files": (file.reference,)}), file), tmp_path)
    with pytest.raises(UndrawableError, match=reason):
        events_chart(path, subject.task)


ELSEWHERE = b"""<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="ra" datatype="double"/><FIELD name="dec" datatype="double"/>
<DATA><BINARY><STREAM href="file:///etc/passwd"/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>"""


def test_no_table_leads_to_other_files(tmp_path: Path) -> None:
    record, _ = pictured.events()
    file = product("neutrinos.xml", ELSEWHERE, "application/x-votable+xml")
    path, subject = laid((record.model_copy(update={"files": (file.reference,)}), file), tmp_path)
    for chart in (events_chart, bins_chart):
        with pytest.raises(FileError, match="has its data elsewhere"):
            chart(path, subject.task)
    assert pictures.drawn(subject, path, tmp_path) == (
        b"", "it has its data elsewhere, which is not asked for"
    )  # fmt: skip


def test_no_hdf5_file_leads_to_other_files(tmp_path: Path) -> None:
    secret, path = tmp_path / "secret", tmp_path / "events.h5"
    secret.write_bytes(np.zeros(4).tobytes())
    kind = np.dtype([("ra", "f8"), ("dec", "f8")])
    with h5py.File(path, "w") as file:
        file.create_dataset("events", (2,), kind, external=[(str(secret), 0, 32)])
    with pytest.raises(UndrawableError, match="in another file"):
        columns.names_in(path, "application/x-hdf5")
    with h5py.File(path, "w") as file:
        file["events"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/events")
        file.create_dataset("numbers", data=np.zeros(3))
    with pytest.raises(UndrawableError, match="no table at its root"):
        columns.names_in(path, "application/x-hdf5")


@pytest.mark.parametrize("media_type", pictured.WRITTEN)
def test_livetime_is_summed_up_over_the_time_of_the_runs(media_type: str, tmp_path: Path) -> None:
    path, subject = laid(pictured.run_list(media_type), tmp_path)
    chart = runs_chart(path, subject.task)
    assert isinstance(chart, Lines)
    (line,) = chart.lines
    assert (chart.y, chart.dates) == ("Livetime, summed up [d]", True)
    assert line.y[-1] == pytest.approx(400 * 0.24)
    pause = 59_000 + 249 * 0.26 + 0.24 - 40_587  # the last run before it ends
    for day, days in ((pause, 60.0), (pause + 50, 60.0), (pause + 100.02 + 0.12, 60.12)):
        assert np.interp(day, line.x, line.y) == pytest.approx(days)
    assert np.all(np.diff(line.x) >= 0)
    assert b"</svg>" in svg_of(chart)


def runs_of(text: str, work: Path) -> Lines:
    record, _ = described(pictured.run_list(), ["livetime"])
    file = product("runs.csv", text.encode(), "text/csv")
    path, subject = laid((record.model_copy(update={"files": (file.reference,)}), file), work)
    chart = runs_chart(path, subject.task)
    assert isinstance(chart, Lines)
    return chart


def test_runs_of_several_detectors_are_several_curves(tmp_path: Path) -> None:
    text = (
        "detector_id,run_start,run_stop\n49,2021-02-24T04:00:00Z,2021-02-24T10:00:00Z\n"
        "21,2021-02-24T00:00:00,2021-02-24T01:00:00\n49,2021-02-24T12:00:00+01:00,2021-02-24T12:00Z"
    )
    chart = runs_of(text, tmp_path)
    assert [line.label for line in chart.lines] == ["detector 21", "detector 49"]
    assert chart.lines[1].y.tolist() == pytest.approx([0, 6, 6, 7])
    assert chart.y == "Livetime, summed up [h]"


RUNS = [
    ("livetime\n3\n", "the start of the runs"),
    ("start\n59000\n", "the livetime or the stop"),
    ("start,livetime\n1,2\n", "both a start and a livetime"),
    ("start,livetime\n59000,long\n", "no livetime in a unit"),
    ("start,livetime\n", "no runs"),
]


@pytest.mark.parametrize(("text", "reason"), RUNS)
def test_why_a_list_of_runs_is_not_drawn_is_said(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UndrawableError, match=reason):
        runs_of(text, tmp_path)


def test_times_are_known_whichever_way_they_are_written() -> None:
    mjd = 59_269.25
    written = {
        "d": [mjd, mjd + 2_400_000.5], "s": [(mjd - 40_587) * 86_400],
        "ns": [(mjd - 40_587) * 86_400e9],
    }  # fmt: skip
    for unit, values in written.items():
        for said in (unit, ""):
            assert as_mjd(np.array(values), said) == pytest.approx([mjd] * len(values), abs=1e-5)
    texts = np.array(["2021-02-24T06:00:00Z", "2021-02-24T07:00+01:00", "soon"], dtype=object)
    assert as_mjd(texts) == pytest.approx([mjd, mjd, np.nan], nan_ok=True)
    assert np.isnan(as_mjd(np.array([0.0, 3600.0, np.nan]), "")).all()


def test_an_alert_is_where_its_packet_says(tmp_path: Path) -> None:
    path, subject = laid(pictured.alert(), tmp_path)
    chart = alert_chart(path, subject.task)
    assert isinstance(chart, AlertSky)
    assert (chart.ra, chart.dec) == pytest.approx((94.3, -7.8), abs=1e-9)
    assert [(c.radius, c.label) for c in chart.circles] == [
        (2.2, "error radius 2.2° (90 %)"), (1.2, "error radius 1.2° (50 %)"),
    ]  # fmt: skip
    assert chart.svg().count(b"<title>") == 1


@pytest.mark.parametrize(
    ("system", "frame"), [("UTC-FK5-TOPO", "fk5"), ("UTC-GALACTIC-GEO", "galactic"), ("", "icrs")]
)
def test_positions_of_alerts_are_brought_into_the_icrs(
    system: str, frame: str, tmp_path: Path
) -> None:
    path, subject = laid(pictured.alert(system, c1="120.5", c2="-30.25"), tmp_path)
    chart = alert_chart(path, subject.task)
    there = SkyCoord(120.5, -30.25, unit="deg", frame=frame).icrs
    assert (chart.ra, chart.dec) == pytest.approx((there.ra.deg, there.dec.deg), abs=1e-9)


ALERTS = [
    ({"unit": "furlong"}, "is in 'furlong'"), ({"c1": "east"}, "no position"),
    ({"c2": "91"}, "no position"), ({"system": "UTC-AZEL-TOPO"}, "not known here"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "reason"), ALERTS)
def test_why_an_alert_is_not_drawn_is_said(
    changes: dict[str, str], reason: str, tmp_path: Path
) -> None:
    path, subject = laid(pictured.alert(**changes), tmp_path)
    with pytest.raises(UndrawableError, match=reason):
        alert_chart(path, subject.task)


def test_an_alert_cannot_bring_entities(tmp_path: Path) -> None:
    packet = pictured.alert()[1].content
    bomb = b'?><!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    path, subject = laid(pictured.alert_of(packet.replace(b"?>", bomb, 1)), tmp_path)
    reason = "it declares a document type, which is not read"
    assert pictures.drawn(subject, path, tmp_path) == (b"", reason)
    path, subject = laid(pictured.alert_of(b"<html/>"), tmp_path)
    with pytest.raises(UndrawableError, match="no VOEvent"):
        alert_chart(path, subject.task)


def test_a_coverage_is_drawn_where_it_is(tmp_path: Path) -> None:
    record = pictured.covering("7/100000")
    subject = subject_of(record)
    assert subject is not None
    assert (subject.file, subject.name) == (None, "the coverage on the sky")
    svg = coverage_chart(subject.task).svg()
    cell = MOC.from_string("7/100000", "ascii").barycenter()
    middle = marks(svg).mean(axis=0)
    assert np.abs(middle - places(svg, cell.ra.deg, cell.dec.deg)[0]).max() < 1.5


@pytest.mark.parametrize(("moc", "reason"), [("nowhere", "not a MOC"), ("3/", "empty")])
def test_what_is_no_coverage_is_said(moc: str, reason: str) -> None:
    subject = subject_of(pictured.covering(moc))
    assert subject is not None
    with pytest.raises(UndrawableError, match=reason):
        coverage_chart(subject.task)


def test_the_coverage_is_drawn_of_what_has_no_file_for_a_picture() -> None:
    events, file = pictured.events(coverage=Coverage(spatial="0/0-11"))
    drawn = subject_of(events)
    assert drawn is not None
    assert drawn.file == file.reference
    large = file.reference.model_copy(update={"size": 1 << 40})
    drawn = subject_of(events.model_copy(update={"files": (large,)}))
    assert drawn is not None
    assert drawn.file is None
    for ktype in (Ktype.PUBLICATION, Ktype.SOFTWARE, Ktype.PLOT):
        assert subject_of(pictured.covering(ktype=ktype)) is None
    metadata = file.reference.model_copy(update={"role": FileRole.METADATA})
    assert (
        subject_of(events.model_copy(update={"files": (metadata,), "coverage": Coverage()})) is None
    )
