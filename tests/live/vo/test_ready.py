"""Commands of DaCHS that share one import of it are as those that stand alone."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.site.looking import wait_for
from vopub.errors import ServiceError
from vopub.model.server import DachsServer
from vopub.process import service_account
from vopub.site import processes
from vopub.vo import ready as module
from vopub.vo.ready import ready, run_dachs

pytestmark = pytest.mark.live

SLOW = """<resource schema="slow">
  <table id="t" onDisk="True"><column name="n" type="integer"/></table>
  <data id="d"><sources items="1"/>
    <embeddedGrammar><iterator><code>
      import time
      time.sleep(600)
      yield {"n": 1}
    </code></iterator></embeddedGrammar>
    <make table="t"/>
  </data>
</resource>
"""


def of_dachs(server: DachsServer) -> dict[int, str]:
    """Return the processes that work for a server, with what 'ps' calls them."""
    file = str(server.settings_file)
    found = processes.with_environment(service_account(), "GAVOSETTINGS", file)
    return {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in found}


def command_of(server: DachsServer, name: str) -> int:
    """Wait for a command; return its number."""
    wait_for(lambda: name in of_dachs(server).values())
    return next(pid for pid, what in of_dachs(server).items() if what == name)


@contextmanager
def descriptor(folder: Path) -> Iterator[None]:
    """Put a descriptor there whose import does not end."""
    path = folder / "q.rd"
    folder.mkdir()
    path.write_text(SLOW, encoding="utf-8")
    for place in (folder, path):
        service_account().own(place)
    yield
    shutil.rmtree(folder)


@pytest.fixture
def slow(server: DachsServer) -> Iterator[str]:
    with descriptor(server.inputs / "slow"):
        yield "slow/q"


def said(server: DachsServer, *arguments: str, inputs: Path | None = None) -> tuple[int, str, str]:
    done = run_dachs(server, *arguments, inputs=inputs)
    return done.returncode, done.stdout, done.stderr


def test_they_say_and_return_the_same(server: DachsServer) -> None:
    asked: list[tuple[tuple[str, ...], Path | None]] = [
        (("--version",), None),
        (("nothing-like-this",), None),
        (("val", "-p", "__system__/tap"), None),
        (("imp", "nowhere/q"), None),
        (("val", "elsewhere/q"), None),
        (("val", "elsewhere/q"), server.root / "others"),
    ]
    (server.root / "others").mkdir()
    with descriptor(server.root / "others" / "elsewhere"):
        alone = [said(server, *words, inputs=inputs) for words, inputs in asked]
        with ready(server):
            together = [said(server, *words, inputs=inputs) for words, inputs in asked]
    (server.root / "others").rmdir()
    assert together == alone
    assert {code for code, _, _ in alone} >= {0, 1}
    assert "could not be located" in str(alone[-2])
    assert str(server.root / "others") in alone[-1][1]


def test_they_share_one_process_which_ends_with_the_last(server: DachsServer) -> None:
    before = set(of_dachs(server))
    with ready(server):
        assert set(of_dachs(server)) == before, "nothing is started without a command"
        run_dachs(server, "--version")
        (shared,) = set(of_dachs(server)) - before
        with ready(server):
            run_dachs(server, "--version")
        assert set(of_dachs(server)) - before == {shared}
    assert set(of_dachs(server)) == before


def test_one_that_is_killed_takes_no_other_with_it(server: DachsServer, slow: str) -> None:
    with ready(server):
        killer = threading.Timer(
            0, lambda: os.kill(command_of(server, "dachs imp"), signal.SIGKILL)
        )
        killer.start()
        assert run_dachs(server, "imp", slow).returncode == -signal.SIGKILL
        killer.join()
        assert run_dachs(server, "--version").returncode == 0


@pytest.mark.parametrize("meanwhile", [True, False])
def test_what_they_share_can_be_killed(server: DachsServer, slow: str, meanwhile: bool) -> None:
    before = set(of_dachs(server))
    with ready(server):
        run_dachs(server, "--version")
        (shared,) = set(of_dachs(server)) - before

        def kill() -> None:
            command = command_of(server, "dachs imp")
            os.kill(shared, signal.SIGKILL)
            wait_for(lambda: not Path(f"/proc/{command}").exists())

        if meanwhile:
            killer = threading.Thread(target=kill)
            killer.start()
            assert run_dachs(server, "imp", slow).returncode == -signal.SIGKILL
            killer.join(timeout=30)
            assert not killer.is_alive(), "the command outlives what started it"
        else:
            os.kill(shared, signal.SIGKILL)
            wait_for(lambda: shared not in of_dachs(server))
        assert run_dachs(server, "--version").returncode == 0
    assert set(of_dachs(server)) == before


def test_one_that_does_not_end_in_time_is_ended(server: DachsServer, slow: str) -> None:
    before = set(of_dachs(server))
    with ready(server):
        run_dachs(server, "--version")
        with pytest.raises(ServiceError, match="dachs imp did not end within 1 s"):
            run_dachs(server, "imp", slow, timeout=1)
        assert run_dachs(server, "--version").returncode == 0
    wait_for(lambda: set(of_dachs(server)) == before)


ALONE = '#!/bin/sh\nexec /usr/bin/dachs "$@"\n'
UNREADY = '#!/bin/sh\n[ "$1" != -c ] || exit 1\nshift\nexec /usr/bin/dachs "$@"\n'


@pytest.mark.parametrize("python", [None, UNREADY], ids=["no Python", "one that is of no use"])
def test_without_a_python_that_gets_ready_each_stands_alone(
    server: DachsServer, reachable_directory: Path, monkeypatch: pytest.MonkeyPatch,
    python: str | None,
) -> None:  # fmt: skip
    place = reachable_directory / f"programs-{python is None}"
    place.mkdir()
    programs = {"dachs": ALONE if python is None else f"#!{place}/python\n"}
    for name, text in {**programs, "python": python or ""}.items():
        (place / name).write_text(text, encoding="ascii")
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    before = set(of_dachs(server))
    with ready(server):
        done = run_dachs(server, "--version")
        assert done.stdout.startswith("Software ("), done.stderr
        assert set(of_dachs(server)) == before


def test_the_first_line_of_the_program_says_which_python(tmp_path: Path) -> None:
    told: Callable[[str], list[str]] = module._python_of
    for first, words in (
        ("#!/usr/bin/python3", ["/usr/bin/python3"]),
        ("#! /usr/bin/python3 -Es", ["/usr/bin/python3", "-Es"]),
        ("#!/usr/bin/env python3", ["/usr/bin/env", "python3"]),
        ("#!/bin/sh", []),
        ("\x7fELF python", []),
        ("", []),
    ):
        path = tmp_path / "program"
        path.write_text(f"{first}\nimport nothing\n", encoding="utf-8")
        assert told(str(path)) == words
    assert told(str(tmp_path / "nowhere")) == []
