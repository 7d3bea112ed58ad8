"""Servers of others: a PostgreSQL on a TCP port with passwords, and a plain DaCHS."""

from __future__ import annotations

import grp
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from vopub.errors import ServiceError
from vopub.process import run, service_account, spawn
from vopub.site import pgsphere
from vopub.site.dachs import VOCABULARY_PREFIX
from vopub.site.postgresql import find_binaries
from vopub.site.templates import render

from .conftest import CHECKOUT, wait_for

OWNER = "boss"
"""Role of the administrator, who makes the database."""


@dataclass(frozen=True)
class Foreign:
    """The servers, below one directory; nothing of vopub takes part in making them."""

    place: Path
    authority: str
    database_port: int
    dachs_port: int
    password: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.dachs_port}"

    @property
    def root(self) -> Path:
        return self.place / "gavo"

    @property
    def settings_file(self) -> Path:
        return self.place / "gavo.rc"

    def make_database(self) -> list[str]:
        """Make the database cluster; return the command that starts it."""
        binaries = find_binaries()
        password_file = self.place / "owner.password"
        self._write(password_file, self.password)
        self._run(
            str(binaries / "initdb"), f"--pgdata={self.place / 'pg'}", f"--username={OWNER}",
            f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8",
            "--locale=C.UTF-8",
        )  # fmt: skip
        return [
            str(binaries / "postgres"), "-D", str(self.place / "pg"),
            "-c", "listen_addresses=127.0.0.1", "-c", f"port={self.database_port}",
            "-c", "unix_socket_directories=", "-c", "dynamic_shared_memory_type=mmap",
        ]  # fmt: skip

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL as the administrator."""
        return self._run(
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
            "--set=ON_ERROR_STOP=1", "--host=127.0.0.1", f"--port={self.database_port}",
            f"--username={OWNER}", f"--dbname={database}", stdin=text, PGPASSWORD=self.password,
        )  # fmt: skip

    def answers_sql(self) -> bool:
        try:
            return self.sql("SELECT 1").strip() == "1"
        except ServiceError:
            return False

    def make_dachs(self) -> None:
        """Make DaCHS's directories and tables as its manual says."""
        group = grp.getgrgid(service_account().gid).gr_name
        self._write(
            self.settings_file,
            f"[general]\nrootDir: {self.root}\ngroup: {group}\ngavoGroup: {group}\n"
            f"[web]\nbindAddress: 127.0.0.1\nserverPort: {self.dachs_port}\nserverURL: {self.url}\n"
            "adminpasswd: open sesame\nsqlTimeout: 20\npreloadRDs: vopub/threads\n"
            "[db]\nprofilePath: $configDir\n"
            "[async]\ndefaultExecTimeSync: 20\n"
            f"[ivoa]\nauthority: {self.authority}\n",
        )
        self.sql("CREATE DATABASE gavo TEMPLATE template0 ENCODING 'UTF8'")
        shared = Path(self._run(str(find_binaries() / "pg_config"), "--sharedir").strip())
        try:
            self.sql("CREATE EXTENSION pg_sphere", "gavo")
        except ServiceError:
            script = pgsphere.replacement(shared / "extension")
            self.sql(f"BEGIN;\n{script}\nCOMMIT;", "gavo")
        self.dachs(
            "init", "-d",
            f"host=127.0.0.1 port={self.database_port} dbname=gavo user={OWNER}"
            f" password={self.password}",
        )  # fmt: skip
        for source in (CHECKOUT / "vopub/site/vocabularies").glob("*.desise"):
            name = VOCABULARY_PREFIX + source.stem
            self._write(self.root / "cache" / name, source.read_text(encoding="utf-8"))

    def limit_threads(self, *, running: int, waiting: int, retry: int) -> None:
        """Copy the descriptor that a site of vopub has, as the documentation says."""
        folder = self.root / "inputs" / "vopub"
        folder.mkdir()
        service_account().own(folder)
        site = {"query_seconds": retry}
        text = render("threads.rd", site=site, running=running, waiting=waiting)
        self._write(folder / "threads.rd", text)

    def dachs(self, *arguments: str) -> str:
        return self._run("dachs", *arguments, **self.environment)

    @property
    def environment(self) -> dict[str, str]:
        return {"GAVOSETTINGS": str(self.settings_file), "GAVOCUSTOM": "/dev/null"}

    def is_available(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/__system__/tap/run/availability", timeout=30)
        except httpx.TransportError:
            return False
        return "available>true<" in answer.text

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        service_account().own(path)

    def _run(self, *command: str, stdin: str = "", **extra: str) -> str:
        done = run(command, stdin=stdin, extra=extra)
        if done.returncode != 0:
            raise ServiceError.from_process(done)
        return done.stdout


@contextmanager
def running(foreign: Foreign) -> Iterator[Foreign]:
    """Make the servers and let them run."""
    foreign.place.mkdir(mode=0o755)
    service_account().own(foreign.place)
    with ExitStack() as stack:
        stack.enter_context(started(foreign.make_database(), foreign.place / "pg.log"))
        wait_for(foreign.answers_sql)
        foreign.make_dachs()
        foreign.limit_threads(running=1, waiting=1, retry=20)
        serve = ["dachs", "serve", "start", "--foreground"]
        log = foreign.place / "dachs.log"
        stack.enter_context(started(serve, log, **foreign.environment))
        wait_for(foreign.is_available, seconds=120)
        yield foreign


@contextmanager
def started(command: list[str], log: Path, **extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """Let a server run."""
    process = spawn(command, log=log, extra=extra)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL waits for nobody then
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:  # DaCHS waits for whoever it still answers
            process.kill()
            process.wait()


def password() -> str:
    """Return one that nobody else has."""
    return secrets.token_urlsafe(12)
