"""Synthetic tables and sites that benchmarks of the VO's services share."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from bench.described import described
from vopub.model.catalogue import known_parameters
from vopub.model.data_taking import DataTaking
from vopub.model.dataset import TableMetadata
from vopub.model.description import VoSection
from vopub.model.event_table import EventAccount, EventTable
from vopub.model.provenance import Provenance
from vopub.model.resource import make_kid
from vopub.settings import Settings, load_settings
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events
from vopub.vo.places import data_file

ROOT = Path(__file__).parents[1]
COLUMNS = ("event_id", "ra", "dec", "angular_error", "mjd", "energy")


def event_table(rows: int, *, run: int = 9505) -> EventTable:
    """Return random events; the identifier of each tells the run."""
    random = np.random.default_rng(run)
    identifiers = [f"km3.50.{run}.{row // 3}.{row}" for row in range(rows)]
    columns = {
        "event_id": np.array(identifiers, dtype=object),
        "ra": random.uniform(0, 360, rows),
        "dec": np.degrees(np.arcsin(random.uniform(-1, 1, rows))),
        "angular_error": random.gamma(2.0, 0.4, rows),
        "mjd": 59_269 + np.sort(random.uniform(0, 100, rows)),
        "energy": 10 ** random.uniform(0, 4, rows),
    }
    return EventTable(tuple(known_parameters()[name] for name in COLUMNS), columns)


def write_csv(table: EventTable, path: Path) -> Path:
    """Write a table as DaCHS loads it."""
    csv.write_csv(pa.table(dict(table.columns)), path, csv.WriteOptions(quoting_style="needed"))
    return path


def descriptor_of(name: str, table: EventTable, path: Path, settings: Settings) -> str:
    """Return the descriptor of a table that was written to a file."""
    return render_descriptor(
        metadata_of(name, len(table)),
        VoSection(publish=True),
        authority=settings.publisher.authority,
        data_file=data_file(path),
        known=known_events(table),
    )


def metadata_of(name: str, rows: int) -> TableMetadata:
    """Return what is said about such a table."""
    publication = described(
        title="Synthetic events to measure with",
        description="Random directions, times and energies; nothing that a detector ever saw.",
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


def settings_in(place: Path) -> Settings:
    """Return the settings of a site below a directory, on free ports."""
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
