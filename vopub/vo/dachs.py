"""The ``dachs`` command, and what really came of it.

The exit codes of DaCHS 2.7 do not tell: ``val``, ``pub`` and ``test`` end with 0 whatever
happened. So each call here is judged by what the program printed and by what is in the database.
"""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import httpx

from vopub.errors import ServiceError
from vopub.model.server import DachsServer
from vopub.vo.asking import ask
from vopub.vo.database import query, row_count
from vopub.vo.ready import run_dachs

PATIENCE = 6 * 3600.0
"""Seconds that an import may take; tables can be large."""
TEST_PATIENCE = 180
"""Seconds that a request of a descriptor's own tests may take; DaCHS itself grants 45."""
ADMIN = "gavoadmin"
"""Name under which DaCHS takes administrative requests; the password is in its settings file."""
TABLE = "events"
RUNS = "runs"
"""The table of runs, beside that of the events."""

_PLACE = re.compile(r"(?P<path>/\S+?\.rd)\b(?:,\s*(?:line\s*)?\(?(?P<line>\d+)(?:,\s*\d+\))?)?")
_LINE = re.compile(r"\bline (?P<line>\d+)")
_TESTED = re.compile(r"(?P<bad>\d+) of (?P<all>\d+) bad")
_LONGEST = 400


