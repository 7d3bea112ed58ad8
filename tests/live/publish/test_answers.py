"""What is said about columns arrives with every way out, as resource.toml has it."""

from __future__ import annotations

import csv
import html
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import httpx
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.io.votable.tree import TableElement, VOTableFile
from lxml import html as lxml_html

from vopub.model.description import ResourceDescription
from vopub.model.parameter import Parameter

from .asking import ID, QUERY, SKY, cone, get, tap
from .conftest import Desk, wait_for

pytestmark = pytest.mark.live

OLD_UCDS = {
    "event_id": "ID_MAIN",
    "ra": "POS_EQ_RA_MAIN",
    "dec": "POS_EQ_DEC_MAIN",
}
"""The words of UCD1 that the cone search protocol asks for."""
TIMES = {"mjd": "MJD-origin", "unix_time": 2440587.5}
ALL_FORMATS = ("csv", "hdf5", "parquet", "votable", "fits")


@pytest.fixture(scope="module")
def columns(said: ResourceDescription) -> list[Parameter]:
    return list(said.events.parameters())


def text(value: str) -> str:
    return " ".join(value.split())


Way = Callable[[Desk], bytes]
VOTABLES: dict[str, tuple[Way, dict[str, str]]] = {
    "cone search": (cone, OLD_UCDS),
    "cone search, as text": (lambda shop: cone(shop, RESPONSEFORMAT="votable/td"), OLD_UCDS),
    "TAP": (tap, {}),
    "TAP, as text": (lambda shop: tap(shop, "votable/td"), {}),
    "TAP, BINARY2": (lambda shop: tap(shop, "votable/b2"), {}),
}


@pytest.mark.parametrize("way", list(VOTABLES))
def test_votables_say_all_of_every_column(shop: Desk, columns: list[Parameter], way: str) -> None:
    ask, ucds = VOTABLES[way]
    document = parse(io.BytesIO(ask(shop)))
    table = document.get_first_table()
    fields = {field.name: field for field in table.fields}
    assert [name for name in fields if name != "_r"] == [p.name for p in columns]
    for p in columns:
        field = fields[p.name]
        assert str(field.unit or "") == p.unit, p.name
        assert field.ucd == ucds.get(p.name, p.ucd)
        assert text(field.description) == text(p.description)
        assert field.datatype == {"text": "char", "float64": "double"}.get(
            p.dtype, {"int32": "int", "int64": "long"}.get(p.dtype, "")
        )
    assert_nulls(table, columns)
    assert_frames(document, table)


def assert_nulls(table: TableElement, columns: list[Parameter]) -> None:
    """Notes say when a value is not available, and only there values are missing."""
    notes = {
        table.fields[[f.ID for f in table.fields].index(group.entries[0].ref)].name: group
        for group in table.groups
        if (group.name or "").startswith("note-")
    }
    told = {name: text(group.description) for name, group in notes.items()}
    assert told == {p.name: text(p.null) for p in columns if p.null}
    data = table.to_table()
    for p in columns:
        missing = data[p.name] != data[p.name] if p.dtype.is_float else []
        assert p.null or not any(missing), p.name


def assert_frames(document: VOTableFile, table: TableElement) -> None:
    (resource,) = document.resources
    frames = {frame.ID: frame for frame in resource.time_systems}
    fields = {field.name: field for field in table.fields}
    for name, origin in TIMES.items():
        frame = frames[fields[name].ref]
        assert (frame.timescale, frame.refposition, frame.timeorigin) == (
            "UTC",
            "TOPOCENTER",
            origin,
        )
    (system,) = resource.coordinate_systems
    assert system.system == "ICRS"
    assert {fields["ra"].ref, fields["dec"].ref} == {system.ID}


def test_short_answer_has_the_frames_of_the_columns_that_it_has(shop: Desk) -> None:
    answer = get(shop, f"{ID}/q/cone/scs.xml", **{**SKY, "VERB": "1"})
    document = parse(io.BytesIO(answer.content))
    table = document.get_first_table()
    names = [field.name for field in table.fields]
    assert "mjd" in names
    assert "unix_time" not in names
    assert [frame.timeorigin for frame in document.resources[0].time_systems] == ["MJD-origin"]
    assert {"position", "direction"} <= {group.name for group in table.groups}


