"""A table of 230 events as the first resource has them, and everything said about it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from vopub.model.catalogue import known_parameters
from vopub.model.data_taking import DataTaking, Run
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.description import CollectionDescription, VoSection
from vopub.model.event_table import EventAccount, EventTable
from vopub.model.function_table import FunctionTable
from vopub.model.parameter import Dtype, Parameter
from vopub.model.provenance import Provenance
from vopub.model.publication import Contact, Creator, Publication
from vopub.model.resource import Coverage, TimeSpan, make_kid

AUTHORITY = "samples.km3net.invalid"
IDENTIFIER = "evts21_01"
ROWS = 230
COLUMNS = (
    "event_id", "ra", "dec", "angular_error", "mjd", "energy", "zenith", "azimuth", "likelihood",
    "track_length", "n_hits", "unix_time", "detector_id", "run_id", "frame_index",
    "trigger_counter", "trigger_mask", "overlays",
)  # fmt: skip
START_NS = 1_614_124_801_000_000_000


def parameters(names: tuple[str, ...] = COLUMNS) -> tuple[Parameter, ...]:
    return tuple(known_parameters()[name] for name in names)


def columns(rows: int, seed: int = 9505) -> dict[str, Any]:
    """Return values in the ranges of real up-going tracks: NaN where a fit gave nothing."""
    random = np.random.default_rng(seed)
    error = random.gamma(2.0, 0.4, rows)
    energy = 10 ** random.uniform(0, 4, rows)
    error[::17] = np.nan
    energy[5::50] = np.nan
    nanoseconds = START_NS + np.sort(random.integers(0, 600 * 10**9, rows))
    frame, counter = np.arange(rows) // 3, np.arange(rows)
    ids = [f"km3.50.9505.{f}.{c}" for f, c in zip(frame, counter, strict=True)]
    return {
        "event_id": np.array(ids, dtype=object),
        "ra": random.uniform(0, 360, rows),
        "dec": np.degrees(np.arcsin(random.uniform(-1, 1, rows))),
        "angular_error": error,
        "mjd": 40587 + nanoseconds / 86_400e9,
        "energy": energy,
        "zenith": random.uniform(90, 180, rows),
        "azimuth": random.uniform(0, 360, rows),
        "likelihood": random.normal(60, 30, rows),
        "track_length": random.gamma(2.0, 30, rows),
        "n_hits": random.integers(5, 200, rows).astype(np.int32),
        "unix_time": nanoseconds,
        "detector_id": np.full(rows, 50, np.int32),
        "run_id": np.full(rows, 9505, np.int32),
        "frame_index": frame.astype(np.int32),
        "trigger_counter": counter.astype(np.int64),
        "trigger_mask": np.full(rows, 16, np.int64),
        "overlays": random.integers(0, 40, rows),
    }


def table(rows: int = ROWS, **replaced: Any) -> EventTable:
    return EventTable(parameters(), {**columns(rows), **replaced})


def publication(**changed: Any) -> Publication:
    said: dict[str, Any] = {
        "title": "Up-going track candidates of ORCA run 9505 (sample)",
        "description": (
            "Events of KM3NeT/ORCA with six detection units whose reconstructed track comes from"
            " below the horizon.\n\nNo further selection of neutrinos has been applied."
        ),
        "version": "1.0",
        "created": date(2026, 11, 22),
        "creators": (
            Creator(name="KM3NeT Collaboration"),
            Creator(name="Carberry, Josiah", orcid="0000-0002-1825-0097"),
        ),
        "publisher": "vopub sample site",
        "owner": "KM3NeT Collaboration",
        "contact": Contact(name="vopub sample site", email="publisher@samples.km3net.invalid"),
        "licence": "CC-BY-4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "subjects": ("neutrino-astronomy", "particle-astrophysics"),
        "facility": "KM3NeT",
        "instrument": "ORCA6",
        "reference_url": "https://pypi.org/project/km3net-testdata/",
        "note": "Sample from a public package: do not compute rates from it.",
    }
    return Publication(**{**said, **changed})


def vo(**changed: Any) -> VoSection:
    return VoSection(**{"publish": True, **changed})


def metadata(rows: int = ROWS, *, said: Publication | None = None, **changed: Any) -> TableMetadata:
    start, stop = datetime(2021, 2, 24, 0, 0, 1, tzinfo=UTC), datetime(2021, 2, 24, 6, tzinfo=UTC)
    run = Run(
        detector_id=50, run=9505, start=start, stop=stop, livetime=21_593.25, triggers=("3DMUON",),
        events_read=2499, events_kept=rows, source='the "headerTree"',
    )  # fmt: skip
    kid: UUID = make_kid(AUTHORITY, IDENTIFIER, "1.0")
    known: dict[str, Any] = {
        "identifier": IDENTIFIER,
        "kid": kid,
        "simulated": False,
        "rows": rows,
        "publication": said or publication(),
        "data_taking": DataTaking(detector="ORCA", runs=(run,), reconstruction="jmuon"),
        "parameters": parameters(),
        "provenance": Provenance(steps=(), entities=()),
        "account": EventAccount(read=rows, kept=rows),
        "coverage": Coverage(
            spatial="1/0-47",
            temporal=TimeSpan(start=start, stop=stop),
            energy=(1.0, 10_000.0),
        ),
    }
    return TableMetadata(**{**known, **changed})


def collection(**changed: Any) -> CollectionDescription:
    said: dict[str, Any] = {
        "id": "samples26_01",
        "title": "KM3NeT/ORCA sample events",
        "description": "Event tables made from the public sample files of KM3NeT/ORCA.",
    }
    return CollectionDescription(**{**said, **changed})


def members() -> list[TableMetadata]:
    other = publication(
        title="Reconstructed events of ORCA run 6370 (sample)",
        created=date(2026, 11, 23), instrument="ORCA4", subjects=("neutrino-telescopes",),
    )  # fmt: skip
    sky = Coverage(spatial="1/47", declination=(-90.0, 90.0), energy=(0.5, 200.0))
    return [metadata(), metadata(said=other, identifier="evts20_01", coverage=sky)]


def function_table(rows: int = 6, **changed: Any) -> FunctionTable:
    """Return an effective area in bins of energy and zenith angle."""
    axes = [
        Parameter(
            name=f"{axis}_{end}", dtype=Dtype.FLOAT64, unit=unit, ucd=f"{ucd};stat.{end}",
            description=f"The {word} end of the bin in {axis}.",
        )
        for axis, unit, ucd in (("energy", "GeV", "phys.energy"), ("zenith", "deg", "pos.az.zd"))
        for end, word in (("min", "lower"), ("max", "upper"))
    ]  # fmt: skip
    area = Parameter(
        name="effective_area", dtype=Dtype.FLOAT64, unit="m**2", ucd="phys.area",
        description="Effective area of the detector for muon neutrinos in the bin.",
    )  # fmt: skip
    bins = [(e, z) for e in (1.0, 10.0, 100.0) for z in (90.0, 135.0)]
    said: dict[str, Any] = {
        "name": "aeff",
        "title": "Effective area of ORCA6 for muon neutrinos",
        "description": "Effective area: made up, by true energy and zenith angle.",
        "parameters": (*axes, area),
        "lines": tuple(f"{e},{10 * e},{z},{z + 45.0},{1e-9 * e**2}" for e, z in bins)[:rows],
    }
    return FunctionTable(**{**said, **changed})


def dataset(rows: int = ROWS, **changed: Any) -> EventDataset:
    return EventDataset(metadata(rows, **changed), table(rows))


def write_csv(table: EventTable, path: Path) -> Path:
    """Write a table as the products have it: text quoted, NaN as nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(p.name for p in table.parameters) + "\n")
        for row in range(len(table)):
            stream.write(",".join(_field(p, table[p.name][row]) for p in table.parameters) + "\n")
    return path


def _field(parameter: Parameter, value: Any) -> str:
    if parameter.dtype is Dtype.TEXT:
        return '"' + str(value).replace('"', '""') + '"'
    if parameter.dtype.is_float and np.isnan(value):
        return ""
    return str(value.item())
