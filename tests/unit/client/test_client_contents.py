"""Objects by what a record is: tables that describe themselves, sounds, alerts, pictures, links."""

from __future__ import annotations

import base64
import hashlib
import io
import wave
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table
from lxml import html

from vopub.client.cache import Cache
from vopub.client.media import AcousticWAV, Plot, VOEvent
from vopub.client.objects import KM3Object, VOService
from vopub.client.opening import CLASSES
from vopub.client.records import FileEntry, ParameterEntry, Record, RemoteEntry
from vopub.client.source import Source
from vopub.client.tables import AcousticPSD, ResponseFunction
from vopub.errors import FileError, ServiceError, UsageError
from vopub.model.ktype import Ktype

from .conftest import Scripted

VOTABLE = "application/x-votable+xml"
AREA = ParameterEntry(name="aeff", unit="m2", description="Effective area.")
DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FAR_AWAY = b"""<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>
<TABLE><FIELD name="a" datatype="int"/><DATA><BINARY><STREAM href="file:///etc/passwd"/></BINARY>
</DATA></TABLE></RESOURCE></VOTABLE>"""
ALERT = b"""<?xml version="1.0" encoding="UTF-8"?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test"
  ivorn="ivo://km3net.org/VOEvent#KM3-230213A">
  <Who><AuthorIVORN>ivo://km3net.org</AuthorIVORN></Who>
  <What><Param name="Energy" value="120" unit="PeV"/>
    <Group name="Nu_Event_1"><Param name="ra" value="94.3"/></Group></What>
</voe:VOEvent>"""


def make(ktype: str, place: Path, name: str, body: bytes, kind: str, **known: Any) -> Any:
    """Make an object whose file lies in the cache, as ``get`` does."""
    digest = hashlib.sha256(body).hexdigest()
    source = Source(["http://odc.test"], Cache(place), offline=True)
    source.cache.file(digest).parent.mkdir(parents=True, exist_ok=True)
    source.cache.file(digest).write_bytes(body)
    file = FileEntry(name=name, size=len(body), sha256=digest, media_type=kind)
    content = {
        "schema_version": "1.0", "kid": UUID(int=1), "identifier": "ana20_01_x", "ktype": ktype,
        "publication": {"title": "A <title>", "version": "1"}, "files": (file,), **known,
    }  # fmt: skip
    return CLASSES.get(ktype, KM3Object)(b"{}", Record.model_validate(content), source)


def area() -> Table:
    """Return an effective area, whose second column has no unit in the file."""
    table = Table({"energy": [1.0, 10.0], "aeff": [0.5, 2.5], "name": ["a", "b"]})
    table["energy"].unit = "GeV"
    table["energy"].description = "Energy of the neutrino."
    return table


def written(table: Table, form: str) -> bytes:
    if form == "votable":
        stream = io.BytesIO()
        table.write(stream, format=form)
        return stream.getvalue()
    text = io.StringIO()
    table.write(text, format=form)
    return text.getvalue().encode()


def fits(table: Table, place: Path) -> bytes:
    table.write(place / "x.fits")
    return (place / "x.fits").read_bytes()


def test_every_ktype_has_the_class_that_the_vocabulary_names() -> None:
    named = {ktype: ktype.entry.reader for ktype in Ktype}
    assert named == {ktype: CLASSES.get(ktype, KM3Object).__name__ for ktype in Ktype}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("aeff.vot", "text/xml"), ("aeff.xml", VOTABLE), ("aeff.ecsv", "text/csv"),
        ("aeff.fits", "application/fits"), ("aeff.csv", "text/csv; charset=utf-8"),
    ],
)  # fmt: skip
def test_a_response_is_a_table_with_units(tmp_path: Path, name: str, kind: str) -> None:
    ending = name.partition(".")[2]
    forms = {"ecsv": "ascii.ecsv", "csv": "ascii.csv"}
    body = (
        fits(area(), tmp_path)
        if ending == "fits"
        else written(area(), forms.get(ending, "votable"))
    )
    energy = ParameterEntry(name="energy", unit="GeV", description="Energy of the neutrino.")
    known = {"parameters": (energy, AREA), "details": {"response": "effective-area"}}
    response = make("response-function", tmp_path, name, body, kind, **known)
    assert type(response) is ResponseFunction
    assert response.response == "effective-area"
    assert response.data.columns.tolist() == ["energy", "aeff", "name"]
    assert response.get_dataframe()["name"].tolist() == ["a", "b"]
    table = response.get_table()
    assert table["energy"].description == "Energy of the neutrino."
    assert table["aeff"].description == "Effective area."
    assert table.meta["identifier"] == "ana20_01_x"
    quantities = response.get_table(quantities=True)
    assert isinstance(quantities, QTable)
    assert type(quantities["energy"]) is u.Quantity
    assert quantities["energy"][1].to_value(u.TeV) == pytest.approx(0.01)
    assert quantities["aeff"].to(u.cm**2)[0].value == pytest.approx(5000)
    quantities["aeff"][0] = 0 * u.m**2
    assert response.get_table()["aeff"][0] == 0.5


