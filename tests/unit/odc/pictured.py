"""Records of the kinds that a picture is drawn of, each with a file as such a record has it."""

from __future__ import annotations

import io
import json
import tempfile
import wave
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from astropy.table import Table
from km3net_testdata import data_path

from vopub.model.ktype import Ktype
from vopub.model.resource import Coverage, KM3OpenResource, make_kid
from vopub.model.run_table import run_parameters
from vopub.odc.drawing.subject import Subject, subject_of

from . import conftest as odc

RAW_NAME = "DOM_808956920_CH1_1608751683.bin"
BACKGROUND = [6720.96, 70.914, -0.613972, -0.000920235, 5.27896e-05, -4.42398e-07, -3.97395e-09]
"""Coefficients of ANTARES's background, as KM3NeT published them."""
HYDROPHONE = {
    "dom_id": 808956920, "channel": 1, "start": "2020-12-23T19:27:59Z", "sampling_rate": 195312.5,
}  # fmt: skip
DEC = ("xvalue", "deg", "pos.eq.dec", "Declination of the source", (-90.0, 90.0))


def parameter(
    name: str, unit: str, ucd: str, about: str, span: tuple[float, float] | None = None
) -> dict[str, Any]:
    return {"name": name, "dtype": "float64", "unit": unit, "ucd": ucd, "description": about,
            "range": span}  # fmt: skip


def record_of(
    identifier: str, ktype: Ktype, title: str, file: odc.Product, *parameters: dict[str, Any],
    details: dict[str, Any] | None = None,
) -> KM3OpenResource:  # fmt: skip
    record = odc.make_record(
        ktype=ktype, files=[file], services=(), parameters=parameters, rows=None, account=None,
        data_taking=None, provenance=None, coverage=Coverage(), details=details or {},
        publication={
            "title": title, "description": f"{title}, made to look at the picture on its page.",
        },
    )  # fmt: skip
    kid = make_kid(odc.AUTHORITY, identifier, "1.0")
    return record.model_copy(update={"identifier": identifier, "kid": kid})


def function(content: bytes = b"") -> tuple[KM3OpenResource, odc.Product]:
    text = {"functiontype": "polynomial", "coefficients": BACKGROUND}
    file = odc.product("bkg.json", content or json.dumps(text).encode(), "application/json")
    rate = parameter("returnvalue", "deg-1", "arith.rate", "Events of background per declination")
    record = record_of(
        "ana20_01_bkg", Ktype.FUNCTION, "Background over declination", file, parameter(*DEC), rate,
        details={"functiontype": "polynomial"},
    )  # fmt: skip
    return record, file


def lookup_table() -> tuple[KM3OpenResource, odc.Product]:
    x, y = np.linspace(-90, 90, 19), np.linspace(1.5, 3.0, 7)
    values = [[float(np.exp(-((a / 50) ** 2)) * b) for b in y] for a in x]
    content = {"xaxis": x.tolist(), "yaxis": y.tolist(), "values": values}
    file = odc.product("acceptance.json", json.dumps(content).encode(), "application/json")
    axes = (
        parameter("xaxis", "deg", "pos.eq.dec", "Declination of the source", (-90.0, 90.0)),
        parameter("yaxis", "", "spect.index", "Spectral index of the flux", (1.5, 3.0)),
        parameter("returnvalue", "cm2.s/GeV", "phys.area", "Acceptance for point sources"),
    )
    record = record_of("ana20_01_acc", Ktype.LOOKUP_TABLE, "Acceptance of ANTARES", file, *axes)
    return record, file


BINS = (
    parameter("energy_min", "GeV", "phys.energy;stat.min", "Lower edge of the bin in energy"),
    parameter("energy_max", "GeV", "phys.energy;stat.max", "Upper edge of the bin in energy"),
    parameter("counts", "", "meta.number", "Events in the bin of energy"),
)


def binned_data() -> tuple[KM3OpenResource, odc.Product]:
    edges = np.logspace(2, 6, 17)
    counts = (4000 * edges[:-1] ** -0.4).astype(int)
    rows = [f"{a},{b},{c}" for a, b, c in zip(edges, edges[1:], counts, strict=False)]
    content = "\n".join(["energy_min,energy_max,counts", *rows]).encode()
    file = odc.product("counts.csv", content, "text/csv; charset=utf-8")
    record = record_of(
        "ana20_01_bins", Ktype.BINNED_DATA, "Events over energy", file, *BINS,
        details={"content": "counts"},
    )  # fmt: skip
    return record, file


