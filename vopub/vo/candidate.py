"""The next version of a table, served beside the one that is published until it is proved.

A candidate is a resource of DaCHS in its own right: schema, directory and cone search are called
``<id>__next``. It is in no registry and hidden from TAP. To publish it, the schemas change names:
that takes no lock on a table, so nobody waits, and who is reading the old table goes on to its end.
What was replaced can be kept, as ``<id>__kept``, to become a candidate again.

Nothing is dropped under a name that is asked for: who asks next would wait behind the drop, which
waits for those who read. It is called ``<id>__gone`` first.
"""

from __future__ import annotations

import shutil

from vopub.errors import ServiceError, VopubError
from vopub.model.server import DachsServer, Database
from vopub.vo.dachs import RUNS, TABLE, Dachs
from vopub.vo.database import query

_NEXT = "__next"
_OLD = "__old"
_KEPT = "__kept"
_GONE = "__gone"
# No identifier of a resource has two underscores together.
SHORT_PATIENCE, LONG_PATIENCE = 5.0, 500.0
"""Seconds to wait for those who read a table that is removed, if it can be removed later or not."""


def candidate_of(identifier: str) -> str:
    """Return what the candidate of a resource is called in DaCHS."""
    return f"{identifier}{_NEXT}"


def is_candidate(name: str) -> bool:
    """Tell whether a resource directory is that of a candidate."""
    return name.endswith(_NEXT)


def candidate_descriptor(descriptor: str, identifier: str) -> str:
    """Return a descriptor with another schema and directory, and else the same.

    Raises
    ------
    VopubError
        If it is not the descriptor of this resource.
    """
    own = f'<resource schema="{identifier}" resdir="{identifier}">'
    if descriptor.count(own) != 1:
        raise VopubError(f"the descriptor does not begin with {own}", where=identifier)
    name = candidate_of(identifier)
    return descriptor.replace(own, f'<resource schema="{name}" resdir="{name}">')


def has_schema(database: Database, name: str) -> bool:
    """Tell whether there is a schema of this name."""
    sql = "SELECT 1 FROM information_schema.schemata WHERE schema_name = :'name'"
    return bool(query(database, sql, {"name": name}))


def promote(database: Database, identifier: str) -> bool:
    """Let the candidate's tables take the place of the published ones, in one transaction.

    Returns
    -------
    bool
        Whether there were published ones; `demote` goes back to them, `discard_old` removes them.

    Raises
    ------
    ServiceError
        If the schema holds tables that are not of the resource, which would go with it.
    """
    replaces = has_schema(database, identifier)
    _check_own(database, identifier)
    away = 'ALTER SCHEMA :"id" RENAME TO :"old";' if replaces else ""
    sql = f'BEGIN; {away} ALTER SCHEMA :"next" RENAME TO :"id"; COMMIT;'
    query(database, sql, _names(identifier))
    return replaces


def demote(database: Database, identifier: str) -> None:
    """Undo `promote`: what was published before is published again."""
    back = 'ALTER SCHEMA :"old" RENAME TO :"id";' if has_old(database, identifier) else ""
    sql = f'BEGIN; ALTER SCHEMA :"id" RENAME TO :"next"; {back} COMMIT;'
    query(database, sql, _names(identifier))


def has_old(database: Database, identifier: str) -> bool:
    """Tell whether the tables that were replaced last are still there."""
    return has_schema(database, _names(identifier)["old"])


def discard_old(database: Database, identifier: str) -> None:
    """Remove the tables that were replaced, when nobody reads them any more."""
    _discard(database, identifier, "old")


def keep_old(database: Database, identifier: str) -> None:
    """Keep the tables that were replaced, instead of those kept before; queries cannot read them.

    DaCHS lets the role of queries in again when what is kept is described as published.
    """
    discard_kept(database, identifier)
    sql = """
        ALTER SCHEMA :"old" RENAME TO :"kept";
        SELECT format('REVOKE USAGE ON SCHEMA %I FROM untrusted', :'kept')
        WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'untrusted') \\gexec
    """
    query(database, sql, _names(identifier))


