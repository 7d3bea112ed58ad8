"""Everything in a store as files that people can read, and back.

::

    collections/<id>.json            streams/<id>.json
    collections/<id>/history.json    streams/<id>/history.json
    collections/<id>/withdrawn.txt   streams/<id>/withdrawn.txt    the reason, if it was withdrawn
    resources/<id>/<version>/record.json    (<version> <kid>/ for another one of that version)
    resources/<id>/<version>/history.json     every change: when, by whom, what differed
    resources/<id>/<version>/files/<name>
    resources/<id>/<version>/withdrawn.txt    the reason, if it was withdrawn
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import ColumnElement, Connection, select

from vopub.errors import FileError
from vopub.files import CHUNK, cannot, make_new, write_text
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, KM3ResourceStream
from vopub.odc.database import database_of
from vopub.odc.faults import GoneError, NotFoundError
from vopub.odc.groupings import Kind
from vopub.odc.schema import (
    ChangeRow,
    CollectionRow,
    GroupingChangeRow,
    GroupingRow,
    PublishedFileRow,
    ResourceRow,
    StreamRow,
)
from vopub.odc.store import Store

RECORD = "record.json"
HISTORY = "history.json"
"""For people; a store that the record is brought into begins its own."""
WITHDRAWN = "withdrawn.txt"
LARGEST = 1 << 50

Record = TypeVar("Record", bound=BaseModel)


def export(directory: Path, database: str, target: Path) -> dict[str, int]:
    """Write everything in a store, which may be in use, into a directory that is made.

    Returns
    -------
    dict
        How many resources, files, streams and collections were written.

    Raises
    ------
    FileError
        If it cannot be written, or exists.
    """
    make_new(target)
    engine = database_of(directory, database)
    counts = {"resources": 0, "files": 0, "streams": 0, "collections": 0}
    with engine.connect() as connection, connection.begin():
        for table in (StreamRow, CollectionRow):
            counts[table.__tablename__] = _export_groupings(connection, table, target)
        columns = (
            ResourceRow.kid, ResourceRow.record, ResourceRow.withdrawn, ResourceRow.reason
        )  # fmt: skip
        for row in connection.execute(select(*columns).order_by(ResourceRow.number)):
            place = _place(target, KM3OpenResource.model_validate_json(row.record))
            write_text(place / RECORD, row.record)
            write_text(place / HISTORY, _history(connection, "kid", row.kid))
            if row.withdrawn is not None:
                write_text(place / WITHDRAWN, row.reason)
            named = select(PublishedFileRow.name, PublishedFileRow.sha256)
            for name, digest in connection.execute(named.where(PublishedFileRow.kid == row.kid)):
                _copy(directory / "files" / digest[:2] / digest, place / "files" / name)
                counts["files"] += 1
            counts["resources"] += 1
    engine.dispose()
    return counts


def import_into(store: Store, source: Path) -> dict[str, int]:
    """Write everything that ``export`` wrote into a store; what is there already stays as it is.

    Raises
    ------
    FileError
        If a file cannot be read, or is not what it should be.
    RefusedError
        If a file of a resource is missing, or has other bytes than its record says.
    """
    counts = {"resources": 0, "files": 0, "streams": 0, "collections": 0}
    counts["streams"] = _import_groupings(store, source / "streams", KM3ResourceStream)
    counts["collections"] = _import_groupings(store, source / "collections", KM3ResourceCollection)
    for path in sorted((source / "resources").glob(f"*/*/{RECORD}")):
        counts["files"] += _import_one(store, path)
        counts["resources"] += 1
    return counts


def _import_one(store: Store, path: Path) -> int:
    """Write one resource with its files; return how many these are."""
    record = _read(KM3OpenResource, path)
    for file in record.files:
        pieces = _pieces(path.parent / "files" / file.name)
        store.put_file(record.kid, file.name, file.sha256, pieces, most=LARGEST)
    reason = path.parent / WITHDRAWN
    if not reason.exists():
        store.put_resource(record, who="import")
    elif not _is_gone(store, record):
        store.put_resource(record, who="import")
        store.withdraw(record.kid, reason.read_text(encoding="utf-8"), who="import")
    return len(record.files)


def _import_groupings(store: Store, source: Path, kind: Kind) -> int:
    """Write all streams or all collections; return how many these are."""
    paths = sorted(source.glob("*.json"))
    for path in paths:
        record = _read(kind, path)
        reason = path.with_suffix("") / WITHDRAWN
        standing = store.groupings.standing(kind, record.identifier)
        if reason.exists() and standing.tombstone is not None:
            continue
        store.groupings.put(record, who="import")
        if reason.exists():
            text = reason.read_text(encoding="utf-8")
            store.groupings.withdraw(kind, record.identifier, text, who="import")
    return len(paths)


def _is_gone(store: Store, record: KM3OpenResource) -> bool:
    try:
        store.get_resource_json(record.kid)
    except GoneError:
        return True
    except NotFoundError:
        return False
    return False


def _export_groupings(connection: Connection, table: type[GroupingRow], target: Path) -> int:
    """Write all streams or all collections; return how many these are."""
    columns = (table.identifier, table.record, table.withdrawn, table.reason)
    rows = connection.execute(select(*columns)).all()
    for row in rows:
        place = target / table.__tablename__ / row.identifier
        write_text(place.with_name(f"{row.identifier}.json"), row.record)
        history = _history(connection, table.__tablename__[:-1], row.identifier)
        write_text(place / HISTORY, history)
        if row.withdrawn is not None:
            write_text(place / WITHDRAWN, row.reason)
    return len(rows)


def _history(connection: Connection, what: str, name: str) -> str:
    """Return the changes of a resource by its ``kid``, or of a stream or a collection."""
    table = ChangeRow if what == "kid" else GroupingChangeRow
    columns = (table.kind, table.moment, table.who, table.reason, table.differences)
    of_it: list[ColumnElement[bool]] = [ChangeRow.kid == name]
    if what != "kid":
        of_it = [GroupingChangeRow.grouping == what, GroupingChangeRow.identifier == name]
    chosen = select(*columns).where(*of_it).order_by(table.number)
    changes = [
        {"kind": row.kind, "when": f"{row.moment.isoformat()}Z", "who": row.who,
         "reason": row.reason, "differences": json.loads(row.differences)}
        for row in connection.execute(chosen)
    ]  # fmt: skip
    return json.dumps({what: name, "changes": changes}, indent=1, ensure_ascii=False) + "\n"


def _place(target: Path, record: KM3OpenResource) -> Path:
    """Return the directory of a record; stores of earlier times may have two of one version."""
    place = target / "resources" / record.identifier / record.publication.version
    return place.with_name(f"{place.name} {record.kid}") if place.exists() else place


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise cannot("copy", source, error) from error


def _read(kind: type[Record], path: Path) -> Record:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise cannot("read", path, error) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise FileError(f"{place}: {first['msg']}", where=path, hint="export it again") from error


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while piece := stream.read(CHUNK):
                yield piece
    except OSError as error:
        raise cannot("read", path, error) from error
