"""Everything in a store as files that people can read, and back.

::

    collections/<id>.json            streams/<id>.json
    collections/<id>/history.json    streams/<id>/history.json
    collections/<id>/withdrawn.txt   streams/<id>/withdrawn.txt    the reason, if it was withdrawn
    resources/<id>/<version>/record.json    (<version> <kid>/ for another one of that version)
    resources/<id>/<version>/history.json     every change: when, by whom, what differed
    resources/<id>/<version>/files/<name>
    resources/<id>/<version>/withdrawn.txt    the reason, if it was withdrawn

Tokens are in no export, nor are files that no record names any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, select

from vopub.errors import FileError
from vopub.files import CHUNK, cannot, make_new, replacing, write_text
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, KM3ResourceStream
from vopub.odc import claims
from vopub.odc.answers import Change, ChangeKind
from vopub.odc.backup import Contents, IncompleteError
from vopub.odc.changes import Past, Subject, changes_of, goes_on, of_resource
from vopub.odc.database import database_of
from vopub.odc.faults import RefusedError
from vopub.odc.groupings import Kind, subject_of, table_of
from vopub.odc.keeping import Verdict, compare, take
from vopub.odc.schema import GroupingRow, KeptRow, PublishedFileRow, ResourceRow, StreamRow
from vopub.odc.search import version_key
from vopub.odc.store import Store

RECORD = "record.json"
HISTORY = "history.json"
WITHDRAWN = "withdrawn.txt"
LARGEST = 1 << 50
WHO = "import"
"""Who changes what the store had otherwise."""
GROUPINGS: tuple[Kind, ...] = (KM3ResourceStream, KM3ResourceCollection)

Record = TypeVar("Record", bound=BaseModel)


class Told(BaseModel):
    """What ``history.json`` says, beside whose it is."""

    number: int = 0
    """Counts resources as they were registered first; 0 for streams and collections."""
    written: datetime | None = None
    """When it changed last; None in exports of the first vopub."""
    withdrawn: datetime | None = None
    """When it was withdrawn."""
    changes: tuple[Change, ...] = ()


class Fate(Enum):
    """What an import does with what it finds in the store."""

    BRING = auto()
    """There is none, or an earlier state of it: it becomes what it was where it comes from."""
    LEAVE = auto()
    """It is the same."""
    KEEP = auto()
    """It went on here after it was exported."""
    CHANGE = auto()
    """It is another one: the import makes a change, and that is noted."""


# -- out ---------------------------------------------------------------------------------------


def export(directory: Path, database: str, target: Path) -> dict[str, int]:
    """Write everything in a store, which may be in use, into a directory that is made.

    Returns
    -------
    dict
        How many resources, files, streams and collections were written.

    Raises
    ------
    IncompleteError
        If files that records name are missing or damaged in the store; all else was written.
    FileError
        If it cannot be written, or exists.
    """
    make_new(target)
    engine = database_of(directory, database)
    counts = {"resources": 0, "files": 0, "streams": 0, "collections": 0}
    lacking: dict[str, Verdict] = {}
    with engine.connect() as connection, connection.begin():
        for kind in GROUPINGS:
            name = table_of(kind).__tablename__
            counts[name] = _export_groupings(connection, kind, target / name)
        columns = (
            ResourceRow.kid, ResourceRow.number, ResourceRow.record, ResourceRow.written,
            ResourceRow.withdrawn, ResourceRow.reason,
        )  # fmt: skip
        for row in connection.execute(select(*columns).order_by(ResourceRow.number)):
            place = _place(target, KM3OpenResource.model_validate_json(row.record))
            told = _told_of(
                connection, of_resource(row.number), row.written, row.withdrawn, row.number
            )
            _write_told(place, {"kid": row.kid}, told, row.reason)
            write_text(place / RECORD, row.record)
            written = _export_files(connection, row.kid, directory / "files", place / "files")
            counts["files"] += list(written.values()).count(Verdict.OK)
            lacking |= {name: what for name, what in written.items() if what is not Verdict.OK}
            counts["resources"] += 1
    engine.dispose()
    if lacking:
        hint = "all else is in it; send these files again, then export again"
        raise IncompleteError(Contents(counts, lacking), where=target, hint=hint)
    return counts


def _export_files(
    connection: Connection, kid: str, source: Path, target: Path
) -> dict[str, Verdict]:
    """Write those files of a resource that are whole; tell what is found of each ``kid/name``."""
    named = select(PublishedFileRow.name, PublishedFileRow.sha256)
    return {
        f"{kid}/{name}": take(source / digest[:2] / digest, partial(_write, target / name, digest))
        for name, digest in connection.execute(named.where(PublishedFileRow.kid == kid))
    }


def _write(path: Path, sha256: str, pieces: Iterator[bytes]) -> None:
    """Write a file, which is there only if it is whole."""

    def written(stream: IO[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            stream.write(piece)
            yield piece

    with replacing(path) as temporary, temporary.open("wb") as stream:
        compare(sha256, written(stream))


def _export_groupings(connection: Connection, kind: Kind, target: Path) -> int:
    """Write all streams or all collections; return how many these are."""
    table = table_of(kind)
    columns = (table.identifier, table.record, table.written, table.withdrawn, table.reason)
    rows = connection.execute(select(*columns)).all()
    for row in rows:
        subject = subject_of(kind, row.identifier)
        told = _told_of(connection, subject, row.written, row.withdrawn)
        write_text(target / f"{row.identifier}.json", row.record)
        whose = {subject.key["grouping"]: row.identifier}
        _write_told(target / row.identifier, whose, told, row.reason)
    return len(rows)


def _told_of(
    connection: Connection, subject: Subject, written: datetime, withdrawn: datetime | None,
    number: int = 0,
) -> Told:  # fmt: skip
    return Told(
        number=number, written=written.replace(tzinfo=UTC),
        withdrawn=None if withdrawn is None else withdrawn.replace(tzinfo=UTC),
        changes=changes_of(connection, subject),
    )  # fmt: skip


def _write_told(place: Path, whose: dict[str, str], told: Told, reason: str) -> None:
    left_out = set() if told.number else {"number"}
    said = whose | told.model_dump(mode="json", exclude=left_out)
    write_text(place / HISTORY, json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    if told.withdrawn is not None:
        write_text(place / WITHDRAWN, reason)


def _place(target: Path, record: KM3OpenResource) -> Path:
    """Return the directory of a record; stores of earlier times may have two of one version."""
    place = target / "resources" / record.identifier / record.publication.version
    return place.with_name(f"{place.name} {record.kid}") if place.exists() else place


# -- and back ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Exported:
    """A resource in an export."""

    place: Path
    number: int
    kid: str
    identifier: str
    version: str


def import_into(store: Store, source: Path) -> dict[str, int]:
    """Write everything that ``export`` wrote into a store.

    What is not there comes with all that was noted of it, and so does what went on where it comes
    from. What went on here stays as it is. What is another one is changed, and that is noted.

    Returns
    -------
    dict
        How many there were of each, and how many were ``kept`` because they went on here.

    Raises
    ------
    FileError
        If a file cannot be read or is not what it should be, or a resource breaks a rule; or, and
        then nothing is written, if the store has a version of a resource under another ``kid``.
    """
    found = sorted(_found(source), key=lambda each: (each.number, each.place))
    is_new = _check_versions(store, found)
    counts = {"resources": len(found), "files": 0, "streams": 0, "collections": 0, "kept": 0}
    for kind in GROUPINGS:
        name = table_of(kind).__tablename__
        for path in sorted((source / name).glob("*.json")):
            with _naming(path):
                counts["kept"] += _import_grouping(store, kind, path, is_new=is_new)
            counts[name] += 1
    for each in found:
        with _naming(each.place):
            files, kept = _import_resource(store, each.place, is_new=is_new)
        counts["files"] += files
        counts["kept"] += kept
    return counts


def _found(source: Path) -> Iterator[_Exported]:
    for path in sorted((source / "resources").glob(f"*/*/{RECORD}")):
        record, place = _read(KM3OpenResource, path), path.parent
        yield _Exported(
            place, _read_told(place).number, str(record.kid), record.identifier,
            record.publication.version,
        )  # fmt: skip


def _check_versions(store: Store, found: Sequence[_Exported]) -> bool:
    """Look whether no version has another ``kid`` here; tell whether there is nothing here.

    Two of one version, which stores of earlier times may have, come as two.
    """
    ours = {each.kid for each in found}
    with store.reading() as session:
        is_new = session.scalar(select(ResourceRow.kid).limit(1)) is None
        holders = claims.holders_of(session, ours, (each.identifier for each in found))
    own = {holder.kid: (holder.identifier, holder.version_key) for holder in holders}
    taken = {version: kid for kid, version in own.items() if kid not in ours}
    for each in found:
        version = each.identifier, version_key(each.version)
        if version in taken and own.get(each.kid) != version:
            what = (
                f"has version {each.version} of {each.identifier!r} as {each.kid}, and the store "
                f"has it as {taken[version]}"
            )
            hint = (
                "nothing was imported; move this directory out of the export to keep what the "
                "store has, or import into an empty store"
            )
            raise FileError(what, where=each.place, hint=hint)
    return is_new


def _import_resource(store: Store, place: Path, *, is_new: bool) -> tuple[int, int]:
    """Write a resource; return how many files it has, and how many were kept as they are here."""
    record, text = _read_with_text(KM3OpenResource, place / RECORD)
    past = _past(place, is_new=is_new)
    for file in record.files:
        pieces = _pieces(place / "files" / file.name)
        store.put_file(record.kid, file.name, file.sha256, pieces, most=LARGEST)
    fate = _fate(store, ResourceRow, str(record.kid), text, past)
    if fate is Fate.BRING:
        store.bring_resource(record, text, past)
    elif fate is Fate.CHANGE:
        store.put_resource(record, who=WHO)
        if past.withdrawn is not None:
            store.withdraw(record.kid, past.reason, who=WHO)
    return len(record.files), fate is Fate.KEEP


def _import_grouping(store: Store, kind: Kind, path: Path, *, is_new: bool) -> bool:
    """Write a stream or a collection; tell whether it was kept as it is here."""
    record, text = _read_with_text(kind, path)
    past = _past(path.with_suffix(""), is_new=is_new)
    name = record.identifier
    fate = _fate(store, table_of(kind), name, text, past)
    if fate is Fate.BRING:
        store.groupings.bring(record, text, past)
    elif fate is Fate.CHANGE:
        store.groupings.put(record, who=WHO)
        if past.withdrawn is not None:
            store.groupings.withdraw(kind, name, past.reason, who=WHO)
    return fate is Fate.KEEP


def _fate(
    store: Store, table: type[ResourceRow | GroupingRow], key: str, text: str, past: Past
) -> Fate:  # fmt: skip
    """Tell what to do with a record, given in JSON with its past."""
    with store.reading() as session:
        kept: KeptRow | None = session.get(table, key)
        row = kept if isinstance(kept, ResourceRow | GroupingRow) else None
        changes = () if row is None else changes_of(session, _subject_of(row))
    if row is None or goes_on(past.changes, changes):
        return Fate.BRING
    if row.record == text and (row.withdrawn is None) == (past.withdrawn is None):
        return Fate.LEAVE
    return Fate.KEEP if goes_on(changes, past.changes) else Fate.CHANGE


def _subject_of(row: ResourceRow | GroupingRow) -> Subject:
    if isinstance(row, ResourceRow):
        return of_resource(row.number)
    kind = KM3ResourceStream if isinstance(row, StreamRow) else KM3ResourceCollection
    return subject_of(kind, row.identifier)


def _past(place: Path, *, is_new: bool) -> Past:
    """Read what became of something.

    Harvesters who come for what is new since their last visit would miss what comes into a store
    that they know with an earlier date: there, it was written today.
    """
    told, reason = _read_told(place), place / WITHDRAWN
    last = told.changes[-1].when if told.changes else None
    written = (told.written or last) if is_new else None
    if not reason.exists():
        return Past(told.changes, written)
    went = [change.when for change in told.changes if change.kind is ChangeKind.WITHDRAWN]
    when = told.withdrawn or (went[-1] if went else datetime.now(UTC))
    return Past(told.changes, written, when, _text(reason))


def _read_told(place: Path) -> Told:
    path = place / HISTORY
    return _read(Told, path) if path.exists() else Told()


def _read(kind: type[Record], path: Path) -> Record:
    return _read_with_text(kind, path)[0]


def _read_with_text(kind: type[Record], path: Path) -> tuple[Record, str]:
    """Return a record, and as it was written, unless somebody has laid it out anew since."""
    text = _text(path)
    try:
        record = kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise FileError(f"{place}: {first['msg']}", where=path, hint="export it again") from error
    return record, record.model_dump_json() if "\n" in text else text


def _text(path: Path) -> str:
    """Return a text as it is, also the ends of its lines."""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise cannot("read", path, error) from error
    except UnicodeDecodeError as error:
        raise FileError("is not UTF-8", where=path, hint="export it again") from error


@contextmanager
def _naming(place: Path) -> Iterator[None]:
    """Say of what the store refuses where it comes from."""
    try:
        yield
    except RefusedError as error:
        hint = "correct it, or export it again; then import again"
        first = f": {error.problems[0]}" if error.problems else ""
        raise FileError(f"{error.what}{first}", where=place, hint=error.hint or hint) from error


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while piece := stream.read(CHUNK):
                yield piece
    except OSError as error:
        raise cannot("read", path, error) from error