def has_kept(database: Database, identifier: str) -> bool:
    """Tell whether tables that were replaced earlier are kept."""
    return has_schema(database, _names(identifier)["kept"])


def discard_kept(database: Database, identifier: str) -> None:
    """Remove the tables that were kept, when nobody reads them any more."""
    _discard(database, identifier, "kept")


def take_away(database: Database, identifier: str) -> None:
    """Take the published tables from those who ask from now on; who is reading goes on.

    What is left of them is removed by `sweep`.
    """
    if has_schema(database, identifier):
        sweep(database, identifier)
        query(database, 'ALTER SCHEMA :"id" RENAME TO :"gone"', _names(identifier))


def sweep(database: Database, identifier: str, *, patience: float = LONG_PATIENCE) -> bool:
    """Remove tables that were taken away before.

    Parameters
    ----------
    database, identifier
        Whose.
    patience
        Seconds to wait for those who read them.

    Returns
    -------
    bool
        Whether they are gone.
    """
    sql = """
        SET lock_timeout = :'milliseconds';
        SET client_min_messages = 'warning';
        DROP SCHEMA IF EXISTS :"gone" CASCADE;
    """
    names = {**_names(identifier), "milliseconds": f"{patience * 1000:.0f}"}
    try:
        query(database, sql, names)
    except ServiceError as error:
        if "lock timeout" in error.what:
            return False
        raise
    return True


def make_kept_candidate(database: Database, identifier: str) -> None:
    """Let the tables that were kept be the candidate."""
    query(database, 'ALTER SCHEMA :"kept" RENAME TO :"next"', _names(identifier))


def discard_candidate(server: DachsServer, identifier: str) -> None:
    """Remove the candidate: tables, what DaCHS noted about it, and files.

    Raises
    ------
    ServiceError
        If the database or the running server refuses.
    """
    name = candidate_of(identifier)
    rd_id = f"{name}/q"
    sql = """
        BEGIN;
        DROP SCHEMA IF EXISTS :"name" CASCADE;
        DELETE FROM dc.tablemeta WHERE sourcerd = :'rd';
        DELETE FROM dc.rdmeta WHERE sourcerd = :'rd';
        COMMIT;
    """
    query(server.database, sql, {"name": name, "rd": rd_id})
    directory = server.inputs / name
    if directory.exists():
        try:
            shutil.rmtree(directory)
        except OSError as error:
            raise ServiceError(f"cannot be removed: {error.strerror}", where=directory) from error
        Dachs(server).reload(rd_id)


def _discard(database: Database, identifier: str, which: str) -> None:
    names = _names(identifier)
    if not has_schema(database, names[which]):
        return
    sweep(database, identifier)
    query(database, f'ALTER SCHEMA :"{which}" RENAME TO :"gone"', names)
    sweep(database, identifier, patience=SHORT_PATIENCE)


def _check_own(database: Database, identifier: str) -> None:
    """Look whether all tables are of the resource: what responses are called, DaCHS has noted."""
    sql = (
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = :'id' AND table_name <> ALL (string_to_array(:'own', ','))"
        " AND table_schema || '.' || table_name NOT IN"
        " (SELECT tablename FROM dc.tablemeta WHERE sourcerd = :'rd')"
        " ORDER BY 1"
    )
    names = {"id": identifier, "own": ",".join((TABLE, RUNS)), "rd": f"{identifier}/q"}
    others = [name for (name,) in query(database, sql, names)]
    if others:
        raise ServiceError(
            f"schema {identifier} also holds {', '.join(others)}, which vopub did not make",
            where=f"database {database.name}",
            hint="move them to another schema, or publish under another identifier",
        )


def _names(identifier: str) -> dict[str, str]:
    return {
        "id": identifier,
        "next": candidate_of(identifier),
        "old": f"{identifier}{_OLD}",
        "kept": f"{identifier}{_KEPT}",
        "gone": f"{identifier}{_GONE}",
    }
