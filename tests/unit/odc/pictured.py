"""Records of the kinds that a picture is drawn of, each with a file as such a record has it."""

from __future__ import annotations

import io
import json
import wave
from itertools import pairwise
from typing import Any

import numpy as np
import soundfile
from astropy.table import Table
from km3net_testdata import data_path

from vopub.model.ktype import Ktype
from vopub.model.resource import Coverage, KM3OpenResource, make_kid

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


ALL = (
    function, lookup_table, binned_data, response, spectra, raw_recording, wave_recording,
    mp3_recording,
)  # fmt: skip
