"""What the live tests of the room ``vo`` share: a DaCHS, tables, and loading them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vopub.model.dataset import EventDataset
from vopub.model.description import VoSection
from vopub.model.server import DachsServer
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.candidate import candidate_of
from vopub.vo.dachs import TABLE, Dachs
from vopub.vo.database import row_count
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import KnownEvents, known_events
from vopub.vo.load import LoadResult, load, remove, settle
from vopub.vo.places import data_file
from vopub.vo.prove import quick_check
from vopub.vo.ready import ready

from .first_table import ID, NEVER, make, traces_of
from .strangers import MOST_CONE, MOST_TAP, Onlooker

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
def loader(make_loader: Callable[[Path], Loader], tmp_path: Path) -> Iterator[Loader]:
    """Give what loads; as in a publication, all commands of a test share one import of DaCHS."""
    made = make_loader(tmp_path)
    with ready(made.server):
        yield made


@pytest.fixture(scope="module")
def first(samples: ModuleType) -> EventDataset:
    """Give what is served before a test loads something else."""
    return make(samples, 100)


@pytest.fixture(scope="module")
def first_published(
    make_loader: Callable[[Path], Any], first: EventDataset, tmp_path_factory: Any
) -> Iterator[None]:
    loader = make_loader(tmp_path_factory.mktemp("first"))
    loader(first)
    yield
    remove(loader.server, ID)


@pytest.fixture
def still_served(
    first_published: None, server: DachsServer, samples: ModuleType, first: EventDataset
) -> Iterator[None]:
    """After each of these tests the first publication answers, and no leftover is about."""
    yield
    assert quick_check(server, first.metadata, known_events(first.table))
    assert row_count(server.database, ID, TABLE) == len(first.table)
    assert Dachs(server).published(f"{ID}/q") == [f"ivo://{samples.AUTHORITY}/{ID}/q/cone"]
    assert not (server.root / "staging" / ID).exists()
    assert traces_of(server, NEVER) == []
    for name in (ID, NEVER):
        assert traces_of(server, candidate_of(name)) == []


@pytest.fixture(scope="module")
def onlooker() -> Onlooker:
    """Give one who looks at the making of the fortress."""
    return Onlooker()


@pytest.fixture(scope="module")
def fortress(
    make_settings: Callable[..., Settings], samples: ModuleType, onlooker: Onlooker,
    request: pytest.FixtureRequest,
) -> Iterator[Site]:  # fmt: skip
    """Give a site with narrow limits and one table, whose making was looked at."""
    limits = {
        "site__query_seconds": 2, "site__tap_rows": MOST_TAP, "site__cone_rows": MOST_CONE,
    }  # fmt: skip
    running = Site(make_settings(request.path.stem, **limits))
    onlooker.start()
    try:
        running.up(print)
        dataset = samples.dataset()
        csv = samples.write_csv(dataset.table, running.directory / "evts21_01.csv")
        descriptor = render_descriptor(
            dataset.metadata, VoSection(publish=True), authority=samples.AUTHORITY,
            data_file=data_file(csv), known=known_events(dataset.table),
        )  # fmt: skip
        load(running.dachs, "evts21_01", descriptor=descriptor, csv=csv, rows=samples.ROWS)
        onlooker.over.set()
        yield running
    finally:
        onlooker.over.set()
        running.down()
