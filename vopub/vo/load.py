"""A table and its descriptor into a running DaCHS, the previous ones serving until it is done.

The new descriptor and data are put beside DaCHS's inputs, in ``staging``, and imported from there:
the running server does not see the descriptor before the table is as it says. DaCHS imports in one
transaction, in which the descriptor counts the rows itself, so a failure up to there changes
nothing. Then the directories change places by renaming. What was served before stays in
``previous``, to go back to.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vopub.errors import ServiceError, TableError, VopubError
from vopub.files import cannot, replacing, write_text
from vopub.model.server import DachsServer
from vopub.process import service_account
from vopub.vo.dachs import TABLE, Dachs
from vopub.vo.database import row_count
from vopub.vo.examples import DESCRIPTOR_NAME, refresh_examples

DATA_FOLDER = "data"
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


@dataclass(frozen=True, slots=True)
class _Places:
    """The directories of one resource."""

    server: DachsServer
    identifier: str

    @property
    def rd_id(self) -> str:
        return descriptor_id(self.identifier)

    @property
    def live(self) -> Path:
        return self.server.inputs / self.identifier

    @property
    def staging(self) -> Path:
        return self.server.root / "staging" / self.identifier

    @property
    def previous(self) -> Path:
        return self.server.root / "previous" / self.identifier


def descriptor_id(identifier: str) -> str:
    """Return what DaCHS calls the descriptor of a resource."""
    return f"{identifier}/{DESCRIPTOR_NAME.removesuffix('.rd')}"


def data_file(csv: Path) -> str:
    """Return where a descriptor finds its data, relative to the resource directory."""
    return f"{DATA_FOLDER}/{csv.name}"


def load(
    server: DachsServer,
    identifier: str,
    *,
    descriptor: str,
    csv: Path,
    rows: int,
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
    report
        Called with a line before each step.

    Raises
    ------
    TableError
        If there are no rows: an empty table would replace the published one.
    FileError
        If the files cannot be written.
    ServiceError
        If DaCHS refuses. What was served before goes on being served; a resource that was not
        leaves nothing behind.
    """
    if rows < 1:
        raise TableError(f"no rows to publish as {identifier}", where=csv)
    places = _Places(server, identifier)
    recover(server, identifier)
    _stage(places, descriptor, csv)
    staged = Dachs(server, inputs=places.staging.parent)
    try:
        report(f"validating {places.rd_id}")
        warnings = staged.validate(places.rd_id)
        report(f"importing {rows} rows")
        begin = time.monotonic()
        staged.import_(places.rd_id)
        seconds = time.monotonic() - begin
    except VopubError:
        shutil.rmtree(places.staging, ignore_errors=True)
        raise
    replaced = _swap(places)
    _announce_or_restore(places, rows, report)
    return LoadResult(rows, replaced, warnings, seconds)


def recover(server: DachsServer, identifier: str) -> None:
    """Tidy up after a load that was killed: a resource directory is there or it never was."""
    places = _Places(server, identifier)
    if places.previous.exists() and not places.live.exists():
        places.previous.rename(places.live)
    shutil.rmtree(places.staging, ignore_errors=True)


def restore(server: DachsServer, identifier: str) -> bool:
    """Go back to what was served before the last load; without that, remove the resource.

    Returns
    -------
    bool
        Whether there was something to go back to.

    Raises
    ------
    ServiceError
        If DaCHS refuses.
    """
    places = _Places(server, identifier)
    dachs = Dachs(server)
    if not places.previous.exists():
        remove(server, identifier)
        return False
    shutil.rmtree(places.staging, ignore_errors=True)
    try:
        places.live.rename(places.staging)
        places.previous.rename(places.live)
        os.utime(places.live / DESCRIPTOR_NAME)
    except OSError as error:
        raise cannot("replace", places.live, error) from error
    shutil.rmtree(places.staging, ignore_errors=True)
    dachs.import_(places.rd_id)
    _announce(places)
    return True


def remove(server: DachsServer, identifier: str) -> None:
    """Take a resource out of DaCHS: table, registry entries and files."""
    places = _Places(server, identifier)
    if (places.live / DESCRIPTOR_NAME).exists():
        Dachs(server).drop(places.rd_id)
    for path in (places.live, places.staging, places.previous):
        shutil.rmtree(path, ignore_errors=True)
    Dachs(server).reload(places.rd_id)
    refresh_examples(server)


def _stage(places: _Places, descriptor: str, csv: Path) -> None:
    """Put descriptor and data where DaCHS can import them from, and nobody else looks."""
    account = service_account()
    target = places.staging / data_file(csv)
    try:
        target.parent.mkdir(parents=True)
        (places.staging.parent / SYSTEM_FOLDER).mkdir(exist_ok=True)
        with replacing(target) as temporary:
            shutil.copyfile(csv, temporary)
        write_text(places.staging / DESCRIPTOR_NAME, descriptor)
        for path in (places.staging.parent, places.staging, *places.staging.rglob("*")):
            account.own(path)
    except (OSError, VopubError) as error:
        shutil.rmtree(places.staging, ignore_errors=True)
        if isinstance(error, OSError):
            raise cannot("write", target, error) from error
        raise


def _swap(places: _Places) -> bool:
    """Let the staged directory take the place of the live one, which is kept."""
    replaced = places.live.exists()
    try:
        if replaced:
            shutil.rmtree(places.previous, ignore_errors=True)
            places.previous.parent.mkdir(exist_ok=True)
            service_account().own(places.previous.parent)
            places.live.rename(places.previous)
        places.staging.rename(places.live)
        # The server reads a descriptor anew if it is younger than what it knows.
        os.utime(places.live / DESCRIPTOR_NAME)
    except OSError as error:
        raise cannot("replace", places.live, error) from error
    return replaced


def _announce_or_restore(places: _Places, rows: int, report: Callable[[str], None]) -> None:
    try:
        found = row_count(places.server.database, places.identifier, TABLE)
        if found != rows:
            raise ServiceError(
                f"table {places.identifier}.{TABLE} holds {found} rows instead of {rows}"
            )
        report(f"publishing {places.rd_id}")
        _announce(places)
    except VopubError as error:
        try:
            restore(places.server, places.identifier)
        except VopubError as second:
            what = f"{error}; and what was served before could not be restored: {second}"
            raise ServiceError(what) from error
        raise


def _announce(places: _Places) -> None:
    """Take statistics, enter the registry, and let the running server know."""
    dachs = Dachs(places.server)
    dachs.reload(places.rd_id)
    dachs.limits(places.rd_id)
    dachs.publish(places.rd_id)
    dachs.reload(places.rd_id)
    refresh_examples(places.server)
