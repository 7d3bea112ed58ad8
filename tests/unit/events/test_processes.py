"""The same table from this process and from several, which may die."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path
from typing import Any

import pytest
from km3net_testdata import data_path

from vopub.errors import InputError, ServiceError, SeveralError
from vopub.events import readers
from vopub.events.convert import Reduction
from vopub.events.readers.base import Reader
from vopub.events.scale import tasks
from vopub.events.scale.processes import LocalWorkers, apart
from vopub.events.scale.tally import Step, Tally
from vopub.events.scale.workers import RETRIES, Here, Workers
from vopub.model.duplicates import Duplicates

from .plugins import odd
from .reductions import COLUMNS, MakeSection, reduced, reduction_of


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


@pytest.mark.parametrize("workers", [Here(), LocalWorkers(2)], ids=["here", "processes"])
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
    with pytest.raises(SeveralError) as raised:
        reduced(reduction_of(paths, make_section, LocalWorkers(2), parts))
    first, second = str(raised.value).splitlines()
    assert first.startswith(f"{deadly}: every process that read it died")
    assert second.startswith(f"{truncated}: the file is truncated")
    assert len(list(parts.glob("*.json"))) == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("workers", [Here(), LocalWorkers(2)], ids=["here", "processes"])
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


@pytest.mark.usefixtures("installed")
def test_a_process_that_dies_once_is_replaced(
    orca6: Path, tmp_path: Path, make_section: MakeSection
) -> None:
    paths = [odd(tmp_path, f"slow{number}", "slow", orca6) for number in range(4)]
    unlucky = odd(tmp_path, "unlucky", "die_once", orca6)
    paths.insert(1, unlucky)
    reduction = reduction_of(paths, make_section, LocalWorkers(2))
    assert len(reduced(reduction)) == 5 * 230
    assert unlucky.with_suffix(".dead").exists()
    assert [entry.account.kept for entry in reduction.cut_flow] == [230] * 5


def told_process(path: Path, tell: Step) -> Any:
    return os.getpid()


@pytest.mark.parametrize(
    ("workers", "files", "started"),
    [
        (LocalWorkers(), 2, 0),
        (LocalWorkers(1), 9, 0),
        (LocalWorkers(2), 1, 0),
        (LocalWorkers(2), 9, 2),
    ],
)
def test_little_work_starts_no_process(
    workers: LocalWorkers, files: int, started: int, orca6: Path
) -> None:
    who: set[Any] = {process for _, process in workers.run(told_process, [orca6] * files)}
    assert len(who - {os.getpid()}) <= started
    assert (os.getpid() in who) is (started == 0)


@pytest.mark.parametrize("workers", [LocalWorkers(), LocalWorkers(1), LocalWorkers(2)])
def test_this_process_reads_no_file_that_may_end_it(workers: LocalWorkers) -> None:
    path = Path(data_path("hdf5/geamon.h5"))
    who: list[tuple[int, Any]] = list(workers.run(told_process, [path]))
    assert [number for number, _ in who] == [0]
    assert who[0][1] != os.getpid()


def process_of(path: Path) -> int:
    return os.getpid()


def refuse(path: Path) -> None:
    raise InputError("is refused", where=path)


def die(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_what_may_end_a_process_is_called_apart(orca6: Path) -> None:
    path = Path(data_path("hdf5/geamon.h5"))
    assert apart(process_of, orca6) == os.getpid()
    assert apart(process_of, path) != os.getpid()
    with pytest.raises(InputError, match=r"geamon\.h5: is refused"):
        apart(refuse, path)
    with pytest.raises(InputError, match=r"geamon\.h5: every process that read it died"):
        apart(die, path)


def test_processes_that_cannot_be_started(orca6: Path) -> None:
    """As where there is no room for what they share."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())), hard))
    try:
        with pytest.raises(ServiceError, match="other processes cannot be started") as raised:
            list(LocalWorkers(2).run(told_process, [orca6, orca6]))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "check that /dev/shm can be written" in str(raised.value)
