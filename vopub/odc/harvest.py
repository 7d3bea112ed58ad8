"""Which records harvesters get: everything that changed since they came last, also withdrawals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from vopub.model.ktype import Ktype
from vopub.model.resource import ID_PATTERN
from vopub.odc.life import successor, successors
from vopub.odc.lookups import withdrawn_names
from vopub.odc.schema import CollectionRow, GroupingRow, ResourceRow, StreamRow

NOBODY = "nobody@odc.invalid"
"""The contact of a service without records; the protocol asks for one."""
_COLUMNS = {
    "collection": ResourceRow.collection, "stream": ResourceRow.stream, "ktype": ResourceRow.ktype,
}  # fmt: skip
"""The kinds of sets, and the column that tells who is in one."""
_GROUPINGS: dict[str, type[GroupingRow]] = {"collection": CollectionRow, "stream": StreamRow}
_KIND_PATTERN = r"[a-z0-9]+(-[a-z0-9]+)*"


@dataclass(frozen=True, slots=True)
class Changed:
    """A record and when it last changed."""

    kid: str
    when: datetime
    """UTC, to the microsecond."""
    record: str
    """The record as JSON, as it was before it was withdrawn."""
    withdrawn: bool
    sets: tuple[str, ...]
    """The sets it is in, e.g. ``collection:samples26_01``."""
    replaced_by: UUID | None = None
    """``kid`` of the next version that is there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are asked for."""

    since: datetime | None = None
    """The earliest change, UTC without a zone."""
    before: datetime | None = None
    """The latest change must be earlier."""
    group: str = ""
    """A set; empty for all."""
    after: tuple[datetime, str] | None = None
    """When the last record of the page before was changed, and its ``kid``."""


def changed(session: Session, wanted: Wanted, limit: int) -> list[Changed]:
    """Return records in the order of their changes, at most ``limit``.

    A record that changes while somebody harvests moves to the end, so that nobody misses it.
    """
    without = _withdrawn_sets(session)
    if wanted.group in without:
        return []
    rows = session.scalars(_chosen(wanted).order_by(*_ORDER).limit(limit)).all()
    newer = successors(session, rows)
    return [_changed(row, without, newer.get(row.kid)) for row in rows]


def one(session: Session, kid: str) -> Changed | None:
    """Return one record; None if there never was one."""
    row = session.get(ResourceRow, kid)
    if row is None:
        return None
    return _changed(row, _withdrawn_sets(session), successor(session, row))


def earliest(session: Session) -> datetime | None:
    """Return when the earliest change happened that is still the last one of its record."""
    return session.scalar(select(func.min(ResourceRow.written)))


def contact(session: Session) -> str:
    """Return the address of whom to ask: the contact of the record written last."""
    newest = select(ResourceRow.record).order_by(ResourceRow.written.desc()).limit(1)
    record = session.scalar(newest)
    return NOBODY if record is None else str(json.loads(record)["publication"]["contact"]["email"])


def sets(session: Session) -> Iterator[tuple[str, str]]:
    """Yield the name and the title of every set that records can be in."""
    for prefix, table in _GROUPINGS.items():
        rows = select(table.identifier, table.summary).where(table.withdrawn.is_(None))
        for name, summary in session.execute(rows.order_by(table.identifier)):
            yield f"{prefix}:{name}", json.loads(summary)["title"]
    there = set(session.scalars(select(ResourceRow.ktype).distinct()))
    yield from ((f"ktype:{k.value}", k.description) for k in Ktype if k.value in there)


def is_set(name: str) -> bool:
    """Tell whether a text has the form of the name of a set."""
    prefix, _, value = name.partition(":")
    form = _KIND_PATTERN if prefix == "ktype" else ID_PATTERN
    return prefix in _COLUMNS and re.fullmatch(form, value) is not None


_ORDER = (ResourceRow.written, ResourceRow.kid)


def _chosen(wanted: Wanted) -> Select[Any]:
    conditions: list[Any] = []
    if wanted.since is not None:
        conditions.append(ResourceRow.written >= wanted.since)
    if wanted.before is not None:
        conditions.append(ResourceRow.written < wanted.before)
    if wanted.group:
        prefix, _, value = wanted.group.partition(":")
        conditions.append(_COLUMNS[prefix] == value)
    if wanted.after is not None:
        when, kid = wanted.after
        later = (
            ResourceRow.written > when,
            (ResourceRow.written == when) & (ResourceRow.kid > kid),
        )
        conditions += [ResourceRow.written >= when, or_(*later)]
    return select(ResourceRow).where(*conditions)


def _withdrawn_sets(session: Session) -> frozenset[str]:
    """Return the names of the sets whose stream or collection was withdrawn."""
    return frozenset(
        f"{prefix}:{name}"
        for prefix, table in _GROUPINGS.items()
        for name in withdrawn_names(session, table)
    )


def _changed(row: ResourceRow, without: frozenset[str], newer: UUID | None) -> Changed:
    names = tuple(name for name in _sets_of(row) if name not in without)
    gone = row.withdrawn is not None
    return Changed(row.kid, row.written, row.record, gone, names, newer)


def _sets_of(row: ResourceRow) -> tuple[str, ...]:
    values = {"collection": row.collection, "stream": row.stream, "ktype": row.ktype}
    return tuple(f"{prefix}:{value}" for prefix, value in values.items() if value)
