"""Backup of a store while it is served, and restoring it, on whichever database.

A backup is a directory: ``store.json``, a file with one line per row for each table, as it was at
one moment, and the files by their digest. It can be restored by this version and by later ones.
``store.json`` says of each table how many rows it has and which SHA-256 its file, and how many
files there are, so that nothing can be missing or damaged without being noticed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, MetaData, Table, func, insert, select, text

from vopub.errors import FileError
from vopub.files import cannot, make_new, sha256_of, write_text
from vopub.odc.database import database_of, empty_database, writing
from vopub.odc.ownership import own
from vopub.odc.schema import Base

MANIFEST = "store.json"
DERIVED = {"tallies", "sky", "facts"}
"""Tables that are made anew from the others."""
AT_ONCE = 1000


def back_up(directory: Path, database: str, target: Path) -> dict[str, int]:
    """Write a backup of a store, which may be in use.

    Parameters
    ----------
    directory, database
        The store, as ``Store`` has them.
    target
        A directory that is made.

    Returns
    -------
    dict
        Number of rows by table, and of ``files``.

    Raises
    ------
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
    # What the rows name was there before them, and stays.
    counts["files"] = _copy(directory / "files", target / "files", _digests(target))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    content = {
        "revision": revision, "made": made, "counts": counts,
        "sha256": {table.name: sha256_of(_file(target, table.name)) for table in _tables()},
    }  # fmt: skip
    write_text(target / MANIFEST, json.dumps(content, indent=2) + "\n")  # last: now it is whole
    return counts


def restore(source: Path, directory: Path, database: str) -> dict[str, int]:
    """Make a store of a backup; returns what ``back_up`` does.

    Raises
    ------
    BusyError
        If the directory is served.
    UsageError
        If there is a store already.
    FileError
        If the backup is not whole, or was made by a newer vopub.
    """
    manifest = _read_manifest(source)
    _check_tables(source, manifest)
    lock = own(directory)
    try:
        files = _copy(source / "files", directory / "files", _digests(source))
        if files != manifest.counts["files"]:
            what = f"only {files} of {manifest.counts['files']} files are whole"
            raise FileError(what, where=source / "files", hint="take another backup")
        engine = empty_database(directory, database, manifest.revision)
        with writing(engine).begin() as connection:
            loaded = dict(_load_all(connection, source))
            for name, count in manifest.counts.items():
                if name != "files" and loaded.get(name) != count:
                    raise _damaged(_file(source, name))
        engine.dispose()
    finally:
        os.close(lock)
    return manifest.counts


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What ``store.json`` says."""

    revision: str
    """Of the schema."""
    counts: dict[str, int]
    """Rows by table, and ``files``."""
    sha256: dict[str, str] | None
    """Of the file of each table; None in backups of the first vopub."""


def _check_tables(source: Path, manifest: _Manifest) -> None:
    """Look whether the file of every table is there, byte for byte, before anything is made."""
    for name in sorted(manifest.counts.keys() - {"files"}):
        path = _file(source, name)
        if not path.is_file():
            raise _damaged(path)
        if manifest.sha256 is not None and manifest.sha256.get(name) != sha256_of(path):
            raise _damaged(path)


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


def _copy(source: Path, target: Path, digests: set[str]) -> int:
    """Copy files by their digest, checked; one that is damaged already is left out."""
    count = 0
    for digest in sorted(digests):
        here, there = source / digest[:2] / digest, target / digest[:2] / digest
        if not here.is_file() or sha256_of(here) != digest:
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(here, there)
        except OSError as error:
            raise cannot("write", there, error) from error
        count += 1
    return count


def _read_manifest(source: Path) -> _Manifest:
    path = source / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        counts = {str(name): int(number) for name, number in content["counts"].items()}
        if not {"resources", "uploads", "files"} <= counts.keys():
            raise _damaged(path)
        return _Manifest(str(content["revision"]), counts, content.get("sha256"))
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
