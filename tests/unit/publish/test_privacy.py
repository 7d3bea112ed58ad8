"""Names of people, machines and places that are planted wherever they could come from stay there.

They are looked for in every byte of every product, as it lies and as independent readers see it.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot
from astropy.io import fits
from astropy.io.votable import parse as parse_votable
from km3net_testdata import data_path

from vopub.events.readers.root_history import dst_command, jpp_texts
from vopub.files import write_text
from vopub.formats.products import read_manifest
from vopub.formats.reading import read_dataset
from vopub.formats.registry import FORMATS
from vopub.model.description import Cut, EventsSection, ProductsSection, ResourceDescription
from vopub.publish.convert import Source, Way, make_table
from vopub.publish.metadata import record_of
from vopub.resources import read_folder
from vopub.settings import load_settings
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events

ROOT = Path(__file__).parents[3]
USER, HOST, VALUE = "zzuser", "zzhost", "zzvalue"
MAIL = f"{USER}@mail.zzdomain.org"
PLANTED = (USER, HOST, VALUE, "zzdomain", "zzplace")
SEEN = "zzseen"
"""Planted where it is to be published: every reader of this test has to see it."""
RECORD = data_path("hdf5/geamon.h5.prov.json")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's directory, on a machine, in an environment that all say who it is."""
    place = tmp_path / "zzplace" / "home" / USER
    place.mkdir(parents=True)
    names = {
        "HOME": str(place), "USER": USER, "LOGNAME": USER, "USERNAME": USER, "HOSTNAME": HOST,
        "MAIL": MAIL, "EMAIL": MAIL, "ZZ_SECRET": VALUE, "TMPDIR": str(place), "PWD": str(place),
    }  # fmt: skip
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    for module, name in ((socket, "gethostname"), (socket, "getfqdn"), (platform, "node")):
        monkeypatch.setattr(module, name, lambda *_: HOST)
    shutil.copy(ROOT / "vopub.toml", place)
    monkeypatch.chdir(place)
    return place


def planted(text: bytes) -> bytes:
    """Return the text with every path in it replaced by a planted one of the same length."""
    new = f"/home/{USER}/{HOST}/{MAIL}/{VALUE}/".encode()
    return re.sub(rb"/[\w/.]{8,}", lambda path: (new * 9)[: len(path[0])], text)


def plant_in_keys(path: Path, directory: str) -> None:
    """Replace the paths in the texts of one directory of a ROOT file, and in their titles."""
    content = bytearray(path.read_bytes())
    with uproot.open({str(path): None}) as file:
        keys = [file[directory].key(name) for name in file[directory]]
    for key in keys:
        start, middle, end = (
            key.fSeekKey, key.fSeekKey + key.fKeylen, key.fSeekKey + key.fNbytes
        )  # fmt: skip
        content[start + 26 : middle] = planted(bytes(content[start + 26 : middle]))
        if key.fObjlen == end - middle:
            content[middle:end] = planted(bytes(content[middle:end]))
            continue
        assert content[middle : middle + 2] == b"ZL"
        packed = zlib.compress(planted(zlib.decompress(content[middle + 9 : end])), 9)
        assert len(packed) <= end - middle - 9
        content[middle + 3 : middle + 6] = len(packed).to_bytes(3, "little")
        content[middle + 9 : middle + 9 + len(packed)] = packed
    path.write_bytes(content)


def poisoned(value: Any, key: str = "") -> Any:
    """Return a record of km3pipe with a planted text in every place that holds text."""
    if isinstance(value, dict):
        return {name: poisoned(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner, key) for inner in value]
    kept = key in ("uuid", "time_utc") or not isinstance(value, str)
    return value if kept else f"{value}/home/{USER}/{HOST} {MAIL} {VALUE}"


def lay_record(beside: Path) -> None:
    content = json.loads(Path(RECORD).read_text())
    for activity in content:
        activity["output"] = []  # of no other file
    write_text(beside.with_name(beside.name + ".prov.json"), json.dumps(poisoned(content)))


def dst(home: Path) -> Path:
    """A DST file whose history names the person, with a record beside it."""
    path = home / "dst.root"
    shutil.copyfile(data_path("dst/orca4_sample.root"), path)
    plant_in_keys(path, "dst_history")
    with uproot.open({str(path): None}) as file:
        assert USER in (dst_command(file) or "")
    lay_record(path)
    return path


def offline(home: Path) -> Path:
    """A simulated offline file in which Jpp recorded commands and machines."""
    name = "mcv6.0.gsg_muon_highE-CC_50-500GeV.km3sim.jterbr00008357.jorcarec.aanet.905.root"
    path = home / "offline.root"
    shutil.copyfile(data_path(f"offline/{name}"), path)
    plant_in_keys(path, "META")
    with uproot.open({str(path): None}) as file:
        assert all(USER in text for text in jpp_texts(file))
    return path


