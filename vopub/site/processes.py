"""Who runs: processes told apart by more than their number, as numbers are used again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vopub.process import Account, run

PROC = Path("/proc")
GOING_PATIENCE = 2.0
"""Seconds for the kernel to close what a killed process held."""
LISTENING = "0A"
"""State of a listening socket in ``/proc/net/tcp``."""
STARTED: list[subprocess.Popen[bytes]] = []
"""Children of this process: kept so that the dead among them are reaped, not left as zombies."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process, for as long as the system runs: no other ever has both numbers."""

    pid: int
    started: int
    """Clock ticks from boot to its start."""

    def runs(self) -> bool:
        """Tell whether it still runs; a zombie does not."""
        _reap()
        return find(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it ended."""
        if self.runs():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return  # it ended in between, which is what signals here are for


def find(pid: int) -> Process | None:
    """Return the process that has a number now; None if none has, or only a zombie."""
    fields = _stat(pid)
    if not fields or fields[0] in {"Z", "X"}:
        return None
    return Process(pid, int(fields[19]))


def parent_of(pid: int) -> int:
    """Return the number of a process's parent; 0 if it ended."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def boot_id() -> str:
    """Return what tells this run of the system from the ones before and after a reboot."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def command_line(pid: int) -> list[str]:
    """Return the words of a process's command line; empty if it ended."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def running(account: Account) -> list[int]:
    """Return the numbers of all processes of a user."""
    return [pid for pid in _pids() if _owner(pid) == account.uid]


def with_environment(account: Account, variable: str, value: str) -> list[int]:
    """Return the processes of a user that were started with a variable set to a value.

    Environments are asked for as that user: even root may not read them in a container.
    """
    files = [str(PROC / str(pid) / "environ") for pid in running(account)]
    if not files:
        return []
    entry = f"{variable}={value}"
    # --null-data: the entries end with a zero byte; --no-messages: processes end while we look.
    done = run(
        ["grep", "--files-with-matches", "--no-messages", "--null-data", "--line-regexp",
         "--fixed-strings", f"--regexp={entry}", *files],
        account=account,
    )  # fmt: skip
    return [int(Path(line).parent.name) for line in done.stdout.splitlines()]


def descendants(pid: int) -> list[int]:
    """Return the children of a process, and theirs."""
    children: dict[int, list[int]] = {}
    for child in _pids():
        children.setdefault(parent_of(child), []).append(child)
    found = list(children.get(pid, []))
    for child in found:  # grows while it is walked
        found.extend(children.get(child, []))
    return found


def orphans(pids: Iterable[int]) -> list[int]:
    """Return those processes whose parent died, so that init or its deputy took them over."""
    return [
        pid
        for pid in pids
        if (parent := parent_of(pid)) != os.getpid()
        and (parent == 1 or command_line(parent)[:1] == ["/lib/systemd/systemd"])
    ]


def end(
    pids: Iterable[int],
    *,
    first: signal.Signals = signal.SIGTERM,
    patience: float = 10,
    then: Sequence[signal.Signals] = (signal.SIGKILL,),
) -> list[int]:
    """End processes, first politely, then less so; return the numbers of those that ran.

    Parameters
    ----------
    pids
        Numbers just looked up.
    first
        Signal to begin with.
    patience
        Seconds to wait after each signal.
    then
        Signals for those that are still there.
    """
    processes = [process for process in map(find, pids) if process is not None]
    for number in (first, *then):
        for process in processes:
            process.send(number)
            process.send(signal.SIGCONT)  # a stopped process would not hear it
        if _wait_until_gone(processes, patience):
            break
    return [process.pid for process in processes]


def holder_of(port: int) -> str:
    """Return the name and number of the process that listens on a TCP port, if it can be told."""
    inodes = {inode for listening, inode in _listeners() if listening == port}
    for pid in _pids():
        if _sockets(pid) & inodes:
            return f"{_name_of(pid)}, pid {pid}"
    return ""


def listens_on(pids: Iterable[int]) -> set[int]:
    """Return the TCP ports that processes listen on."""
    inodes = set().union(*(_sockets(pid) for pid in pids))
    return {port for port, inode in _listeners() if inode in inodes}


def is_taken(host: str, port: int) -> bool:
    """Tell whether a server could not be bound to an address now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the servers do: connections that were just closed are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def stays_taken(host: str, port: int) -> bool:
    """Tell whether an address is taken, giving a server that was just killed time to go."""
    end = time.monotonic() + GOING_PATIENCE
    while is_taken(host, port):
        if time.monotonic() > end:
            return True
        time.sleep(0.05)
    return False


def attached_segments() -> Mapping[int, tuple[int, int]]:
    """Return System V shared memory: owner and number of attached processes by its number."""
    lines = (PROC / "sysvipc/shm").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return {int(row[1]): (int(row[7]), int(row[6])) for row in rows}


def _stat(pid: int) -> list[str]:
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    # The name before the fields is in brackets and may hold anything, brackets too.
    return text.rpartition(")")[2].split()


def _name_of(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "a process that has just ended"


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _owner(pid: int) -> int:
    try:
        return (PROC / str(pid)).stat().st_uid
    except (FileNotFoundError, ProcessLookupError):
        return -1


def _reap() -> None:
    STARTED[:] = [child for child in STARTED if child.poll() is None]


def _wait_until_gone(processes: Sequence[Process], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while any(process.runs() for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _sockets(pid: int) -> set[str]:
    try:
        files = list((PROC / str(pid) / "fd").iterdir())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return set()
    links = [_target(file) for file in files]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # it was closed since it was listed


def _listeners() -> list[tuple[int, str]]:
    tables = [path for name in ("tcp", "tcp6") if (path := PROC / "net" / name).exists()]
    rows = [line.split() for path in tables for line in path.read_text().splitlines()[1:]]
    return [(int(row[1].rpartition(":")[2], 16), row[9]) for row in rows if row[3] == LISTENING]
