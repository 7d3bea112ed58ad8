"""What one input file gave: a part of the table on disk, and what is said about it beside it.

``<key>.arrow`` holds the rows as a stream of Arrow, ``<key>.json`` what is known of them. The
second appears last: where it is, the part is whole. The key is a digest of the bytes of the input,
of the recipe and of the version of vopub, so a part can be taken again whenever all three are the
same, whatever the file is called. ``*.seen`` hold digests of inputs that did not change since.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_jsonable_python

from vopub import __version__
from vopub.errors import FileError
from vopub.events.readers.base import FileHeader
from vopub.events.recipe import Recipe
from vopub.events.rows import schema_of, table_of_batch
from vopub.files import Settling, cannot, digest_of, replacing, write_text
from vopub.model.data_taking import RunCount
from vopub.model.duplicates import Duplicates
from vopub.model.event_table import Column, EventAccount, EventTable
from vopub.model.parameter import Parameter
from vopub.model.resource import SHA256_PATTERN

IN_THE_FUTURE = "future"
"""With this word in the reason why an event is malformed, it may not be some day."""
SETTLED = 2 * 10**9
"""How long in ns a file must not have changed for its time stamp to tell later changes: longer
than the clock of any file system takes for a step."""

_REMOVE = "remove that directory and run again"


class Part(BaseModel):
    """What is known about the rows that one file gave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """Digest of what it was made from; names its files."""
    sha256: str
    """Of the input's bytes."""
    header: FileHeader
    account: EventAccount
    runs: tuple[tuple[int, int], ...]
    """Detectors and runs of the rows: only parts that share one can share events."""
    counts: tuple[RunCount, ...] = ()
    """How many events of each run were read and kept, if the layout says their run."""
    repeats: bool
    """Whether two rows may have one identifier; if not, all differ."""
    first: int | None
    """Time of the earliest row in nanoseconds since 1970, as far as times are known."""
    last: int | None
    """Time of the latest."""
    now: int
    """The present when it was made, in nanoseconds since 1970."""
    size: int
    """Bytes of the rows' file."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.account.kept

    def holds_at(self, now: int) -> bool:
        """Tell whether it would be the same if it were made at another time.

        Only what lies in the future depends on the present, and becomes the past.
        """
        future = any(IN_THE_FUTURE in entry.reason for entry in self.account.malformed)
        return now == self.now or (now > self.now and not future)


def part_key(sha256: str, recipe: Recipe, record: str = "") -> str:
    """Return the digest of what a part is made from.

    Parameters
    ----------
    sha256
        Of the input's bytes.
    recipe
        What is made of it.
    record
        Digest of the record of its making that lies beside it, if there is one.
    """
    content = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    # The names of inputs make no difference to what one of them gives, nor do other inputs.
    same = {"inputs": (), "duplicates": Duplicates.ERROR}
    content["section"] = recipe.section.model_copy(update=same)
    return digest_of([sha256, record, __version__, to_jsonable_python(content)])


class PartWriter:
    """Takes the rows of one part, chunk by chunk."""

    def __init__(self, stream: Any, settling: Settling) -> None:
        self._stream = stream
        self._settling = settling

    def append(self, table: EventTable) -> None:
        """Write rows."""
        if len(table):
            self._stream.write_batch(table.arrow)
            self._settling.note(table.arrow.nbytes)


class Parts:
    """The parts in a directory.

    Parameters
    ----------
    directory
        Made if it is not there; processes that share it may be on several machines.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def find(self, key: str, *, now: int) -> Part | None:
        """Return a part that is there and whole, as it would be made at that time."""
        try:
            part = Part.model_validate_json(self._about(key).read_bytes())
            whole = self._rows(key).stat().st_size == part.size
        except (OSError, ValidationError):
            return None  # whatever is missing or cannot be understood is made again
        return part if whole and part.holds_at(now) else None

    @contextmanager
    def writing(self, key: str, parameters: Sequence[Parameter]) -> Iterator[PartWriter]:
        """Give a writer of a part's rows; they are there once the block is left without an error.

        Raises
        ------
        FileError
            If the disk is full or the place cannot be written.
        """
        with (
            replacing(self._rows(key)) as temporary,
            temporary.open("wb") as sink,
            Settling(sink) as settling,
            pa.ipc.new_stream(sink, schema_of(parameters)) as stream,
        ):
            yield PartWriter(stream, settling)

    def finish(self, key: str, about: Callable[[int], Part]) -> Part:
        """Write what is known of rows that were written; it is told how many bytes they take."""
        part = about(self._rows(key).stat().st_size)
        write_text(self._about(key), part.model_dump_json() + "\n")
        return part

    def tables(self, part: Part, parameters: Sequence[Parameter]) -> Iterator[EventTable]:
        """Yield the rows in the chunks in which they were written.

        Raises
        ------
        FileError
            If they cannot be read.
        """
        for batch in self._batches(part):
            yield table_of_batch(parameters, batch)

    def identifiers(self, part: Part) -> Iterator[Column]:
        """Yield the column ``event_id`` in chunks.

        Raises
        ------
        FileError
            If it cannot be read.
        """
        for batch in self._batches(part):
            yield batch.column("event_id").to_numpy(zero_copy_only=False)

    def known_digest(self, path: Path) -> str | None:
        """Return the SHA-256 of an input that did not change since it was computed, or None.

        Path, size, inode and both times of change to the nanosecond tell whether it did.
        """
        try:
            digest = self._seen(path).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None
        return digest if re.fullmatch(SHA256_PATTERN, digest) else None

    def remember_digest(self, path: Path, sha256: str) -> None:
        """Remember the SHA-256 of an input, if a later change of it would show in its times."""
        state = path.stat()
        if time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) > SETTLED:
            write_text(self._seen(path), sha256)

    def keep_only(self, parts: Sequence[Part]) -> None:
        """Remove every other part, what is left of killed writers, and digests of other inputs."""
        names = {f"{part.key}{suffix}" for part in parts for suffix in (".arrow", ".json")}
        digests = {part.sha256 for part in parts}
        for path in self.directory.iterdir():
            seen = path.suffix == ".seen"
            kept = path.read_text(encoding="ascii") in digests if seen else path.name in names
            if not kept:
                path.unlink(missing_ok=True)

    def _batches(self, part: Part) -> Iterator[Any]:
        path = self._rows(part.key)
        try:
            # Not mapped into memory, so that a large part does not count as memory in use.
            with pa.OSFile(str(path)) as source, pa.ipc.open_stream(source) as stream:
                yield from stream
        except pa.ArrowInvalid as error:
            raise FileError(f"is damaged ({error})", where=path, hint=_REMOVE) from error
        except OSError as error:
            raise cannot("read", path, error) from error

    def _rows(self, key: str) -> Path:
        return self.directory / f"{key}.arrow"

    def _about(self, key: str) -> Path:
        return self.directory / f"{key}.json"

    def _seen(self, path: Path) -> Path:
        state = path.stat()
        changed = [state.st_size, state.st_ino, state.st_mtime_ns, state.st_ctime_ns]
        return self.directory / f"{digest_of([os.fspath(path.absolute()), *changed])}.seen"
