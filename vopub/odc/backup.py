"""Backup of a store while it is served, and restoring it, on whichever database.

A backup is a directory: ``store.json``, a file with one line per row for each table, as it was at
one moment, and the files by their digest. It can be restored by this version and by later ones.
``store.json`` says of each table how many rows it has and which SHA-256 its file, how many files
there are, and which the store itself lacked, so that nothing can be missing or damaged without
being noticed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, MetaData, Table, func, insert, select, text

from vopub.errors import FileError
from vopub.files import cannot, make_new, sha256_of, write_text
from vopub.odc.blobs import Blobs
from vopub.odc.database import database_of, empty_database, writing
from vopub.odc.keeping import Verdict, take
from vopub.odc.ownership import own
from vopub.odc.schema import Base

MANIFEST = "store.json"
DERIVED = {"tallies", "totals", "sky", "facts"}
"""Tables that are made anew from the others."""
AT_ONCE = 1000
NAMED = 10
"""Most files that a message names."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What was written into a backup or an export, or restored from one."""

    counts: dict[str, int]
    """Number of rows by table, and of ``files``."""
    lacking: dict[str, Verdict] = field(default_factory=dict)
    """Files that records name and that are not in it, as ``kid/name``: missing or damaged ones."""


class IncompleteError(FileError):
    """A backup or an export without files that records name; ``contents`` names all of them.

    The exit code is that of ``vopub odc verify``: 10 if one is damaged or unreadable, else 12.
    """

    def __init__(self, contents: Contents, *, where: Path, hint: str) -> None:
        self.contents = contents
        names = [f"{name} ({verdict.value})" for name, verdict in contents.lacking.items()]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        noun = "file" if len(names) == 1 else "files"
        what = f"lacks {len(names)} {noun} that records name: {', '.join(names[:NAMED])}{more}"
        super().__init__(what, where=where, hint=hint)
        only_missing = set(contents.lacking.values()) <= {Verdict.MISSING}
        self.exit_code = 12 if only_missing else 10


def back_up(directory: Path, database: str, target: Path) -> Contents:
    """Write a backup of a store, which may be in use.

    Parameters
    ----------
    directory, database
        The store, as ``Store`` has them.
    target
        A directory that is made.

    Raises
    ------
    IncompleteError
        If files that records name are missing or damaged in the store; all else was written.
    FileError
        If it cannot be written, or exists.
    """
    make_new(target)
    engine = database_of(directory, database)
    counts = {}
    with engine.connect() as connection, connection.begin():
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        for table in _tables():
            counts[table.name] = _dump(connection, table, _file(target, table.name))
    engine.dispose()
    # What the rows name was there before them, and stays for a day.
    counts["files"], wrong = _copy(directory / "files", target / "files", _digests(target))
    lacking = _named(target, wrong)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    content = {
        "revision": revision, "made": made, "counts": counts, "lacking": lacking,
        "sha256": {table.name: sha256_of(_file(target, table.name)) for table in _tables()},
    }  # fmt: skip
    write_text(target / MANIFEST, json.dumps(content, indent=2) + "\n")  # last: now it is written
    if lacking:
        hint = "all else is in it; send these files again, then take another backup"
        raise IncompleteError(Contents(counts, lacking), where=target, hint=hint)
    return Contents(counts)