def test_columns_of_arrays_are_in_the_table_only(tmp_path: Path) -> None:
    body = fits(Table({"energy": [[1.0, 2.0]]}), tmp_path)
    response = make("response-function", tmp_path, "x.fits", body, "application/fits")
    assert response.get_table()["energy"].shape == (1, 2)
    with pytest.raises(UsageError, match=r"has columns of arrays: energy; get_table\(\)"):
        response.get_dataframe()


def test_another_number_of_rows_than_published_is_told(tmp_path: Path) -> None:
    body = written(area(), "votable")
    with pytest.raises(ServiceError, match="has 3 rows, 2 came"):
        make("response-function", tmp_path, "x.vot", body, VOTABLE, rows=3).get_table()


def test_a_response_in_another_format_is_a_path(tmp_path: Path) -> None:
    response = make("response-function", tmp_path, "x.root", b"root", "application/x-root")
    assert response.data.read_bytes() == b"root"
    with pytest.raises(UsageError, match="has no TAP service"):
        response.get_table()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no table", "is no XML"),
        (b"<VOTABLE><RESOURCE/></VOTABLE>", "is no table"),
        (DOCTYPE + written(area(), "votable").split(b"?>", 1)[1], "declares a document type"),
        (FAR_AWAY, "has its data elsewhere"),
    ],
    ids=["nothing", "empty", "entities", "elsewhere"],
)
def test_a_votable_that_is_none_or_leads_out_is_told(
    tmp_path: Path, body: bytes, said: str
) -> None:
    response = make("response-function", tmp_path, "x.vot", body, VOTABLE)
    with pytest.raises(FileError, match=said) as caught:
        response.get_table()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["x.ecsv", "x.fits"])
def test_a_table_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="is no table"):
        make("response-function", tmp_path, name, b"\x00nothing\n", "text/csv").get_table()


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("psd.csv", b"frequency,mean\n0,-80\n100,-90\n", "text/csv"),
        ("psd.json", b'{"frequency": [0, 100], "mean": [-80, -90]}', "application/json"),
    ],
)
def test_spectra_are_a_table(tmp_path: Path, name: str, body: bytes, kind: str) -> None:
    hertz = ParameterEntry(name="frequency", unit="Hz")
    spectra = make("acoustic-psd", tmp_path, name, body, kind, parameters=(hertz,))
    assert type(spectra) is AcousticPSD
    assert spectra.data["mean"].tolist() == [-80, -90]
    assert spectra.get_table(quantities=True)["frequency"][1].to_value(u.kHz) == 0.1


@pytest.mark.parametrize("body", [b'{"a": [1], "b": [1, 2]}', b"[" * 9999, b"3", b'"x"'])
def test_spectra_that_are_none_are_told(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(FileError, match="is no table"):
        make("acoustic-psd", tmp_path, "psd.json", body, "application/json").get_table()


def sound(samples: bytes, width: int, channels: int = 1, rate: int = 195_312) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as out:
        out.setsampwidth(width)
        out.setnchannels(channels)
        out.setframerate(rate)
        out.writeframes(samples)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("width", "samples", "values"),
    [
        (1, b"\x00\x80\xff", [-128, 0, 127]),
        (2, b"\x00\x80\x00\x00\xff\x7f", [-32768, 0, 32767]),
        (3, b"\x00\x00\x80\xff\xff\xff\xff\xff\x7f", [-(2**23), -1, 2**23 - 1]),
        (4, b"\x00\x00\x00\x80\xff\xff\xff\xff", [-(2**31), -1]),
    ],
)
def test_a_recording_is_its_samples(
    tmp_path: Path, width: int, samples: bytes, values: list[int]
) -> None:
    recording = make("acoustic-wav", tmp_path, "x.wav", sound(samples, width), "audio/wav")
    assert type(recording) is AcousticWAV
    assert recording.sampling_rate == 195_312
    assert recording.data.tolist() == values
    assert recording.duration == pytest.approx(len(values) / 195_312)
    recording.data[0] = 1
    assert recording.data[0] == values[0]


