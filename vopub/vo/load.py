"""A table and its descriptor into a running DaCHS, without a moment at which nothing is served.

The new table is made beside the published one, as a candidate with a cone search of its own (see
`vopub.vo.candidate`). DaCHS imports in one transaction, in which the descriptor counts the rows.
When the candidate has been proved, schemas and directories change places by renaming. What was
replaced stays until `settle`, to go back to by `restore`; a load that was not settled counts as one
that failed. What `settle` keeps can be brought back later by `bring_back`, by renaming as well.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vopub.errors import ServiceError, TableError, VopubError
from vopub.files import cannot, need_room, replacing, write_text
from vopub.model.server import DachsServer
from vopub.process import service_account
from vopub.vo.candidate import (
    candidate_descriptor,
    demote,
    discard_candidate,
    discard_kept,
    discard_old,
    has_kept,
    has_old,
    has_schema,
    keep_old,
    make_kept_candidate,
    promote,
    sweep,
    take_away,
)
from vopub.vo.dachs import TABLE, Dachs
from vopub.vo.database import row_count
from vopub.vo.examples import DESCRIPTOR_NAME, refresh_examples
from vopub.vo.observations import refresh_observations
from vopub.vo.places import Places, data_file, descriptor_id
from vopub.vo.ready import ready

ROOM = 64 << 20
"""Bytes that have to be free besides the table: PostgreSQL, which writes 16 MB of its log at a
time, ends when it cannot, and with it what is served."""
COPIES = 4
"""So many times the CSV has to fit: its copy, the table, its indices, and the database's log."""
SYSTEM_FOLDER = "__system"
"""Directory that DaCHS misses among its inputs if it is not there."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load brought about."""

    rows: int
    """Rows in the table, counted there."""
    replaced: bool
    """Whether the resource was served before; `restore` goes back to that."""
    warnings: tuple[str, ...]
    """What DaCHS found fault with without refusing it."""
    seconds: float
    """How long the import took."""


def load(
    server: DachsServer,
    identifier: str,
    *,
    descriptor: str,
    csv: Path,
    rows: int,
    check: Callable[[str], None] = lambda _: None,
    report: Callable[[str], None] = lambda _: None,
) -> LoadResult:
    """Make or replace a table and its services.

    Parameters
    ----------
    server
        Where to.
    identifier
        The resource, e.g. ``evts21_01``.
    descriptor
        Text of the descriptor, whose data file is ``data_file(csv)``.
    csv
        The data: a header line, text quoted, nothing where there is no value.
    rows
        How many rows the manifest says there are.
    check
        Called with the name of the candidate when it is served; raises if it is not as it should
        be, and nothing is replaced.
    report
        Called with a line before each step.

    Raises
    ------
    TableError
        If there are no rows: an empty table would replace the published one.
    FileError
        If the disk has too little room, or the files cannot be written.
    ServiceError
        If DaCHS refuses. What was served before goes on being served; a resource that was not
        leaves nothing behind.
    """
    if rows < 1:
        raise TableError(f"no rows to publish as {identifier}", where=csv)
    places = Places(server, identifier)
    recover(server, identifier)
    _stage(places, descriptor, csv)
    with ready(server):
        try:
            report(f"validating {places.rd_id}")
            warnings = Dachs(server, inputs=places.staging.parent).validate(places.rd_id)
            report(f"importing {rows} rows")
            seconds = _import(places, rows)
            check(places.candidate.name)
            replaced = _swap(places)
        except VopubError:
            _discard(places)
            raise
        _announce_or_restore(places, report)
    return LoadResult(rows, replaced, warnings, seconds)


def settle(server: DachsServer, identifier: str, *, keep: bool = False) -> None:
    """End a load, after it was proved that what it made is right.

    Parameters
    ----------
    server, identifier
        As for `load`.
    keep
        Whether to keep what was replaced, so that `bring_back` finds it; what was kept before is
        removed in any case.

    Raises
    ------
    ServiceError
        If the database refuses.
    """
    places = Places(server, identifier)
    if keep and has_old(server.database, identifier):
        keep_old(server.database, identifier)
        _keep_directory(places)
        return
    discard_old(server.database, identifier)
    discard_kept(server.database, identifier)
    for place in (places.previous, places.kept):
        shutil.rmtree(place, ignore_errors=True)