def response(media_type: str = "application/x-votable+xml") -> tuple[KM3OpenResource, odc.Product]:
    energies, decs = np.logspace(2, 7, 11), np.linspace(-90, 90, 7)
    rows = [
        (e0, e1, d0, d1, 1e-4 * e0**0.7 * (2 - d0 / 90))
        for e0, e1 in pairwise(energies)
        for d0, d1 in pairwise(decs)
    ]
    table = Table(rows=rows, names=["energy_min", "energy_max", "dec_min", "dec_max", "aeff"])
    stream = io.BytesIO()
    table.write(stream, format="fits" if media_type.endswith("fits") else "votable")
    ending = "fits" if media_type.endswith("fits") else "xml"
    file = odc.product(f"aeff.{ending}", stream.getvalue(), media_type)
    record = record_of(
        "ana20_01_aeff", Ktype.RESPONSE_FUNCTION, "Effective area of ORCA", file, *BINS[:2],
        parameter("dec_min", "deg", "pos.eq.dec;stat.min", "Lower edge of the bin in declination"),
        parameter("aeff", "m2", "phys.area", "Effective area for muon neutrinos"),
        details={"response": "effective-area"},
    )  # fmt: skip
    return record, file


def spectra() -> tuple[KM3OpenResource, odc.Product]:
    frequency = np.linspace(0, 97_656.25, 256)
    level = -80 - 15 * np.log10(1 + frequency / 1000)
    rows = [f"{f},{m},{m - 1},{m + 2},{m + 6}" for f, m in zip(frequency, level, strict=True)]
    content = "\n".join(["frequency,mean,median,q75,q95", *rows]).encode()
    file = odc.product("psd.csv", content, "text/csv")
    quantities = [
        parameter(name, "dB", "phys.energy.density", f"Power density: {name} over the recording")
        for name in ("mean", "median", "q75", "q95")
    ]
    record = record_of(
        "acoustic20_01_psd", Ktype.ACOUSTIC_PSD, "Spectra of the sea", file,
        parameter("frequency", "Hz", "em.freq", "Frequency of the sound"), *quantities,
        details=HYDROPHONE,
    )  # fmt: skip
    return record, file


def raw_recording(content: bytes = b"") -> tuple[KM3OpenResource, odc.Product]:
    with open(data_path(f"acoustics/{RAW_NAME}"), "rb") as stream:  # noqa: PTH123
        content = content or stream.read()
    file = odc.product(RAW_NAME, content, "application/octet-stream")
    record = record_of(
        "acoustic20_01_raw", Ktype.ACOUSTIC_RAW, "The sea, as a hydrophone heard it", file,
        details=HYDROPHONE,
    )  # fmt: skip
    return record, file