def test_channels_are_columns(tmp_path: Path) -> None:
    body = sound(np.arange(6, dtype="<i2").tobytes(), 2, channels=2)
    recording = make("acoustic-wav", tmp_path, "x.wav", body, "application/octet-stream")
    assert recording.data.tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"RIFF", b"ID3 no WAV", sound(b"\0" * 8, 2)[:30], sound(b"\0" * 8, 2)[:-1],
        sound(b"\0" * 8, 4).replace(b"\x01\x00\x01\x00", b"\x03\x00\x01\x00"),
    ],
    ids=["empty", "cut at once", "other", "cut", "odd", "floating-point"],
)  # fmt: skip
def test_a_recording_that_cannot_be_read_is_told(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(FileError, match=r"is no WAV file|has broken samples"):
        _ = make("acoustic-wav", tmp_path, "x.wav", body, "audio/wav").data


@pytest.mark.parametrize("kind", ["application/xml", "application/x-voevent+xml"])
def test_an_alert_is_its_packet(tmp_path: Path, kind: str) -> None:
    alert = make("voevent", tmp_path, "alert.xml", ALERT, kind)
    assert type(alert) is VOEvent
    assert alert.ivorn == "ivo://km3net.org/VOEvent#KM3-230213A"
    assert alert.role == "test"
    assert alert.params == {"Energy": "120", "Nu_Event_1.ra": "94.3"}
    assert alert.data.findtext("Who/AuthorIVORN") == "ivo://km3net.org"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ALERT.replace(b"?>", b"?>" + DOCTYPE, 1), "declares a document type"),
        (b"<VOEvent>", "is no XML"),
        (b"", "is no XML"),
        (b"<html/>", "is no VOEvent, but 'html'"),
    ],
)
def test_an_alert_that_is_none_is_told(tmp_path: Path, body: bytes, said: str) -> None:
    with pytest.raises(FileError, match=said):
        _ = make("voevent", tmp_path, "alert.xml", body, "application/xml").data


def test_an_alert_without_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file of data"):
        _ = make("voevent", tmp_path, "alert.xml", ALERT, "application/xml", files=()).data


def test_a_plot_is_shown_and_nothing_of_it_runs(tmp_path: Path) -> None:
    for name, kind, body in (("x.png", "image/png", PNG), ("x.svg", "image/svg+xml", SVG)):
        plot = make("plot", tmp_path, name, body, kind)
        assert type(plot) is Plot
        assert plot.data.read_bytes() == body
        assert plot._repr_png_() == (body if kind == "image/png" else None)
        page = html.fragment_fromstring(plot._repr_html_(), create_parent=True)
        (image,) = page.xpath("//img")
        head, _, content = image.get("src").partition(",")
        assert (head, image.get("alt")) == (f"data:{kind};base64", "A <title>")
        assert base64.b64decode(content) == body
        assert page.xpath("//script") == []


def test_a_plot_that_no_browser_shows_is_described(tmp_path: Path) -> None:
    for kind in ("image/tiff", 'image/x" onerror="alert(1)'):
        plot = make("plot", tmp_path, "x.tiff", PNG, kind)
        assert "<img" not in plot._repr_html_()
        assert plot._repr_png_() is None
    assert "<img" not in make("plot", tmp_path, "x.png", PNG, "image/png", files=())._repr_html_()


def test_everything_shows_where_it_leads_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = {"title": "A paper", "version": "1", "doi": "10.1234/a<b>",
             "reference_url": "https://paper.test/?a=1&b=2"}  # fmt: skip
    services = ({"kind": "tap", "url": "https://vo.test/tap"},)
    for ktype, code in (
        ("publication", None), ("software", "https://code.test/x"),
        ("software", "javascript:alert(1)"), ("vo-service", 7),
    ):  # fmt: skip
        known = {"publication": about, "services": services, "details": {"code_repository": code}}
        found = make(ktype, tmp_path, "x.pdf", b"pdf", "application/pdf", **known)
        expected = [
            ("DOI", "https://doi.org/10.1234/a%3Cb%3E"), ("Reference", about["reference_url"]),
            *([("Source code", code)] if code == "https://code.test/x" else []),
            ("TAP service", "https://vo.test/tap"), ("Page", found.page),
        ]  # fmt: skip
        assert list(found.links) == expected
        page = html.fragment_fromstring(found._repr_html_(), create_parent=True)
        assert [(a.text, a.get("href")) for a in page.xpath("//a")] == expected
        found.show_links()
        assert "https://paper.test/?a=1&b=2" in capsys.readouterr().out
    assert type(found) is VOService


def test_what_another_server_keeps_is_read_as_well(tmp_path: Path, scripted: Scripted) -> None:
    scripted.say("/alert", ALERT)
    far = RemoteEntry(name="alert.xml", url=f"{scripted.url}/alert", media_type="text/xml")
    alert = make("voevent", tmp_path, "x.xml", b"", "text/xml", files=(), elsewhere=(far,))
    alert._source = Source([scripted.url], Cache(tmp_path / "cache"))
    assert alert.role == "test"
