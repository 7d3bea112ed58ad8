"""Rows in BINARY2, the binary form of VOTable.

A row begins with a bit for each column that tells a missing value; here none is set, because NaN
is what floats have for it and other types lack none. Numbers follow in network order, text as the
number of its UTF-16 units and those units. See "BINARY2 serialization" in VOTable 1.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vopub.model.event_table import Column, EventTable
from vopub.model.parameter import Dtype, Parameter

Bytes = NDArray[np.uint8]
_ROWS = 1 << 13
"""Rows put together at a time; an index of 8 bytes for each of their bytes is held."""
_LENGTH = struct.Struct(">I")


@dataclass(slots=True)
class _Segment:
    """Numbers that lie side by side, and the text that follows them, if any."""

    numbers: list[Parameter] = field(default_factory=list)
    text: Parameter | None = None
    flags: int = 0
    """Bytes of the flags, before the numbers."""

    @property
    def dtype(self) -> np.dtype[Any]:
        fields = [(p.name, p.dtype.numpy.newbyteorder(">")) for p in self.numbers]
        return np.dtype([("", f"V{self.flags}"), *fields] if self.flags else fields)

    @property
    def width(self) -> int:
        return self.dtype.itemsize


class Binary2:
    """The layout of the rows of a table.

    Parameters
    ----------
    parameters
        The columns in order.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self._segments = [_Segment(flags=(len(parameters) + 7) // 8)]
        for parameter in parameters:
            if parameter.dtype is Dtype.TEXT:
                self._segments[-1].text = parameter
                self._segments.append(_Segment())
            else:
                self._segments[-1].numbers.append(parameter)
        if not self._segments[-1].numbers and not self._segments[-1].flags:
            self._segments.pop()

    def encode(self, table: EventTable) -> Iterator[Bytes]:
        """Yield the bytes of the rows, piece by piece."""
        for chunk in table.chunks(_ROWS):
            yield self._encode(chunk)

    def _encode(self, chunk: EventTable) -> Bytes:
        pieces = [piece for segment in self._segments for piece in _pieces(segment, chunk)]
        # where each piece of each row begins: rows one after the other, pieces side by side
        sizes = np.column_stack([piece.sizes for piece in pieces])
        ends = np.cumsum(sizes).reshape(sizes.shape)
        out = np.empty(int(ends[-1, -1]) if len(chunk) else 0, np.uint8)
        for piece, starts in zip(pieces, (ends - sizes).T, strict=True):
            piece.put(out, starts)
        return out

    def decode(self, blocks: Iterable[bytes]) -> Iterator[EventTable]:
        """Yield the rows in the bytes of a table that comes in blocks.

        Raises
        ------
        ValueError
            If the bytes end within a row, or a text is not UTF-16.
        """
        rest = b""
        for block in blocks:
            content = rest + block
            table, used = self._decode(content)
            rest = content[used:]
            if len(table):
                yield table
        if rest:
            raise ValueError(f"the last row is cut off: {len(rest)} bytes are left")

    def _decode(self, content: bytes) -> tuple[EventTable, int]:
        starts, texts, used = self._whole_rows(content)
        columns: dict[str, Column] = {}
        buffer = np.frombuffer(content, np.uint8)
        for number, segment in enumerate(self._segments):
            places = np.array(starts[number], np.int64)
            taken = buffer[places[:, None] + np.arange(segment.width)]
            rows = taken.reshape(-1).view(segment.dtype) if segment.width else taken
            for p in segment.numbers:
                columns[p.name] = rows[p.name].astype(p.dtype.numpy)
            if segment.text is not None:
                columns[segment.text.name] = np.empty(len(places), object)
                columns[segment.text.name][:] = texts[number]
        ordered = {p.name: columns[p.name] for p in self.parameters}
        return EventTable(self.parameters, ordered), used

    def _whole_rows(self, content: bytes) -> tuple[list[list[int]], list[list[str]], int]:
        """Return where the segments of each whole row begin, the texts, and where rows end."""
        shape = [(segment.width, segment.text is not None) for segment in self._segments]
        starts: list[list[int]] = [[] for _ in shape]
        texts: list[list[str]] = [[] for _ in shape]
        position = used = rows = 0
        while position < len(content):
            for number, (width, has_text) in enumerate(shape):
                starts[number].append(position)
                position += width
                if has_text:
                    if position + _LENGTH.size > len(content):
                        position = len(content) + 1
                        break
                    end = position + _LENGTH.size + 2 * _LENGTH.unpack_from(content, position)[0]
                    if end <= len(content):
                        text = content[position + _LENGTH.size : end].decode("utf-16-be")
                        texts[number].append(text)
                    position = end
            if position > len(content):
                break
            used, rows = position, rows + 1
        return [s[:rows] for s in starts], [t[:rows] for t in texts], used


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of every row of a chunk: bytes, so many of them in each row."""

    content: Bytes
    sizes: NDArray[np.int64]

    def put(self, out: Bytes, starts: NDArray[np.int64]) -> None:
        """Write the part into the rows; ``starts`` is where it begins in each."""
        before = np.cumsum(self.sizes) - self.sizes
        out[np.repeat(starts - before, self.sizes) + np.arange(len(self.content))] = self.content


def _pieces(segment: _Segment, chunk: EventTable) -> Iterator[_Piece]:
    rows = np.zeros(len(chunk), segment.dtype)
    for p in segment.numbers:
        rows[p.name] = chunk[p.name]
    if segment.width:
        content = np.ascontiguousarray(rows).view(np.uint8).reshape(-1)
        yield _Piece(content, np.full(len(chunk), segment.width))
    if segment.text is not None:
        yield from _text_pieces(chunk[segment.text.name])


def _text_pieces(column: Column) -> Iterator[_Piece]:
    texts = [text.encode("utf-16-be") for text in column]
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    lengths = (sizes // 2).astype(_LENGTH.format)
    yield _Piece(lengths.view(np.uint8), np.full(len(texts), _LENGTH.size))
    yield _Piece(np.frombuffer(b"".join(texts), np.uint8), sizes)