@pytest.mark.parametrize("way", ["cone search", "TAP"])
def test_csv_has_the_names_and_nothing_where_nothing_is(
    shop: Desk, columns: list[Parameter], way: str
) -> None:
    body = cone(shop, RESPONSEFORMAT="csv") if way == "cone search" else tap(shop, "csv")
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert [name for name in rows[0] if name != "_r"] == [p.name for p in columns]
    missing = {p.name for p in columns for row in rows if row[p.name] in ("", "nan", "NaN")}
    assert missing == {p.name for p in columns if p.null and p.name in missing}
    assert "angular_error" in missing


CSV: dict[str, Callable[[Desk], httpx.Response]] = {
    "cone search": lambda shop: get(shop, f"{ID}/q/cone/scs.xml", **SKY, RESPONSEFORMAT="csv"),
    "TAP": lambda shop: get(
        shop, "tap/sync", REQUEST="doQuery", LANG="ADQL", QUERY=QUERY, FORMAT="csv"
    ),
    "TAP, asynchronous": lambda shop: asked_later(shop, QUERY, "csv"),
}


@pytest.mark.parametrize("way", list(CSV))
def test_csv_leads_to_what_its_columns_mean(shop: Desk, columns: list[Parameter], way: str) -> None:
    answer = CSV[way](shop)
    link = answer.links["describedby"]
    assert link["type"] == "application/x-votable+xml"
    table = parse(io.BytesIO(httpx.get(link["url"], timeout=60).content)).get_first_table()
    assert len(table.array) == 0
    fields = {field.name: field for field in table.fields}
    assert list(fields) == answer.text.splitlines()[0].split(",")
    for p in columns:
        field = fields[p.name]
        told = (str(field.unit or ""), field.ucd, text(field.description))
        ucd = VOTABLES[way.split(",", maxsplit=1)[0]][1].get(p.name, p.ucd)
        assert told == (p.unit, ucd, text(p.description)), p.name
    assert_nulls(table, columns)


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_csv_of_a_long_query_leads_to_all_tables(shop: Desk, later: bool) -> None:
    query = f"{QUERY} WHERE energy > 0 {'AND energy > 0 ' * 300}"
    asked = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query, "FORMAT": "csv"}
    url = f"{shop.settings.site.dachs_url}/tap/sync"
    answer = asked_later(shop, query, "csv") if later else httpx.post(url, data=asked, timeout=60)
    link = answer.links["describedby"]
    assert f"{ID}.events" in httpx.get(link["url"], timeout=60).text


def tap_later(shop: Desk) -> bytes:
    return asked_later(shop, QUERY, "fits").content


def asked_later(shop: Desk, query: str, form: str) -> httpx.Response:
    """Ask TAP asynchronously, which a program of its own answers."""
    url = f"{shop.settings.site.dachs_url}/tap/async"
    question = {"LANG": "ADQL", "QUERY": query, "FORMAT": form}
    asked = httpx.post(url, data=question, timeout=60, follow_redirects=True)
    job = str(asked.url)
    httpx.post(f"{job}/phase", data={"PHASE": "RUN"}, timeout=60)
    wait_for(lambda: httpx.get(f"{job}/phase", timeout=60).text == "COMPLETED", seconds=240)
    return httpx.get(f"{job}/results/result", timeout=60)


FITS: dict[str, Way] = {
    "cone search": lambda shop: cone(shop, RESPONSEFORMAT="fits"),
    "TAP": lambda shop: tap(shop, "fits"),
    "TAP, asynchronous": tap_later,
}


