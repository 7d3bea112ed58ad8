"""Records as a publication makes them, and an Open Data Center in this process."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx
import pytest
from fastapi import FastAPI
from lxml import html
from lxml.html import HtmlElement

from vopub.model.data_taking import DataTaking, Run
from vopub.model.event_table import EventAccount, Excluded
from vopub.model.provenance import Entity, ProcessingStep, Provenance
from vopub.model.publication import Publication
from vopub.model.resource import (
    Coverage,
    FileReference,
    FileRole,
    KM3OpenResource,
    KM3ResourceCollection,
    RemoteFile,
    ServiceKind,
    ServiceReference,
    TimeSpan,
    make_kid,
)
from vopub.odc.app import MOST_WRITES, OdcConfig, create_app
from vopub.odc.client import OdcClient
from vopub.odc.store import Store
from vopub.resources import read_folder

from .databases import Cluster, cluster

ROOT = Path(__file__).parents[3]
AUTHORITY = "samples.km3net.invalid"
TOKEN = "a-token-for-tests-only-0123456789"
PROVED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CSV = b"event_id,ra,dec\nkm3.49.9505.100.1,10.5,-20.25\nkm3.49.9505.101.2,200.0,5.5\n"
HDF5 = bytes(range(256)) * 400
EDGE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 5"><rect width="9" height="5"/></svg>'
)


REMOTE_FILE = RemoteFile(
    name="hits.root", media_type="application/x-root", size=len(HDF5),
    url="https://files.samples.km3net.invalid/hits.root?version=1&download=yes",
    sha256=hashlib.sha256(HDF5).hexdigest(), description="Hits of the events",
)  # fmt: skip
"""A file that another server keeps."""


@dataclass(frozen=True)
class Product:
    """A file with its reference."""

    reference: FileReference
    content: bytes


def product(
    name: str, content: bytes, media_type: str, role: FileRole = FileRole.DATA, about: str = ""
) -> Product:
    digest = hashlib.sha256(content).hexdigest()
    reference = FileReference(
        name=name, media_type=media_type, size=len(content), sha256=digest, role=role,
        description=about,
    )  # fmt: skip
    return Product(reference, content)


def products(identifier: str = "evts21_01", picture: bytes = EDGE) -> list[Product]:
    return [
        product(f"{identifier}.csv", CSV, "text/csv; charset=utf-8", about="Events as CSV"),
        product(f"{identifier}.h5", HDF5, "application/x-hdf5", about="Events as HDF5"),
        product(
            f"{identifier}.json", b'{"rows": 226}', "application/json", FileRole.METADATA,
            "Metadata of the table",
        ),
        product(
            "skymap.svg", picture, "image/svg+xml", FileRole.PREVIEW,
            "Sky map of the 226 events in equatorial coordinates (ICRS), Mollweide projection.",
        ),
    ]  # fmt: skip


def make_record(
    identifier: str = "evts21_01", *, version: str = "1.0", files: list[Product] | None = None,
    publication: dict[str, Any] | None = None, **changes: Any,
) -> KM3OpenResource:  # fmt: skip
    """Make the record that a publication of a folder in ``resources/`` makes."""
    description = read_folder(ROOT / "resources" / identifier).description
    given = description.publication.model_dump()
    known = {
        "publisher": "vopub sample site",
        "owner": "KM3NeT Collaboration",
        "contact": {"name": "vopub sample site", "email": f"publisher@{AUTHORITY}"},
    }
    fields = {**given, **known, "version": version, **(publication or {})}
    return KM3OpenResource.model_validate(
        {
            "kid": make_kid(AUTHORITY, identifier, version), "identifier": identifier,
            "ktype": description.ktype, "simulated": description.simulated,
            "publication": Publication.model_validate(fields),
            "data_taking": DATA_TAKING, "parameters": description.events.parameters(),
            "provenance": PROVENANCE, "account": ACCOUNT, "rows": 226, "coverage": COVERAGE,
            "files": [p.reference for p in (products(identifier) if files is None else files)],
            "services": services(identifier) if description.vo.publish else (),
            "collection": description.collection, **changes,
        }
    )  # fmt: skip


def services(identifier: str) -> tuple[ServiceReference, ...]:
    base = "http://127.0.0.1:8080"
    return (
        ServiceReference(
            kind=ServiceKind.SCS, url=f"{base}/{identifier}/q/cone/scs.xml?", proved=PROVED,
            ivoid=f"ivo://{AUTHORITY}/{identifier}/q/cone",
        ),
        ServiceReference(
            kind=ServiceKind.TAP, url=f"{base}/tap", table=f"{identifier}.events", proved=PROVED
        ),
        ServiceReference(
            kind=ServiceKind.FORM, url=f"{base}/{identifier}/q/cone/form", proved=PROVED
        ),
    )  # fmt: skip


START = datetime(2021, 2, 24, 3, 59, 13, tzinfo=UTC)
STOP = datetime(2021, 2, 24, 9, 59, 12, 300000, tzinfo=UTC)
RUN = Run(
    detector_id=49, run=9505, start=START, stop=STOP, livetime=21504.4,
    triggers=("JTrigger3DMuon", "JTrigger3DShower", "JTriggerMXShower"), source="headerTree",
)  # fmt: skip
DATA_TAKING = DataTaking(
    detector="ORCA", runs=(RUN,), first_event=datetime(2021, 2, 24, 4, 0, 1, 250, tzinfo=UTC),
    last_event=datetime(2021, 2, 24, 4, 3, 59, tzinfo=UTC), reconstruction="jmuon",
    selection=("zenith > 90 deg",),
)  # fmt: skip
ACCOUNT = EventAccount(
    read=2499, kept=226,
    not_reconstructed=Excluded(
        reason="no reconstruction of the chosen kind", events=4,
        first=("km3.49.9505.104.3", "km3.49.9505.131.12", "km3.49.9505.200.7", "km3.49.9505.9.1"),
    ),
    cuts=(Excluded(reason="up-going", events=2269, first=("km3.49.9505.100.2",)),),
)  # fmt: skip
INPUT = Entity(identifier="sha256:" + "4c" * 32, name="orca6_sample.root")
PROVENANCE = Provenance(
    steps=(
        ProcessingStep(
            identifier=uuid5(UUID(int=0), "reduce"), name="reduce",
            description="Events with a chosen reconstruction were selected and converted.",
            software="vopub 0.1.0",
            configuration={"reconstruction": "jmuon", "chunk": 10000, "astropy": "8.0.2"},
            inputs=(INPUT.identifier,), outputs=("evts21_01.csv", "evts21_01.h5"),
            started=PROVED, ended=PROVED,
        ),
    ),
    entities=(INPUT,),
)  # fmt: skip
COVERAGE = Coverage(
    spatial="3/1-5 17", temporal=TimeSpan(start=START, stop=STOP), energy=(1.25, 98765.4)
)


def make_collection(identifier: str = "samples26_01", **changes: Any) -> KM3ResourceCollection:
    fields = {
        "identifier": identifier,
        "title": "Samples of ORCA with six detection units",
        "description": "Event tables made from the public samples of one run.",
    }
    return KM3ResourceCollection.model_validate({**fields, **changes})


class InProcess(httpx.BaseTransport):
    """Carries the requests of a synchronous client to an application in this process."""

    def __init__(self, app: FastAPI) -> None:
        self._asgi = httpx.ASGITransport(app)
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._runner.run(self._send(request, request.read()))

    async def _send(self, request: httpx.Request, body: bytes) -> httpx.Response:
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        answer = await self._asgi.handle_async_request(sent)
        content = b"".join([piece async for piece in answer.aiter_raw()])  # packed as it is
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)

    def close(self) -> None:
        self._runner.close()


def parse_page(text: str) -> HtmlElement:
    page = html.document_fromstring(text)
    assert isinstance(page, HtmlElement)
    return page


@dataclass(frozen=True)
class Centre:
    """An Open Data Center: its application and two ways to talk to it."""

    directory: Path
    app: FastAPI
    http: httpx.Client
    """Sends the token."""
    client: OdcClient
    work: Path

    @property
    def store(self) -> Store:
        store = self.app.state.store
        assert isinstance(store, Store)
        return store

    def put(self, record: KM3OpenResource, files: list[Product]) -> None:
        """Upload files, then write the record."""
        upload(self.client, record.kid, files, self.work)
        self.client.put_resource(record)

    def anonymous(self) -> httpx.Client:
        return httpx.Client(transport=InProcess(self.app), base_url="http://odc.test")


def upload(client: OdcClient, kid: UUID, files: list[Product], work: Path) -> list[bool]:
    done = []
    for file in files:
        path = work / file.reference.name
        path.write_bytes(file.content)
        done.append(client.put_file(kid, file.reference, path))
    return done


@contextmanager
def opened(work: Path, database: str = "", most_writes: int = MOST_WRITES) -> Iterator[Centre]:
    config = OdcConfig(
        directory=work / "odc", token_digest=hashlib.sha256(TOKEN.encode()).digest(),
        largest_upload=1 << 20, most_writes=most_writes, database=database,
    )  # fmt: skip
    app = create_app(config)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        httpx.Client(transport=InProcess(app), base_url="http://odc.test", headers=headers) as http,
        OdcClient("http://odc.test", TOKEN, InProcess(app)) as client,
    ):
        yield Centre(config.directory, app, http, client, work)
    app.state.store.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """One server for all tests of the session; each takes a database of its own."""
    with cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty database; empty for SQLite."""
    if request.param == "sqlite":
        return ""
    running = request.getfixturevalue("postgresql")
    assert isinstance(running, Cluster)
    return running.database()


