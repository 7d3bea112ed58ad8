"""Questions to the database that DaCHS keeps its tables in, asked through ``psql``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from vopub.errors import ServiceError
from vopub.model.server import Database
from vopub.process import find_program, run

Row = list[str]


def query(database: Database, sql: str, parameters: Mapping[str, str] | None = None) -> list[Row]:
    """Run SQL as the service account and return the rows, every value as text, NULL as ''.

    Parameters
    ----------
    database
        Where to ask.
    sql
        The statement; a parameter is written ``:'name'`` (as text) or ``:"name"`` (as an
        identifier), and quoted by psql.
    parameters
        Values of the parameters.

    Raises
    ------
    MissingProgramError
        If psql is not installed.
    ServiceError
        If the database does not answer or refuses the statement.
    """
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    program = find_program("psql", package="postgresql-client", also_in=binaries)
    variables = [f"--set={name}={value}" for name, value in (parameters or {}).items()]
    done = run(
        [program, "--no-psqlrc", "--quiet", "--csv", "--tuples-only", "--no-password",
         "--set=ON_ERROR_STOP=1", *variables, f"--host={database.host}",
         f"--port={database.port}", f"--username={database.user}", f"--dbname={database.name}"],
        extra=database.environment, stdin=sql,
    )  # fmt: skip
    if done.returncode != 0:
        said = " | ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        hint = "is the site up? 'vopub doctor' tells"
        raise ServiceError(f"database {database.name} refused: {said}", hint=hint)
    return list(csv.reader(io.StringIO(done.stdout)))


def row_count(database: Database, schema: str, table: str) -> int | None:
    """Return how many rows a table has; None if there is no such table."""
    names = {"schema": schema, "table": table}
    there = query(
        database,
        "SELECT 1 FROM information_schema.tables"
        " WHERE table_schema = :'schema' AND table_name = :'table'",
        names,
    )
    if not there:
        return None
    return int(query(database, 'SELECT count(*) FROM :"schema".:"table"', names)[0][0])