def km3pipe(home: Path) -> Path:
    """An HDF5 file of km3pipe with attributes and a header that name the person."""
    path = home / "km3pipe.h5"
    shutil.copyfile(data_path("hdf5/basic_analysis_sample.h5"), path)
    text = f"/home/{USER}/{HOST} {MAIL}".encode()
    with h5py.File(path, "r+") as file:
        for name in ("km3pipe", "jpp", "origin", "pytables", "TITLE", "zz"):
            file.attrs[name] = np.bytes_(text)
        file["event_info"].attrs["zz"] = np.bytes_(text)
        names = ("dtype", "field_names", "field_values", "parameter")
        header = [("a1", "x", f"/home/{USER} {HOST}", p) for p in ("physics", "simul", "detector")]
        rows = [tuple(part.encode() for part in row) for row in header]
        file["raw_header"] = np.array(rows, dtype=[(name, "S60") for name in names])
    lay_record(path)
    return path


def described(path: Path, *, simulated: bool) -> ResourceDescription:
    base = read_folder(ROOT / "resources" / "evts21_01").description
    events = base.events.model_dump()
    events |= {"inputs": (str(path),), "good_runs": "", "max_malformed": "100%"}
    events |= {"selection": (Cut(name="anywhere", keep="zenith >= 0 deg"),)}
    note = f"{SEEN}: this is to be found"
    # The planted simulations have no time of day, so no place on the sky that HATS goes by.
    formats = tuple(name for name in FORMATS if name != "hats" or not simulated)
    return base.model_copy(
        update={
            "simulated": simulated,
            "events": EventsSection.model_validate(events),
            "products": ProductsSection(formats=formats),
            "publication": base.publication.model_copy(update={"note": note}),
        }
    )


@pytest.fixture(
    params=[(dst, False), (offline, True), (km3pipe, True)], ids=["dst", "offline", "km3pipe"]
)
def products(request: pytest.FixtureRequest, home: Path) -> Path:
    """The products of one planted file in every format, the descriptor and the record."""
    make: Callable[[Path], Path]
    make, simulated = request.param
    path = make(home)
    description = described(path, simulated=simulated)
    made = home / "products"
    publisher = load_settings({}).publisher
    source = Source(description, (path,), None, publisher)
    metadata = make_table(source, made, Way(home / "parts"))
    manifest = read_manifest(made)
    assert manifest is not None
    record = record_of(description, metadata, manifest, ())
    write_text(made / "record.json", record.model_dump_json())
    descriptor = render_descriptor(
        metadata, description.vo, authority=publisher.authority, data_file="evts21_01.csv",
        known=known_events([read_dataset(made / "evts21_01.h5").table]),
    )  # fmt: skip
    write_text(made / "q.rd", descriptor)
    return made


def seen_in(path: Path) -> Iterator[bytes]:
    """Yield what a file holds: its bytes, and what independent readers unpack from them."""
    yield path.read_bytes()
    if path.suffix == ".h5":
        yield from _in_hdf5(path)
    elif path.suffix == ".parquet":
        yield from _in_parquet(path)
    elif path.suffix == ".fits":
        yield from _in_fits(path)
    elif path.suffix in (".vot", ".votable", ".xml"):
        yield from _in_votable(path)


def _in_hdf5(path: Path) -> Iterator[bytes]:
    with h5py.File(path) as file:
        names: list[str] = []
        file.visit(names.append)
        for item in (file, *(file[name] for name in names)):
            yield repr([item.name, *item.attrs.items()]).encode()
            if isinstance(item, h5py.Dataset):
                yield repr(item[()].tolist()).encode()


def _in_parquet(path: Path) -> Iterator[bytes]:
    file = pq.ParquetFile(path)
    yield repr(file.metadata).encode()
    yield from (part for pair in (file.metadata.metadata or {}).items() for part in pair)
    table = file.read()
    yield from (part for f in table.schema for pair in (f.metadata or {}).items() for part in pair)
    yield repr(table.to_pydict()).encode()


def _in_fits(path: Path) -> Iterator[bytes]:
    with fits.open(path) as units:
        for unit in units:
            yield unit.header.tostring(sep="\n").encode()
            yield repr(None if unit.data is None else unit.data.tolist()).encode()


def _in_votable(path: Path) -> Iterator[bytes]:
    for table in parse_votable(path).iter_tables():
        yield repr(table.array.tolist()).encode()


def files_in(products: Path) -> list[Path]:
    return sorted(path for path in products.rglob("*") if path.is_file())


def test_nothing_that_is_planted_is_in_any_product(products: Path, tmp_path: Path) -> None:
    secrets = [*PLANTED, str(tmp_path), str(ROOT), "/home/"]
    leaks = [
        (path.name, secret)
        for path in files_in(products)
        for content in seen_in(path)
        for secret in secrets
        if secret.encode().lower() in content.lower()
    ]
    assert leaks == []


def test_what_is_to_be_published_is_seen_in_every_format(products: Path) -> None:
    top = {path.relative_to(products).parts[0] for path in files_in(products)}
    data = {name for name in top if Path(name).suffix not in (".svg", ".csv", ".provn")}
    seeing = {
        path.relative_to(products).parts[0]
        for path in files_in(products)
        if any(SEEN.encode() in seen for seen in seen_in(path))
    }
    without_text = {"manifest.json", "evts21_01.prov.json", "evts21_01.moc.fits"}
    assert data - seeing <= without_text


def test_the_history_goes_on_without_what_was_planted(products: Path) -> None:
    text = (products / "evts21_01.prov.json").read_text()
    assert any(program in text for program in ("make_dst", "JMuonGandalf", "km3pipe activity"))
