"""What every format has in common: a table is written chunk by chunk, whole or not at all."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from pydantic import ValidationError

from vopub.errors import TableError
from vopub.files import cannot
from vopub.model.dataset import TableMetadata
from vopub.model.event_table import Column, EventTable
from vopub.model.parameter import Dtype, Parameter
from vopub.model.resource import FileRole

# NUL ends a text in HDF5 and PostgreSQL; half a surrogate pair has no form in UTF-8.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_CLEAN_IT = "take NUL characters and lone surrogates out of it"


@dataclass(frozen=True, slots=True)
class Product:
    """A file that a format consists of."""

    suffix: str
    """What follows the stem in its name, e.g. ``.csv``."""
    media_type: str
    role: FileRole
    description: str
    """One line for the people who find the file."""
    directory: bool = False
    """Whether it is a directory of files."""


class _DiscardedError(Exception):
    """Tells the temporary files of a writer that they must not get their final names."""


class Writer(ABC):
    """Writes one event table, piece by piece, in one format.

    Nothing is seen under the final name before :meth:`finish` has succeeded; leaving the ``with``
    block before that removes what was written::

        with CsvWriter.open(path, parameters) as writer:
            for chunk in chunks:
                writer.append(chunk)
            writer.finish(metadata)

    Parameters
    ----------
    path
        Final path of the file that holds the rows.
    parameters
        The columns in order.
    """

    products: ClassVar[tuple[Product, ...]]
    """The files of the format; the first holds the rows."""

    def __init__(self, path: Path, parameters: Sequence[Parameter]) -> None:
        self.path = path
        self.parameters = tuple(parameters)
        self.rows = 0
        self.digests: dict[str, str] = {}
        """SHA-256 of those files, by name, that were hashed while they were written."""
        self.finished = False
        self._files = ExitStack()

    @classmethod
    def open(cls, path: Path, parameters: Sequence[Parameter]) -> Self:
        """Begin a table.

        Raises
        ------
        TableError
            If there is no column.
        FileError
            If the place cannot be written.
        """
        if not parameters:
            raise TableError("the table has no column", where=path, hint="name at least one")
        writer = cls(path, parameters)
        try:
            with ExitStack() as files:
                writer._start(files)
                writer._files = files.pop_all()
        except OSError as error:
            raise cannot("write", path, error) from error
        return writer

    def append(self, chunk: EventTable) -> None:
        """Write the next rows.

        Raises
        ------
        TableError
            If the chunk has other columns than the table, or text that no format can hold.
        FileError
            If the disk is full or fails.
        """
        self._check_chunk(chunk)
        try:
            self._append(chunk)
        except OSError as error:
            raise cannot("write", self.path, error) from error
        self.rows += len(chunk)

    def finish(self, metadata: TableMetadata) -> None:
        """Write what is said about the table and give the files their final names.

        Raises
        ------
        TableError
            If the metadata describe another table, or hold what no format can.
        FileError
            If the disk is full or fails.
        """
        self._check_metadata(metadata)
        try:
            self._finish(metadata)
            self._files.close()
        except OSError as error:
            raise cannot("write", self.path, error) from error
        self.finished = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An exception of our own, so that an OSError from elsewhere is not taken for one of ours.
        self._files.__exit__(_DiscardedError, _DiscardedError(), None)
        if kind is None and not self.finished:
            raise TableError("the table was left unfinished", where=self.path)

    @abstractmethod
    def _start(self, files: ExitStack) -> None:
        """Open temporary files; what ``files`` holds is closed, then renamed or removed."""

    @abstractmethod
    def _append(self, chunk: EventTable) -> None:
        """Write the rows of a checked chunk."""

    @abstractmethod
    def _finish(self, metadata: TableMetadata) -> None:
        """Write checked metadata and bring every byte into the temporary files."""

    def _check_chunk(self, chunk: EventTable) -> None:
        if chunk.parameters != self.parameters:
            ours, theirs = ([p.name for p in t] for t in (self.parameters, chunk.parameters))
            what = f"columns of the chunk are {theirs}, of the table {ours}"
            if ours == theirs:
                what = f"the chunk describes {ours} otherwise than the table"
            raise TableError(what, where=self.path)
        for parameter in self.parameters:
            if parameter.dtype is Dtype.TEXT and not _is_clean(chunk, parameter.name):
                self._check_text(parameter.name, chunk[parameter.name])

    def _check_text(self, name: str, column: Column) -> None:
        if not _UNWRITABLE.search("".join(column)):
            return
        row = next(i for i, text in enumerate(column) if _UNWRITABLE.search(text))
        raise TableError(
            f"row {self.rows + row + 1}, column {name}: {column[row]!r} cannot be written as text",
            where=self.path,
            hint=_CLEAN_IT,
        )

    def _check_metadata(self, metadata: TableMetadata) -> None:
        if metadata.parameters != self.parameters:
            what = "the metadata describe other columns than were written"
            raise TableError(what, where=self.path)
        if metadata.rows != self.rows:
            what = f"the metadata say {metadata.rows} rows, {self.rows} were written"
            raise TableError(what, where=self.path)
        for place, value in _entries(metadata.model_dump(), ""):
            if _UNWRITABLE.search(f"{place}{value}"):
                what = f"metadata {place}: {value!r} cannot be written as text"
                raise TableError(what, where=self.path, hint=_CLEAN_IT)
            if isinstance(value, float) and not math.isfinite(value):
                what = f"metadata {place}: {value} has no form in JSON"
                raise TableError(what, where=self.path, hint="give a finite number")


def _is_clean(chunk: EventTable, name: str) -> bool:
    """Tell quickly, for texts of Arrow, whether nothing is wrong: they are UTF-8 already."""
    if chunk.arrow is None:
        return False
    texts = chunk.arrow.column(name).buffers()[-1]
    return texts is None or b"\0" not in texts.to_pybytes()


def first_problem(error: ValidationError) -> str:
    """Return the first thing that a model did not accept in metadata read from a file."""
    problem = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return " ".join(f"{place}: {problem['msg']}".split())


def _entries(value: object, place: str) -> Iterator[tuple[str, object]]:
    """Yield every single value in nested metadata with its dotted place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _entries(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _entries(inner, f"{place}.{index}")
    else:
        yield place, value