def restore(source: Path, directory: Path, database: str, *, incomplete: bool = False) -> Contents:
    """Make a store of a backup.

    Parameters
    ----------
    source
        The backup.
    directory, database
        The store, as ``Store`` has them.
    incomplete
        Go on without the files that are missing or damaged in the backup.

    Raises
    ------
    BusyError
        If the directory is served.
    UsageError
        If there is a store already.
    IncompleteError
        If files that records name are missing or damaged in the backup, and it is not to go on.
    FileError
        If the backup is not whole otherwise, or was made by a newer vopub.
    """
    manifest = _read_manifest(source)
    _check_tables(source, manifest)
    owned = own(directory)
    try:
        files, wrong = _copy(source / "files", directory / "files", _digests(source))
        lacking = {
            name: manifest.lacking.get(name, verdict)
            for name, verdict in _named(source, wrong).items()
        }
        contents = Contents({**manifest.counts, "files": files}, lacking)
        if not incomplete:
            _check_files(source, contents, manifest)
        engine = empty_database(directory, database, manifest.revision)
        with writing(engine).begin() as connection:
            loaded = dict(_load_all(connection, source))
            for name, count in manifest.counts.items():
                if name != "files" and loaded.get(name) != count:
                    raise _damaged(_file(source, name))
        engine.dispose()
    finally:
        owned.close()
    return contents


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What ``store.json`` says."""

    revision: str
    """Of the schema."""
    counts: dict[str, int]
    """Rows by table, and ``files``."""
    sha256: dict[str, str] | None
    """Of the file of each table; None in backups of the first vopub."""
    lacking: dict[str, Verdict]
    """As ``Contents`` has it; backups of earlier times do not say."""


def _check_tables(source: Path, manifest: _Manifest) -> None:
    """Look whether the file of every table is there, byte for byte, before anything is made."""
    for name in sorted(manifest.counts.keys() - {"files"}):
        path = _file(source, name)
        if not path.is_file():
            raise _damaged(path)
        if manifest.sha256 is not None and manifest.sha256.get(name) != sha256_of(path):
            raise _damaged(path)


def _check_files(source: Path, contents: Contents, manifest: _Manifest) -> None:
    """Look whether every file was there."""
    hint = "take another backup, or go on without them: --incomplete"
    if contents.lacking:
        raise IncompleteError(contents, where=source, hint=hint)
    files, said = contents.counts["files"], manifest.counts["files"]
    if files < said:
        what = f"only {files} of {said} files are whole; no record names the others"
        raise FileError(what, where=source / "files", hint=hint)


def _file(backup: Path, table: str) -> Path:
    return backup / f"{table}.jsonl"


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in DERIVED]


def _dump(connection: Connection, table: Table, path: Path) -> int:
    count = 0
    key = list(table.primary_key.columns)
    rows = connection.execution_options(yield_per=AT_ONCE).execute(select(table).order_by(*key))
    try:
        with path.open("w", encoding="utf-8") as stream:
            for row in rows.mappings():
                stream.write(json.dumps(dict(row), default=datetime.isoformat) + "\n")
                count += 1
    except OSError as error:
        raise cannot("write", path, error) from error
    return count


def _digests(backup: Path) -> set[str]:
    return {row["sha256"] for row in _rows(backup / "uploads.jsonl")}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line)
    except OSError as error:
        raise cannot("read", path, error) from error
    except ValueError as error:
        raise _damaged(path) from error


def _named(backup: Path, wrong: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Return what is wrong with files that records name, by ``kid/name``."""
    return {
        f"{row['kid']}/{row['name']}": wrong[row["sha256"]]
        for row in (_rows(backup / "published_files.jsonl") if wrong else ())
        if row["sha256"] in wrong
    }


def _copy(source: Path, target: Path, digests: set[str]) -> tuple[int, dict[str, Verdict]]:
    """Copy files by their digest; return how many, and what is wrong with the others."""
    blobs = Blobs(target)
    wrong: dict[str, Verdict] = {}
    for digest in sorted(digests):
        verdict = _copy_one(source / digest[:2] / digest, blobs)
        if verdict is not Verdict.OK:
            wrong[digest] = verdict
    return len(digests) - len(wrong), wrong


def _copy_one(source: Path, blobs: Blobs) -> Verdict:
    """Copy a file that is called by its digest, if it is whole."""
    return take(source, partial(blobs.receive, source.name, most=sys.maxsize))


def _read_manifest(source: Path) -> _Manifest:
    path = source / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        counts = {str(name): int(number) for name, number in content["counts"].items()}
        if not {"resources", "uploads", "published_files", "files"} <= counts.keys():
            raise _damaged(path)
        lacking = {name: Verdict(said) for name, said in content.get("lacking", {}).items()}
        return _Manifest(str(content["revision"]), counts, content.get("sha256"), lacking)
    except OSError as error:
        raise cannot("read", path, error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> FileError:
    return FileError("is no part of a whole backup", where=path, hint="take another backup")


def _load_all(connection: Connection, source: Path) -> Iterator[tuple[str, int]]:
    known = MetaData()
    known.reflect(connection)
    for table in known.sorted_tables:
        path = _file(source, table.name)
        if path.exists():
            yield table.name, _load(connection, table, path)
    if connection.dialect.name == "postgresql":
        for table in known.sorted_tables:
            _go_on_counting(connection, table)


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that were loaded, where it numbers them."""
    for column in table.primary_key.columns:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        if connection.scalar(select(sequence)) is not None:
            last = connection.scalar(select(func.max(column)))
            connection.execute(select(func.setval(sequence, (last or 0) + 1, False)))


def _load(connection: Connection, table: Table, path: Path) -> int:
    times = [column.name for column in table.columns if isinstance(column.type, DateTime)]
    count, waiting = 0, []
    for row in _rows(path):
        for name in times:
            row[name] = row[name] and datetime.fromisoformat(row[name])
        waiting.append(row)
        count += 1
        if len(waiting) == AT_ONCE:
            connection.execute(insert(table), waiting)
            waiting = []
    if waiting:
        connection.execute(insert(table), waiting)
    return count
