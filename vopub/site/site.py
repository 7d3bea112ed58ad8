"""The site as a whole: up, down, status, and the lock of a publication."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from vopub.model.server import DachsServer, OdcServer
from vopub.process import Account, service_account
from vopub.settings import PORTS_NAME, Settings
from vopub.site import processes
from vopub.site.dachs import Dachs
from vopub.site.doctor import Doctor, Finding
from vopub.site.external import ExternalDachs
from vopub.site.layout import Layout
from vopub.site.locks import held
from vopub.site.odc import OpenDataCenter
from vopub.site.postgresql import PostgreSQL
from vopub.site.service import Report, Service, ServiceStatus

SWITCHING_PATIENCE = 180.0
"""Seconds to wait for another process that starts or stops this site."""


class Site:
    """A directory with a private PostgreSQL, a DaCHS and an Open Data Center.

    Parameters
    ----------
    settings
        Where it is, where its servers listen, and who publishes.

    Attributes
    ----------
    directory
        Holds everything; it can be deleted and made again.
    products, state
        Where publications keep their files, and what they remember.
    parts
        What the input files gave, so that the next publication reads only what changed.
    archive
        Publications that can be gone back to.
    dachs, odc
        The servers, for those who use them.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.layout = Layout(settings.site.directory, service_account())
        self._database = PostgreSQL(self.layout)
        self._dachs = Dachs(self.layout, settings, self._database)
        self._odc = OpenDataCenter(self.layout, settings)
        self._external = _external(settings, self.layout.account)
        self._locked = False

    @property
    def directory(self) -> Path:
        """The site directory."""
        return self.layout.directory

    @property
    def products(self) -> Path:
        """Where the product files of publications lie."""
        return self.layout / "products"

    @property
    def parts(self) -> Path:
        """Where the parts of tables lie, one directory for each resource."""
        return self.layout / "parts"

    @property
    def state(self) -> Path:
        """What is remembered of publications."""
        return self.layout / "state"

    @property
    def archive(self) -> Path:
        """Where publications that can be gone back to are kept."""
        return self.layout / "archive"

    @property
    def dachs(self) -> DachsServer:
        """The VO server."""
        return self._dachs.server if self._external is None else self._external.server

    @property
    def odc(self) -> OdcServer:
        """The Open Data Center."""
        return self._odc.server

    @property
    def services(self) -> tuple[Service, ...]:
        """The servers of the site's own, in the order in which they start."""
        if self._external is not None:
            return (self._odc.service,)
        return (self._database.service, self._dachs.service, self._odc.service)

    def up(self, report: Report) -> None:
        """Make what is missing and start what is down; returns when everything answers.

        Parameters
        ----------
        report
            Is told what is done, a line each; nothing if everything is up.

        Raises
        ------
        BusyError
            If a port is taken.
        MissingProgramError
            If PostgreSQL or DaCHS is not installed.
        ServiceError
            If a server does not start, or one that vopub does not start cannot be used.
        FileError
            If the directory cannot be used.
        """
        self.layout.make()
        with self._switching():
            for service in self.services:
                service.check_move()
            self._odc.configure()
            odc_is_well = self._odc.service.is_well()
            if not odc_is_well:
                self._odc.service.start(report)
            if self._external is None:
                self._up_dachs(report)
            if not odc_is_well:
                self._odc.service.wait()
            self._remember_ports()
        if self._external is not None:
            self._external.check()

    def down(self) -> None:
        """Stop everything; leaves no process, no socket and no shared memory.

        Raises
        ------
        BusyError
            If another process is publishing.
        """
        if not self.directory.exists():
            return
        self.layout.make()
        with self.lock(), self._switching():
            self._odc.service.stop()
            if self._external is None:
                self._dachs.service.stop()
                processes.end(self._dachs.commands())
                self._database.stop()

    def status(self) -> list[ServiceStatus]:
        """Tell how each server is."""
        own = [service.status() for service in self.services]
        return own if self._external is None else [*self._external.status(), *own]

    def doctor(self) -> list[Finding]:
        """Look at the machine and the servers, and say what to do about what is wrong."""
        doctor = Doctor(self.layout, self._database, self._dachs, self._odc, self._external)
        return doctor.findings()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the site for a publication; may be nested in one `Site`.

        The kernel gives the lock back when the process dies. What a publication that was killed
        left running is ended.

        Raises
        ------
        BusyError
            If another process is publishing; names it.
        """
        if self._locked:
            yield
            return
        self.layout.make()
        path = self.layout / "lock"
        with held(path, "publishing to this site", account=self.layout.account):
            self._locked = True
            try:
                self._end_leftovers()
                yield
            finally:
                self._locked = False

    def _switching(self) -> AbstractContextManager[None]:
        return held(
            self.layout / "run" / "switching", "starting or stopping this site",
            account=self.layout.account, patience=SWITCHING_PATIENCE,
        )  # fmt: skip

    def _up_dachs(self, report: Report) -> None:
        started = self._database.create(report) or not self._database.service.is_well()
        if started:
            # It would hold on to connections to the database server before this one.
            self._dachs.service.stop()
            self._database.start(report)
        if started or not self._dachs.is_initialised:
            self._dachs.create(report)
            self._database.restrict()
        is_well = self._dachs.service.is_well()
        if not is_well:
            self._dachs.service.stop()
            self._dachs.configure()
            self._dachs.service.start(report)
        # While the server starts, which takes as long.
        self._dachs.publish(report)
        if not is_well:
            self._dachs.service.wait()

    def _remember_ports(self) -> None:
        """Let later commands find the servers where they are now."""
        site = self.settings.site
        ports = {"dachs_port": site.dachs_port, "odc_port": site.odc_port}
        self.layout.write(self.layout / PORTS_NAME, json.dumps(ports) + "\n")

    def _end_leftovers(self) -> None:
        server = self._dachs.service.process()
        kept = set() if server is None else {server.pid, *processes.descendants(server.pid)}
        processes.end(set(processes.orphans(self._dachs.commands())) - kept)


def _external(settings: Settings, account: Account) -> ExternalDachs | None:
    if not settings.external.used:
        return None
    return ExternalDachs(settings.external, settings.publisher.authority, account)
