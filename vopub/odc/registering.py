"""Writing records: one, or thousands in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from vopub.errors import Problem
from vopub.model.resource import FileReference, KM3OpenResource
from vopub.odc import claims, index
from vopub.odc.answers import Outcome
from vopub.odc.blobs import Blobs
from vopub.odc.changes import (
    Past,
    Subject,
    entry_of_writing,
    note,
    of_resource,
    replace_all,
)
from vopub.odc.conditions import Condition
from vopub.odc.entries import Entry
from vopub.odc.faults import RefusedError
from vopub.odc.many import among, insert_rows
from vopub.odc.moment import now
from vopub.odc.schema import RESOURCES, ChangeRow, PublishedFileRow, ResourceRow, UploadRow
from vopub.odc.tokens import Grant


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes records, and what they may."""

    who: str
    """For the history."""
    grant: Grant | None = None
    """The token; None if it is the operator."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a record before it is written."""

    number: int
    identifier: str
    record: str
    withdrawn: bool


def register(
    session: Session, blobs: Blobs, entries: Sequence[Entry],
    conditions: Mapping[UUID, Condition], sender: Sender,
) -> list[Outcome]:  # fmt: skip
    """Write records, all or none.

    Parameters
    ----------
    session
        A transaction that writes.
    blobs
        Where the files are that they name.
    entries
        Records, each with a ``kid`` of its own; equal ones to those here change nothing.
    conditions
        By ``kid``, where there is one.
    sender
        Who writes them.

    Raises
    ------
    ForbiddenError
        If the token does not include what is there, or is to be.
    TakenError
        If another record has the version.
    RefusedError
        If a file was not uploaded, or has other bytes, or a ``kid`` comes twice, or a record says
        what cannot be.
    ChangedError
        If a condition does not hold of the record that is there.
    FileError
        If it cannot be noted of a file that it is not named any more.
    """
    _check_keys(entries)
    before = _found(session, entries)
    records = [entry.record for entry in entries]
    identifiers = (record.identifier for record in records)
    holders = claims.holders_of(session, (entry.kid for entry in entries), identifiers)
    if sender.grant is not None:
        of_stream = claims.collection_of_stream(session, sender.grant)
        claims.check_grant(sender.grant, records, holders, of_stream)
    for entry in entries:
        if (condition := conditions.get(entry.record.kid)) is not None:
            there = before.get(entry.kid)
            condition.check(there.record if there and not there.withdrawn else None)
    changed = [entry for entry in entries if not _is_equal(entry, before.get(entry.kid))]
    claims.check_versions([entry.record for entry in changed], holders)
    _check_content(changed)
    _check_files(session, blobs, changed)
    numbers = _numbers(session, changed, before)
    if holders:
        names = {entry.record.identifier for entry in changed}
        names |= {before[entry.kid].identifier for entry in changed if entry.kid in before}
        with index.keeping(session, names):
            _write(session, blobs, changed, before, numbers)
    else:
        index.add(session, _write(session, blobs, changed, {}, numbers))
    subjects = {kid: of_resource(number) for kid, number in numbers.items()}
    made = [_change_of(e, before.get(e.kid), subjects[e.kid], sender.who) for e in changed]
    note(session, ChangeRow, made)
    written = {entry.kid for entry in changed}
    return [_outcome(before.get(e.kid), written=e.kid in written) for e in entries]


def bring(session: Session, blobs: Blobs, record: KM3OpenResource, text: str, past: Past) -> None:
    """Write a record as another store had it, and what became of it there.

    That its version is no other record's is for the caller to see to.

    Parameters
    ----------
    session, blobs
        As ``register`` has them.
    record, text
        The same, the latter as that store has it in JSON.
    past
        What became of it; put in the place of what is noted here.

    Raises
    ------
    RefusedError
        As ``register``.
    """
    entry = Entry.of(record, text=text)
    before = _found(session, [entry])
    _check_content([entry])
    _check_files(session, blobs, [entry])
    names = {record.identifier, *(there.identifier for there in before.values())}
    numbers = _numbers(session, [entry], before)
    with index.keeping(session, names):
        _write(session, blobs, [entry], before, numbers)
        this = ResourceRow.kid == entry.kid
        session.execute(update(ResourceRow).where(this).values(**past.columns()))
    replace_all(session, of_resource(numbers[entry.kid]), past.changes)


def _change_of(
    entry: Entry, there: Found | None, subject: Subject, who: str
) -> Mapping[str, Any]:  # fmt: skip
    was_gone = there is not None and there.withdrawn
    before = there.record if there else None
    return entry_of_writing(subject, before, entry.text, was_gone=was_gone, who=who)


def _check_keys(entries: Sequence[Entry]) -> None:
    times = Counter(entry.kid for entry in entries)
    problems = [Problem("kid", f"{kid} comes {n} times") for kid, n in times.items() if n > 1]
    if problems:
        raise RefusedError("each record can be written once at a time", problems)


def _found(session: Session, entries: Sequence[Entry]) -> dict[str, Found]:
    there: dict[str, Found] = {}
    columns = (
        ResourceRow.kid, ResourceRow.number, ResourceRow.identifier, ResourceRow.record,
        ResourceRow.withdrawn,
    )  # fmt: skip
    wanted = among(session, ResourceRow.kid, [entry.kid for entry in entries])
    for row in session.execute(select(*columns).where(wanted)):
        gone = row.withdrawn is not None
        there[row.kid] = Found(row.number, row.identifier, row.record, gone)
    return there


