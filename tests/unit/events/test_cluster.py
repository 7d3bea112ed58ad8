"""The same table from one process, from several, and from the workers of a Dask scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import httpx
import pytest
from distributed import Client
from km3net_testdata import data_path

from tests.unit.dask_processes import dask_cluster
from vopub.errors import InputError, ServiceError, SeveralError
from vopub.events import readers
from vopub.events.convert import Reduction
from vopub.events.readers.base import Reader
from vopub.events.scale import cluster, tasks
from vopub.events.scale.cluster import LocalWorkers, Scheduler, _local_client, _quiet
from vopub.events.scale.tally import Tally
from vopub.events.scale.workers import RETRIES, Here, Workers
from vopub.model.description import EventsSection
from vopub.model.duplicates import Duplicates
from vopub.model.event_table import EventTable, concatenate

MakeSection = Callable[..., EventsSection]
COLUMNS = ("event_id", "ra", "energy")

READER = '''
"""Reads files that name another one, and does first what they say."""

import os
import signal
import time
from pathlib import Path

from vopub.errors import InputError
from vopub.events.readers.root import RootReader


class OddReader(RootReader):
    def __init__(self, path):
        _, what, other = path.read_text().split(maxsplit=2)
        getattr(self, f"_{what}")(path)
        super().__init__(Path(other))

    @staticmethod
    def recognises(path, beginning):
        return beginning.startswith(b"odd")

    def _slow(self, path):
        time.sleep(0.2)

    def _slow_chunks(self, path):
        def chunks(rows):
            for chunk in RootReader.chunks(self, 500):
                time.sleep(0.6)
                yield chunk

        self.chunks = chunks

    def _puzzle(self, path):
        raise ZeroDivisionError("what nobody foresaw")

    def _puzzle_later(self, path):
        self.chunks = lambda rows: iter([None])

    def _fail_once(self, path):
        marker = path.with_suffix(".failed")
        if not marker.exists():
            marker.touch()
            raise InputError("the disk did not answer", where=path)

    def _die_once(self, path):
        marker = path.with_suffix(".dead")
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def _die(self, path):
        os.kill(os.getpid(), signal.SIGKILL)
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an installed package that brings a reader."""
    place = tmp_path_factory.mktemp("plugin")
    (place / "odd_reader.py").write_text(READER)
    about = place / "odd_reader-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-reader\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[vopub.readers]\nodd = odd_reader:OddReader\n")
    return place


