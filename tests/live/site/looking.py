"""What there is of a site: its processes, what they serve, what is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from vopub.process import run
from vopub.site import Site, State, processes

NAMES = ["PostgreSQL", "DaCHS", "ODC"]


def pids(site: Site) -> dict[str, int | None]:
    return {status.name: status.pid for status in site.status()}


def states(site: Site) -> list[State]:
    return [status.state for status in site.status()]


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def psql(site: Site, sql: str) -> str:
    database = site.dachs.database
    done = run(["psql", "-qAt", "-h", database.host, "-p", str(database.port), "-U", database.user,
                "-d", database.name, "-c", sql])  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tap(site: Site, query: str) -> list[str]:
    answer = httpx.get(
        f"{site.dachs.url}/tap/sync",
        params={"LANG": "ADQL", "QUERY": query, "FORMAT": "csv"},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()


def assert_serves(site: Site) -> None:
    assert states(site) == [State.UP] * 3
    assert psql(site, "SELECT 40 + 2") == "42"
    assert tap(
        site, "SELECT table_name FROM tap_schema.tables WHERE table_name='ivoa.obscore'"
    ) == [
        "table_name",
        "ivoa.obscore",
    ]
    assert httpx.get(f"{site.odc.url}/api/health").status_code == 200


def traces(site: Site) -> list[str]:
    """Return processes and sockets that have anything to do with a site, whoever they are."""
    tag = f"vopub-{site.layout.tag}"
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = [(entry / name).read_bytes().decode() for name in ("cmdline", "environ")]
                told.append(str((entry / "cwd").readlink()))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it ended meanwhile, or is nobody's of ours
            if any(str(site.directory) in text or tag in text for text in told):
                found.append(" ".join(told[0].split("\0")))
    sockets = Path("/proc/net/unix").read_text().splitlines()
    return found + [line for line in sockets if str(site.dachs.database.host) in line]


def shared_files(site: Site) -> set[Path]:
    """Return the files in memory that its processes use, which would stay if they were killed."""
    found = set()
    for parent in pids(site).values():
        for pid in [parent or 0, *processes.descendants(parent or 0)]:
            lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
            found |= {Path(line.split()[5]) for line in lines if " /dev/shm/" in line}
    return found


def wait_for(condition: Callable[[], bool], patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