@pytest.mark.parametrize("way", list(FITS))
def test_fits_says_all_of_every_column(shop: Desk, columns: list[Parameter], way: str) -> None:
    with fits.open(io.BytesIO(FITS[way](shop))) as document:
        header, names = document[1].header, document[1].columns.names
        assert len(document[1].data) == 230
    assert [name for name in names if name != "_r"] == [p.name for p in columns]
    for p in columns:
        number = names.index(p.name) + 1
        told = (header.get(f"TUNIT{number}", ""), header[f"TUCD{number}"])
        assert told == (p.unit, p.ucd), p.name
        assert header[f"TCOMM{number}"] == text(p.description), p.name
    said = text("".join(f"{line:<72}" for line in header["COMMENT"]))
    for p in columns:
        assert (text(f"{p.name} is not available: {p.null}") in said) is bool(p.null), p.name
    assert (header["TIMESYS"], header["TREFPOS"]) == ("UTC", "TOPOCENTER")
    assert "MJDREF" not in header, "the columns of time begin at different times"


@pytest.mark.parametrize(("name", "day"), [("mjd", 0.0), ("unix_time", 40587.0)])
def test_fits_with_one_column_of_time_says_when_it_begins(
    shop: Desk, name: str, day: float
) -> None:
    body = tap(shop, "fits", f"SELECT event_id, {name} FROM {ID}.events")
    header = fits.getheader(io.BytesIO(body), 1)
    assert (header["TIMESYS"], header["MJDREF"]) == ("UTC", day)
    without = fits.getheader(io.BytesIO(tap(shop, "fits", f"SELECT ra FROM {ID}.events")), 1)
    assert "TIMESYS" not in without


def test_fits_says_which_integer_stands_for_nothing(shop: Desk) -> None:
    body = tap(shop, "fits", "SELECT obs_publisher_did, ev_xel FROM ivoa.obscore_hea")
    assert fits.getheader(io.BytesIO(body), 1)["TNULL2"] == -1


def test_form_and_its_page_say_all(shop: Desk, columns: list[Parameter]) -> None:
    asked = {"__nevow_form__": "genForm", "hscs_pos": "0,0", "hscs_sr": "10800", "_FORMAT": "HTML"}
    page: Any = lxml_html.fromstring(get(shop, f"{ID}/q/cone/form", **asked).text)
    heads: dict[str, Any] = {text(head.get("title", "")): head for head in page.findall(".//th")}
    for p in columns:
        head = heads.get(text(p.description))
        assert (head is not None) is p.principal, p.name
        if head is not None:
            assert f"[{p.unit}]" in head.text_content() or not p.unit
            assert (head.find(".//a[@href]") is not None) is bool(p.null)
    assert all(p.null in page.text_content() for p in columns if p.null and p.principal)


def test_page_of_the_table_says_all(shop: Desk, columns: list[Parameter]) -> None:
    page: Any = lxml_html.fromstring(get(shop, f"tableinfo/{ID}.events").text)
    told = {
        cells[0]: cells
        for row in page.findall(".//tr")
        if len(cells := [text(cell.text_content()) for cell in row.findall("td")]) == 5
    }
    for p in columns:
        _, _, description, unit, ucd = told[p.name]
        assert description.startswith(text(p.description))
        assert unit == (p.unit or "N/A")
        assert ucd == p.ucd
    assert all(text(p.null) in text(page.text_content()) for p in columns if p.null)


def test_schema_of_tap_and_registry_say_all(shop: Desk, columns: list[Parameter]) -> None:
    query = (
        "SELECT column_name, unit, ucd, description, principal FROM tap_schema.columns"
        f" WHERE table_name = '{ID}.events'"
    )
    rows = list(csv.DictReader(io.StringIO(tap(shop, "csv", query).decode())))
    told = {row["column_name"]: row for row in rows}
    record = get(
        shop, "oai.xml", verb="GetRecord", metadataPrefix="ivo_vor",
        identifier=f"ivo://{shop.settings.publisher.authority}/{ID}/q/cone",
    )  # fmt: skip
    registered = {
        column.findtext("name"): column
        for column in lxml_html.fromstring(record.content).iterfind(
            f".//table[name='{ID}.events']/column"
        )
    }
    for p in columns:
        row = told[p.name]
        assert (row["unit"], row["ucd"]) == (p.unit, p.ucd)
        assert text(row["description"]) == text(p.description)
        assert row["principal"] == ("1" if p.principal else "0")
        column = registered[p.name]
        assert (column.findtext("unit") or "", column.findtext("ucd")) == (p.unit, p.ucd)
        assert text(column.findtext("description") or "") == text(p.description)


