"""The life of a resource: its versions, its withdrawal and return, and what changed when.

A withdrawn resource leaves a tombstone: who asks for it learns what it was, why it went and what
replaced it. Nothing that was ever registered is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vopub.odc import index, lookups
from vopub.odc.answers import (
    ChangeKind,
    History,
    ResourceSummary,
    Tombstone,
    Version,
    Versions,
)
from vopub.odc.changes import (
    Part,
    bring_back,
    changes_of,
    entry,
    moment_of_going,
    note,
    of_resource,
    said_of,
    take_back,
)
from vopub.odc.conditions import ALWAYS, Condition
from vopub.odc.faults import GoneError, NotFoundError
from vopub.odc.lookups import KnownResource, KnownVersion
from vopub.odc.schema import ChangeRow, ResourceRow
from vopub.odc.tokens import Grant

NEWEST_FIRST = (ResourceRow.version_key.desc(), ResourceRow.written.desc(), ResourceRow.kid)


class Life(Part):
    """Takes resources back and returns them, and tells what became of them."""

    def withdraw(
        self, kid: UUID, reason: str, condition: Condition = ALWAYS, *, who: str = "",
        grant: Grant | None = None,
    ) -> None:  # fmt: skip
        """Take a resource back; it and its files answer 'gone' with a tombstone from now on.

        Raises
        ------
        NotFoundError, GoneError
            If there is none, or it was withdrawn before.
        ForbiddenError
            If there is a ``grant`` that does not include it.
        ChangedError
            If the condition does not hold of it.
        """
        with self._writing.begin() as session:
            row = _row(session, kid)
            if grant is not None:
                grant.check_resource(row.identifier, row.stream)
            _check_present(session, row)
            condition.check(row.record)
            with index.keeping(session, [row.identifier]):
                take_back(row, reason)
            _note(session, row.number, ChangeKind.WITHDRAWN, who, reason)

    def restore(self, kid: UUID, reason: str, *, who: str = "") -> None:
        """Bring a withdrawn resource back as it was.

        Raises
        ------
        NotFoundError
            If there is none.
        RefusedError
            If it was not withdrawn.
        """
        with self._writing.begin() as session:
            row = _row(session, kid)
            with index.keeping(session, [row.identifier]):
                bring_back(row, "resource", "kid")
            _note(session, row.number, ChangeKind.RESTORED, who, reason)

    def history(self, kid: UUID) -> History:
        """Return every change of a resource, the oldest first, also if it was withdrawn.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        with self._reading() as session:
            row = _known(session, kid)
            return History(kid=kid, changes=changes_of(session, of_resource(row.number)))

    def versions(self, kid: UUID) -> Versions:
        """Return all versions of a resource, the newest first, with what replaced each.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        with self._reading() as session:
            found = lookups.versions(session, kid)
        if not found:
            raise _unknown(kid)
        return Versions(identifier=found[0].identifier, versions=tuple(_chain(found)))

    def in_short(self, identifier: str) -> list[ResourceSummary]:
        """Return the newest versions of a resource that are there, the newest first."""
        with self._reading() as session:
            texts = lookups.summaries_of_versions(session, identifier)
        return [ResourceSummary.model_validate_json(text) for text in texts]

    def present(self, kid: UUID) -> KnownResource:
        """Return what is known of a resource.

        Raises
        ------
        NotFoundError, GoneError
            If there is none, or it was withdrawn.
        """
        with self._reading() as session:
            row = _known(session, kid)
            _check_present(session, row)
        return row

    def replaced_by(self, kid: UUID) -> UUID | None:
        """Return the ``kid`` of the next version that is there; None if it is the newest."""
        with self._reading() as session:
            row = lookups.resource(session, kid)
        return None if row is None else row.replaced_by


def gone(session: Session, row: ResourceRow | KnownResource) -> GoneError:
    """Return the error that says that a resource was withdrawn."""
    what = f"resource {row.kid} ({row.identifier}) {said_of(row)}"
    return GoneError(what, tombstone=_tombstone(session, row))


def gone_as_a_whole(session: Session, identifier: str) -> GoneError | None:
    """Return the error of a resource of which every version was withdrawn; None if none ever was.

    For a resource of which no version is present.
    """
    rows = select(ResourceRow).where(ResourceRow.identifier == identifier).order_by(*NEWEST_FIRST)
    row = session.scalars(rows.limit(1)).first()
    return None if row is None else gone(session, row)


def successor(session: Session, row: ResourceRow | KnownResource) -> UUID | None:
    """Return the ``kid`` of the next version that is there; None if there is none."""
    return lookups.next_kid(session, row.identifier, row.version_key)


def successors(session: Session, rows: Sequence[ResourceRow]) -> dict[str, UUID]:
    """Return the next version that is there of each of these that has one, by ``kid``.

    One query for all of them.
    """
    columns = (ResourceRow.identifier, ResourceRow.version_key, ResourceRow.kid)
    named = ResourceRow.identifier.in_({row.identifier for row in rows})
    chosen = select(*columns).where(named, ResourceRow.withdrawn.is_(None))
    there: dict[str, list[tuple[str, str]]] = {}
    for identifier, version, kid in session.execute(chosen):
        there.setdefault(identifier, []).append((version, kid))
    found = {}
    for row in rows:
        later = [each for each in there.get(row.identifier, ()) if each[0] > row.version_key]
        if later:
            found[row.kid] = UUID(min(later)[1])
    return found


def _note(session: Session, number: int, kind: ChangeKind, who: str, reason: str) -> None:
    note(session, ChangeRow, [entry(of_resource(number), kind, who, reason)])


def _known(session: Session, kid: UUID) -> KnownResource:
    """Return what is known of a resource, to be read; raises NotFoundError."""
    row = lookups.resource(session, kid)
    if row is None:
        raise _unknown(kid)
    return row


def _row(session: Session, kid: UUID) -> ResourceRow:
    """Return the row of a resource, to be changed; raises NotFoundError."""
    row = session.get(ResourceRow, str(kid))
    if row is None:
        raise _unknown(kid)
    return row


def _unknown(kid: UUID) -> NotFoundError:
    return NotFoundError(f"there is no resource {kid}")


def _check_present(session: Session, row: ResourceRow | KnownResource) -> None:
    """Let what is there pass; raises GoneError."""
    if row.withdrawn is not None:
        raise gone(session, row)


def _chain(found: Iterable[KnownVersion]) -> Iterator[Version]:
    """Yield versions, given the newest first; each was replaced by the one before it here."""
    newer: UUID | None = None
    for row in found:
        said = json.loads(row.summary)
        yield Version(
            kid=UUID(row.kid), version=said["version"], created=said["created"], replaced_by=newer,
            withdrawn=None if row.withdrawn is None else row.withdrawn.replace(tzinfo=UTC),
            reason=row.reason,
        )  # fmt: skip
        if row.withdrawn is None:
            newer = UUID(row.kid)


def _tombstone(session: Session, row: ResourceRow | KnownResource) -> Tombstone:
    record = json.loads(row.record)
    publication = record["publication"]
    return Tombstone(
        kid=UUID(row.kid), identifier=row.identifier, ktype=record["ktype"],
        **{key: publication[key] for key in ("title", "version", "created", "publisher", "doi")},
        creators=tuple(creator["name"] for creator in publication["creators"]),
        withdrawn=moment_of_going(row), reason=row.reason,
        replaced_by=successor(session, row),
    )  # fmt: skip
