"""What was done to resources, streams and collections: kept by whom, when, and what differed.

What they have in common in their life is here; ``life`` and ``groupings`` say what each has of
its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, delete, select
from sqlalchemy.orm import Session, sessionmaker

from vopub.errors import Problem
from vopub.odc.answers import Change, ChangeKind, Difference
from vopub.odc.faults import RefusedError
from vopub.odc.looking import Looks
from vopub.odc.many import insert_rows
from vopub.odc.moment import now, utc
from vopub.odc.schema import Base, ChangeRow, GroupingChangeRow, KeptRow, NotedChange

Differing = Callable[[Any, Any], Iterable[Difference]]


class Part:
    """A part of a store, which reads and writes the store's database.

    Parameters
    ----------
    reading, writing
        Make a transaction that reads, or writes.
    """

    def __init__(self, reading: Looks, writing: sessionmaker[Session]) -> None:
        self._reading = reading
        self._writing = writing


@dataclass(frozen=True, slots=True)
class Subject:
    """What changes are about, and where they are noted."""

    table: type[NotedChange]
    key: Mapping[str, Any]
    """The columns that tell its changes from those of others."""


def of_resource(number: int) -> Subject:
    """Return a resource, given by its number in the store, as what changes are about."""
    return Subject(ChangeRow, {"resource": number})


def of_grouping(noun: str, identifier: str) -> Subject:
    """Return a ``stream`` or a ``collection`` as what changes are about."""
    return Subject(GroupingChangeRow, {"grouping": noun, "identifier": identifier})


@dataclass(frozen=True, slots=True)
class Past:
    """What became of something in another store."""

    changes: tuple[Change, ...]
    """The oldest first."""
    written: datetime | None = None
    """When it changed last; None for today."""
    withdrawn: datetime | None = None
    """When it was withdrawn; None if it is there."""
    reason: str = ""
    """Why it was withdrawn."""

    def columns(self) -> dict[str, Any]:
        """Return what a row says of it."""
        gone = None if self.withdrawn is None else utc(self.withdrawn)
        written = now() if self.written is None else utc(self.written)
        return {"written": written, "withdrawn": gone, "reason": self.reason}


# -- noting and telling ------------------------------------------------------------------------


def entry(
    subject: Subject, kind: ChangeKind, who: str, reason: str = "",
    differing: Iterable[Difference] = (), moment: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what is noted of a change; ``moment`` is now by default."""
    found = [each.model_dump() for each in differing]
    return {
        **subject.key, "kind": kind.value, "moment": moment or now(), "who": who,
        "reason": reason, "differences": json.dumps(found, ensure_ascii=False),
    }  # fmt: skip


def entry_of_writing(
    subject: Subject, before: str | None, after: str, *, was_gone: bool, who: str,
    compare: Differing | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what is noted of a record that is written.

    Parameters
    ----------
    subject
        Whose record it is.
    before, after
        The record as JSON; None if there was none.
    was_gone
        Whether it was withdrawn.
    who
        Who writes it.
    compare
        Finds what differs; by default ``differences``.
    """
    if before is None:
        return entry(subject, ChangeKind.CREATED, who)
    kind = ChangeKind.RESTORED if was_gone else ChangeKind.REPLACED
    found = (compare or differences)(json.loads(before), json.loads(after))
    return entry(subject, kind, who, differing=found)


def note(session: Session, table: type[NotedChange], entries: Sequence[Mapping[str, Any]]) -> None:
    """Write down changes."""
    insert_rows(session, Base.metadata.tables[table.__tablename__], entries)


def replace_all(session: Session, subject: Subject, changes: Iterable[Change]) -> None:
    """Put what another store noted in the place of what is noted here."""
    session.execute(delete(subject.table).where(*_about(subject)))
    entries = [
        entry(subject, each.kind, each.who, each.reason, each.differences, utc(each.when))
        for each in changes
    ]
    note(session, subject.table, entries)


def changes_of(session: Session | Connection, subject: Subject) -> tuple[Change, ...]:
    """Return every change, the oldest first."""
    table = subject.table
    columns = (table.kind, table.moment, table.who, table.reason, table.differences)
    chosen = select(*columns).where(*_about(subject)).order_by(table.number)
    return tuple(_told(row) for row in session.execute(chosen))


def first_noted(session: Session, subject: Subject) -> datetime | None:
    """Return when the first change was noted (UTC, without a zone); None if none was."""
    moments = select(subject.table.moment).where(*_about(subject))
    return session.scalar(moments.order_by(subject.table.number).limit(1))


def goes_on(later: Sequence[Change], earlier: Sequence[Change]) -> bool:
    """Tell whether one history is another one, which is not empty, and what came after it."""
    return 0 < len(earlier) < len(later) and later[: len(earlier)] == earlier


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Yield the places at which two documents in JSON differ, with both values.

    Lists of one length are compared element by element, others as a whole.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            place = f"{path}.{key}" if path else key
            yield from differences(before.get(key), after.get(key), place)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, f"{path}.{number}" if path else str(number))
    elif before != after:
        yield Difference(path=path, before=before, after=after)


# -- going and coming back ---------------------------------------------------------------------


def take_back(row: KeptRow, reason: str) -> None:
    """Mark something as withdrawn."""
    row.withdrawn = row.written = now()  # harvesters ask for what was written since
    row.reason = reason


def bring_back(row: KeptRow, noun: str, key: str) -> None:
    """Mark something withdrawn as being there again.

    Raises
    ------
    RefusedError
        If it was not withdrawn; says so of its ``key``.
    """
    if row.withdrawn is None:
        raise RefusedError(f"the {noun} cannot be restored", [Problem(key, "it was not withdrawn")])
    row.withdrawn, row.reason, row.written = None, "", now()


class Kept(Protocol):
    """What tells that something was withdrawn, of whichever kind."""

    @property
    def written(self) -> datetime:
        """When it changed last, UTC."""

    @property
    def withdrawn(self) -> datetime | None:
        """When it was withdrawn, UTC; None if it is there."""

    @property
    def reason(self) -> str:
        """Why it was withdrawn."""


def said_of(row: Kept) -> str:
    """Say that something was withdrawn, and why."""
    return "was withdrawn" + (f": {row.reason}" if row.reason else "")


def moment_of_going(row: Kept) -> datetime:
    """Return when something went that was withdrawn."""
    return (row.withdrawn or row.written).replace(tzinfo=UTC)


def _about(subject: Subject) -> list[ColumnElement[bool]]:
    return [getattr(subject.table, name) == value for name, value in subject.key.items()]


def _told(row: Row[str, datetime, str, str, str]) -> Change:
    return Change(
        kind=ChangeKind(row.kind), when=row.moment.replace(tzinfo=UTC), who=row.who,
        reason=row.reason,
        differences=tuple(Difference.model_validate(each) for each in json.loads(row.differences)),
    )  # fmt: skip