def is_settled(server: DachsServer, identifier: str) -> bool:
    """Tell whether nothing waits for `settle` or `restore`."""
    return not Places(server, identifier).previous.exists()


def recover(server: DachsServer, identifier: str) -> None:
    """Tidy up after a load that was killed: what it replaced is served again.

    Raises
    ------
    ServiceError
        If the database refuses.
    """
    places = Places(server, identifier)
    if places.previous.exists() and not places.live.exists():
        places.previous.rename(places.live)
    was_promoted = not has_schema(server.database, places.candidate.name)
    is_first = not places.live.exists() and has_schema(server.database, identifier)
    # The directories follow the schemas: a staged one left behind tells that they did not.
    if (
        places.staging.exists()
        and was_promoted
        and (has_old(server.database, identifier) or is_first)
    ):
        demote(server.database, identifier)
    _discard(places)
    if places.previous.exists():
        if has_old(server.database, identifier):
            restore(server, identifier)
        else:  # it was settled, all but this
            _keep_directory(places)
    else:
        discard_old(server.database, identifier)


def bring_back(
    server: DachsServer, identifier: str, report: Callable[[str], None] = lambda _: None
) -> bool:
    """Let what the last load replaced, and `settle` kept, take the place of what is served.

    As after `load`, what was served can be gone back to by `restore` until `settle`.

    Returns
    -------
    bool
        Whether there was something kept; if not, nothing is changed.

    Raises
    ------
    ServiceError
        If DaCHS refuses; what was served before goes on being served.
    """
    recover(server, identifier)
    places = Places(server, identifier)
    if not (places.kept / DESCRIPTOR_NAME).exists() or not has_kept(server.database, identifier):
        return False
    make_kept_candidate(server.database, identifier)
    places.kept.rename(places.staging)
    _swap(places)
    _announce_or_restore(places, report)
    return True


def redescribe(server: DachsServer, identifier: str, descriptor: str) -> None:
    """Change what a descriptor says about a table that stays as it is.

    Raises
    ------
    ServiceError
        If DaCHS refuses.
    """
    places = Places(server, identifier)
    path = places.live / DESCRIPTOR_NAME
    write_text(path, descriptor)
    service_account().own(path)
    Dachs(server).reload(places.rd_id)
    _announce(places)


def restore(server: DachsServer, identifier: str) -> bool:
    """Go back to what the last load replaced, until `settle`; without that, remove the resource.

    Returns
    -------
    bool
        Whether there was something to go back to.

    Raises
    ------
    ServiceError
        If DaCHS refuses.
    """
    places = Places(server, identifier)
    if not places.previous.exists():
        remove(server, identifier)
        return False
    demote(server.database, identifier)
    shutil.rmtree(places.staging, ignore_errors=True)
    try:
        places.live.rename(places.staging)
        places.previous.rename(places.live)
        os.utime(places.live / DESCRIPTOR_NAME)
    except OSError as error:
        raise cannot("replace", places.live, error) from error
    Dachs(server).reload(places.rd_id)
    _discard(places)
    _announce(places)
    return True


def remove(server: DachsServer, identifier: str) -> None:
    """Take a resource out of DaCHS: table, registry entries and files.

    The registry goes on handing out a record of it, marked as deleted. Who is reading the table
    finishes; who asks for it meanwhile is told at once that it is not there.

    Raises
    ------
    ServiceError
        If DaCHS refuses, or somebody goes on reading for very long; doing it again goes on.
    """
    places = Places(server, identifier)
    recover(server, identifier)
    take_away(server.database, identifier)
    if (places.live / DESCRIPTOR_NAME).exists():
        Dachs(server).drop(places.rd_id)
    shutil.rmtree(places.live, ignore_errors=True)
    Dachs(server).reload(places.rd_id)
    refresh_examples(server)
    refresh_observations(server)
    settle(server, identifier)
    if not sweep(server.database, identifier):
        raise ServiceError(
            f"the table of {identifier} is still being read",
            where=f"database {server.database.name}",
            hint="it is out of the VO; do this again when those queries have ended",
        )


