"""Registrations that wait until the Open Data Center answers again.

A publication is finished when its services are proved. If the Open Data Center does not answer
then, what would have been written there is kept in ``state/pending``, one file for each record,
and the next run delivers it. What was overtaken meanwhile is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from vopub.errors import ProofError, ServiceError, UnreachableError
from vopub.files import write_text
from vopub.model.resource import KM3OpenResource
from vopub.odc.client import OdcClient
from vopub.publish.archive import version_numbers
from vopub.publish.bulk import with_bulk

Note = Callable[[str], None]
QUEUED = "queued"
"""Outcome of a registration that waits."""


class Registration(BaseModel):
    """What is to be written to the Open Data Center."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: KM3OpenResource
    products: Path
    """Directory with its files."""
    queued: AwareDatetime
    reason: str
    """Why it could not be delivered at once."""


class Pending:
    """The registrations that wait, in a directory.

    Parameters
    ----------
    directory
        Made when the first has to wait.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __iter__(self) -> Iterator[Registration]:
        """Yield them, the oldest first."""
        found = (_read(path) for path in self.directory.glob("*.json"))
        return iter(sorted((each for each in found if each), key=lambda each: each.queued))

    def add(self, record: KM3OpenResource, products: Path, reason: str) -> None:
        """Let a registration wait; one of the same version that waits already is replaced."""
        moment = datetime.now(UTC)
        waiting = Registration(record=record, products=products, queued=moment, reason=reason)
        write_text(self._path(record.kid), waiting.model_dump_json(indent=2) + "\n")

    def drop(self, kid: UUID) -> None:
        """Forget a registration, because it was delivered or overtaken."""
        self._path(kid).unlink(missing_ok=True)

    def _path(self, kid: UUID) -> Path:
        return self.directory / f"{kid}.json"


def deliver(
    client: OdcClient, record: KM3OpenResource, products: Path
) -> tuple[KM3OpenResource, str]:
    """Upload the files of a resource, then write its record; sends only what is not there.

    Doing it again does no harm, wherever it was interrupted.

    Parameters
    ----------
    client
        The Open Data Center.
    record
        What to write; it is linked to the version before it, and bulk access is proved and added.
    products
        Directory with its files.

    Returns
    -------
    record
        As it was written.
    outcome
        Whether the record was ``created``, ``replaced`` or ``unchanged``.

    Raises
    ------
    ServiceError
        If the Open Data Center does not answer or refuses.
    ProofError
        If a whole table cannot be had from it.
    """
    for reference in record.files:
        client.put_file(record.kid, reference, products / reference.name)
    ours = version_numbers(record.publication.version)
    others = client.find(identifier=record.identifier)
    older = [other for other in others if version_numbers(other.version) < ours]
    if older:
        before = max(older, key=lambda other: version_numbers(other.version))
        record = record.model_copy(update={"replaces": before.kid})
    if client.is_withdrawn(record.kid):
        # The files of a withdrawn record are not handed out, so they are proved when it is back.
        client.put_resource(record)
    record = with_bulk(client, record)
    return record, client.put_resource(record).value


def deliver_or_queue(
    client: OdcClient, pending: Pending, record: KM3OpenResource, products: Path
) -> tuple[KM3OpenResource, str]:
    """Do as ``deliver``; if the Open Data Center does not answer, leave it to the next run.

    Returns
    -------
    record
        As it was or will be written.
    outcome
        As of ``deliver``, or ``queued``.

    Raises
    ------
    ServiceError
        If the Open Data Center refuses.
    """
    try:
        written, outcome = deliver(client, record, products)
    except UnreachableError as error:
        pending.add(record, products, error.what)
        return record, QUEUED
    pending.drop(record.kid)
    return written, outcome


def deliver_pending(
    client: OdcClient,
    pending: Pending,
    is_current: Callable[[Registration], bool | None],
    note: Note,
) -> list[KM3OpenResource]:
    """Deliver what waits.

    Parameters
    ----------
    client
        The Open Data Center.
    pending
        What waits.
    is_current
        Tells whether it is still what is published: a record must not point at a service that is
        no longer served as it was proved. None if that is not certain now.
    note
        Is told what becomes of each.

    Returns
    -------
    list of KM3OpenResource
        The records that were delivered.
    """
    delivered = []
    for waiting in pending:
        record = waiting.record
        current = is_current(waiting)
        if current is None:
            continue
        if not current:
            pending.drop(record.kid)
            note(f"{record.identifier}: a queued registration was overtaken")
            continue
        try:
            written, outcome = deliver(client, record, waiting.products)
        except UnreachableError as error:
            note(f"registrations stay queued: {error}")
            break
        except (ServiceError, ProofError) as error:
            note(f"{record.identifier}: its queued registration cannot be delivered: {error}")
            continue
        pending.drop(record.kid)
        delivered.append(written)
        note(f"{record.identifier}: the queued registration was delivered, record {outcome}")
    return delivered


def _read(path: Path) -> Registration | None:
    """Return a registration; one that cannot be understood is left for whoever looks."""
    try:
        return Registration.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
