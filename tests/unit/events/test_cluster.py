"""The same table from the workers of a Dask scheduler, which may come and go."""

from __future__ import annotations

from pathlib import Path

import pytest
from distributed import Client

from tests.unit.dask_processes import dask_cluster
from vopub.errors import InputError, ServiceError
from vopub.events.scale import cluster
from vopub.events.scale.cluster import Scheduler

from .plugins import odd
from .reductions import MakeSection, reduced, reduction_of


def test_a_file_that_fails_once_is_read_again(
    orca6: Path, tmp_path: Path, plugin: Path, make_section: MakeSection
) -> None:
    unlucky = odd(tmp_path, "unlucky", "fail_once", orca6)
    with dask_cluster(tmp_path, 1, plugin) as address:
        table = reduced(reduction_of([unlucky], make_section, Scheduler(address)))
    assert unlucky.with_suffix(".failed").exists()
    assert len(table) == 230


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


def test_a_file_that_kills_every_worker_is_named_and_the_others_are_done(
    orca6: Path, orca4: Path, tmp_path: Path, plugin: Path, make_section: MakeSection
) -> None:
    """One dies when it reads it with others about, one when it reads it alone."""
    deadly = odd(tmp_path, "deadly", "die", orca6)
    strict = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    parts = tmp_path / "parts"
    with (
        dask_cluster(tmp_path, 3, plugin, environ=strict) as address,
        pytest.raises(InputError, match="every worker that read it died") as raised,
    ):
        reduced(reduction_of([orca6, deadly, orca4], make_section, Scheduler(address), parts))
    assert str(raised.value).startswith(f"{deadly}: ")
    assert len(list(parts.glob("*.json"))) == 2


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
