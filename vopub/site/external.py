"""A DaCHS with its PostgreSQL that vopub uses and does not start, e.g. one in production."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vopub.errors import ServiceError, VopubError
from vopub.model.server import DachsServer, Database
from vopub.process import Account, find_program, run
from vopub.settings import ExternalSettings
from vopub.site.service import ServiceStatus, State, http_trouble

RIGHTS = """
SELECT has_database_privilege(current_database(), 'CREATE')
   AND has_table_privilege('dc.resources', 'SELECT')
   AND has_table_privilege('dc.tablemeta', 'DELETE')
"""
"""What the role needs: schemas change their names, and DaCHS's notes about them are tidied up."""


@dataclass(frozen=True)
class ExternalDachs:
    """The servers that the settings name.

    Parameters
    ----------
    settings
        Where they are; `ExternalSettings.used` holds.
    authority
        Authority of the publisher, which has to be DaCHS's.
    account
        The user that runs ``dachs`` and ``psql``.
    """

    settings: ExternalSettings
    authority: str
    account: Account

    @property
    def server(self) -> DachsServer:
        """What others need to know to use it."""
        given = self.settings
        database = Database(
            given.database_host,
            given.database_port,
            given.database_name,
            given.database_user,
            given.database_passwords,
        )
        return DachsServer(self._url, self._root, given.dachs_settings, database)

    def check(self) -> None:
        """Look whether a publication could go there.

        Raises
        ------
        ServiceError
            With the first thing that is wrong.
        """
        self._check_settings()
        self._check_writable()
        trouble = self._database_trouble() or self._web_trouble()
        if trouble:
            raise ServiceError(trouble, where=self._url, hint="see docs/production.md")

    def status(self) -> Iterator[ServiceStatus]:
        """Tell how the two servers are."""
        given = self.settings
        place = f"{given.database_user} at {given.database_host}, database {given.database_name}"
        yield _status("PostgreSQL (external)", place, self._database_trouble())
        yield _status("DaCHS (external)", self._url, self._web_trouble())

    @property
    def _url(self) -> str:
        return (self.settings.dachs_url or "").rstrip("/")

    @property
    def _root(self) -> Path:
        return self.settings.dachs_root or Path("/var/gavo")

    def _check_settings(self) -> None:
        path = self.settings.dachs_settings
        parser = configparser.ConfigParser(interpolation=None)
        done = run(["cat", str(path)], account=self.account)
        if done.returncode != 0:
            raise ServiceError(
                f"user {self.account.name!r} cannot read DaCHS's settings: {done.stderr.strip()}",
                where=path,
            )
        try:
            parser.read_string(done.stdout)
        except configparser.Error as error:
            what = f"cannot be read: {' '.join(str(error).split())}"
            raise ServiceError(what, where=path) from error
        authority = parser.get("ivoa", "authority", fallback="")
        if authority != self.authority:
            raise ServiceError(
                f"DaCHS has the authority {authority!r}, the publisher {self.authority!r}",
                where=path,
                hint="set publisher.authority, or [ivoa] authority of DaCHS, so that they agree",
            )
        if not parser.get("web", "adminpasswd", fallback=""):
            raise ServiceError(
                "DaCHS has no [web] adminpasswd, so it cannot be told of new tables",
                where=path,
                hint="set one, and start DaCHS anew",
            )

    def _check_writable(self) -> None:
        for path in (self._root, self._root / "inputs"):
            if run(["test", "-w", str(path)], account=self.account).returncode != 0:
                raise ServiceError(
                    f"user {self.account.name!r} cannot write here",
                    where=path,
                    hint="let it into the group of DaCHS, which its settings name",
                )

    def _database_trouble(self) -> str:
        """Say what keeps the database from being used; empty if nothing does."""
        database = self.server.database
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        try:
            psql = find_program("psql", package="postgresql-client", also_in=installed)
            done = run(
                [psql, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--no-password",
                 f"--host={database.host}", f"--port={database.port}",
                 f"--username={database.user}", f"--dbname={database.name}"],
                account=self.account, extra=database.environment, stdin=RIGHTS, timeout=30,
            )  # fmt: skip
        except VopubError as error:
            return error.what
        if done.returncode != 0 or done.stdout.strip() not in ("t", "f"):
            said = " | ".join(done.stderr.split("\n")).strip(" |")
            return f"the database does not let role {database.user!r} in: {said}"
        if done.stdout.strip() == "f":
            return f"role {database.user!r} may not change what DaCHS keeps; gavoadmin may"
        return ""

    def _web_trouble(self) -> str:
        url = f"{self._url}/__system__/tap/run/availability"
        return http_trouble(url, containing="available>true<")


def _status(name: str, address: str, trouble: str) -> ServiceStatus:
    return ServiceStatus(name, State.FAILING if trouble else State.UP, None, address, trouble)