def wave_recording(
    tone: float = 12_000.0, width: int = 2, rate: int = 96_000
) -> tuple[KM3OpenResource, odc.Product]:
    seconds = np.arange(rate // 2) / rate
    samples = 0.5 * np.sin(2 * np.pi * tone * seconds)
    zero = 128 if width == 1 else 0  # eight bits have no sign
    numbers = (np.round(samples * (2 ** (8 * width - 1) - 1)) + zero).astype("<i4")
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(numbers.view(np.uint8).reshape(-1, 4)[:, :width].tobytes())
    file = odc.product("sea.wav", stream.getvalue(), "audio/wav")
    record = record_of(
        "acoustic20_01_wav", Ktype.ACOUSTIC_WAV, "A tone under water", file, details=HYDROPHONE
    )  # fmt: skip
    return record, file


def mp3_recording(
    tone: float = 12_000.0, rate: int = 48_000
) -> tuple[KM3OpenResource, odc.Product]:
    seconds = np.arange(rate) / rate
    stream = io.BytesIO()
    soundfile.write(stream, 0.5 * np.sin(2 * np.pi * tone * seconds), rate, format="MP3")
    file = odc.product("sea.mp3", stream.getvalue(), "audio/mpeg")
    record = record_of(
        "acoustic20_01_mp3", Ktype.ACOUSTIC_MP3, "A tone under water", file, details=HYDROPHONE
    )  # fmt: skip
    return record, file


SKY = (
    parameter("alpha", "deg", "pos.eq.ra;meta.main", "Right ascension (ICRS) of the event"),
    parameter("delta", "deg", "pos.eq.dec;meta.main", "Declination (ICRS) of the event"),
    parameter("delta_error", "deg", "stat.error;pos.eq.dec", "Error of the declination"),
)
"""Names that say nothing, so that only the UCDs do."""
ENERGY = parameter("energy", "GeV", "phys.energy", "Energy estimate of the event")
MJD = parameter("mjd", "d", "time.epoch", "Time of the event (UTC) as Modified Julian Date")


def directions(number: int = 300) -> Table:
    """Return events from below the horizon of a detector, with energies and times."""
    random = np.random.default_rng(11)
    names = ["alpha", "delta", "delta_error", "energy", "mjd"]
    columns = [
        random.uniform(0, 360, number),
        np.degrees(np.arcsin(random.uniform(-1, 0.6, number))),
        random.uniform(0.1, 1, number),
        10 ** random.exponential(0.6, number) * 100,
        59_000 + np.sort(random.uniform(0, 500, number)),
    ]
    return Table(columns, names=names)


WRITTEN = {
    "text/csv": ("csv", "ascii.csv"),
    "application/x-votable+xml": ("xml", "votable"),
    "application/fits": ("fits", "fits"),
    "application/vnd.apache.parquet": ("parquet", "parquet"),
    "application/x-hdf5": ("h5", "hdf5"),
}
"""How tables are written: ending and format of astropy."""


def written(stem: str, table: Table, media_type: str) -> odc.Product:
    """Return a file of a table."""
    ending, form = WRITTEN[media_type]
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / f"{stem}.{ending}"
        if form == "parquet":
            table.to_pandas().to_parquet(path)
        else:
            table.write(path, format=form, **({"path": "table"} if form == "hdf5" else {}))
        return odc.product(path.name, path.read_bytes(), media_type)


def events(
    media_type: str = "text/csv", columns: Sequence[str] = (), **changes: Any
) -> tuple[KM3OpenResource, odc.Product]:
    """Return events that come without a picture; with some of the columns if so named."""
    table = directions()
    table = table[list(columns)] if columns else table
    file = written("neutrinos", table, media_type)
    described = [p for p in (*SKY, ENERGY, MJD) if p["name"] in table.colnames]
    record = record_of("ana20_01_evts", Ktype.EVENTS, "Neutrinos without a map", file, *described)
    return record.model_copy(update=changes), file


def run_list(media_type: str = "text/csv") -> tuple[KM3OpenResource, odc.Product]:
    """Return 400 runs of six hours with a pause of a hundred days, as vopub's table of runs."""
    number = np.arange(400)
    start = 59_000 + number * 0.26 + np.where(number >= 250, 100, 0)
    table = Table(
        [number + 9000, start, np.full(400, 0.24 * 86_400)],
        names=["run_id", "run_start_mjd", "livetime"],
    )
    file = written("runs", table, media_type)
    described = [p.model_dump(mode="json") for p in run_parameters() if p.name in table.colnames]
    record = record_of("ana20_01_runs", Ktype.RUN_LIST, "Runs of ORCA", file, *described)
    return record, file


PACKET = """<?xml version="1.0" encoding="UTF-8"?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test"
  ivorn="ivo://km3net.org/VOEvent#KM3-230213A"><Who><AuthorIVORN>ivo://km3net.org</AuthorIVORN></Who>
  <WhereWhen><ObsDataLocation><ObservatoryLocation id="GEOLUN"/><ObservationLocation>
    <AstroCoordSystem id="{system}"/><AstroCoords coord_system_id="{system}">
      <Time unit="s"><TimeInstant><ISOTime>2023-02-13T01:16:47.703</ISOTime></TimeInstant></Time>
      <Position2D unit="{unit}"><Name1>RA</Name1><Name2>Dec</Name2>
        <Value2><C1>{c1}</C1><C2>{c2}</C2></Value2>{radii}</Position2D>
  </AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen></voe:VOEvent>"""
RADII = "<Error2Radius90>2.2</Error2Radius90><Error2Radius50>1.2</Error2Radius50>"


def alert(
    system: str = "UTC-ICRS-TOPO", unit: str = "deg", c1: str = "94.3", c2: str = "-7.8",
    radii: str = RADII,
) -> tuple[KM3OpenResource, odc.Product]:  # fmt: skip
    """Return an alert as KM3NeT writes it, with the position of KM3-230213A."""
    text = PACKET.format(system=system, unit=unit, c1=c1, c2=c2, radii=radii)
    return alert_of(text.encode())


def alert_of(packet: bytes) -> tuple[KM3OpenResource, odc.Product]:
    file = odc.product("alert.xml", packet, "application/xml")
    details = {
        "ivorn": "ivo://km3net.org/VOEvent#KM3-230213A", "role": "test",
        "event_time": "2023-02-13T01:16:47Z",
    }  # fmt: skip
    record = record_of(
        "alert23_01", Ktype.VOEVENT, "An alert of ARCA for a test", file, details=details
    )
    return record, file


def covering(moc: str = "3/1-5 17 5/9000-9200", **changes: Any) -> KM3OpenResource:
    """Return a service of the VO that has no file, but a coverage."""
    _, file = events()
    record = record_of("ana20_01_vo", Ktype.VO_SERVICE, "A service with a coverage", file)
    services = odc.services("evts21_01")
    fields = {"files": (), "coverage": Coverage(spatial=moc), "services": services, **changes}
    return record.model_copy(update=fields)


ALL = (
    function, lookup_table, binned_data, response, spectra, raw_recording, wave_recording,
    mp3_recording, events, run_list, alert,
)  # fmt: skip


Made = tuple[KM3OpenResource, odc.Product]


def laid(made: Made, work: Path) -> tuple[Path, Subject]:
    """Put the file of a record down and return what is to be drawn of it."""
    record, file = made
    path = work / file.reference.name
    path.write_bytes(file.content)
    subject = subject_of(record)
    assert subject is not None
    return path, subject
