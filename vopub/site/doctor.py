"""Looking for what keeps a site from working."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vopub.errors import VopubError
from vopub.process import interpreter, run
from vopub.site import processes
from vopub.site.dachs import PACKAGE, Dachs
from vopub.site.external import ExternalDachs
from vopub.site.layout import Layout
from vopub.site.odc import OpenDataCenter
from vopub.site.postgresql import DATABASE, PostgreSQL, find_binaries
from vopub.site.service import Service, State, http_trouble

LEAST_SPACE = 2 * 1024**3
"""Bytes that should be free: loading a table takes a few times what it holds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was looked at."""

    ok: bool
    what: str
    hint: str = ""
    """What to do; empty if it is in order."""


@dataclass(frozen=True)
class Doctor:
    """Looks at the machine and at the servers of a site."""

    layout: Layout
    database: PostgreSQL
    dachs: Dachs
    odc: OpenDataCenter
    external: ExternalDachs | None = None
    """The DaCHS that is used instead of the site's own."""

    def findings(self) -> list[Finding]:
        """Look at everything, from the ground up."""
        return [
            *([] if self.external else [_try(self._postgresql)]),
            _try(self._dachs_program),
            self._account(),
            *self._paths(),
            self._space(),
            *self._services(),
        ]

    def _postgresql(self) -> str:
        binaries = find_binaries()
        version = run([str(binaries / "postgres"), "--version"]).stdout.strip()
        number = binaries.parent.name
        parts = [_package(f"postgresql-{number}-{name}") for name in ("q3c", "pgsphere")]
        return ", ".join([version, *parts])

    def _dachs_program(self) -> str:
        return f"DaCHS is {self.dachs.program}, {_package(PACKAGE)}"

    def _account(self) -> Finding:
        account = self.layout.account
        return Finding(ok=True, what=f"services run as user {account.name!r} ({account.uid})")

    def _paths(self) -> Iterator[Finding]:
        directory = self.layout.directory
        test = "-w" if directory.exists() else "-x"
        yield self._reachable(_existing(directory), test, "choose another with --site")
        hint = "install vopub where that user can read it; 'make setup' does"
        yield self._reachable(Path(interpreter()), "-x", hint)

    def _reachable(self, path: Path, test: str, hint: str) -> Finding:
        account = self.layout.account
        ok = run(["test", test, str(path)], account=account).returncode == 0
        can = "can" if ok else "cannot"
        verb = "write to" if test == "-w" else "reach"
        return Finding(ok, f"user {account.name!r} {can} {verb} {path}", "" if ok else hint)

    def _space(self) -> Finding:
        place = _existing(self.layout.directory)
        free = shutil.disk_usage(place).free
        ok = free >= LEAST_SPACE
        hint = "" if ok else f"free some; {LEAST_SPACE / 1024**3:.0f} GiB should do"
        return Finding(ok, f"{free / 1024**3:.1f} GiB are free at {place}", hint)

    def _services(self) -> Iterator[Finding]:
        if self.external is not None:
            yield _try(partial(_can_be_used, self.external))
        own: list[tuple[Service, Callable[[], str]]] = [
            (self.database.service, self._database_answers),
            (self.dachs.service, self._dachs_knows_its_address),
        ]
        odc = (self.odc.service, lambda: f"the ODC answers at {self.odc.service.address}")
        for service, answers in [*([] if self.external else own), odc]:
            status = service.status()
            if status.state is State.UP:
                yield _try(answers)
            elif status.state is State.DOWN:
                yield _port(service)
            else:
                said = " | ".join(service.last_lines()) or "nothing"
                what = f"{service.name} is {status.state}: {status.detail}; its log says: {said}"
                yield Finding(ok=False, what=what, hint="run 'vopub up'")

    def _database_answers(self) -> str:
        (count,) = self.database.query("SELECT count(*) FROM dc.resources", database=DATABASE)
        return f"the database answers; it lists {count} resources"

    def _dachs_knows_its_address(self) -> str:
        url = self.dachs.server.url
        trouble = http_trouble(f"{url}/oai.xml?verb=Identify", containing=f"{url}/oai.xml")
        if trouble:
            raise VopubError(trouble, hint="run 'vopub down', then 'vopub up'")
        return f"DaCHS answers at {url} and knows that this is its address"


def _can_be_used(external: ExternalDachs) -> str:
    external.check()
    return f"DaCHS at {external.server.url} and its database can be published to"


def _try(check: Callable[[], str]) -> Finding:
    try:
        return Finding(ok=True, what=check())
    except VopubError as error:
        return Finding(ok=False, what=error.what, hint=error.hint)


def _port(service: Service) -> Finding:
    port = service.port
    if port is None or not processes.is_taken(port.host, port.number):
        return Finding(ok=True, what=f"{service.name} is down; 'vopub up' starts it")
    holder = processes.holder_of(port.number) or "another process"
    what = f"port {port.number}, which {service.name} needs, is taken by {holder}"
    return Finding(ok=False, what=what, hint=port.hint)


def _package(name: str) -> str:
    done = run(["dpkg-query", "--show", "--showformat=${Version}", name])
    return f"{name} {done.stdout.strip() or 'of unknown version'}"


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())
