"""Registrations that wait until the place that they are for answers again.

A publication is finished when its services are proved. If the Open Data Center does not answer
then, what would have been written there is kept in ``state/pending``, one file for each record,
and the next run delivers it. Deposits in other places wait in the same way. What was overtaken
meanwhile is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from vopub.errors import UnreachableError, VopubError
from vopub.files import write_text
from vopub.model.resource import KM3OpenResource
from vopub.odc.answers import Outcome
from vopub.odc.client import OdcClient
from vopub.odc.targets.base import Deposit, Target
from vopub.publish.archive import version_numbers
from vopub.publish.bulk import with_bulk
from vopub.site import Site

Note = Callable[[str], None]
QUEUED = "queued"
"""Outcome of a registration that waits."""
ODC = "odc"
"""Name of the Open Data Center among the places; the others are those of ``deposit.Place``."""


class Registration(BaseModel):
    """What is to be written to the Open Data Center, or put into another place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: KM3OpenResource
    products: Path
    """Directory with its files."""
    target: str = Field(default=ODC, pattern=r"^[a-z]{1,20}$")
    """Name of the place."""
    resource: str = ""
    """What the site calls it, where a deposit is remembered by that."""
    publish: bool = False
    """Whether it is to be made public, where there are drafts."""
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

    def add(self, waiting: Registration) -> None:
        """Let a registration wait; one of the same version for the same place is replaced."""
        path = self._path(waiting.target, waiting.record.kid)
        write_text(path, waiting.model_dump_json(indent=2) + "\n")

    def drop(self, target: str, kid: UUID) -> None:
        """Forget a registration, because it was delivered or overtaken."""
        self._path(target, kid).unlink(missing_ok=True)

    def _path(self, target: str, kid: UUID) -> Path:
        return self.directory / f"{'' if target == ODC else f'{target}-'}{kid}.json"


def pending_of(site: Site) -> Pending:
    """Return the registrations of a site that wait."""
    return Pending(site.state / "pending")


class OpenDataCenter:
    """The Open Data Center as a place like others; what is registered there is public at once.

    Parameters
    ----------
    client
        Talks to it.
    """

    name = ODC

    def __init__(self, client: OdcClient) -> None:
        self._client = client

    def deposit(
        self, record: KM3OpenResource, products: Path, *, key: str = "",  # noqa: ARG002
        publish: bool = False,  # noqa: ARG002
    ) -> Deposit:  # fmt: skip
        """Register a resource; as ``Target.deposit`` and ``deliver``."""
        written, outcome = deliver(self._client, record, products)
        page, doi = self._client.page_url(record.kid), record.publication.doi or ""
        return Deposit(str(record.kid), page, written, outcome, doi=doi, published=True)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def deliver(
    client: OdcClient, record: KM3OpenResource, products: Path
) -> tuple[KM3OpenResource, Outcome]:
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
    return record, client.put_resource(record)


def deposit_or_queue(
    target: Target, pending: Pending, record: KM3OpenResource, products: Path, *,
    resource: str = "", publish: bool = False,
) -> Deposit | Registration:  # fmt: skip
    """Put a resource into a place; if the place does not answer, leave it to the next run.

    Parameters
    ----------
    target, record, products, publish
        As ``Target.deposit``.
    pending
        What waits.
    resource
        What the site calls the resource.

    Returns
    -------
    Deposit or Registration
        What is there now, or what waits.

    Raises
    ------
    ServiceError, ProofError, FileError
        As ``Target.deposit``, unless it does not answer.
    """
    try:
        made = target.deposit(record, products, publish=publish)
    except UnreachableError as error:
        waiting = Registration(
            record=record, products=products, target=target.name, resource=resource,
            publish=publish, queued=datetime.now(UTC), reason=error.what,
        )  # fmt: skip
        pending.add(waiting)
        return waiting
    pending.drop(target.name, record.kid)
    return made


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a registration that waited, when its place answered."""

    waiting: Registration
    record: KM3OpenResource
    """As it was written; as it still waits if there is an error."""
    error: VopubError | None = None
    """Why the place did not take it, which waiting alone does not heal."""

    @property
    def is_registered(self) -> bool:
        """Whether the record is in the Open Data Center now."""
        return self.error is None and self.waiting.target == ODC


def deliver_pending(
    pending: Pending,
    target_of: Callable[[Registration], Target],
    is_current: Callable[[Registration], bool | None],
    note: Note,
) -> list[Delivery]:
    """Deliver what waits; what a place refuses goes on waiting.

    Parameters
    ----------
    pending
        What waits.
    target_of
        Returns the place that a registration is for; raises a ``VopubError`` if there is none.
    is_current
        Tells whether it is still what is published: a record must not point at a service that is
        no longer served as it was proved. None if that is not certain now.
    note
        Is told what becomes of each, but of what is refused.

    Returns
    -------
    list of Delivery
        What was delivered or refused.
    """
    delivered, away = [], set[str]()
    for waiting in pending:
        record, name = waiting.record, _name(waiting)
        current = None if waiting.target in away else is_current(waiting)
        if current is None:
            continue
        if not current:
            pending.drop(waiting.target, record.kid)
            note(f"{name} was overtaken" + ("" if waiting.target == ODC else "; deposit again"))
            continue
        try:
            target = target_of(waiting)
            made = target.deposit(record, waiting.products, publish=waiting.publish)
        except UnreachableError as error:
            away.add(waiting.target)
            note(
                f"what waits for {_WHERE.get(waiting.target, waiting.target)} stays queued: {error}"
            )
            continue
        except VopubError as error:
            delivered.append(Delivery(waiting, record, error))
            continue
        pending.drop(waiting.target, record.kid)
        note(f"{name} was delivered, record {made.outcome.value}")
        delivered.append(Delivery(waiting, made.record))
    return delivered


_WHERE = {ODC: "the Open Data Center"}


def _name(waiting: Registration) -> str:
    """Return what people are told of a registration as."""
    record = waiting.record
    if waiting.target == ODC:
        return f"{record.identifier}: the queued registration"
    version = record.publication.version
    return f"{record.identifier}: the queued deposit of version {version} in {waiting.target}"


def _read(path: Path) -> Registration | None:
    """Return a registration; one that cannot be understood is left for whoever looks."""
    try:
        return Registration.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
