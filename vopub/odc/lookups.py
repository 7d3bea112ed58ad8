"""What is asked for by name again and again, read by statements that are made once.

For each call, the ORM would make a statement anew, and of each row an object that notes what is
changed in it: three times the work of reading the row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, select
from sqlalchemy.orm import Session

from vopub.odc.looking import planned_once
from vopub.odc.schema import RESOURCE, RESOURCES, Base, CollectionRow, GroupingRow, StreamRow

MOST_VERSIONS = 50
"""Versions of a resource that are listed in short."""

_OTHER = RESOURCES.alias("other").c
_WANTED: BindParameter[str] = bindparam("wanted")


def _next_of(identifier: ColumnElement[str], version_key: ColumnElement[str]) -> Select[Any]:
    """Return the selection of the version after one, of those that are there."""
    is_later = (_OTHER.identifier == identifier, _OTHER.version_key > version_key)
    chosen = select(_OTHER.kid).where(*is_later, _OTHER.withdrawn.is_(None))
    return chosen.order_by(_OTHER.version_key, _OTHER.kid).limit(1)


_NEXT = planned_once(_next_of(bindparam("identifier"), bindparam("version_key")))
_NEXT_OF_EACH = _next_of(RESOURCE.identifier, RESOURCE.version_key).correlate(RESOURCES)
_BY_KID = planned_once(select(
    RESOURCE.kid, RESOURCE.number, RESOURCE.identifier, RESOURCE.version_key,
    RESOURCE.record, RESOURCE.written, RESOURCE.withdrawn, RESOURCE.reason,
    _NEXT_OF_EACH.scalar_subquery(),
).where(RESOURCE.kid == _WANTED))  # fmt: skip
_VERSIONS = planned_once(
    select(_OTHER.kid, _OTHER.identifier, _OTHER.summary, _OTHER.withdrawn, _OTHER.reason)
    .where(RESOURCE.kid == _WANTED, _OTHER.identifier == RESOURCE.identifier)
    .order_by(_OTHER.version_key.desc(), _OTHER.written.desc(), _OTHER.kid)
)
_IN_SHORT = planned_once(
    select(RESOURCE.summary)
    .where(RESOURCE.identifier == _WANTED, RESOURCE.withdrawn.is_(None))
    .order_by(RESOURCE.version_key.desc(), RESOURCE.number.desc())
    .limit(MOST_VERSIONS)
)


class KnownResource(NamedTuple):
    """What the store knows of a resource, withdrawn or not."""

    kid: str
    number: int
    identifier: str
    version_key: str
    record: str
    """As JSON."""
    written: datetime
    """UTC, as is the next one."""
    withdrawn: datetime | None
    reason: str
    next_kid: str | None

    @property
    def replaced_by(self) -> UUID | None:
        """The ``kid`` of the next version that is there; None if it is the newest."""
        return UUID(self.next_kid) if self.next_kid else None


class KnownVersion(NamedTuple):
    """One version of a resource, withdrawn or not."""

    kid: str
    identifier: str
    summary: str
    """A ``ResourceSummary`` as JSON."""
    withdrawn: datetime | None
    """UTC."""
    reason: str


class KnownGrouping(NamedTuple):
    """What the store knows of a stream or a collection, withdrawn or not."""

    identifier: str
    record: str
    """As JSON, as is the next one, without the elements of a stream."""
    summary: str
    written: datetime
    """UTC, as is the next one."""
    withdrawn: datetime | None
    reason: str


def resource(session: Session, kid: UUID) -> KnownResource | None:
    """Return what is known of a resource; None if there never was one."""
    row = session.connection().execute(_BY_KID, {"wanted": str(kid)}).first()
    return None if row is None else KnownResource._make(row)


def next_kid(session: Session, identifier: str, version_key: str) -> UUID | None:
    """Return the ``kid`` of the version after one, of those that are there; None without any."""
    given = {"identifier": identifier, "version_key": version_key}
    kid = session.connection().scalar(_NEXT, given)
    return UUID(kid) if kid else None


def versions(session: Session, kid: UUID) -> list[KnownVersion]:
    """Return all versions of the resource that has this one, the newest first."""
    rows = session.connection().execute(_VERSIONS, {"wanted": str(kid)})
    return [KnownVersion._make(row) for row in rows]


def summaries_of_versions(session: Session, identifier: str) -> list[str]:
    """Return the newest versions that are there, the newest first, as a ``ResourceSummary``."""
    return list(session.connection().scalars(_IN_SHORT, {"wanted": identifier}))


def grouping(
    session: Session, table: type[GroupingRow], identifier: str
) -> KnownGrouping | None:  # fmt: skip
    """Return what is known of a stream or a collection; None if there never was one."""
    row = session.connection().execute(_BY_NAME[table], {"wanted": identifier}).first()
    return None if row is None else KnownGrouping._make(row)


def withdrawn_names(session: Session, table: type[GroupingRow]) -> frozenset[str]:
    """Return the identifiers of the streams, or of the collections, that were withdrawn."""
    return frozenset(session.connection().scalars(_WITHDRAWN[table]))


def _columns(table: type[GroupingRow]) -> Any:
    return Base.metadata.tables[table.__tablename__].c


def _by_name(table: type[GroupingRow]) -> Select[Any]:
    found = _columns(table)
    columns = (
        found.identifier, found.record, found.summary, found.written, found.withdrawn, found.reason
    )  # fmt: skip
    return planned_once(select(*columns).where(found.identifier == _WANTED))


_BY_NAME: dict[type[GroupingRow], Select[Any]] = {
    table: _by_name(table) for table in (StreamRow, CollectionRow)
}
_WITHDRAWN: dict[type[GroupingRow], Select[Any]] = {
    table: planned_once(
        select(_columns(table).identifier).where(_columns(table).withdrawn.is_not(None))
    )
    for table in (StreamRow, CollectionRow)
}
