"""Keeping a server running: starting it once, telling whether it answers, stopping it wholly."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

import httpx

from vopub.errors import BusyError, ServiceError
from vopub.files import cannot
from vopub.process import spawn
from vopub.site import processes
from vopub.site.layout import Layout
from vopub.site.processes import Process

Report = Callable[[str], None]
START_PATIENCE = 60.0
"""Seconds that a server gets to answer after it was started."""
ANSWER_PATIENCE = 15.0
"""Seconds that a server which is running gets to answer before it is started anew."""
HTTP_OK = 200


class State(StrEnum):
    """How a server is."""

    UP = "up"
    DOWN = "down"
    STALE = "stale"
    """It is not running, but was not stopped: the machine or the server crashed."""
    FAILING = "failing"
    """It is running and does not answer."""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What is known of a server now."""

    name: str
    state: State
    pid: int | None
    address: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """Where a server listens, and how to choose another place."""

    host: str
    number: int
    setting: str
    """Key in the settings, e.g. ``dachs_port``."""

    @property
    def hint(self) -> str:
        """How to choose another port."""
        option, variable = self.setting.replace("_", "-"), self.setting.upper()
        return (
            f"stop what holds it, or choose another with --{option}, VOPUB_{variable} "
            f"or {self.setting} in [site] of vopub.toml"
        )


@dataclass(frozen=True, slots=True)
class Record:
    """The server that was started: kept in a file so that it is found again."""

    process: Process
    boot: str
    fingerprint: str
    """Digest of what it was started with."""
    port: int = 0
    """Where it listens; 0 if nowhere, or if an older vopub started it."""

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """Read a record; None if there is none, or nothing that can be understood.

        Raises
        ------
        FileError
            If it may not be read, e.g. because the site is another user's.
        """
        try:
            kept = json.loads(path.read_text())
            process = Process(int(kept["pid"]), int(kept["started"]))
            port = int(kept.get("port", 0))
            return cls(process, str(kept["boot"]), str(kept["fingerprint"]), port)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        except OSError as error:
            raise cannot("read", path, error) from error

    def text(self) -> str:
        """Return what is written to the file."""
        return json.dumps(
            {
                "pid": self.process.pid,
                "started": self.process.started,
                "boot": self.boot,
                "fingerprint": self.fingerprint,
                "port": self.port,
            }
        )

    def runs(self) -> bool:
        """Tell whether that very server still runs."""
        return self.boot == processes.boot_id() and self.process.runs()