@pytest.fixture(scope="module")
def files(shop: Desk) -> Iterator[Path]:
    """The products of the same resource in every format, as people download them."""
    folder, copied = shop.directory / "resources", "evts21_91"
    shutil.copytree(folder / ID, folder / copied)
    file = folder / copied / "resource.toml"
    formats = ", ".join(f'"{name}"' for name in ALL_FORMATS)
    described = file.read_text().replace(ID, copied, 1)
    file.write_text(f"{described}\n[products]\nformats = [{formats}]\n")
    try:
        shop.run("publish", "--until", "convert", copied)
        yield shop.products / copied / f"{copied}.csv"
    finally:
        shutil.rmtree(folder / copied)
        shutil.rmtree(shop.products / copied, ignore_errors=True)


def test_files_say_all(files: Path, columns: list[Parameter]) -> None:
    schema = pq.read_schema(files.with_suffix(".parquet"))
    within = schema.metadata[b"IVOA.VOTable-Parquet.content"]
    votables = [parse(files.with_suffix(".vot")), parse(io.BytesIO(within))]
    with fits.open(files.with_suffix(".fits")) as document:
        names, header = document[1].columns.names, document[1].header
    with h5py.File(files.with_suffix(".h5")) as document:
        attributes = dict(document["events"].attrs)
    for p in columns:
        told = (attributes[f"{p.name}.{what}"] for what in ("unit", "ucd", "description"))
        assert tuple(told) == (p.unit, p.ucd, p.description)
        for votable in votables:
            field: Any = votable.get_first_table().get_field_by_id_or_name(p.name)
            assert (str(field.unit or ""), field.ucd) == (p.unit, p.ucd)
            assert text(p.description) in text(field.description)
        number = names.index(p.name) + 1
        assert header.get(f"TUNIT{number}", "") == p.unit
        assert header[f"TUCD{number}"] == p.ucd
    assert schema.names == [p.name for p in columns]
    assert files.read_text().splitlines()[0] == ",".join(p.name for p in columns)


def test_files_say_when_a_value_is_not_available(files: Path, columns: list[Parameter]) -> None:
    """The JSON of all metadata is in each of them."""
    with h5py.File(files.with_suffix(".h5")) as document:
        told = {"HDF5": json.loads(document.attrs["parameters"])}
    with fits.open(files.with_suffix(".fits")) as document:
        (row,) = document["METADATA"].data
    texts = {
        "FITS": row["JSON"],
        "Parquet": pq.read_schema(files.with_suffix(".parquet")).metadata[b"vopub.metadata"],
        "beside CSV": (files.parent / f"{files.stem}.metadata.json").read_text(),
    }
    told |= {name: json.loads(content)["parameters"] for name, content in texts.items()}
    wanted = {p.name: p.null for p in columns}
    for name, parameters in told.items():
        assert {p["name"]: p["null"] for p in parameters} == wanted, name
    document = html.unescape(files.with_suffix(".vot").read_text())
    assert all(f'"null":"{null}"' in document for null in wanted.values())


def test_files_say_how_time_is_counted(files: Path) -> None:
    schema = pq.read_schema(files.with_suffix(".parquet"))
    within = io.BytesIO(schema.metadata[b"IVOA.VOTable-Parquet.content"])
    for votable in (parse(files.with_suffix(".vot")), parse(within)):
        frames = {f.ID: f for resource in votable.resources for f in resource.time_systems}
        for name, origin in TIMES.items():
            field: Any = votable.get_first_table().get_field_by_id_or_name(name)
            frame = frames[field.ref]
            said = (frame.timescale, frame.refposition, frame.timeorigin)
            assert said == ("UTC", "TOPOCENTER", origin)
    with fits.open(files.with_suffix(".fits")) as document:
        header = document["EVENTS"].header
    assert (header["TIMESYS"], header["TREFPOS"]) == ("UTC", "TOPOCENTER")
    with h5py.File(files.with_suffix(".h5")) as document:
        described = str(document["events"].attrs["mjd.description"])
    assert "UTC, at the detector" in described
    assert "Modified Julian Date" in described
