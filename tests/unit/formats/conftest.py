from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from vopub.model.catalogue import known_parameters
from vopub.model.data_taking import DataTaking, Run
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventAccount, EventTable, Excluded
from vopub.model.parameter import Dtype, Parameter
from vopub.model.provenance import Entity, ProcessingStep, Provenance
from vopub.model.publication import Contact, Creator, Publication, Related, RelationType
from vopub.model.resource import Coverage, TimeSpan

START = datetime(2021, 2, 24, 0, 3, 17, 250001, tzinfo=UTC)


def _column(parameter: Parameter, rows: int, random: np.random.Generator) -> NDArray[Any]:
    if parameter.dtype is Dtype.TEXT:
        return np.array([f"km3.49.9505.{row // 3}.{row}" for row in range(rows)], dtype=object)
    low, high = parameter.range or (0.0, 1e4)
    if not parameter.dtype.is_float:
        return random.integers(int(low), 2**15 - 1, rows).astype(parameter.dtype.numpy)
    values = random.uniform(low, high, rows).astype(parameter.dtype.numpy)
    if parameter.null:
        values[::7] = np.nan
    return values


def _table(rows: int) -> EventTable:
    random = np.random.default_rng(9505)
    parameters = tuple(known_parameters().values())
    return EventTable(parameters, {p.name: _column(p, rows, random) for p in parameters})


def _publication() -> Publication:
    return Publication(
        title="Up-going track candidates of ORCA run 9505",
        description="Events whose reconstructed track comes from below the horizon, for a test.",
        version="1.0",
        created=date(2026, 11, 22),
        creators=(
            Creator(name="KM3NeT Collaboration"),
            Creator(name="Ångström, Zoë", orcid="0000-0002-1825-0097", affiliation="Nikhef"),
        ),
        publisher="A sample site",
        owner="KM3NeT Collaboration",
        contact=Contact(name="The publisher", email="publisher@samples.km3net.invalid"),
        licence="CC-BY-4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        subjects=("neutrino-astronomy", "particle-astrophysics"),
        facility="KM3NeT",
        instrument="ORCA6",
        related=(Related(relation=RelationType.CITES, identifier="10.1088/0954-3899/43/8/084001"),),
        note="Sample, not an official release.",
    )


def _data_taking() -> DataTaking:
    run = Run(
        detector_id=49,
        run=9505,
        start=START,
        stop=START + timedelta(hours=3),
        livetime=10799.125,
        triggers=("3D muon", "MX shower"),
        source="headerTree",
    )
    return DataTaking(
        detector="ORCA",
        runs=(run, Run(detector_id=49, run=9506, source="file name")),
        first_event=START + timedelta(microseconds=1),
        reconstruction="jmuon",
        selection=("zenith > 90 deg",),
    )


def _provenance() -> Provenance:
    entity = Entity(identifier=f"sha256:{'ab' * 32}", name="orca6_sample.root")
    step = ProcessingStep(
        identifier=UUID("14cc13b4-560f-51eb-92c3-cdac9e86beef"),
        name="reduce",
        description="Take the best reconstruction of each event.",
        software="vopub 0.1.0",
        configuration={"detector": "ORCA", "smallest": 0.5, "cuts": 1, "all": True, "none": None},
        inputs=(entity.identifier,),
        outputs=("evts21_01.events",),
        started=START,
    )
    return Provenance(steps=(step,), entities=(entity,))


def _metadata(table: EventTable) -> TableMetadata:
    lost = Excluded(reason="no jmuon track", events=4, first=("km3.49.9505.1.2",))
    cut = Excluded(reason="up-going", events=9, first=("km3.49.9505.1.3", "km3.49.9505.1.4"))
    rows = len(table)
    return TableMetadata(
        identifier="evts21_01",
        kid=UUID("6e834f07-75c4-5742-addf-bd2196daedfe"),
        simulated=False,
        rows=rows,
        publication=_publication(),
        data_taking=_data_taking(),
        parameters=table.parameters,
        provenance=_provenance(),
        account=EventAccount(read=rows + 13, kept=rows, not_reconstructed=lost, cuts=(cut,)),
        coverage=Coverage(
            spatial="3/1-5 17",
            temporal=TimeSpan(start=START, stop=START + timedelta(hours=3)),
            energy=(0.125, 4321.5),
        ),
    )


@pytest.fixture(scope="session")
def make_dataset() -> Callable[[int], EventDataset]:
    """Make a data set of every known parameter with a number of rows."""

    def make(rows: int) -> EventDataset:
        table = _table(rows)
        return EventDataset(_metadata(table), table)

    return make
