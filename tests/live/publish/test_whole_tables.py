"""Whole tables as files, what registries are told, and the sky in a browser."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import matplotlib.image
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from astropy import units as u
from astropy.io import fits, votable
from astropy.io.votable.tree import Info
from astropy.table import Table
from lxml import etree, html
from mocpy import MOC
from pyvo.registry import regtap, rtcons

from . import aladin_lite
from .conftest import Desk

pytestmark = pytest.mark.live

SCHEMATA = Path("/usr/lib/python3/dist-packages/gavo/resources/schemata")
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
BULK = ("csv", "vot", "fits", "parquet")
SCRIPT = """const asked = new URLSearchParams(location.search);
window.seen = {};
window.moc = A.MOCFromURL(asked.get("moc"), {fill: true, opacity: 0.3, color: "#4477aa"},
                          () => { seen.moc = true; });
aladin.addMOC(moc);
const events = A.catalogFromURL(asked.get("cone"), {sourceSize: 10, color: "#dd3333"}, () => {
    seen.events = events.getSources().map(one => [one.data.event_id, one.ra, one.dec]);
}, error => { seen.error = String(error); }, false);
aladin.addCatalog(events);"""
REGISTRY = """
ATTACH ':memory:' AS rr;
CREATE TABLE rr.resource (ivoid, res_type, short_name, res_title, content_level, res_description,
    reference_url, creator_seq, created, updated, rights, content_type, source_format, source_value,
    region_of_regard, waveband);
CREATE TABLE rr.capability (ivoid, cap_index, standard_id, cap_description);
CREATE TABLE rr.interface (ivoid, cap_index, intf_type, intf_role, access_url);
CREATE TABLE rr.table_column (ivoid, name, ucd);
"""
"""Tables of RegTAP 1.1, as far as the questions below go."""


class LocalSchemata(etree.Resolver):
    """Finds the schemata that DaCHS brings, wherever documents say that they are."""

    def resolve(self, *where: Any) -> Any:
        url, _, context = where
        finder: Any = self
        return finder.resolve_filename(str(SCHEMATA / url.rpartition("/")[2]), context)


def registry_schema() -> etree.XMLSchema:
    names = ("OAI-PMH", "RegistryInterface", "VOResource", "VODataService", "ConeSearch",
             "TAPRegExt", "VORegistry", "Colstats")  # fmt: skip
    spaces = [etree.parse(SCHEMATA / f"{name}.xsd").getroot() for name in names]
    imports = "".join(
        f'<x:import namespace="{space.get("targetNamespace")}" schemaLocation="{name}.xsd"/>'
        for name, space in zip(names, spaces, strict=True)
    )
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(LocalSchemata())
    text = f'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">{imports}</x:schema>'
    return etree.XMLSchema(etree.fromstring(text, parser))


@pytest.fixture(scope="module")
def records(desk: Desk) -> Any:
    """Publish, and give what the registry of the site hands out."""
    desk.restore("evts21_01")
    desk.publish("evts21_01")
    url = f"{desk.settings.site.dachs_url}/oai.xml"
    answer = httpx.get(url, params={"verb": "ListRecords", "metadataPrefix": "ivo_vor"}, timeout=60)
    return etree.fromstring(answer.content)


def record_of(records: Any) -> Any:
    (found,) = [
        resource for resource in records.iter("{*}Resource")
        if str(resource.findtext("identifier")).endswith("/evts21_01/q/cone")
    ]  # fmt: skip
    return found


def capabilities(records: Any) -> list[dict[str, str]]:
    return [
        {
            "standard": str(capability.get("standardID") or ""),
            "type": str(interface.get(TYPE)),
            "role": str(interface.get("role") or ""),
            "url": str(interface.findtext("accessURL")),
            "use": str(interface.find("accessURL").get("use") or ""),
            "description": str(capability.findtext("description") or ""),
        }
        for capability in record_of(records).iter("capability")
        for interface in capability.iter("interface")
    ]


def bulk_urls(records: Any) -> dict[str, str]:
    files = [c["url"] for c in capabilities(records) if "whole table" in c["description"]]
    return {url.rpartition(".")[2]: url for url in files}


def test_records_are_valid_and_a_registry_would_find_the_cone_search(
    records: Any,
) -> None:
    schema = registry_schema()
    assert schema.validate(records), schema.error_log
    record = record_of(records)
    (cone,) = [c for c in capabilities(records) if c["standard"].lower().endswith("/conesearch")]
    # RegTAP has standard identifiers in lower case, and pyvo and TOPCAT ask for exactly this one.
    assert cone["standard"].lower() == "ivo://ivoa.net/std/conesearch"
    assert (cone["type"], cone["role"], cone["use"]) == ("vs:ParamHTTP", "std", "base")
    assert cone["url"].endswith("/evts21_01/q/cone/scs.xml?")
    assert record.get(TYPE) == "vs:CatalogService"
    assert record.get("status") == "active"
    (capability,) = [c for c in record.iter("capability") if c.get(TYPE) == "cs:ConeSearch"]
    assert float(str(capability.findtext("maxSR"))) == 180
    query = {name: capability.findtext(f"testQuery/{name}") for name in ("ra", "dec", "sr")}
    url = cone["url"] + urlencode({name.upper(): value for name, value in query.items()})
    found = votable.parse_single_table(io.BytesIO(httpx.get(url, timeout=60).content))
    assert len(found.array) >= 1
    ucds = {str(column.findtext("ucd")) for column in record.iter("column")}
    assert {"meta.id;meta.main", "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"} <= ucds
    names = {str(param.findtext("name")) for param in capability.iter("param")}
    assert {"RA", "DEC", "SR", "mjd", "energy", "MAXREC"} <= names | {n.upper() for n in names}


class Joined:
    """The aggregate function ``ivo_string_agg`` of RegTAP."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.separator = ""

    def step(self, text: str, separator: str) -> None:
        self.texts.append(text)
        self.separator = separator

    def finalize(self) -> str:
        return self.separator.join(self.texts)


