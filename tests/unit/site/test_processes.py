"""Processes are told apart and ended, and only the right ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vopub.process import service_account, spawn
from vopub.site import processes
from vopub.site.processes import Process

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(1, flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, sys
subprocess.Popen(["sleep", "600"])
print(1, flush=True)
sys.stdin.read()
"""

Starter = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Starter]:
    started: list[subprocess.Popen[bytes]] = []

    def start_one(*command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


def test_process_is_more_than_its_number() -> None:
    me = processes.find(os.getpid())
    assert me is not None
    assert me.runs()
    assert not Process(me.pid, me.started + 1).runs()


def test_zombie_does_not_run(start: Starter) -> None:
    child = start("sleep", "600")
    found = processes.find(child.pid)
    assert found is not None
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{child.pid}").exists()
    assert not found.runs()


def test_impostor_is_sent_nothing(start: Starter) -> None:
    child = start("sleep", "600")
    found = processes.find(child.pid)
    assert found is not None
    Process(found.pid, found.started - 1).send(signal.SIGKILL)
    time.sleep(0.05)
    assert child.poll() is None


def test_stubborn_process_is_killed(start: Starter) -> None:
    child = start(sys.executable, "-c", STUBBORN)
    assert child.stdout is not None
    child.stdout.readline()
    assert processes.end([child.pid], patience=0.1) == [child.pid]
    assert child.wait() == -signal.SIGKILL


def test_stopped_process_is_ended_politely(start: Starter) -> None:
    child = start("sleep", "600")
    os.kill(child.pid, signal.SIGSTOP)
    processes.end([child.pid])
    assert child.wait() == -signal.SIGTERM


def test_ending_nothing_ends_nothing() -> None:
    assert processes.end([]) == []


def test_descendants_and_orphans(start: Starter) -> None:
    parent = start(sys.executable, "-c", PARENT)
    assert parent.stdout is not None
    parent.stdout.readline()
    (child,) = processes.descendants(parent.pid)
    assert processes.parent_of(child) == parent.pid
    assert child in processes.descendants(os.getpid())
    assert processes.orphans([child]) == []
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deputy = processes.command_line(processes.parent_of(child))[:1]
    expected = [child] if processes.parent_of(child) == 1 or "systemd" in str(deputy) else []
    assert processes.orphans([child]) == expected
    processes.end([child])


def test_environment_is_matched_whole(open_directory: Path) -> None:
    account = service_account()
    child = spawn(["sleep", "600"], log=open_directory / "log", extra={"VOPUB_T": "/a b/c"})
    try:
        assert processes.with_environment(account, "VOPUB_T", "/a b/c") == [child.pid]
        assert processes.with_environment(account, "VOPUB_T", "/a b") == []
        assert processes.with_environment(account, "UB_T", "/a b/c") == []
        assert child.pid in processes.running(account)
    finally:
        child.kill()
        child.wait()


def test_listener_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert processes.is_taken("127.0.0.1", port)
        listener.listen()
        assert processes.is_taken("127.0.0.1", port)
        assert processes.holder_of(port).endswith(f", pid {os.getpid()}")
        assert port in processes.listens_on([os.getpid()])
    assert not processes.is_taken("127.0.0.1", port)
    assert processes.holder_of(port) == ""
