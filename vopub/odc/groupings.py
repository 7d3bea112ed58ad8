"""Streams and collections, and their life: what changed when, withdrawal and return.

What belongs to a withdrawn stream or collection stays as it is. The stream or collection itself
leaves a tombstone, and is in no list any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from vopub.model.resource import KM3ResourceCollection, KM3ResourceStream
from vopub.odc import lookups
from vopub.odc.answers import ChangeKind, GroupingHistory, GroupingTombstone, Outcome
from vopub.odc.changes import (
    Part,
    Past,
    Subject,
    bring_back,
    changes_of,
    entry,
    entry_of_writing,
    first_noted,
    moment_of_going,
    note,
    of_grouping,
    replace_all,
    said_of,
    take_back,
)
from vopub.odc.conditions import ALWAYS, Condition
from vopub.odc.door import problems_of_grouping
from vopub.odc.faults import GoneError, NotFoundError, RefusedError
from vopub.odc.looking import Looks
from vopub.odc.lookups import KnownGrouping
from vopub.odc.members import differences_of_many
from vopub.odc.ownership import Owned
from vopub.odc.schema import CollectionRow, GroupingChangeRow, GroupingRow, StreamRow
from vopub.odc.tokens import Grant

Grouping = TypeVar("Grouping", KM3ResourceStream, KM3ResourceCollection)
Kind = type[KM3ResourceStream] | type[KM3ResourceCollection]
MOST_REMEMBERED = 10_000_000
"""Characters of all streams that are kept in memory; pages of lists want them again and again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is under the name of a stream or a collection."""

    is_known: bool
    """Whether there is one, or was."""
    tombstone: GroupingTombstone | None = None
    """What is left of one that was withdrawn."""


UNKNOWN, PRESENT = Standing(is_known=False), Standing(is_known=True)


@dataclass(frozen=True, slots=True)
class _Remembered:
    """All streams, or all collections, that were not withdrawn."""

    made: bytes
    """What was written when they were read."""
    all: tuple[Any, ...]
    names: frozenset[str]


NOTHING = _Remembered(b"", (), frozenset())


@dataclass(frozen=True, slots=True)
class GroupingPage:
    """A piece of the list of streams or of collections, by identifier."""

    records: tuple[str, ...]
    """Each as JSON, as it was written."""
    total: int
    """How many there are in the whole list."""
    later: str
    """Where the next piece begins: the identifier of the last one here; empty on the last."""


NEW = Past(())


class Groupings(Part):
    """Writes, withdraws, returns and lists streams and collections.

    Parameters
    ----------
    reading, writing
        Make a transaction that reads, or writes.
    owned
        Counts what is written by all processes of the service.
    """

    def __init__(self, reading: Looks, writing: sessionmaker[Session], owned: Owned) -> None:
        super().__init__(reading, writing)
        self._owned = owned
        self._all: dict[Kind, _Remembered] = {}

    @contextmanager
    def _write(self) -> Iterator[Session]:
        try:
            with self._writing.begin() as session:
                yield session
        finally:
            self._owned.count_grouping()

    def put(
        self, record: KM3ResourceStream | KM3ResourceCollection, condition: Condition = ALWAYS, *,
        who: str = "", grant: Grant | None = None,
    ) -> Outcome:  # fmt: skip
        """Write a stream or a collection; an equal one changes nothing.

        A withdrawn one that is written again is back.

        Raises
        ------
        RefusedError
            If it names what is no identifier; nothing is changed.
        ForbiddenError
            If there is a ``grant`` that may not put the stream into its collection.
        ChangedError
            If the condition does not hold of the one that is there; nothing is changed.
        """
        _check(record)
        kind, text = type(record), record.model_dump_json()
        with self._write() as session:
            row = session.get(table_of(kind), record.identifier)
            there = row.record if row is not None and row.withdrawn is None else None
            condition.check(there)
            if there == text:
                return Outcome.UNCHANGED
            if grant is not None and isinstance(record, KM3ResourceStream):
                _check_collection(grant, record, row)
            made = entry_of_writing(
                subject_of(kind, record.identifier), None if row is None else row.record, text,
                was_gone=row is not None and row.withdrawn is not None, who=who,
                compare=differences_of_many,
            )  # fmt: skip
            note(session, GroupingChangeRow, [made])
            session.merge(_row(record, text, NEW))
        return Outcome.REPLACED if there is not None else Outcome.CREATED

    def bring(
        self, record: KM3ResourceStream | KM3ResourceCollection, text: str, past: Past
    ) -> None:
        """Write a stream or a collection as another store had it, and what became of it there.

        Parameters
        ----------
        record, text
            The same, the latter as that store has it in JSON.
        past
            What became of it; put in the place of what is noted here.

        Raises
        ------
        RefusedError
            If it names what is no identifier; nothing is changed.
        """
        _check(record)
        with self._write() as session:
            session.merge(_row(record, text, past))
            subject = subject_of(type(record), record.identifier)
            replace_all(session, subject, past.changes)

    def get(self, kind: type[Grouping], identifier: str) -> Grouping:
        """Return a stream or a collection; raises like ``get_json``."""
        return kind.model_validate_json(self.get_json(kind, identifier))

    def get_json(self, kind: Kind, identifier: str) -> str:
        """Return a stream or a collection as it was written.

        Raises
        ------
        NotFoundError, GoneError
            If there is none with this identifier, or it was withdrawn.
        """
        with self._reading() as session:
            row = _known(session, kind, identifier)
        _check_present(kind, row)
        return row.record

    def standing(self, kind: Kind, identifier: str) -> Standing:
        """Tell whether there is such a stream or collection, or was."""
        if self._is_remembered(kind, identifier):
            return PRESENT
        with self._reading() as session:
            row = lookups.grouping(session, table_of(kind), identifier)
        if row is None:
            return UNKNOWN
        return Standing(True, None if row.withdrawn is None else _tombstone(kind, row))

    def all(self, kind: type[Grouping]) -> tuple[Grouping, ...]:
        """Return all streams or all collections that were not withdrawn, by identifier.

        They are kept until one is written, which only processes of this service do.
        """
        remembered = self._all.get(kind, NOTHING)
        # Before reading: a write that comes between makes it old.
        made = self._owned.groupings.now()
        if remembered.made == made:
            return remembered.all
        table = table_of(kind)
        wanted = select(table.record).where(table.withdrawn.is_(None)).order_by(table.identifier)
        with self._reading.apart() as session:
            texts = session.scalars(wanted).all()
        found = tuple(kind.model_validate_json(text) for text in texts)
        if sum(map(len, texts)) <= MOST_REMEMBERED:
            names = frozenset(each.identifier for each in found)
            self._all[kind] = _Remembered(made, found, names)
        return found

    def _is_remembered(self, kind: Kind, identifier: str) -> bool:
        """Tell whether one is known to be there without asking the database."""
        remembered = self._all.get(kind, NOTHING)
        is_true = remembered.made == self._owned.groupings.now()
        return is_true and identifier in remembered.names

    def page(self, kind: Kind, after: str, limit: int | None) -> GroupingPage:
        """Return a page of the list of streams or of collections that were not withdrawn.

        Parameters
        ----------
        kind
            Which list.
        after
            Identifier after which the page begins; empty for the first.
        limit
            Most of them on the page; None for all the rest.
        """
        table = table_of(kind)
        listed = table.withdrawn.is_(None)
        wanted = select(table.identifier, table.record).where(listed, table.identifier > after)
        wanted = wanted.order_by(table.identifier).limit(None if limit is None else limit + 1)
        with self._reading() as session:
            rows = session.execute(wanted).all()
            total = session.scalar(select(func.count()).select_from(table).where(listed)) or 0
        shown = rows[:limit]
        later = shown[-1].identifier if len(rows) > len(shown) else ""
        return GroupingPage(tuple(row.record for row in shown), total, later)

    def since(self, kind: Kind, identifier: str) -> datetime:
        """Return since when there is one (UTC), as far as that was noted.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        with self._reading() as session:
            row = _known(session, kind, identifier)
            noted = first_noted(session, subject_of(kind, identifier))
            return (noted or row.written).replace(tzinfo=UTC)

    def withdrawn(self, kind: Kind) -> frozenset[str]:
        """Return the identifiers of those that were withdrawn."""
        with self._reading() as session:
            return lookups.withdrawn_names(session, table_of(kind))

    def withdraw(
        self, kind: Kind, identifier: str, reason: str, condition: Condition = ALWAYS, *,
        who: str = "",
    ) -> None:  # fmt: skip
        """Take a stream or a collection back; what belongs to it stays.

        Raises
        ------
        NotFoundError, GoneError
            If there is none, or it was withdrawn before.
        ChangedError
            If the condition does not hold of it.
        """
        with self._write() as session:
            row = _row_of(session, kind, identifier)
            _check_present(kind, row)
            condition.check(row.record)
            take_back(row, reason)
            _note(session, kind, identifier, ChangeKind.WITHDRAWN, who, reason)

    def restore(self, kind: Kind, identifier: str, reason: str, *, who: str = "") -> None:
        """Bring a withdrawn one back as it was.

        Raises
        ------
        NotFoundError
            If there is none.
        RefusedError
            If it was not withdrawn.
        """
        with self._write() as session:
            row = _row_of(session, kind, identifier)
            bring_back(row, noun(kind), "identifier")
            _note(session, kind, identifier, ChangeKind.RESTORED, who, reason)

    def history(self, kind: Kind, identifier: str) -> GroupingHistory:
        """Return every change, the oldest first, also of one that was withdrawn.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        with self._reading() as session:
            _known(session, kind, identifier)
            changes = changes_of(session, subject_of(kind, identifier))
        return GroupingHistory(kind=noun(kind), identifier=identifier, changes=changes)


def noun(kind: Kind) -> str:
    """Return ``stream`` or ``collection``."""
    return "stream" if issubclass(kind, KM3ResourceStream) else "collection"


def subject_of(kind: Kind, identifier: str) -> Subject:
    """Return a stream or a collection as what changes are about."""
    return of_grouping(noun(kind), identifier)


def _check(record: KM3ResourceStream | KM3ResourceCollection) -> None:
    if problems := problems_of_grouping(record):
        raise RefusedError("the record says what cannot be", problems)


def table_of(kind: Kind) -> type[GroupingRow]:
    """Return the table of streams, or of collections."""
    return StreamRow if issubclass(kind, KM3ResourceStream) else CollectionRow


def _row(record: KM3ResourceStream | KM3ResourceCollection, text: str, past: Past) -> GroupingRow:
    # A stream may have very many elements.
    is_stream = isinstance(record, KM3ResourceStream)
    short = record.model_dump_json(exclude={"resources"}) if is_stream else text
    return table_of(type(record))(
        identifier=record.identifier, record=text, summary=short, **past.columns()
    )  # fmt: skip


def _known(session: Session, kind: Kind, identifier: str) -> KnownGrouping:
    """Return what is known of one, to be read; raises NotFoundError."""
    row = lookups.grouping(session, table_of(kind), identifier)
    if row is None:
        raise _unknown(kind, identifier)
    return row


def _row_of(session: Session, kind: Kind, identifier: str) -> GroupingRow:
    """Return the row of one, to be changed; raises NotFoundError."""
    row = session.get(table_of(kind), identifier)
    if row is None:
        raise _unknown(kind, identifier)
    return row


def _unknown(kind: Kind, identifier: str) -> NotFoundError:
    return NotFoundError(f"there is no {noun(kind)} {identifier!r}")


def _check_present(kind: Kind, row: GroupingRow | KnownGrouping) -> None:
    """Let what is there pass; raises GoneError."""
    if row.withdrawn is not None:
        what = f"{noun(kind)} {row.identifier!r} {said_of(row)}"
        raise GoneError(what, tombstone=_tombstone(kind, row))


def _tombstone(kind: Kind, row: GroupingRow | KnownGrouping) -> GroupingTombstone:
    return GroupingTombstone(
        kind=noun(kind), identifier=row.identifier, title=json.loads(row.summary)["title"],
        withdrawn=moment_of_going(row), reason=row.reason,
    )  # fmt: skip


def _check_collection(grant: Grant, record: KM3ResourceStream, row: GroupingRow | None) -> None:
    """Let a stream stay in its collection, or come into one that the token may name."""
    before = "" if row is None else json.loads(row.summary)["collection"]
    if record.collection not in ("", before):
        grant.check_collection(record.collection)


def _note(
    session: Session, kind: Kind, identifier: str, change: ChangeKind, who: str, reason: str
) -> None:
    made = entry(subject_of(kind, identifier), change, who, reason)
    note(session, GroupingChangeRow, [made])