def _stage(places: Places, descriptor: str, csv: Path) -> None:
    """Put descriptor and data where they wait, and a candidate beside the published resources."""
    account = service_account()
    target, served = (place / data_file(csv) for place in (places.staging, places.candidate))
    try:
        need_room(places.server.root, ROOM + COPIES * csv.stat().st_size)
        for path in (target, served):
            path.parent.mkdir(parents=True)
        (places.staging.parent / SYSTEM_FOLDER).mkdir(exist_ok=True)
        with replacing(target) as temporary:
            shutil.copyfile(csv, temporary)
        served.hardlink_to(target)
        write_text(places.staging / DESCRIPTOR_NAME, descriptor)
        candidate = candidate_descriptor(descriptor, places.identifier)
        write_text(places.candidate / DESCRIPTOR_NAME, candidate)
        account.own(places.staging.parent)
        for place in (places.staging, places.candidate):
            for path in (place, *place.rglob("*")):
                account.own(path)
    except (OSError, VopubError) as error:
        _discard(places)
        if isinstance(error, OSError):
            raise cannot("write", target, error) from error
        raise


def _import(places: Places, rows: int) -> float:
    """Import the candidate; returns the seconds it took."""
    begin = time.monotonic()
    Dachs(places.server).import_(descriptor_id(places.candidate.name), hidden=True)
    seconds = time.monotonic() - begin
    _check_rows(places.server, places.candidate.name, rows)
    return seconds


def _discard(places: Places) -> None:
    """Remove what was staged."""
    discard_candidate(places.server, places.identifier)
    shutil.rmtree(places.staging, ignore_errors=True)


def _keep_directory(places: Places) -> None:
    """Let the directory follow the schema that is kept."""
    try:
        shutil.rmtree(places.kept, ignore_errors=True)
        places.kept.parent.mkdir(exist_ok=True)
        service_account().own(places.kept.parent)
        places.previous.rename(places.kept)
    except OSError as error:
        raise cannot("keep", places.previous, error) from error


def _check_rows(server: DachsServer, name: str, rows: int) -> None:
    found = row_count(server.database, name, TABLE)
    if found != rows:
        raise ServiceError(f"table {name}.{TABLE} holds {found} rows instead of {rows}")


def _swap(places: Places) -> bool:
    """Let schema and directory of the next version take the place of the published ones."""
    replaced = places.live.exists()
    promote(places.server.database, places.identifier)
    try:
        if replaced:
            places.previous.parent.mkdir(exist_ok=True)
            service_account().own(places.previous.parent)
            places.live.rename(places.previous)
        places.staging.rename(places.live)
        # The server reads a descriptor anew if it is younger than what it knows.
        os.utime(places.live / DESCRIPTOR_NAME)
    except OSError as error:
        recover(places.server, places.identifier)
        raise cannot("replace", places.live, error) from error
    return replaced


def _announce_or_restore(places: Places, report: Callable[[str], None]) -> None:
    try:
        report(f"publishing {places.rd_id}")
        # At once: the descriptor before may ask for columns that are there no more.
        Dachs(places.server).reload(places.rd_id)
        discard_candidate(places.server, places.identifier)
        _announce(places)
    except VopubError as error:
        try:
            restore(places.server, places.identifier)
        except VopubError as second:
            what = f"{error}; and what was served before could not be restored: {second}"
            raise ServiceError(what) from error
        raise


def _announce(places: Places) -> None:
    """Bring DaCHS's own tables and the registry up to date, and let the running server know."""
    dachs = Dachs(places.server)
    with ready(places.server):
        dachs.describe(places.rd_id)
        dachs.limits(places.rd_id)
        dachs.publish(places.rd_id)
    dachs.reload(places.rd_id)
    refresh_examples(places.server)
    refresh_observations(places.server)