@pytest.fixture
def installed(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """That package installed here: in this process and in those that it starts."""
    monkeypatch.syspath_prepend(str(plugin))
    readers._in_order.cache_clear()
    yield
    readers._in_order.cache_clear()


def odd(place: Path, name: str, what: str, other: Path) -> Path:
    path = place / f"{name}.odd"
    path.write_text(f"odd {what} {other}")
    return path


def reduced(reduction: Reduction) -> EventTable:
    chunks = list(reduction)
    return concatenate(chunks[0].parameters, chunks)


def reduction_of(
    paths: list[Path], make_section: MakeSection, workers: Workers, parts: Path | None = None
) -> Reduction:
    section = make_section("zenith > 90 deg", columns=COLUMNS)
    return Reduction(
        paths, section, simulated=False, workers=workers, duplicates=Duplicates.KEEP, parts=parts
    )


def test_processes_here_give_the_same_table(
    orca6: Path, orca4: Path, make_section: MakeSection, capfd: pytest.CaptureFixture[str]
) -> None:
    paths = [orca6, orca4, orca6]
    alone = reduction_of(paths, make_section, Here())
    together = reduction_of(paths, make_section, LocalWorkers(2))
    table = reduced(alone)
    assert reduced(together).equals(table)
    assert together.account == alone.account
    assert together.cut_flow == alone.cut_flow
    assert together.data_taking == alone.data_taking
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("workers", [Here(), LocalWorkers(2)], ids=["here", "dask"])
@pytest.mark.usefixtures("installed")
def test_the_events_of_a_file_are_counted_while_it_is_read(
    workers: Workers,
    orca6: Path,
    tmp_path: Path,
    make_section: MakeSection,
) -> None:
    paths = [odd(tmp_path, name, "slow_chunks", orca6) for name in ("one", "other")]
    tallies = list[Tally]()
    section = make_section("zenith > 90 deg", columns=COLUMNS)
    reduction = Reduction(
        paths,
        section,
        simulated=False,
        workers=workers,
        watch=tallies.append,
        duplicates=Duplicates.KEEP,
    )
    table = reduced(reduction)
    assert len(table) == 2 * 230
    reading = [tally for tally in tallies if tally.doing == "reading"]
    before = [tally for tally in reading if not tally.done]
    assert len(before) >= 4
    assert {tally.events % 500 for tally in before} <= {0, 498, 499}  # of none, both or one
    assert all(0 < tally.under_way <= 2 for tally in before)
    far = [tally.done + tally.under_way for tally in reading]
    assert far == sorted(far)
    assert (reading[-1].done, reading[-1].under_way, reading[-1].events) == (2, 0, 2 * 2499)


@pytest.mark.usefixtures("installed")
def test_files_that_fail_are_named_and_the_others_are_done(
    orca6: Path,
    orca4: Path,
    tmp_path: Path,
    make_section: MakeSection,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Also if a file kills whoever reads it, again and again."""
    deadly = odd(tmp_path, "deadly", "die", orca6)
    truncated = tmp_path / "truncated.root"
    truncated.write_bytes(orca6.read_bytes()[:200_000])
    paths = [orca6, deadly, truncated, orca4]
    parts = tmp_path / "parts"
    # Otherwise four workers have to die and to be started again.
    patience = dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with patience, pytest.raises(SeveralError) as raised:
        reduced(reduction_of(paths, make_section, LocalWorkers(2), parts))
    first, second = str(raised.value).splitlines()
    assert first.startswith(f"{deadly}: every worker that read it died")
    assert second.startswith(f"{truncated}: the file is truncated")
    assert len(list(parts.glob("*.json"))) == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("workers", [Here(), LocalWorkers(2)], ids=["here", "dask"])
@pytest.mark.usefixtures("installed")
def test_what_a_reader_did_not_foresee_is_told_of_its_file(
    workers: Workers,
    orca6: Path,
    orca4: Path,
    tmp_path: Path,
    make_section: MakeSection,
) -> None:
    bad = [odd(tmp_path, name, name, orca6) for name in ("puzzle", "puzzle_later")]
    parts = tmp_path / "parts"
    with pytest.raises(SeveralError) as raised:
        reduced(reduction_of([orca6, *bad, orca4], make_section, workers, parts))
    first, second = str(raised.value).splitlines()
    failed = "the reader odd_reader.OddReader failed with what it did not foresee"
    assert first.startswith(f"{bad[0]}: {failed} (ZeroDivisionError: what nobody foresaw)")
    assert second.startswith(f"{bad[1]}: {failed} (AttributeError: ")
    assert len(list(parts.glob("*.json"))) == 2


@pytest.mark.usefixtures("installed")
def test_the_cause_of_what_a_reader_did_not_foresee_is_kept(orca6: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        readers.open_reader(odd(tmp_path, "puzzle", "puzzle", orca6))
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert raised.value.__cause__.__traceback__ is not None


@pytest.mark.usefixtures("installed")
def test_a_file_that_fails_once_is_read_again_here(
    orca6: Path,
    tmp_path: Path,
    make_section: MakeSection,
) -> None:
    unlucky = odd(tmp_path, "unlucky", "fail_once", orca6)
    table = reduced(reduction_of([unlucky], make_section, Here()))
    assert unlucky.with_suffix(".failed").exists()
    assert len(table) == 230


def test_a_file_that_fails_once_is_read_again(
    orca6: Path, tmp_path: Path, plugin: Path, make_section: MakeSection
) -> None:
    unlucky = odd(tmp_path, "unlucky", "fail_once", orca6)
    with dask_cluster(tmp_path, 1, plugin) as address:
        table = reduced(reduction_of([unlucky], make_section, Scheduler(address)))
    assert unlucky.with_suffix(".failed").exists()
    assert len(table) == 230


@pytest.mark.parametrize(("layout", "times"), [("root", 1), ("km3pipe", 2)])
def test_only_what_is_read_in_another_way_is_read_again(
    layout: str, times: int, orca6: Path, make_section: MakeSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def counted(path: Path) -> Reader:
        opened.append(path)
        return open_reader(path)

    open_reader = readers.open_reader
    monkeypatch.setattr(tasks, "open_reader", counted)
    path = orca6 if layout == "root" else Path(data_path("hdf5/geamon.h5"))
    reduction = Reduction([path], make_section(columns=COLUMNS), simulated=layout == "root")
    with pytest.raises(InputError, match="the resource is marked as one of"):
        reduced(reduction)
    assert opened == [path] * times * (1 + RETRIES)


def test_little_work_starts_no_process(orca6: Path, tmp_path: Path) -> None:
    def refuse(processes: int) -> None:
        raise AssertionError(processes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "_local_client", refuse)

        def task(path: Path, tell: object) -> Path:
            return path

        assert len(list(LocalWorkers().run(task, [orca6, orca6]))) == 2  # type: ignore[arg-type]
        assert len(list(LocalWorkers(2).run(task, [orca6]))) == 1  # type: ignore[arg-type]
        assert len(list(LocalWorkers(1).run(task, [orca6] * 9))) == 9  # type: ignore[arg-type]


def test_nobody_else_can_talk_to_the_processes() -> None:
    with _quiet(), _local_client(1) as client:  # another test may have the port of its pages
        scheduler = client.scheduler_info()
        address = scheduler["address"]
        assert address.startswith("tls://127.0.0.1:")
        (worker,) = scheduler["workers"]
        assert worker.startswith("tls://127.0.0.1:")
        for other in (address, address.replace("tls", "tcp")):
            with pytest.raises((OSError, TypeError)):
                Client(other, set_as_default=False, timeout=2)
        for port in scheduler["services"].values():
            for page in ("status", "json/identity.json", "info/main/workers.html", "metrics"):
                answer = httpx.get(f"http://127.0.0.1:{port}/{page}")
                assert answer.status_code == 404


def test_a_worker_that_is_killed_in_the_middle_is_replaced(
    orca6: Path, tmp_path: Path, plugin: Path, make_section: MakeSection
) -> None:
    paths = [odd(tmp_path, f"slow{number}", "slow", orca6) for number in range(6)]
    deadly = odd(tmp_path, "deadly", "die_once", orca6)
    paths.insert(2, deadly)
    with dask_cluster(tmp_path, 2, plugin) as address:
        reduction = reduction_of(paths, make_section, Scheduler(address), tmp_path / "parts")
        table = reduced(reduction)
        assert deadly.with_suffix(".dead").exists()
        with Client(address, set_as_default=False) as client:
            assert len(client.scheduler_info()["workers"]) == 1
    assert len(table) == 7 * 230
    assert [entry.account.kept for entry in reduction.cut_flow] == [230] * 7


def test_a_scheduler_that_is_not_there(orca6: Path, make_section: MakeSection) -> None:
    with pytest.raises(ServiceError, match="the Dask scheduler does not answer") as raised:
        reduced(reduction_of([orca6], make_section, Scheduler("tcp://127.0.0.1:1")))
    assert str(raised.value).startswith("tcp://127.0.0.1:1: ")
    assert raised.value.exit_code == 3


def test_a_scheduler_without_workers(
    orca6: Path,
    tmp_path: Path,
    plugin: Path,
    make_section: MakeSection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with (
        dask_cluster(tmp_path, 0, plugin) as address,
        pytest.raises(ServiceError, match="has no worker after 1 s; start workers"),
    ):
        reduced(reduction_of([orca6], make_section, Scheduler(address)))
