"""The DaCHS of a site: made once, kept in line with the settings, and running."""

from __future__ import annotations

import grp
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from vopub.errors import ServiceError
from vopub.model.server import DachsServer
from vopub.process import find_program, run
from vopub.settings import Settings
from vopub.site import processes
from vopub.site.layout import PRIVATE, Layout
from vopub.site.postgresql import PostgreSQL
from vopub.site.service import Port, Report, Service, http_trouble
from vopub.site.templates import render

PACKAGE = "python3-gavo"
LONGEST_SHORT_NAME = 12
"""DaCHS appends up to four characters, as in `` TAP``; VOResource allows 16 in all."""
OWN_SERVICES = ("//services", "//tap")
RUNNING_QUERIES, WAITING_QUERIES = 4, 40
"""Synchronous TAP queries that run at a time, and that wait for these; more are refused."""
VOCABULARY_PREFIX = "http:=2F=2Fwww.ivoa.net=2Frdf=2F"
"""How DaCHS begins the names of cached vocabularies: their address, made safe for a file name."""


@dataclass(frozen=True)
class Dachs:
    """The VO server of a site."""

    layout: Layout
    settings: Settings
    database: PostgreSQL

    @property
    def root(self) -> Path:
        """DaCHS's ``rootDir``."""
        return self.layout / "dachs"

    @property
    def settings_file(self) -> Path:
        """File that ``GAVOSETTINGS`` names."""
        return self.root / "gavo.rc"

    @property
    def server(self) -> DachsServer:
        """What others need to know to use it."""
        url = self.settings.site.dachs_url
        return DachsServer(url, self.root, self.settings_file, self.database.database)

    @property
    def is_initialised(self) -> bool:
        """Whether its directories and tables were made to the end."""
        return bool(self._read("initialised"))

    @cached_property
    def program(self) -> str:
        """Path of the ``dachs`` command."""
        return find_program("dachs", package=PACKAGE)

    @cached_property
    def service(self) -> Service:
        """The running server."""
        site = self.settings.site
        return Service(
            name="DaCHS",
            layout=self.layout,
            command=lambda: [self.program, "serve", "start", "--foreground"],
            trouble=self._trouble,
            strays=self._strays,
            address=site.dachs_url,
            environment=self._environment(),
            basis=lambda: self._texts() + "".join(self._additions().values()),
            port=Port(site.host, site.dachs_port, "dachs_port"),
        )

    def create(self, report: Report) -> None:
        """Make DaCHS's directories and tables, unless they are whole.

        Raises
        ------
        ServiceError
            If DaCHS cannot make them.
        """
        if self.is_initialised and self.database.has_database():
            return
        report("creating DaCHS's tables")
        self.service.stop()
        processes.end(self.commands())
        self._start_over()
        self.configure()
        database = self.database.database
        self.database.add_pgsphere()
        dsn = f"host={database.host} port={database.port} dbname={database.name}"
        self._run("init", "-d", dsn)
        # DaCHS opens these to the group, which a plain user shares with others.
        for path in (self.layout / "log", self.root / "etc"):
            path.chmod(PRIVATE)
        report("creating the table of observations")
        self._run("imp", "//obscore")
        self._write("initialised", "yes")

    def configure(self) -> None:
        """Write DaCHS's settings, the site's metadata and the vocabularies."""
        self._make("etc", "cache", "inputs", "inputs/vopub")
        self.layout.write(self.settings_file, self._settings_text(), mode=0o600)
        self.layout.write(self.root / "etc/defaultmeta.txt", self._metadata_text())
        for name, text in self._additions().items():
            self.layout.write(self.root / "inputs/vopub" / name, text)
        self._seed_vocabularies()

    def publish(self, report: Report) -> None:
        """Publish DaCHS's own services, and again all others when what they say has changed.

        Raises
        ------
        ServiceError
            If DaCHS does not.
        """
        wanted = hashlib.sha256(self._texts().encode()).hexdigest()
        published = self._read("published")
        if published == wanted:
            return
        report("publishing the services of the site")
        self._run("pub", *(["ALL"] if published else OWN_SERVICES))
        listed = self.database.query(
            "SELECT DISTINCT sourcerd FROM dc.resources WHERE NOT deleted", database="gavo"
        )
        missing = [name for name in OWN_SERVICES if name.replace("//", "__system__/") not in listed]
        if missing:
            raise ServiceError(f"DaCHS did not publish {' and '.join(missing)}", where=self.root)
        self._write("published", wanted)

    def commands(self) -> list[int]:
        """Return the processes of this site's ``dachs`` commands, servers and their helpers."""
        return processes.with_environment(
            self.layout.account, "GAVOSETTINGS", str(self.settings_file)
        )

    def version(self) -> str:
        """Return what ``dachs`` says of its version."""
        done = run([self.program, "--version"], account=self.layout.account)
        return done.stdout.strip()

    def _strays(self) -> list[int]:
        return [
            pid for pid in self.commands() if {"serve", "taprun"} & set(processes.command_line(pid))
        ]

    def _trouble(self) -> str:
        url = f"{self.settings.site.dachs_url}/__system__/tap/run/availability"
        return http_trouble(url, containing="available>true<")

    def _environment(self) -> dict[str, str]:
        # Without the second, DaCHS reads what is in the user's ~/.gavorc on top.
        return {"GAVOSETTINGS": str(self.settings_file), "GAVOCUSTOM": "/dev/null"}

    def _run(self, *arguments: str) -> None:
        done = run(
            [self.program, *arguments], account=self.layout.account, extra=self._environment(),
            timeout=300,
        )  # fmt: skip
        if done.returncode != 0:
            raise ServiceError.from_process(done, hint="'vopub doctor' may tell more")

    def _texts(self) -> str:
        return self._settings_text() + self._metadata_text()

    def _settings_text(self) -> str:
        account = self.layout.account
        return render(
            "gavo.rc", root=self.root, log=self.layout / "log", group=_group_name(account.gid),
            site=self.settings.site, publisher=self.settings.publisher,
            email=self.settings.publisher.contact.email,
            admin_password=self.layout.secret("dachs-admin.password"),
        )  # fmt: skip

    def _additions(self) -> dict[str, str]:
        """Return the descriptors that add to DaCHS itself, by the name of the file."""
        names = ("threads.rd", "answers.rd")
        given = {"site": self.settings.site, "running": RUNNING_QUERIES, "waiting": WAITING_QUERIES}
        return {name: render(name, **given) for name in names}

    def _metadata_text(self) -> str:
        publisher = self.settings.publisher
        return render(
            "defaultmeta.txt", publisher=publisher, created=self._created(),
            short_name=publisher.short_name[:LONGEST_SHORT_NAME].strip(),
        )  # fmt: skip

    def _created(self) -> str:
        """Return when the site was made: the registry wants to know, and that it never changes."""
        path = self.layout / "state" / "created"
        if not path.exists():
            self.layout.write(path, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") + "\n")
        return path.read_text().strip()

    def _start_over(self) -> None:
        """Leave nothing that was half made, and nothing that says data are published."""
        for path in (self.layout / "state").glob("*.json"):
            path.unlink()
        self.layout.remove("archive")
        self.layout.remove("dachs")
        self.layout.make()
        self.database.recreate_database()

    def _make(self, *names: str) -> None:
        for name in names:
            path = self.root / name
            path.mkdir(exist_ok=True)
            self.layout.account.own(path)

    def _seed_vocabularies(self) -> None:
        for source in sorted(Path(str(files("vopub.site"))).glob("vocabularies/*.desise")):
            path = self.root / "cache" / (VOCABULARY_PREFIX + source.stem)
            if not path.exists():
                self.layout.write(path, source.read_text(encoding="utf-8"))

    def _read(self, mark: str) -> str:
        try:
            return str(json.loads((self.root / "vopub.json").read_text()).get(mark, ""))
        except (FileNotFoundError, ValueError):
            return ""

    def _write(self, mark: str, value: str) -> None:
        marks = {name: self._read(name) for name in ("initialised", "published")} | {mark: value}
        self.layout.write(self.root / "vopub.json", json.dumps(marks))


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        raise ServiceError(
            f"group {gid} of the user that services run as has no name, which DaCHS needs",
            hint=f"add it, e.g. with 'groupadd --gid {gid} vopub'",
        ) from None
