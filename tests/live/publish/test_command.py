"""What ``vopub publish`` and its neighbours promise on the command line."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pyvo
from distributed import Client, Scheduler

from tests.unit.dask_processes import dask_cluster
from vopub.settings import Settings
from vopub.vo.database import query

from .conftest import Desk

pytestmark = pytest.mark.live

FORGETS = """
CREATE FUNCTION public.forget() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.deleted := true; RETURN NEW; END';
CREATE TRIGGER forgets BEFORE INSERT OR UPDATE ON dc.sets
    FOR EACH ROW EXECUTE FUNCTION public.forget()
"""


def events(desk: Desk) -> int:
    url = f"{desk.settings.site.dachs_url}/evts21_01/q/cone/scs.xml"
    return len(pyvo.dal.SCSService(url).search((0, 0), 180.0))


@pytest.fixture
def elsewhere(
    desk: Desk, make_settings: Callable[..., Settings], request: pytest.FixtureRequest
) -> Iterator[Desk]:
    """The same desk with a site that is not there."""
    name: str = request.node.name
    settings = make_settings(f"{name}/site", resources=desk.settings.resources)
    desk.restore("evts21_01")
    settings.site.directory.parent.mkdir()
    other = replace(desk, settings=settings)
    yield other
    other.site.down()


@contextmanager
def registry_that_forgets(desk: Desk) -> Iterator[None]:
    """Let ``dachs pub`` end well without anything being in the registry."""
    database = desk.site.dachs.database
    query(database, FORGETS)
    try:
        yield
    finally:
        query(database, "DROP FUNCTION public.forget() CASCADE")


def complaint(said: str) -> str:
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("vopub: ")]
    return line


def test_a_proof_that_fails_ends_with_4_and_the_old_data_stay(served: Desk) -> None:
    before, chosen = served.select_other()
    with registry_that_forgets(served):
        done = served.run("publish", "evts21_01")
    assert done.returncode == 4
    assert "is not to be handed out" in complaint(done.stderr)
    assert events(served) == before
    served.publish()
    assert events(served) == chosen


def test_a_program_that_is_missing_ends_with_3_and_names_its_package(elsewhere: Desk) -> None:
    done = elsewhere.run("publish", "evts20_01", PATH="/nowhere")
    assert done.returncode == 3
    assert complaint(done.stderr) == (
        "vopub: program 'dachs' is not installed; "
        "run 'make setup', or 'apt-get install python3-gavo'"
    )


def test_a_dry_run_without_a_site_makes_none(elsewhere: Desk) -> None:
    place = elsewhere.settings.site.directory.parent
    done = elsewhere.run("publish", "--dry-run", "--json", "evts21_01")
    assert done.returncode == 0, done.stderr
    (outcome,) = json.loads(done.stdout)
    assert outcome["change"] == "would publish 230 rows"
    assert list(place.iterdir()) == []


def test_the_last_table_says_what_is_served(served: Desk) -> None:
    done = served.run("publish", COLUMNS="200")
    assert done.returncode == 0
    row = next(line for line in done.stdout.splitlines() if "evts21_01" in line)
    assert [cell.strip() for cell in row.split("│")[1:5]] == [
        "evts21_01",
        "1.0",
        str(served.rows),
        "unchanged",
    ]
    assert f"{served.settings.site.dachs_url}/evts21_01/q/cone/scs.xml" in row


def test_until_prove_serves_and_registers_with_the_next(served: Desk) -> None:
    _, chosen = served.select_other()
    done = served.run("publish", "--until", "prove", "--json", "evts21_01")
    assert done.returncode == 0, done.stderr
    assert events(served) == chosen
    (outcome,) = served.publish("evts21_01")
    assert events(served) == outcome["rows"] == chosen
    assert outcome["change"] == "published again"


def test_the_doctor_finds_what_died_and_says_what_to_do(served: Desk) -> None:
    assert served.run("doctor").returncode == 0
    pid = next(s.pid for s in served.site.status() if s.name == "DaCHS")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    done = served.run("doctor", "--json")
    assert done.returncode == 1
    (problem,) = [finding for finding in json.loads(done.stdout) if not finding["ok"]]
    assert "DaCHS" in problem["what"]
    assert "vopub up" in problem["hint"]
    assert served.run("up").returncode == 0
    assert served.run("doctor").returncode == 0


def test_workers_of_a_scheduler_read_what_is_published(served: Desk, tmp_path: Path) -> None:
    _, chosen = served.select_other()
    with (
        dask_cluster(tmp_path, 1) as address,
        Client(address, set_as_default=False) as client,
    ):
        before = client.run_on_scheduler(transitions)
        (outcome,) = served.publish("evts21_01", "--scheduler", address)
        assert client.run_on_scheduler(transitions) > before
    assert events(served) == outcome["rows"] == chosen
    (again,) = served.publish("evts21_01", "--workers", "2")
    assert again["change"] == "unchanged"


def test_a_scheduler_that_is_none_is_refused_before_anything_runs(served: Desk) -> None:
    done = served.run("publish", "evts21_01", "--scheduler", "somewhere")
    assert done.returncode == 2
    assert "--scheduler: 'somewhere' is no address" in complaint(done.stderr)


def transitions(dask_scheduler: Scheduler) -> int:
    """Return how often tasks went on, on the scheduler."""
    return dask_scheduler.transition_counter
