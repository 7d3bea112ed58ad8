"""1,000,000 events through the real descriptor, against the same one with a ``csvGrammar``.

The peer is what every DaCHS tutorial shows: DaCHS reads the CSV row by row. Both descriptors differ
in nothing else, and go through the same ``dachs imp`` into the same site.
"""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
from pyarrow import csv

from bench.report import Figure
from vopub.model.catalogue import known_parameters
from vopub.model.data_taking import DataTaking
from vopub.model.dataset import TableMetadata
from vopub.model.description import VoSection
from vopub.model.event_table import EventAccount, EventTable
from vopub.model.provenance import Provenance
from vopub.model.publication import Contact, Creator, Publication
from vopub.model.resource import make_kid
from vopub.model.server import DachsServer
from vopub.settings import Settings, load_settings
from vopub.site import Site
from vopub.vo.dachs import TABLE
from vopub.vo.database import row_count
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events
from vopub.vo.load import data_file, load

ROOT = Path(__file__).parents[1]
ROWS = 1_000_000
AT_LEAST = 8.0
COLUMNS = ("event_id", "ra", "dec", "angular_error", "mjd", "energy")
OURS, PEER = "evts99_01", "evts99_02"


def measure() -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    place.chmod(0o755)
    settings = _settings(place)
    site = Site(settings)
    try:
        site.up(lambda _: None)
        table = _table(ROWS)
        seconds = {name: _load(site.dachs, settings, name, table, place) for name in (OURS, PEER)}
    finally:
        site.down()
        shutil.rmtree(place)
    detail = f"{ROWS} rows: {seconds[OURS]:.1f} s against {seconds[PEER]:.1f} s"
    ratio = seconds[PEER] / seconds[OURS]
    return [Figure("load, against csvGrammar", ratio, "times as fast", AT_LEAST, True, detail)]


def _load(
    server: DachsServer, settings: Settings, name: str, table: EventTable, place: Path
) -> float:
    """Load the table and return the seconds that DaCHS's import took."""
    path = place / f"{name}.csv"
    csv.write_csv(pa.table(dict(table.columns)), path, csv.WriteOptions(quoting_style="needed"))
    descriptor = render_descriptor(
        _metadata(name, len(table)),
        VoSection(publish=True),
        authority=settings.publisher.authority,
        data_file=data_file(path),
        known=known_events(table),
    )
    if name == PEER:
        descriptor = _row_by_row(descriptor, data_file(path))
    began = perf_counter()
    result = load(server, name, descriptor=descriptor, csv=path, rows=len(table))
    print(f"{name}: import {result.seconds:.1f} s, in all {perf_counter() - began:.1f} s")
    if row_count(server.database, name, TABLE) != len(table):
        raise RuntimeError(f"{name} does not hold {len(table)} rows")
    return result.seconds


def _row_by_row(descriptor: str, data: str) -> str:
    """Return the same descriptor with the import of DaCHS's tutorials."""
    peer = (
        f'<data id="import"><sources>{data}</sources><csvGrammar/>'
        '<make table="events"><rowmaker idmaps="*"/></make></data>'
    )
    changed, count = re.subn(r'<data id="import">.*?</data>', peer, descriptor, flags=re.DOTALL)
    if count != 1:
        raise RuntimeError("the descriptor has no data element to replace")
    return changed


def _table(rows: int) -> EventTable:
    random = np.random.default_rng(9505)
    identifiers = [f"km3.50.9505.{row // 3}.{row}" for row in range(rows)]
    columns = {
        "event_id": np.array(identifiers, dtype=object),
        "ra": random.uniform(0, 360, rows),
        "dec": np.degrees(np.arcsin(random.uniform(-1, 1, rows))),
        "angular_error": random.gamma(2.0, 0.4, rows),
        "mjd": 59_269 + np.sort(random.uniform(0, 100, rows)),
        "energy": 10 ** random.uniform(0, 4, rows),
    }
    return EventTable(tuple(known_parameters()[name] for name in COLUMNS), columns)


def _metadata(name: str, rows: int) -> TableMetadata:
    publication = Publication(
        title="Synthetic events to measure with",
        description="Random directions, times and energies; nothing that a detector ever saw.",
        version="1.0",
        created=date(2026, 1, 1),
        creators=(Creator(name="vopub"),),
        publisher="vopub",
        owner="vopub",
        contact=Contact(name="vopub", email="nobody@example.org"),
        licence="CC0-1.0",
        licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
        subjects=("neutrino-astronomy",),
    )
    return TableMetadata(
        identifier=name,
        kid=make_kid("bench.invalid", name, "1.0"),
        simulated=True,
        rows=rows,
        publication=publication,
        data_taking=DataTaking(detector="none", runs=(), reconstruction="none"),
        parameters=tuple(known_parameters()[column] for column in COLUMNS),
        provenance=Provenance(steps=(), entities=()),
        account=EventAccount(read=rows, kept=rows),
    )


def _settings(place: Path) -> Settings:
    with socket.socket() as one, socket.socket() as other:
        for listener in (one, other):
            listener.bind(("127.0.0.1", 0))
        ports = [listener.getsockname()[1] for listener in (one, other)]
    return load_settings(
        {
            "site.directory": place / "site",
            "site.dachs_port": ports[0],
            "site.odc_port": ports[1],
        },
        environ={},
        directory=ROOT,
    )
