"""A site heals, and goes away without a trace, whatever became of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from vopub.errors import BusyError, FileError
from vopub.process import run, spawn
from vopub.settings import Settings
from vopub.site import Site, State, processes
from vopub.site import service as service_module

from .looking import (
    NAMES,
    assert_serves,
    kill,
    pids,
    psql,
    shared_files,
    states,
    traces,
    wait_for,
)

pytestmark = pytest.mark.live

NOBODY = 65534
"""User of Debian that owns nothing."""


@pytest.mark.parametrize("victims", [["PostgreSQL"], ["DaCHS"], ["ODC"], NAMES])
def test_up_heals_what_was_killed(own: Site, victims: list[str]) -> None:
    before = pids(own)
    for name in victims:
        kill(before[name])
    time.sleep(0.2)
    assert [s.name for s in own.status() if s.state is State.STALE] == victims
    own.up(print)
    assert_serves(own)
    after = pids(own)
    assert all(after[name] != before[name] for name in victims)
    assert victims != ["ODC"] or after["DaCHS"] == before["DaCHS"]


def test_up_heals_a_database_whose_children_linger(own: Site) -> None:
    psql(own, "CREATE TABLE kept AS SELECT 7 AS seven")
    database = own.dachs.database
    busy = spawn(
        ["psql", "-h", database.host, "-d", database.name, "-c",
         "SELECT count(*) FROM generate_series(1, 100000000000)"],
        log=own.directory / "log" / "busy.log",
    )  # fmt: skip
    wait_for(
        lambda: psql(own, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'series'") >= "2"
    )
    postmaster = pids(own)["PostgreSQL"] or 0
    children = processes.descendants(postmaster)
    kill(postmaster)
    wait_for(lambda: len([pid for pid in children if processes.find(pid)]) == 1)
    own.up(print)
    assert_serves(own)
    assert not [pid for pid in children if processes.find(pid)]
    assert psql(own, "SELECT seven FROM kept") == "7"
    psql(own, "DROP TABLE kept")
    busy.wait()


def test_records_of_other_processes_are_not_believed(own: Site) -> None:
    bystander = spawn(["sleep", "600"], log=own.directory / "log" / "bystander.log")
    try:
        for name in NAMES:
            kill(pids(own)[name])
        for path in (own.directory / "run").glob("*.json"):
            words = path.read_text().split('"pid": ')
            rest = words[1].partition(",")[2]
            path.write_text(f'{words[0]}"pid": {bystander.pid},{rest}')
        lock = own.directory / "pg/postmaster.pid"
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        own.up(print)
        assert_serves(own)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_records_that_are_lost_or_damaged_are_made_again(own: Site) -> None:
    before = pids(own)
    for path, text in zip((own.directory / "run").glob("*.json"), ["", "{", "[]"], strict=True):
        path.write_text(text)
    own.up(print)
    assert_serves(own)
    assert not [pid for pid in before.values() if pid and processes.find(pid)]


def test_up_replaces_a_server_that_hangs(own: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "ANSWER_PATIENCE", 0.5)
    hung = pids(own)["DaCHS"] or 0
    os.kill(hung, signal.SIGSTOP)
    assert states(own)[1] is State.FAILING
    assert next(f for f in own.doctor() if not f.ok).hint == "run 'vopub up'"
    own.up(print)
    assert_serves(own)
    assert processes.find(hung) is None


def test_down_leaves_no_trace(own: Site) -> None:
    segments = Path("/proc/sysvipc/shm")
    tag = (own.directory / "pg/postmaster.pid").read_text().splitlines()[6].split()[1]
    assert f" {tag} " in segments.read_text()
    assert shared_files(own) == set()  # nothing lies there that could be left
    assert traces(own) != []
    own.down()
    assert traces(own) == []
    assert states(own) == [State.DOWN] * 3
    assert f" {tag} " not in segments.read_text()
    assert [path.name for path in (own.directory / "run").iterdir()] == ["switching"]
    own.down()
    own.up(print)
    assert_serves(own)


def test_down_after_a_crash_leaves_no_trace(own: Site) -> None:
    tag = (own.directory / "pg/postmaster.pid").read_text().splitlines()[6].split()[1]
    for name in NAMES:
        kill(pids(own)[name])
    own.down()
    assert traces(own) == []
    assert f" {tag} " not in Path("/proc/sysvipc/shm").read_text()
    own.up(print)


def test_down_ends_jobs_of_astronomers(own: Site) -> None:
    tables = ", ".join(f"tap_schema.columns AS t{n}" for n in range(6))
    form = {"LANG": "ADQL", "QUERY": f"SELECT COUNT(*) FROM {tables}"}  # takes years
    url = f"{own.dachs.url}/tap/async"
    job = httpx.post(url, data=form, follow_redirects=True, timeout=20).url
    httpx.post(f"{job}/phase", data={"PHASE": "RUN"}, timeout=20)
    wait_for(lambda: httpx.get(f"{job}/phase", timeout=20).text == "EXECUTING")
    assert any("taprun" in line for line in traces(own))
    own.down()
    assert traces(own) == []
    own.up(print)


def test_one_publication_at_a_time(own: Site, drive: Callable[..., subprocess.Popen[str]]) -> None:
    other = drive("lock", own.settings)
    assert other.stdout is not None
    assert other.stdout.readline() == "locked\n"
    with (
        pytest.raises(BusyError, match=rf"publishing to this site \(pid {other.pid} since 20"),
        own.lock(),
    ):
        pass
    with pytest.raises(BusyError, match="publishing"):
        own.down()
    own.up(print)
    other.kill()
    other.wait()
    with own.lock(), own.lock():
        assert_serves(own)


def test_what_a_killed_publication_left_running_is_ended(own: Site) -> None:
    code = (
        "import subprocess, sys\n"
        "command = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "print(subprocess.Popen(command, **quiet).pid)\n"
    )
    extra = {"GAVOSETTINGS": str(own.dachs.settings_file)}
    left = int(run([sys.executable, "-c", code], extra=extra).stdout)
    before = pids(own)
    assert processes.find(left) is not None
    with own.lock():
        assert processes.find(left) is None
    assert pids(own) == before


def test_site_whose_making_was_killed_is_made_anew(
    make_settings: Callable[..., Settings], drive: Callable[..., subprocess.Popen[str]]
) -> None:
    # The directory is one that its socket cannot lie in.
    settings = make_settings("killed" + " and long" * 12)
    for moment in ("creating the database", "creating DaCHS's tables", "publishing"):
        maker = drive("up", settings)
        assert maker.stdout is not None
        while not maker.stdout.readline().startswith(moment):
            assert maker.poll() is None
        time.sleep(1)
        maker.kill()
        maker.wait()
    healed = Site(settings)
    try:
        healed.up(print)
        assert_serves(healed)
    finally:
        healed.down()
    assert traces(healed) == []
    assert not Path(healed.dachs.database.host).exists()


def test_plain_user_has_a_site_of_their_own(
    make_settings: Callable[..., Settings], drive: Callable[..., subprocess.Popen[str]],
    reachable_directory: Path,
) -> None:  # fmt: skip
    is_root = os.geteuid() == 0
    owner = NOBODY if is_root else os.geteuid()
    home = reachable_directory / "home"
    home.mkdir()
    os.chown(home, owner, -1)
    settings = make_settings("home/site")
    as_nobody = ["setpriv", f"--reuid={NOBODY}", "--regid=nogroup", "--clear-groups"]
    for what in ("up", "down"):
        process = drive(what, settings, as_nobody if is_root else [])
        said = process.communicate()[0]
        assert (process.returncode, said.splitlines()[-1]) == (0, "done")
        owners = {path.lstat().st_uid for path in settings.site.directory.rglob("*")}
        assert owners == {owner}
        assert httpx_status(f"{settings.site.dachs_url}/tap/tables") == (200 if what == "up" else 0)
    if is_root:
        with pytest.raises(FileError, match="'vopub', as whom services run, cannot write"):
            Site(settings).up(print)


def httpx_status(url: str) -> int:
    try:
        return httpx.get(url, timeout=20).status_code
    except httpx.ConnectError:
        return 0
