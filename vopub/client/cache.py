"""What was fetched before: documents by their address, files by their checksum."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

from vopub.files import cannot, replacing


@dataclass(frozen=True, slots=True)
class Kept:
    """A document from the cache."""

    body: bytes
    etag: str
    fetched: str
    """When the server last said that it is right, UTC."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The first line of a kept document."""

    url: str
    etag: str
    fetched: str
    check: str
    """Length and CRC-32 of the document, so that one that was damaged is not taken for whole."""


class Cache:
    """A directory that anyone may delete at any time.

    Parameters
    ----------
    directory
        Made when something is kept.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, base: str, path: str, params: Mapping[str, str]) -> Kept | None:
        """Return a document; None if it is not kept, or what is kept is damaged.

        Raises
        ------
        FileError
            If it is there and cannot be read.
        """
        url = _url(base, path, params)
        place = self._place(url)
        try:
            first, _, body = place.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise cannot("read", place, error) from error
        head = _head(first)
        whole = head is not None and (head.url, head.check) == (url, _check(body))
        return Kept(body, head.etag, head.fetched) if head and whole else None

    def save(self, base: str, path: str, params: Mapping[str, str], body: bytes, etag: str) -> None:
        """Keep a document.

        Raises
        ------
        FileError
            If the disk is full or the place cannot be written.
        """
        url = _url(base, path, params)
        head = _Head(url, etag, datetime.now(UTC).isoformat(timespec="seconds"), _check(body))
        with replacing(self._place(url)) as temporary:
            temporary.write_bytes(json.dumps(asdict(head)).encode() + b"\n" + body)

    def file(self, sha256: str) -> Path:
        """Return where a file with this checksum is kept, or would be."""
        return self.directory / "files" / sha256[:2] / sha256

    def remote(self, kid: UUID, name: str, sha256: str | None) -> Path:
        """Return where a file of another server is kept, or would be: by its checksum if known."""
        return self.file(sha256) if sha256 else self.directory / "elsewhere" / str(kid) / name

    def _place(self, url: str) -> Path:
        return self.directory / "documents" / hashlib.sha256(url.encode()).hexdigest()


def _url(base: str, path: str, params: Mapping[str, str]) -> str:
    return f"{base}{path}?{urlencode(sorted(params.items()))}" if params else base + path


def _check(body: bytes) -> str:
    return f"{len(body)}-{zlib.crc32(body):08x}"


def _head(line: bytes) -> _Head | None:
    try:
        return _Head(**json.loads(line))
    except (ValueError, TypeError):
        return None
