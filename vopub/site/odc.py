"""The Open Data Center of a site, run as a server of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vopub import __version__
from vopub.model.server import OdcServer
from vopub.process import interpreter
from vopub.settings import Settings
from vopub.site import processes
from vopub.site.layout import Layout
from vopub.site.service import Port, Service, http_trouble

TOKEN = "odc.token"  # noqa: S105 - the name of a file


@dataclass(frozen=True)
class OpenDataCenter:
    """The Open Data Center of a site."""

    layout: Layout
    settings: Settings

    @property
    def directory(self) -> Path:
        """Where it keeps its records and files."""
        return self.layout / "odc"

    @property
    def token_file(self) -> Path:
        """File with the token for writing."""
        return self.layout / "secrets" / TOKEN

    @property
    def server(self) -> OdcServer:
        """What others need to know to use it."""
        return OdcServer(self.settings.site.odc_url, self.token_file)

    @cached_property
    def service(self) -> Service:
        """The running server."""
        site = self.settings.site
        return Service(
            name="ODC",
            layout=self.layout,
            command=self._command,
            trouble=self._trouble,
            strays=self._strays,
            address=site.odc_url,
            # Another version of the program is started when there is one.
            basis=lambda: __version__,
            port=Port(site.host, site.odc_port, "odc_port"),
        )

    def configure(self) -> None:
        """Make the token for writing."""
        self.layout.secret(TOKEN)

    def _command(self) -> list[str]:
        site = self.settings.site
        return [
            interpreter(), "-m", "vopub.odc", "--directory", str(self.directory),
            "--host", site.host, "--port", str(site.odc_port),
            "--token-file", str(self.token_file),
            *(["--database", site.odc_database] if site.odc_database else []),
            *(["--processes", str(site.odc_processes)] if site.odc_processes else []),
            *(word for kind in site.odc_accepts for word in ("--accept", kind)),
            *(["--most-writes", str(site.odc_most_writes)] if site.odc_most_writes else []),
            *(word for proxy in site.odc_proxies for word in ("--proxy", str(proxy))),
        ]  # fmt: skip

    def _trouble(self) -> str:
        return http_trouble(f"{self.settings.site.odc_url}/api/health")

    def _strays(self) -> list[int]:
        words = ["-m", "vopub.odc", "--directory", str(self.directory)]
        pids = processes.running(self.layout.account)
        return [pid for pid in pids if processes.command_line(pid)[1:5] == words]