def searchable(records: Any) -> sqlite3.Connection:
    """Return a registry that harvested records, in lower case where RegTAP says so."""
    registry = sqlite3.connect(":memory:")
    registry.executescript(REGISTRY)
    registry.create_aggregate("ivo_string_agg", 2, Joined)  # type: ignore[arg-type]
    for record in records.iter("{*}Resource"):
        name, title = record.findtext("identifier").lower(), record.findtext("title")
        registry.execute("INSERT INTO rr.resource (ivoid, res_title) VALUES (?, ?)", (name, title))
        for index, capability in enumerate(record.iter("capability")):
            standard = str(capability.get("standardID") or "").lower()
            said = capability.findtext("description")
            row: tuple[Any, ...] = (name, index, standard, said)
            registry.execute("INSERT INTO rr.capability VALUES (?, ?, ?, ?)", row)
            for one in capability.iter("interface"):
                row = (name, index, one.get(TYPE).lower(), one.get("role"))
                row = (*row, one.findtext("accessURL"))
                registry.execute("INSERT INTO rr.interface VALUES (?, ?, ?, ?, ?)", row)
        for column in record.iter("column"):
            row = (name, column.findtext("name"), column.findtext("ucd"))
            registry.execute("INSERT INTO rr.table_column VALUES (?, ?, ?)", row)
    return registry


def test_pyvo_finds_the_cone_search_in_a_registry(desk: Desk, records: Any) -> None:
    asked = [rtcons.Servicetype("conesearch"), rtcons.UCD("pos.eq.ra%")]
    found = searchable(records).execute(rtcons.build_regtap_query(asked, None))
    names = [about[0] for about in found.description]
    rows = [["" if value is None else str(value) for value in row] for row in found]
    table = votable.from_table(Table(rows=rows, names=names, dtype=[object] * len(names)))
    table.resources[0].type = "results"
    table.resources[0].infos.append(Info(name="QUERY_STATUS", value="OK"))
    services = {
        resource.ivoid: resource.get_service("conesearch")
        for resource in regtap.RegistryResults(table, url="http://127.0.0.1/")
    }
    service = services["ivo://samples.km3net.invalid/evts21_01/q/cone"]
    events = pd.read_csv(desk.products / "evts21_01" / "evts21_01.csv")
    assert len(service.search((0, 0), 180.0)) == len(events)


def test_whole_table_comes_in_four_formats_with_its_checksum(desk: Desk, records: Any) -> None:
    urls = bulk_urls(records)
    assert set(BULK) <= set(urls)
    product = pd.read_csv(desk.products / "evts21_01" / "evts21_01.csv")
    content = {suffix: fetched_in_parts(urls[suffix]) for suffix in BULK}
    tables = {
        "csv": pd.read_csv(io.BytesIO(content["csv"])),
        "vot": votable.parse_single_table(io.BytesIO(content["vot"])).to_table().to_pandas(),
        "fits": pd.DataFrame(
            {
                name: column.byteswap().view(column.dtype.newbyteorder("="))
                if column.dtype.kind in "if" else column
                for data in [fits.getdata(io.BytesIO(content["fits"]), 1)]
                for name, column in ((n, np.asarray(data[n])) for n in data.names)
            }
        ),
        "parquet": pyarrow.parquet.read_table(io.BytesIO(content["parquet"])).to_pandas(),
    }  # fmt: skip
    for suffix, table in tables.items():
        assert list(table["event_id"].astype(str)) == list(product["event_id"]), suffix
        for name in product.columns[1:]:
            values = table[name].to_numpy(dtype=float, na_value=np.nan)
            assert np.array_equal(values, product[name].to_numpy(float), equal_nan=True), name


