"""Looking after the files of a store: whether all are whole, and which are not needed any more."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from time import time
from typing import IO

from sqlalchemy import Connection, Engine, delete, exists, select
from sqlalchemy.exc import SQLAlchemyError

from vopub.errors import VopubError
from vopub.files import CHUNK
from vopub.model.resource import RemoteFile
from vopub.odc.blobs import aside
from vopub.odc.database import database_of, writing
from vopub.odc.faults import RefusedError
from vopub.odc.schema import PublishedFileRow, ResourceRow, UploadRow
from vopub.public_web import NotPublicError, PublicWeb, SilentError

DAY = 86400.0
EVERY = 3600.0
"""Seconds between two looks for files that are not needed any more, while the service runs."""

log = logging.getLogger("vopub.odc")


class Verdict(StrEnum):
    """What is found about a file."""

    OK = "ok"
    MISMATCH = "mismatch"
    """Its bytes are not those of its digest."""
    UNREADABLE = "unreadable"
    """The disk, or whoever has the right to it, does not give its bytes."""
    UNKNOWN = "unknown"
    """It lies among the files, and no record or upload knows it."""
    MISSING = "missing"
    """A record names it, and it is not there."""
    ELSEWHERE = "elsewhere"
    """A record points at it on another server; only that is known, or that it answers there."""
    SILENT = "silent"
    """A record points at it on another server, where it cannot be had."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about a file."""

    name: str
    """``kid/name`` of what a record names, else the digest."""
    verdict: Verdict


def examine(directory: Path, database: str, web: PublicWeb | None = None) -> list[Finding]:
    """Read every file of a store, which may be in use, and tell what is found.

    Files that records name come first; then those on disk that none names, unless they are well;
    then those on other servers, which are asked whether they are there, but not read.

    Parameters
    ----------
    directory, database
        The store, as ``Store`` has it.
    web
        Asks the other servers; None if they are to be left alone.
    """
    engine = database_of(directory, database)
    files = directory / "files"
    found: dict[str, Verdict] = {}
    with engine.connect() as connection:
        named = connection.execute(
            select(PublishedFileRow.kid, PublishedFileRow.name, PublishedFileRow.sha256).order_by(
                PublishedFileRow.kid, PublishedFileRow.name
            )
        ).all()
        uploaded = set(connection.scalars(select(UploadRow.sha256)))
        remote = list(_pointed_at(connection))
    engine.dispose()
    findings = []
    for row in named:
        if row.sha256 not in found:
            found[row.sha256] = _verdict(files / row.sha256[:2] / row.sha256)
        findings.append(Finding(f"{row.kid}/{row.name}", found[row.sha256]))
    there = [Finding(name, _verdict_elsewhere(file, web)) for name, file in remote]
    return [*findings, *_others(files, set(found), uploaded), *there]


def _pointed_at(connection: Connection) -> Iterator[tuple[str, RemoteFile]]:
    """Yield the files on other servers that records point at, with ``kid/name``."""
    present = ResourceRow.withdrawn.is_(None) & ResourceRow.record.contains('"elsewhere":[')
    chosen = select(ResourceRow.kid, ResourceRow.record).where(present).order_by(ResourceRow.kid)
    for row in connection.execute(chosen):
        for content in json.loads(row.record).get("elsewhere", ()):
            file = RemoteFile.model_validate(content)
            yield f"{row.kid}/{file.name}", file


def _verdict_elsewhere(file: RemoteFile, web: PublicWeb | None) -> Verdict:
    if web is None:
        return Verdict.ELSEWHERE
    try:
        answer = web.ask(file.url)
    except (NotPublicError, SilentError):
        return Verdict.SILENT
    if answer.status >= 400:
        return Verdict.SILENT
    same = answer.size is None or file.size is None or answer.size == file.size
    return Verdict.ELSEWHERE if same else Verdict.MISMATCH