@dataclass(frozen=True, slots=True)
class Service:
    """A server and how to keep it running.

    Parameters
    ----------
    name
        What people call it.
    layout
        The site it belongs to.
    command
        Returns program and arguments that run it in the foreground; asked only to start it.
    trouble
        Asks the server whether it is ready; returns an empty text, or what is wrong.
    strays
        Finds processes of this server that the record does not know of.
    address
        Where it answers, for people.
    environment
        Further environment variables.
    basis
        Returns the texts that it reads when it starts; if they change it is started anew.
    port
        Where it listens.
    stop_signals
        Signals that end it, politest first.
    """

    name: str
    layout: Layout
    command: Callable[[], Sequence[str]]
    trouble: Callable[[], str]
    strays: Callable[[], list[int]]
    address: str
    environment: Mapping[str, str] = field(default_factory=dict)
    basis: Callable[[], str] = str
    port: Port | None = None
    stop_signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGKILL)

    @property
    def log(self) -> Path:
        """File that holds what it prints."""
        return self.layout / "log" / f"{self.name.lower()}.log"

    @property
    def record_file(self) -> Path:
        """File that tells which process it is."""
        return self.layout / "run" / f"{self.name.lower()}.json"

    @property
    def fingerprint(self) -> str:
        """Digest of everything it is started with."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        parts = [*self.command(), *variables, self.basis()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def process(self) -> Process | None:
        """Return the server's process if it runs."""
        record = Record.read(self.record_file)
        return record.process if record is not None and record.runs() else None

    def status(self) -> ServiceStatus:
        """Tell how it is."""
        process = self.process()
        if process is None:
            crashed = self.record_file.exists()
            state = State.STALE if crashed else State.DOWN
            detail = "it ended without being stopped; 'vopub up' heals this" if crashed else ""
            return ServiceStatus(self.name, state, None, self.address, detail)
        trouble = self.trouble()
        state = State.FAILING if trouble else State.UP
        return ServiceStatus(self.name, state, process.pid, self.address, trouble)

    def is_current(self) -> bool:
        """Tell whether it runs with what it would be started with now."""
        record = Record.read(self.record_file)
        return record is not None and record.runs() and record.fingerprint == self.fingerprint

    def is_well(self) -> bool:
        """Tell whether it runs with what it would be started with now, and answers."""
        return self.is_current() and self._answers_within(ANSWER_PATIENCE)

    def check_move(self) -> None:
        """Look whether the port is free that it is to move to, while it goes on serving.

        Raises
        ------
        BusyError
            If it is not.
        """
        record = Record.read(self.record_file)
        if self.port is None or record is None or not record.runs() or not record.port:
            return
        if record.port != self.port.number and processes.is_taken(self.port.host, self.port.number):
            raise _taken(self.name, self.port)

    def start(self, report: Report) -> None:
        """Start it; whether it answers is asked with `wait`.

        Raises
        ------
        BusyError
            If its port is taken; names what holds it and how to choose another.
        ServiceError
            If the program cannot be started.
        """
        self.stop()
        if self.port is not None and processes.stays_taken(self.port.host, self.port.number):
            raise _taken(self.name, self.port)
        report(f"starting {self.name}")
        child = spawn(
            self.command(), log=self.log, account=self.layout.account, extra=self.environment
        )
        processes.STARTED.append(child)
        process = processes.find(child.pid)
        if process is None:
            raise self._ended()
        number = 0 if self.port is None else self.port.number
        record = Record(process, processes.boot_id(), self.fingerprint, number)
        self.layout.write(self.record_file, record.text())

    def wait(self) -> None:
        """Wait until it answers.

        Raises
        ------
        ServiceError
            If it ends or does not answer in time; holds the last lines of its log.
        """
        deadline = time.monotonic() + START_PATIENCE
        pause = 0.02
        while True:
            process = self.process()
            if process is None:
                raise self._ended()
            trouble = self.trouble()
            if not trouble:
                return
            if time.monotonic() > deadline:
                what = f"{self.name} does not answer ({trouble}): {self._said()}"
                raise ServiceError(what, where=self.log, hint="'vopub doctor' may tell more")
            time.sleep(pause)
            pause = min(pause * 1.3, 0.2)

    def stop(self) -> bool:
        """End it with everything it started; tell whether there was anything to end."""
        process = self.process()
        known = [] if process is None else [process.pid, *processes.descendants(process.pid)]
        first, *then = self.stop_signals
        ended = processes.end(known[:1], first=first, then=then)
        ended += processes.end([*known[1:], *self.strays()], first=first, then=then, patience=3)
        self.record_file.unlink(missing_ok=True)
        return bool(ended)

    def last_lines(self, count: int = 5) -> list[str]:
        """Return the end of its log."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(0, self.log.stat().st_size - 8192))
                text = stream.read().decode(errors="replace")
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines() if line.strip()][-count:]

    def _answers_within(self, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while self.trouble():
            if time.monotonic() > deadline or self.process() is None:
                return False
            time.sleep(0.2)
        return True

    def _ended(self) -> ServiceError:
        return ServiceError(f"{self.name} ended: {self._said()}", where=self.log)

    def _said(self) -> str:
        return " | ".join(self.last_lines()) or "it said nothing"


def http_trouble(url: str, containing: str = "") -> str:
    """Ask for a page; return an empty text if it is there, or what is wrong.

    Parameters
    ----------
    url
        Address of the page.
    containing
        What the page has to hold.
    """
    try:
        answer = _client().get(url)
    except httpx.HTTPError as error:
        return f"no answer from {url}: {error or type(error).__name__}"
    if answer.status_code != HTTP_OK:
        return f"{url} answers with status {answer.status_code}"
    return "" if containing in answer.text else f"{url} answers without {containing!r}"


@cache
def _client() -> httpx.Client:
    """Return one client for all questions: making it takes longer than asking.

    Settings for proxies are of no use on the way to a server of our own; connections are not kept,
    as the server may be another one next time.
    """
    return httpx.Client(
        timeout=5, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
    )


def _taken(name: str, port: Port) -> BusyError:
    holder = processes.holder_of(port.number)
    held_by = f" by {holder}" if holder else ""
    what = f"port {port.number} of {port.host}, which {name} needs, is taken{held_by}"
    return BusyError(what, hint=port.hint)
