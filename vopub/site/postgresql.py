"""The private PostgreSQL of a site, reached through a socket only."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vopub.errors import FileError, MissingProgramError, ServiceError
from vopub.model.server import Database
from vopub.process import run
from vopub.site import guard, pgsphere, processes
from vopub.site.layout import PRIVATE, Layout
from vopub.site.service import Report, Service
from vopub.site.templates import render

PORT = 5432
"""Names the socket; no TCP port is opened."""
DATABASE = "gavo"
LONGEST_PATH = 90
"""Bytes; the kernel allows 107 for a socket, whose name comes on top of its directory."""
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
"""Paths that need no quoting where DaCHS writes connection settings."""
INSTALLATIONS = Path("/usr/lib/postgresql")


def find_binaries(made_with: str = "", installations: Path = INSTALLATIONS) -> Path:
    """Return the directory of the programs of a PostgreSQL that has q3c and pgSphere.

    Parameters
    ----------
    made_with
        Version to take if it is there; otherwise the newest is taken.
    installations
        Directory with one directory per version.

    Raises
    ------
    MissingProgramError
        If there is none; names the Debian packages.
    """
    versions = sorted(
        installations.glob("[0-9]*"),
        key=lambda path: (path.name == made_with, float(path.name)),
        reverse=True,
    )
    servers = [version for version in versions if (version / "bin/initdb").exists()]
    for version in servers:
        if all((version / "lib" / name).exists() for name in ("q3c.so", "pg_sphere.so")):
            return version / "bin"
    number = servers[0].name if servers else "15"
    packages = [f"postgresql-{number}-q3c", f"postgresql-{number}-pgsphere"]
    if not servers:
        packages.insert(0, f"postgresql-{number}")
    what = "its extensions q3c and pgSphere are" if servers else "it is"
    raise MissingProgramError(
        f"DaCHS needs PostgreSQL, but {what} not installed",
        where=installations,
        hint=f"run 'make setup', or 'apt-get install {' '.join(packages)}'",
    )


@dataclass(frozen=True)
class PostgreSQL:
    """The database server of a site."""

    layout: Layout

    @cached_property
    def binaries(self) -> Path:
        """Directory of PostgreSQL's programs."""
        return find_binaries(self._made_with())

    @property
    def data(self) -> Path:
        """Directory that PostgreSQL keeps its data in."""
        return self.layout / "pg"

    @property
    def cluster_name(self) -> str:
        """What each of its processes carries in its title."""
        return f"vopub-{self.layout.tag}"

    @property
    def socket_directory(self) -> Path:
        """Directory of the socket: in the site, or in /tmp if the site's path is unsuitable."""
        inside = self.layout / "run"
        if len(str(inside).encode()) <= LONGEST_PATH and PLAIN_PATH.fullmatch(str(inside)):
            return inside
        return Path("/tmp") / self.cluster_name  # noqa: S108 - checked to be private, see below

    @property
    def database(self) -> Database:
        """The database of DaCHS, as the account that services run as reaches it."""
        return Database(str(self.socket_directory), PORT, DATABASE, self.layout.account.name)

    @cached_property
    def service(self) -> Service:
        """The running server."""
        return Service(
            name="PostgreSQL",
            layout=self.layout,
            command=self._command,
            trouble=self._trouble,
            strays=self._strays,
            address=f"socket in {self.socket_directory}",
            basis=lambda: self._configuration() + self._access(),
            # Fast shutdown, immediate shutdown; a killed one recovers at the next start.
            stop_signals=(signal.SIGINT, signal.SIGQUIT, signal.SIGKILL),
        )

    def create(self, report: Report) -> bool:
        """Make the data directory if there is none; tell whether it was made.

        It is made under another name and renamed when complete.

        Raises
        ------
        ServiceError
            If PostgreSQL cannot make it.
        """
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            return False
        report("creating the database")
        new = self.layout / "pg.new"
        self.layout.remove("pg.new")
        self.layout.remove("pg")
        self._run("initdb", "--pgdata", str(new), "--username", self.layout.account.name,
                  "--encoding=UTF8", "--locale=C.UTF-8", "--auth=peer")  # fmt: skip
        new.rename(self.data)
        return True

    def configure(self) -> None:
        """Write the settings of the server and the place of its socket."""
        self._make_socket_directory()
        for name, text in (
            ("postgresql.conf", self._configuration()),
            ("pg_hba.conf", self._access()),
        ):
            self.layout.write(self.data / name, text, mode=0o600)

    def start(self, report: Report) -> None:
        """Start the server and wait for it, after clearing away what a crash left.

        Raises
        ------
        ServiceError
            If it does not start.
        """
        self.stop()
        self.configure()
        self.service.start(report)
        self.service.wait()

    def stop(self) -> bool:
        """Stop the server; leave no process, socket or shared memory."""
        segment = self._segment()
        ended = self.service.stop()
        # No process of this cluster is left, so these are of no use, whatever pid they name.
        for path in (self.data / "postmaster.pid", *self.socket_directory.glob(".s.PGSQL.*")):
            path.unlink(missing_ok=True)
        if segment is not None:
            self._free(segment)
        if self.socket_directory != self.layout / "run" and self.socket_directory.exists():
            self.socket_directory.rmdir()
        return ended

    def query(self, sql: str, *, database: str = "postgres") -> list[str]:
        """Run SQL, in one transaction, and return the lines that psql prints.

        Raises
        ------
        ServiceError
            If the statement fails.
        """
        done = self._run(
            "psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--quiet", "--no-align",
            "--tuples-only", "--single-transaction", f"--host={self.socket_directory}",
            f"--port={PORT}", f"--dbname={database}", "--file=-", stdin=sql,
        )  # fmt: skip
        return done.stdout.splitlines()

    def recreate_database(self) -> None:
        """Drop the database of DaCHS with its roles, and make an empty one."""
        place = [f"--host={self.socket_directory}", f"--port={PORT}"]
        self._run("dropdb", *place, "--if-exists", "--force", DATABASE)
        self.query("DROP ROLE IF EXISTS gavoadmin, gavo, untrusted")
        self._run("createdb", *place, "--template=template0", "--encoding=UTF8", DATABASE)

    def add_pgsphere(self) -> None:
        """Add pgSphere to the database of DaCHS, which would do so itself if it just worked.

        Raises
        ------
        ServiceError
            If PostgreSQL refuses it.
        """
        try:
            self.query(f"CREATE EXTENSION IF NOT EXISTS {pgsphere.EXTENSION}", database=DATABASE)
        except ServiceError as error:
            if pgsphere.REFUSED not in error.what:
                raise
            extensions = Path(self._run("pg_config", "--sharedir").stdout.strip()) / "extension"
            self.query(pgsphere.replacement(extensions), database=DATABASE)

    def restrict(self) -> None:
        """Take from the roles that work for strangers what no query of theirs needs.

        Raises
        ------
        ServiceError
            If PostgreSQL refuses.
        """
        self.query(guard.restrictions(), database=DATABASE)

    def has_database(self) -> bool:
        """Tell whether the database of DaCHS exists."""
        return bool(self.query(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"))  # noqa: S608 - a constant

    def _command(self) -> list[str]:
        return [str(self.binaries / "postgres"), "-D", str(self.data)]

    def _configuration(self) -> str:
        return render(
            "postgresql.conf", socket_directory=self.socket_directory, port=PORT,
            cluster_name=self.cluster_name,
        )  # fmt: skip

    def _access(self) -> str:
        return render("pg_hba.conf", user=self.layout.account.name)

    def _trouble(self) -> str:
        done = run(
            [str(self.binaries / "pg_isready"), "-h", str(self.socket_directory), "-p", str(PORT)],
            account=self.layout.account, timeout=10,
        )  # fmt: skip
        return "" if done.returncode == 0 else done.stdout.strip() or done.stderr.strip()

    def _strays(self) -> list[int]:
        server = self._command()
        title = f"postgres: {self.cluster_name}: "
        lines = {pid: processes.command_line(pid) for pid in processes.running(self.layout.account)}
        return [
            pid for pid, words in lines.items()
            if words[:3] == server or (words and words[0].startswith(title))
        ]  # fmt: skip

    def _segment(self) -> int | None:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return int(lines[6].split()[1])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _free(self, segment: int) -> None:
        owner, attached = processes.attached_segments().get(segment, (-1, 0))
        if owner == self.layout.account.uid and attached == 0:
            run(["ipcrm", "--shmem-id", str(segment)], account=self.layout.account)

    def _make_socket_directory(self) -> None:
        path = self.socket_directory
        path.mkdir(mode=PRIVATE, exist_ok=True)
        found = path.lstat()
        if found.st_uid != self.layout.account.uid and not any(path.iterdir()):
            self.layout.account.own(path)
            found = path.lstat()
        private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == PRIVATE
        if not private or found.st_uid != self.layout.account.uid:
            raise FileError(
                "the directory of the database's socket is not a private one of ours",
                where=path,
                hint="remove it, or choose a shorter site directory",
            )

    def _made_with(self) -> str:
        try:
            return (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return ""

    def _check_version(self) -> None:
        made_with = self._made_with()
        if self.binaries.parent.name != made_with:
            raise ServiceError(
                f"the database was made with PostgreSQL {made_with}, "
                f"installed is {self.binaries.parent.name}",
                where=self.data,
                hint=f"install postgresql-{made_with} with q3c and pgsphere, or remove the site "
                "directory and publish again",
            )

    def _run(
        self, program: str, *arguments: str, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        command = [str(self.binaries / program), *arguments]
        done = run(command, account=self.layout.account, stdin=stdin)
        if done.returncode != 0:
            raise ServiceError.from_process(done, hint="'vopub doctor' may tell more")
        return done
