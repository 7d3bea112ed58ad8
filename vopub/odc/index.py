"""What resources are found and counted by, kept true in the transaction that writes them.

Which version is the latest, how many there are of what, which words and which part of the sky.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from operator import itemgetter
from typing import Any

from sqlalchemy import TextClause, delete, insert, select, text, update
from sqlalchemy.orm import Session

from vopub.odc import sky, words
from vopub.odc.many import among
from vopub.odc.moment import utc
from vopub.odc.schema import FactRow, ResourceRow, SkyRow, TallyRow, TotalRow
from vopub.odc.search import searchable
from vopub.odc.ways import lasting

RULES = "3"
"""By which the index is made; a store whose index was made by others makes it anew."""
MOST_AT_ONCE = 5000
"""Values in one statement; SQLite allows 32766."""

log = logging.getLogger("vopub.odc")

_SHOWN = (
    ResourceRow.kid, ResourceRow.number, ResourceRow.identifier, ResourceRow.version_key,
    ResourceRow.written, ResourceRow.ktype, ResourceRow.collection, ResourceRow.stream,
    ResourceRow.latest, ResourceRow.words, ResourceRow.moment,
)  # fmt: skip
_OF_ALL = ("ktype", "collection", "latest")
_FACETS = (*_OF_ALL, "stream")
Rows = dict[str, dict[str, Any]]


def pieces(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield values in lists that fit into one statement."""
    everything = list(values)
    for start in range(0, len(everything), MOST_AT_ONCE):
        yield everything[start : start + MOST_AT_ONCE]


def columns_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a record, as it is in JSON, is found by."""
    span = (record.get("coverage") or {}).get("temporal")
    created = datetime.combine(date.fromisoformat(record["publication"]["created"]), time())
    moment = utc(datetime.fromisoformat(span["start"])) if span else created
    ends = utc(datetime.fromisoformat(span["stop"])) if span else None
    return {
        "moment": moment,
        "ends": ends,
        "lasting": lasting(moment, ends),
        "words": " ".join(words.tokens_of(searchable(record))),
    }


@contextmanager
def keeping(session: Session, identifiers: Collection[str]) -> Iterator[None]:
    """Bring the index up to date with what is written inside to resources so called."""
    before = _shown(session, identifiers)
    yield
    session.flush()
    _settle(session, before, identifiers)


def add(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Bring the index up to date with rows that were added, where nothing was so called before."""
    _update(session, {}, {row["kid"]: dict(row) for row in rows})


def cover(session: Session, records: Mapping[int, Mapping[str, Any]]) -> None:
    """Note which part of the sky resources cover, given by their numbers."""
    rows = []
    for some in pieces(records):
        session.execute(delete(SkyRow).where(SkyRow.number.in_(some)))
    for number, record in records.items():
        spatial = (record.get("coverage") or {}).get("spatial")
        if spatial:
            ranges = sky.ranges_of(spatial)
            rows += [{"number": number, "first": first, "stop": stop} for first, stop in ranges]
    if rows:
        session.execute(insert(SkyRow), rows)


def ensure(session: Session) -> None:
    """Make the index anew if it was made by other rules."""
    fact = session.get(FactRow, "index")
    if fact is not None and fact.value == RULES:
        return
    rebuild(session)
    session.merge(FactRow(name="index", value=RULES))


def rebuild(session: Session) -> None:
    """Make the index anew from the records."""
    count = 0
    words.clear(session.connection())
    for table in (TallyRow, TotalRow, SkyRow):
        session.execute(delete(table))
    session.execute(update(ResourceRow).values(latest=False))
    numbers = session.scalars(select(ResourceRow.number).order_by(ResourceRow.number)).all()
    for some in pieces(numbers):
        count += _reread(session, some)
    identifiers = session.scalars(select(ResourceRow.identifier).distinct()).all()
    for some in pieces(identifiers):
        _settle(session, {}, some)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE"))  # nothing is as it was when it looked last
    if count:
        log.info("made the index of %d resources", count)


def _reread(session: Session, numbers: Sequence[int]) -> int:
    chosen = select(ResourceRow.kid, ResourceRow.number, ResourceRow.record)
    rows = session.execute(chosen.where(ResourceRow.number.in_(numbers))).all()
    records = {row.number: json.loads(row.record) for row in rows}
    changes = [{"kid": row.kid, **columns_of(records[row.number])} for row in rows]
    if changes:
        session.execute(update(ResourceRow), changes)
    cover(session, records)
    return len(rows)


def _shown(session: Session, identifiers: Collection[str]) -> Rows:
    """Return the resources so called that were not withdrawn, by ``kid``."""
    named = among(session, ResourceRow.identifier, list(identifiers))
    chosen = select(*_SHOWN).where(ResourceRow.withdrawn.is_(None), named)
    return {row["kid"]: dict(row) for row in session.execute(chosen).mappings()}


def _settle(session: Session, before: Rows, identifiers: Collection[str]) -> None:
    _update(session, before, _shown(session, identifiers))


def _update(session: Session, before: Rows, after: Rows) -> None:
    _mark_latest(session, after)
    old = [row for kid, row in before.items() if _seen(row) != _seen(after.get(kid))]
    new = [row for kid, row in after.items() if _seen(row) != _seen(before.get(kid))]
    words.replace(session.connection(), old, new)
    _tally(session, old, new)


def _mark_latest(session: Session, rows: Mapping[str, dict[str, Any]]) -> None:
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows.values(), key=_age):
        newest[row["identifier"]] = row
    changes = []
    for row in rows.values():
        latest = newest[row["identifier"]] is row
        if row["latest"] != latest:
            row["latest"] = latest
            changes.append({"kid": row["kid"], "latest": latest})
    if changes:
        session.execute(update(ResourceRow), changes)


def _age(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["version_key"], row["number"]


def _seen(row: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    """Return what words and tallies say about a resource."""
    return None if row is None else (row["words"], row["moment"], *_facets(row))


def _facets(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _FACETS)


def _adding(table: str, facets: Sequence[str]) -> TextClause:
    """Return the statement that adds to the numbers of a table."""
    names, values = ", ".join(facets), ", ".join(f":{name}" for name in facets)
    return text(
        f"INSERT INTO {table} ({names}, resources) VALUES ({values}, :resources)"  # noqa: S608
        f" ON CONFLICT ({names}) DO UPDATE SET resources = {table}.resources + excluded.resources"
    )


_TALLIES = ((_FACETS, _adding("tallies", _FACETS)), (_OF_ALL, _adding("totals", _OF_ALL)))


def _tally(
    session: Session, old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]
) -> None:
    old, new = list(old), list(new)
    for facets, adding in _TALLIES:
        chosen = itemgetter(*facets)
        changes = Counter(map(chosen, new))
        changes.subtract(map(chosen, old))
        rows = [
            {**dict(zip(facets, key, strict=True)), "resources": change}
            for key, change in changes.items() if change
        ]  # fmt: skip
        if rows:
            session.execute(adding, rows)
