"""What happens when something goes wrong: the last good publication goes on being served."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import pyvo

from vopub.model.resource import KM3OpenResource
from vopub.publish.register import connect
from vopub.site import ServiceStatus

from .conftest import TIME_LIMIT, Desk, wait_for

pytestmark = pytest.mark.live


def ids(desk: Desk) -> set[str]:
    url = f"{desk.settings.site.dachs_url}/evts21_01/q/cone/scs.xml"
    return {str(row["event_id"]) for row in pyvo.dal.SCSService(url).search((0, 0), 180.0)}


def record_of(desk: Desk) -> KM3OpenResource | None:
    """Return what the Open Data Center says of the resource."""
    with connect(desk.site.odc) as client:
        (found,) = client.find(identifier="evts21_01", latest=True)
        return client.get_resource(found.kid)


def server(desk: Desk, name: str) -> ServiceStatus:
    return next(s for s in desk.site.status() if s.name == name)


def wait_for_stage(process: subprocess.Popen[str], stage: str) -> None:
    """Wait until a publication says that a stage is done, so until it is in the next one."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("evts21_01") and stage in line.split():
            return
    raise AssertionError("the publication ended before")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('keep = "zenith > 90 deg"', 'keep = "zenit > 90 deg"', "zenith"),
        ('keep = "zenith > 90 deg"', 'keep = "zenith > 90 m"', "deg"),
        ('keep = "zenith > 90 deg"', 'keep = "zenith > 179.9 deg"', "no event is left of 2499"),
        ("orca6_sample.root", "orca_sample.root", "No such file"),
        ("dst/orca6_sample.root", "hdf5/geamon.h5", "geamon.h5"),
        ("simulated = false", "simulated = true", "observed"),
        ('ktype = "events"', 'ktype = "event"', "did you mean events"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(
    published: Desk, old: str, new: str, said: str
) -> None:
    published.edit("evts21_01", old.replace("[", r"\["), new)
    done = published.run("publish", "evts21_01")
    assert done.returncode == 1
    complaints = [line for line in done.stderr.splitlines() if line.startswith("vopub: ")]
    assert len(complaints) == 1
    assert said in complaints[0]
    assert "Traceback" not in done.stderr
    assert len(ids(published)) == 230


def test_one_resource_that_fails_does_not_keep_the_others(served: Desk) -> None:
    served.edit("evts20_01", "orca4_sample.root", "gone.root")
    _, chosen = served.select_other()
    done = served.run("publish")
    assert done.returncode == 1
    assert "gone.root" in done.stderr
    assert len(ids(served)) == chosen


def test_two_publications_at_once_are_refused(served: Desk) -> None:
    with served.site.lock():
        done = served.run("publish")
    assert done.returncode == 1
    assert str(os.getpid()) in done.stderr


def test_a_taken_port_is_named_with_the_setting(served: Desk) -> None:
    served.site.down()
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", served.settings.site.dachs_port))
        taker.listen()
        done = served.run("publish")
    assert done.returncode == 1
    assert str(served.settings.site.dachs_port) in done.stderr
    assert "--dachs-port" in done.stderr
    assert served.publish()[0]["error"] is None
    assert len(ids(served)) == served.rows


@pytest.mark.parametrize("stage", ["convert", "describe", "load", "prove"])
def test_after_a_kill_the_old_data_answer_and_publishing_heals(served: Desk, stage: str) -> None:
    """Kill vopub as soon as it says that a stage is done, so in the middle of the next one."""
    rows, chosen = served.select_other()
    before = ids(served)
    with served.start("publish", "evts21_01") as process:
        wait_for_stage(process, stage)
        process.kill()
    found = ids(served)
    served.publish()
    after = ids(served)
    assert (len(before), len(after)) == (rows, chosen)
    assert found in ([before] if stage in ("convert", "describe") else [before, after])


@pytest.mark.parametrize(
    ("name", "stage"), [("PostgreSQL", "describe"), ("DaCHS", "describe"), ("PostgreSQL", "load")]
)
def test_a_server_killed_in_a_publication_comes_back_with_the_old_data(
    served: Desk, name: str, stage: str
) -> None:
    """Kill it as soon as a stage is done, so in the middle of the next one."""
    _, chosen = served.select_other()
    before, record = ids(served), record_of(served)
    with served.start("publish", "evts21_01") as process:
        wait_for_stage(process, stage)
        pid = server(served, name).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        _, said = process.communicate(timeout=TIME_LIMIT)
    assert process.returncode == 3
    assert "Traceback" not in said
    (complaint,) = [line for line in said.splitlines() if line.startswith("vopub: ")]
    assert name in complaint
    assert (ids(served), record_of(served)) == (before, record)
    served.publish()
    assert len(ids(served)) == chosen != len(before)


def test_everything_killed_at_once_is_healed(served: Desk) -> None:
    pids = [s.pid for s in served.site.status() if s.pid is not None]
    assert len(pids) == 3
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert {o["change"] for o in served.publish()} == {"unchanged"}
    assert len(ids(served)) == served.rows