class Dachs:
    """The ``dachs`` program, for one server.

    Parameters
    ----------
    server
        The DaCHS to work for.
    inputs
        Another directory to find resource directories in, instead of the server's.
    """

    def __init__(self, server: DachsServer, *, inputs: Path | None = None) -> None:
        self.server = server
        self.inputs = inputs or server.inputs

    def validate(self, rd_id: str, *, compare: bool = False) -> tuple[str, ...]:
        """Check a descriptor as for publication; return the warnings.

        Parameters
        ----------
        rd_id
            The descriptor, e.g. ``evts21_01/q``.
        compare
            Whether the table in the database has to be as described.

        Raises
        ------
        ServiceError
            Unless DaCHS says that it is valid; names file and line where DaCHS does.
        """
        options = ["-p", "-c"] if compare else ["-p"]
        done = self._run("val", *options, rd_id)
        lines = _lines(done)
        if done.returncode != 0 or not any(
            line == "OK" or line.endswith(f"{rd_id} -- OK") for line in lines
        ):
            raise self._failed("finds the descriptor invalid", rd_id, done)
        return tuple(line for line in lines if "[WARNING]" in line)

    def import_(self, rd_id: str, *, hidden: bool = False) -> None:
        """Make the tables of a descriptor, in one transaction: all or nothing.

        Parameters
        ----------
        rd_id
            The descriptor.
        hidden
            Whether TAP is not to know of the tables.

        Raises
        ------
        ServiceError
            If DaCHS reports an error; the tables are as they were. Whether the rows are there
            is for the caller to count.
        """
        options = ["--hide-adql"] if hidden else []
        done = self._run("imp", *options, rd_id, timeout=PATIENCE)
        if done.returncode != 0 or "There is no data element" in done.stdout + done.stderr:
            raise self._failed("could not import", rd_id, done)

    def describe(self, rd_id: str) -> None:
        """Bring what DaCHS says about tables up to date; the rows are left alone.

        What it goes on saying about tables that are there no more is thrown away.

        Raises
        ------
        ServiceError
            If DaCHS reports an error.
        """
        done = self._run("imp", "--meta-only", rd_id)
        if done.returncode != 0:
            raise self._failed("could not describe the tables of", rd_id, done)
        gone = "DELETE FROM dc.tablemeta WHERE sourcerd = :'rd' AND to_regclass(tablename) IS NULL"
        query(self.server.database, gone, {"rd": rd_id})

    def limits(self, rd_id: str) -> None:
        """Take the statistics of the tables: rows, and what they cover.

        Those of single columns are not taken: DaCHS would write them as attributes that
        VODataService does not have, and the list of tables would not be valid any more.

        Raises
        ------
        ServiceError
            If they are not in DaCHS's own tables afterwards.
        """
        done = self._run("limits", "--tables-only", rd_id, timeout=PATIENCE)
        sql = "SELECT count(*) FROM dc.tablemeta WHERE sourcerd = :'rd' AND nrows IS NOT NULL"
        if done.returncode != 0 or query(self.server.database, sql, {"rd": rd_id}) == [["0"]]:
            raise self._failed("could not take the statistics of", rd_id, done)

    def publish(self, rd_id: str) -> None:
        """Enter the services of a descriptor into the registry.

        Raises
        ------
        ServiceError
            If none of them is in the registry's tables afterwards.
        """
        done = self._run("pub", rd_id)
        printed = done.stdout + done.stderr
        bad = done.returncode != 0 or "faulty, ignored" in printed or "Aborting" in printed
        if bad or not self.published(rd_id):
            raise self._failed("could not publish", rd_id, done)

    def published(self, rd_id: str) -> list[str]:
        """Return the VO identifiers that the registry has for a descriptor."""
        sql = "SELECT ivoid FROM dc.resources WHERE sourcerd = :'rd' AND NOT deleted ORDER BY 1"
        return [ivoid for (ivoid,) in query(self.server.database, sql, {"rd": rd_id})]

    def test(self, rd_id: str) -> int:
        """Run the tests that the descriptor carries, against the running server.

        Returns
        -------
        int
            How many ran; all of them passed.

        Raises
        ------
        ServiceError
            If one failed, or none ran.
        """
        done = self._run("test", "-v", "-T", str(TEST_PATIENCE), rd_id)
        found = _TESTED.search(done.stdout + done.stderr)
        if found is None or int(found["all"]) == 0:
            raise self._failed("ran no test of", rd_id, done)
        if done.returncode != 0 or int(found["bad"]):
            raise self._failed(f"saw {found['bad']} of {found['all']} tests fail of", rd_id, done)
        return int(found["all"])

    def drop(self, rd_id: str) -> None:
        """Remove the tables and the registry entries of a descriptor.

        Raises
        ------
        ServiceError
            If something of it is left.
        """
        done = self._run("drop", "--all", rd_id)
        database, schema = self.server.database, rd_id.partition("/")[0]
        left = row_count(database, schema, TABLE) is not None
        # DaCHS keeps a line on coverage, and would give it to a resource of the same name; and
        # those on tables that were taken away before.
        sql = "DELETE FROM dc.rdmeta WHERE {0}; DELETE FROM dc.tablemeta WHERE {0}"
        query(database, sql.format("sourcerd = :'rd'"), {"rd": rd_id})
        if done.returncode != 0 or left or self.published(rd_id):
            raise self._failed("could not drop", rd_id, done)

    def reload(self, rd_id: str) -> None:
        """Let the running server forget what it knows of a descriptor; it reads it anew.

        A server that is down needs no telling.

        Raises
        ------
        ServiceError
            If the server refuses.
        """
        address = f"{self.server.url}/__system__/services/cacheclear"
        form = {"rdId": rd_id, "__nevow_form__": "genForm", "submit": "Go"}
        try:
            answer = ask(address, form, login=(ADMIN, self._password()), follow=True)
        except httpx.ConnectError:
            return
        except httpx.TransportError as error:
            what = f"DaCHS did not answer when told to reload {rd_id}: {error}"
            raise ServiceError(what, where=address, hint="'vopub doctor' may tell why") from error
        if not answer.is_success:
            raise ServiceError(
                f"DaCHS refused to reload {rd_id}: HTTP {answer.status_code}",
                where=address,
                hint=f"has the server the adminpasswd of {self.server.settings_file}?",
            )

    def _password(self) -> str:
        settings = configparser.ConfigParser(interpolation=None)
        try:
            settings.read_string(self.server.settings_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            raise ServiceError(
                f"cannot read DaCHS's settings: {error}", where=self.server.settings_file
            ) from error
        return settings.get("web", "adminpasswd", fallback="")

    def _run(self, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        return run_dachs(self.server, *arguments, inputs=self.inputs, timeout=timeout)

    def _failed(
        self, what: str, rd_id: str, done: subprocess.CompletedProcess[str]
    ) -> ServiceError:
        said, place = _telling(_lines(done))
        return ServiceError(f"DaCHS {what} {rd_id}: {said}", where=place or None)


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what a program said, without the frames of Python tracebacks."""
    lines, in_traceback = [], False
    for line in [*done.stdout.splitlines(), *done.stderr.splitlines()]:
        in_traceback = line.startswith("Traceback (") or (in_traceback and line[:1].isspace())
        if line.strip() and not in_traceback:
            lines.append(line.strip())
    return lines


def _telling(lines: list[str]) -> tuple[str, str]:
    """Return what of a program's output says what is wrong, and the place it is about."""
    marks = ("*** Error", "[ERROR]", "**** Test failed", "**** Internal", "** ERROR", "WARNING")
    first = next((i for mark in marks for i, line in enumerate(lines) if mark in line), None)
    told = lines[-3:] if first is None else lines[first:]
    text = " ".join(told) or "it said nothing"
    place = _PLACE.search(text)
    where = ""
    if place:
        line = place["line"] or ((found := _LINE.search(text)) and found["line"])
        where = place["path"] + (f", line {line}" if line else "")
    clean = re.sub(r"(At or near|At|In)\s*:", "", _PLACE.sub("", text))
    return " ".join(clean.split())[:_LONGEST], where