@pytest.fixture
def store(tmp_path: Path, database: str) -> Iterator[Store]:
    """Give an empty store, on each database."""
    opened = Store(tmp_path / "odc", database)
    yield opened
    opened.close()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    with opened(tmp_path) as centre:
        yield centre


@pytest.fixture
def filled(centre: Centre) -> Centre:
    """Give one with a stream and a collection, and what belongs to them."""
    from .grouped import fill  # noqa: PLC0415 - it takes its records from here

    fill(centre)
    return centre


@pytest.fixture(scope="module")
def kept_centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """One for all tests of a module that change nothing."""
    with opened(tmp_path_factory.mktemp("centre")) as centre:
        yield centre


@pytest.fixture
def record() -> KM3OpenResource:
    return make_record()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds, half a minute at most."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, f"not within 30 s: {what}"
        time.sleep(0.01)


@dataclass
class Server:
    """``python -m vopub.odc`` as its own process."""

    directory: Path
    process: subprocess.Popen[str]
    url: str

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)
        return self.process.returncode


def start(directory: Path, *options: str) -> Server:
    """Start the service on a free port and wait until it listens."""
    token = directory.parent / "token"
    token.write_text(TOKEN + "\n", encoding="ascii")
    command = [sys.executable, "-m", "vopub.odc", "--directory", str(directory), "--port", "0"]
    with (directory.parent / "odc.log").open("a") as log:
        process = subprocess.Popen(
            [*command, "--token-file", str(token), *options], cwd=ROOT, stdout=subprocess.PIPE,
            stderr=log, text=True, env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on "), (directory.parent / "odc.log").read_text()
    return Server(directory, process, line.split()[-1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = start(tmp_path / "odc")
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture(scope="module")
def kept_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a module that leave it running."""
    running = start(tmp_path_factory.mktemp("server") / "odc")
    yield running
    running.stop()
