"""Databases to run the store's tests on: SQLite, and a PostgreSQL of our own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
from alembic import command as migration
from alembic.config import Config
from sqlalchemy import create_engine, inspect

from vopub.odc import migrations
from vopub.odc.database import open_postgresql, postgresql_url, writing
from vopub.process import run, service_account
from vopub.site.postgresql import find_binaries

TEMPLATE = "template_odc"


@dataclass
class Cluster:
    """A PostgreSQL that only this session reaches, through a socket in its directory."""

    directory: Path
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def pid(self) -> int:
        """The process that all its others are children of."""
        return int((self.directory / "data" / "postmaster.pid").read_text().split()[0])

    def address(self, name: str) -> str:
        return f"postgresql://odc@/{name}?host={self.directory}"

    def database(self, template: str = TEMPLATE) -> str:
        """Make an empty database, by default with today's tables; return its address."""
        name = f"odc{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def run(self, sql: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(sql.encode())


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Run a PostgreSQL, as the unprivileged user if this is root.

    A durable one has what it acknowledged on the disk, and the memory that docs/odc.md advises, as
    where data are kept; others are for tests, which are quicker without.
    """
    account, programs = service_account(), find_binaries()
    directory = Path(tempfile.mkdtemp(prefix="vopub-pg-"))
    account.own(directory)
    data, control = str(directory / "data"), str(programs / "pg_ctl")
    kind = "-c shared_buffers=1GB" if durable else "-c fsync=off -c shared_buffers=32MB"
    options = (
        f"-c listen_addresses='' -c unix_socket_directories={directory} "
        f"-c dynamic_shared_memory_type=mmap {kind}"
    )
    log = str(directory / "log")
    commands = [
        [str(programs / "initdb"), "-D", data, "-U", "odc", "--auth=trust", "--encoding=UTF8",
         "--locale=C.UTF-8", "--no-sync"],
        [control, "-D", data, "-l", log, "-o", options, "-w", "start"],
    ]  # fmt: skip
    for command in commands:
        done = run(command, account=account)
        assert done.returncode == 0, done.stderr
    try:
        made = Cluster(directory)
        made.run(f"CREATE DATABASE {TEMPLATE}")
        open_postgresql(made.address(TEMPLATE)).dispose()
        yield made
    finally:
        run([control, "-D", data, "-m", "immediate", "-w", "stop"], account=account)
        shutil.rmtree(directory)


def go_back(path: Path, revision: str, address: str = "") -> list[str]:
    """Give a database an older schema; return the columns that resources have then.

    It is the one of SQLite at ``path`` unless there is the address of one of PostgreSQL.
    """
    engine = create_engine(postgresql_url(address) if address else f"sqlite:///{path}")
    configuration = Config()
    configuration.set_main_option("script_location", migrations.__path__[0])
    with writing(engine).begin() as connection:
        configuration.attributes["connection"] = connection
        migration.downgrade(configuration, revision)
    columns = [str(column["name"]) for column in inspect(engine).get_columns("resources")]
    engine.dispose()
    return columns
