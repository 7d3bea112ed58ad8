"""What the live tests of the room ``vo`` share: a DaCHS, tables, and loading them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vopub.model.dataset import EventDataset
from vopub.model.description import VoSection
from vopub.model.server import DachsServer
from vopub.site import Site
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import KnownEvents, known_events
from vopub.vo.load import LoadResult, load, settle
from vopub.vo.places import data_file

SAMPLES = Path(__file__).parents[2] / "unit" / "vo" / "samples.py"


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The module that makes tables and their metadata."""
    spec = importlib.util.spec_from_file_location("vo_samples", SAMPLES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def server(site: Site) -> DachsServer:
    return site.dachs


@dataclass
class Loader:
    """Loads data sets into one DaCHS."""

    server: DachsServer
    samples: ModuleType
    directory: Path

    def __call__(self, dataset: EventDataset, **changed: Any) -> LoadResult:
        given = self.prepare(dataset)
        result = load(self.server, dataset.metadata.identifier, **{**given, **changed})
        settle(self.server, dataset.metadata.identifier)
        return result

    def prepare(self, dataset: EventDataset) -> dict[str, Any]:
        """Return the arguments of `load`."""
        csv = self.directory / f"{dataset.metadata.identifier}.csv"
        self.samples.write_csv(dataset.table, csv)
        return {"descriptor": self.describe(dataset, csv), "csv": csv, "rows": len(dataset.table)}

    def describe(self, dataset: EventDataset, csv: Path) -> str:
        return render_descriptor(
            dataset.metadata,
            VoSection(publish=True),
            authority=self.samples.AUTHORITY,
            data_file=data_file(csv),
            known=self.known(dataset),
        )

    def known(self, dataset: EventDataset) -> KnownEvents:
        return known_events(dataset.table)


@pytest.fixture(scope="session")
def make_loader(server: DachsServer, samples: ModuleType) -> Callable[[Path], Loader]:
    return lambda directory: Loader(server, samples, directory)


@pytest.fixture
def loader(make_loader: Callable[[Path], Loader], tmp_path: Path) -> Loader:
    return make_loader(tmp_path)