def fetched_in_parts(url: str) -> bytes:
    """Fetch a file as a client does whose connection breaks, and check it as a whole."""
    head = httpx.head(url, timeout=60)
    size, tag = int(head.headers["content-length"]), head.headers["etag"]
    assert head.headers["accept-ranges"] == "bytes"
    pieces = []
    for first, last in [(0, size // 3), (size // 3 + 1, size // 2), (size // 2 + 1, "")]:
        headers = {"Range": f"bytes={first}-{last}", "If-Range": tag}
        part = httpx.get(url, headers=headers, timeout=60)
        assert part.status_code == 206
        assert part.headers["content-range"].startswith(f"bytes {first}-")
        pieces.append(part.content)
    content = b"".join(pieces)
    assert len(content) == size
    (digest,) = [d for d in head.headers["repr-digest"].split(",") if d.startswith("sha-256=")]
    given = digest.removeprefix("sha-256=").strip(":")
    done = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=content,
                          capture_output=True, check=True)  # fmt: skip
    encoded = subprocess.run(["base64"], input=done.stdout, capture_output=True, check=True)
    assert encoded.stdout.decode().strip() == given
    beyond = httpx.get(url, headers={"Range": f"bytes={size}-"}, timeout=60)
    assert beyond.status_code == 416
    return content


def test_pages_of_dachs_show_files_and_pictures(desk: Desk, records: Any) -> None:
    for page in ("/evts21_01/q/cone/info", "/tableinfo/evts21_01.events"):
        answer = httpx.get(desk.settings.site.dachs_url + page, timeout=60)
        tree: Any = html.fromstring(answer.text)
        links = set(tree.xpath("//a/@href"))
        assert set(bulk_urls(records).values()) <= links, page
        pictures = [url for url in tree.xpath("//img/@src") if "/files/" in url]
        assert len(pictures) == 3
        for url, name in zip(pictures, ("skymap", "energy", "time"), strict=True):
            picture = httpx.get(url, timeout=60)
            assert f".{name}.svg" in url
            assert picture.headers["content-type"] == "image/svg+xml"
            assert etree.fromstring(picture.content).tag.endswith("svg")


def moc_url(records: Any) -> str:
    return bulk_urls(records)["csv"].removesuffix("csv") + "moc.fits"


def test_coverage_file_is_a_moc_that_holds_every_event(
    desk: Desk, records: Any, tmp_path: Path
) -> None:
    path = tmp_path / "coverage.moc.fits"
    path.write_bytes(httpx.get(moc_url(records), timeout=60).content)
    moc = MOC.from_fits(path)
    stated = record_of(records).findtext(".//coverage/spatial")
    assert moc == MOC.from_string(str(stated), "ascii")
    csv = desk.products / "evts21_01" / "evts21_01.csv"
    events = pd.read_csv(csv)
    assert moc.contains_lonlat(
        events["ra"].to_numpy() * u.deg, events["dec"].to_numpy() * u.deg
    ).all()
    counted = subprocess.run(
        ["stilts", "tpipe", "ifmt=csv", f"in={csv}", f"""cmd=select 'inMoc("{path}", ra, dec)'""",
         "omode=count"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert counted.stdout.split()[-1] == str(len(events))


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a page with Aladin Lite from another origin than the data."""
    with aladin_lite.served(tmp_path_factory.mktemp("viewer"), SCRIPT) as url:
        yield url


def test_aladin_lite_loads_cone_search_and_coverage(
    desk: Desk, records: Any, viewer: str, tmp_path: Path
) -> None:
    base = f"{desk.settings.site.dachs_url}/evts21_01/q/cone/scs.xml"
    cone = f"{base}?RA=0&DEC=0&SR=180"
    asked = urlencode({"cone": cone, "moc": moc_url(records)})
    with aladin_lite.opened(f"{viewer}?{asked}") as page:
        page.wait_for_function(
            "window.seen && (seen.error || (seen.moc && seen.events))", timeout=120_000
        )
        seen = json.loads(page.evaluate("JSON.stringify(seen)"))
        fraction = page.evaluate("moc.skyFraction()")
        page.wait_for_timeout(1000)
        page.screenshot(path=tmp_path / "sky.png")
    assert "error" not in seen
    events = pd.read_csv(desk.products / "evts21_01" / "evts21_01.csv").set_index("event_id")
    assert {name for name, _, _ in seen["events"]} == set(events.index)
    for name, ra, dec in seen["events"]:
        assert (ra, dec) == pytest.approx((events["ra"][name], events["dec"][name]), abs=1e-9)
    stated = MOC.from_string(str(record_of(records).findtext(".//coverage/spatial")), "ascii")
    assert fraction == pytest.approx(stated.sky_fraction, rel=1e-6)
    assert drawn(tmp_path / "sky.png") > 500


def drawn(path: Path) -> int:
    """Return how many points of a picture have the colour of events."""
    picture = matplotlib.image.imread(path)[..., :3]
    red, green, blue = np.moveaxis(picture, -1, 0)
    return int(((red > 0.75) & (green < 0.35) & (blue < 0.35)).sum())