def _is_equal(entry: Entry, there: Found | None) -> bool:
    return there is not None and not there.withdrawn and there.record == entry.text


def _outcome(there: Found | None, *, written: bool) -> Outcome:
    if not written:
        return Outcome.UNCHANGED
    return Outcome.CREATED if there is None or there.withdrawn else Outcome.REPLACED


def _numbers(
    session: Session, entries: Sequence[Entry], before: Mapping[str, Found]
) -> dict[str, int]:  # fmt: skip
    """Return the number of each, by ``kid``: what is new counts on."""
    last = session.scalar(select(func.max(ResourceRow.number))) or 0
    new = [entry.kid for entry in entries if entry.kid not in before]
    known = {e.kid: before[e.kid].number for e in entries if e.kid in before}
    return known | {kid: last + place for place, kid in enumerate(new, 1)}


def _write(
    session: Session, blobs: Blobs, entries: Sequence[Entry], before: Mapping[str, Found],
    numbers: Mapping[str, int],
) -> list[dict[str, Any]]:  # fmt: skip
    """Write rows, and what they name and cover; return those that were not there."""
    same = {"written": now(), "withdrawn": None, "reason": ""}
    rows = {e.kid: {**e.columns, **same, "number": numbers[e.kid]} for e in entries}
    # Most are the latest; the index puts the others right.
    added = [row | {"latest": True} for kid, row in rows.items() if kid not in before]
    changed = [row for kid, row in rows.items() if kid in before]
    insert_rows(session, RESOURCES, added)
    if changed:
        session.execute(update(ResourceRow), changed)
    _name_files(session, blobs, entries, [row["kid"] for row in changed])
    covering = [e for e in entries if e.kid in before or e.content["coverage"]["spatial"]]
    index.cover(session, {numbers[entry.kid]: entry.content for entry in covering})
    return added


def _check_content(entries: Sequence[Entry]) -> None:
    problems = _of_each(entries, lambda entry: list(entry.problems))
    if problems:
        raise RefusedError("the record says what cannot be", problems)


def _check_files(session: Session, blobs: Blobs, entries: Sequence[Entry]) -> None:
    sizes = _uploaded(session, entries)
    problems = _of_each(entries, lambda entry: _file_problems(entry, sizes, blobs))
    if problems:
        raise RefusedError("the record names files that are not here", problems)


def _of_each(
    entries: Sequence[Entry], problems_of_one: Callable[[Entry], list[Problem]]
) -> list[Problem]:
    """Return the problems of all records; of several, each place begins with the ``kid``."""
    if len(entries) == 1:
        return problems_of_one(entries[0])
    return [
        Problem(f"{entry.kid}.{problem.place}", problem.what, problem.hint)
        for entry in entries
        for problem in problems_of_one(entry)
    ]


def _uploaded(session: Session, entries: Sequence[Entry]) -> dict[tuple[str, str, str], int]:
    """Return the sizes of the files that were uploaded, of those that the records name."""
    sizes = {}
    wanted = [(e.kid, file.name, file.sha256) for e in entries for file in e.record.files]
    key = (UploadRow.kid, UploadRow.name, UploadRow.sha256)
    for some in index.pieces(wanted):
        for row in session.execute(select(*key, UploadRow.size).where(tuple_(*key).in_(some))):
            sizes[row.kid, row.name, row.sha256] = row.size
    return sizes


def _file_problems(
    entry: Entry, sizes: Mapping[tuple[str, str, str], int], blobs: Blobs
) -> list[Problem]:
    files = entry.record.files
    problems = []
    for place, file in enumerate(files):
        what = _wrong(file, sizes.get((entry.kid, file.name, file.sha256)), blobs)
        if what:
            hint = "upload the file, then write the record again"
            problems.append(Problem(f"files.{place}", what, hint))
    times = Counter(file.name for file in entry.record.every_file)
    twice = sorted(name for name, number in times.items() if number > 1)
    return [*problems, *(Problem("files", f"{n!r} is named more than once") for n in twice)]


def _wrong(file: FileReference, size: int | None, blobs: Blobs) -> str:
    """Say what is wrong with a file that a record names; empty if nothing is."""
    if size is None or not blobs.holds(file.sha256, size):
        return f"{file.name!r} with SHA-256 {file.sha256} was not uploaded"
    return f"{file.name!r} has {size} bytes, not {file.size}" if size != file.size else ""


def _name_files(
    session: Session, blobs: Blobs, entries: Sequence[Entry], changed: Sequence[str]
) -> None:  # fmt: skip
    left: set[str] = set()
    for some in index.pieces(changed):
        theirs = PublishedFileRow.kid.in_(some)
        left.update(session.scalars(select(PublishedFileRow.sha256).where(theirs)))
        session.execute(delete(PublishedFileRow).where(theirs))
    # They are kept for a day from now on, for readers and backups that know the records as they
    # were. Before the commit: nobody can find one that is not named any more and still old.
    for digest in sorted(left - {file.sha256 for e in entries for file in e.record.files}):
        blobs.touch(digest)
    rows = [
        {"kid": entry.kid, "role": file.role.value,
         **file.model_dump(include={"name", "sha256", "size", "media_type"})}
        for entry in entries for file in entry.record.files
    ]  # fmt: skip
    if rows:
        session.execute(insert(PublishedFileRow), rows)