def collect(directory: Path, database: str, *, days: float = 1.0) -> list[str]:
    """Remove files that no record has named for so many days.

    The store may be in use: what was uploaded lately waits for its record, and who began to read
    a record before it was replaced still gets its files. A backup that takes longer lacks what was
    removed, and says so.

    Parameters
    ----------
    directory, database
        The store, as ``Store`` has it.
    days
        Counted from when a file came, or the last record ceased to name it.

    Returns
    -------
    list
        The digests of the files that were removed.
    """
    engine = database_of(directory, database)
    try:
        return _collect(engine, directory / "files", time() - days * DAY)
    finally:
        engine.dispose()


def _collect(engine: Engine, files: Path, oldest: float) -> list[str]:
    with engine.connect() as connection:
        named = set(connection.scalars(select(PublishedFileRow.sha256)))
    # Looked for before others are locked out, and looked at again then.
    old = [p for p in _on_disk(files) if p.name not in named and _is_old(p, oldest)]
    removed = []
    for path in old:
        with writing(engine).begin() as connection:
            same = PublishedFileRow.sha256 == path.name
            if connection.scalar(select(exists().where(same))) or not _is_old(path, oldest):
                continue
            if _remove(path, oldest):
                connection.execute(delete(UploadRow).where(UploadRow.sha256 == path.name))
                removed.append(path.name)
    return removed


def _is_old(path: Path, oldest: float) -> bool:
    """Tell whether a file is there, and came by then."""
    return path.is_file() and path.stat().st_mtime <= oldest


async def keep_tidy(directory: Path, database: str) -> None:
    """Collect now and then, as long as the task is not cancelled."""
    while True:
        await asyncio.sleep(EVERY)
        try:
            removed = await asyncio.to_thread(collect, directory, database)
        except (VopubError, SQLAlchemyError, OSError):
            log.exception("could not remove files that no record names any more")
        else:
            if removed:
                log.info("removed %d files that no record names any more", len(removed))


class UnreadableError(RefusedError):
    """The bytes of a file are not given."""


def take(path: Path, receive: Callable[[Iterator[bytes]], object]) -> Verdict:
    """Read a file that is called by its digest, and tell whether it is whole.

    A disk that fails takes this file only, and none of those that come after it.

    Parameters
    ----------
    path
        The file.
    receive
        Gets its bytes; raises RefusedError if they are not those of the digest.
    """
    try:
        stream = path.open("rb")  # from now on it may be removed from where it is
    except FileNotFoundError:
        return Verdict.MISSING
    except OSError:
        return Verdict.UNREADABLE
    with stream:
        try:
            receive(_pieces(stream))
        except UnreadableError:
            return Verdict.UNREADABLE
        except RefusedError:
            return Verdict.MISMATCH
    return Verdict.OK


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    try:
        while piece := stream.read(CHUNK):
            yield piece
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error


def compare(sha256: str, pieces: Iterator[bytes]) -> None:
    """Read bytes to their end; raises RefusedError if they have another digest."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    if found.hexdigest() != sha256:
        raise RefusedError(f"has SHA-256 {found.hexdigest()} instead of {sha256}")


def _verdict(path: Path) -> Verdict:
    return take(path, partial(compare, path.name))


def _others(files: Path, looked_at: set[str], uploaded: set[str]) -> Iterator[Finding]:
    for path in _on_disk(files):
        if path.name in looked_at:
            continue
        verdict = _verdict(path)
        if verdict in (Verdict.MISMATCH, Verdict.UNREADABLE):
            yield Finding(path.name, verdict)
        elif verdict is Verdict.OK and path.name not in uploaded:
            yield Finding(path.name, Verdict.UNKNOWN)


def _on_disk(files: Path) -> list[Path]:
    return sorted(path for path in files.glob("??/*") if not path.name.startswith("."))


def _remove(path: Path, oldest: float) -> bool:
    """Remove a file, unless the same bytes were uploaded in this moment."""
    gone = aside(path)
    path.rename(gone)
    if gone.stat().st_mtime > oldest:
        gone.rename(path)
        return False
    gone.unlink()
    return True
