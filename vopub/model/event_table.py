"""One-row-per-event tables in memory, and the account of every event that is not in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from vopub.errors import TableError
from vopub.model.parameter import Dtype, Parameter

MOST_IDENTIFIERS = 5
"""How many identifiers an account names for each reason."""
NOT_IN_LIST = "run is not in the good-run list"
"""Name of the cut that leaves out events of other runs, before anything else is looked at."""

TEXTS = ("string", "empty")
"""What pandas calls columns that hold text only."""

Column = NDArray[Any]


@dataclass(frozen=True)
class EventTable:
    """Events as columns, each described by a parameter.

    A large table travels as several of these, its chunks, with the same parameters.

    Parameters
    ----------
    parameters
        The columns in order.
    columns
        One array per parameter, all of one length: the numpy type of the parameter, ``object``
        holding ``str`` for text.
    arrow
        The same rows as a record batch of Arrow, if whoever made the table has them so: the texts
        among ``columns`` are then only made when they are looked up, and formats that write Arrow
        need none of them.

    Raises
    ------
    TableError
        If a column is missing, too many, of another length or of another type.
    """

    parameters: tuple[Parameter, ...]
    columns: Mapping[str, Column]
    arrow: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        names = [p.name for p in self.parameters]
        if names != list(self.columns):
            raise TableError(f"columns are {list(self.columns)}, described are {names}")
        for parameter in self.parameters:
            if self.arrow is None or parameter.dtype is not Dtype.TEXT:  # Arrow knows its texts
                _check_column(parameter, self.columns[parameter.name], len(self))

    def __len__(self) -> int:
        if self.arrow is not None:
            return int(self.arrow.num_rows)
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def select(self, rows: NDArray[Any] | slice) -> EventTable:
        """Return the rows picked by a mask, an array of indices or a slice."""
        return EventTable(self.parameters, {n: c[rows] for n, c in self.columns.items()})

    def chunks(self, rows: int) -> Iterator[EventTable]:
        """Yield the table in pieces of at most ``rows`` rows; one empty piece if it is empty."""
        for start in range(0, max(len(self), 1), rows):
            yield self.select(slice(start, start + rows))

    def equals(self, other: EventTable) -> bool:
        """Tell whether parameters and every value are the same; NaN equals NaN."""
        return self.parameters == other.parameters and all(
            np.array_equal(column, other[name], equal_nan=column.dtype.kind == "f")
            for name, column in self.columns.items()
        )


def concatenate(parameters: Sequence[Parameter], chunks: Iterable[EventTable]) -> EventTable:
    """Put the chunks of one table together; no chunk gives an empty table."""
    pieces = list(chunks) or [empty(parameters)]
    return EventTable(
        tuple(parameters),
        {p.name: np.concatenate([piece[p.name] for piece in pieces]) for p in parameters},
    )


def empty(parameters: Sequence[Parameter]) -> EventTable:
    """Return a table with the given columns and no row."""
    return EventTable(tuple(parameters), {p.name: np.empty(0, p.dtype.numpy) for p in parameters})


def _check_column(parameter: Parameter, column: Column, length: int) -> None:
    if column.ndim != 1 or len(column) != length:
        raise TableError(
            f"column {parameter.name} has shape {column.shape}, the table has {length} rows"
        )
    if column.dtype != parameter.dtype.numpy:
        raise TableError(
            f"column {parameter.name} is {column.dtype}, described as {parameter.dtype.value}"
        )
    # Ten times faster than asking each value whether it is a str.
    is_text = parameter.dtype is not Dtype.TEXT or _kind_of(column) in TEXTS
    if not is_text:
        raise TableError(f"column {parameter.name} holds something that is not text")


class Excluded(BaseModel):
    """Events that are not in the table for one reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    reason: str
    """Why: the name of a cut, or what is malformed."""
    events: int = 0
    """How many."""
    first: tuple[str, ...] = ()
    """Identifiers of the first of them."""

    def __add__(self, other: Excluded) -> Excluded:
        first = (self.first + other.first)[:MOST_IDENTIFIERS]
        return Excluded(reason=self.reason, events=self.events + other.events, first=first)


class EventAccount(BaseModel):
    """Where every event that was read went: no event is lost unseen.

    ``read = kept + not_reconstructed + every cut + everything malformed + repeated`` holds by
    construction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    read: int = 0
    """Number of events that were read."""
    kept: int = 0
    """Number of events in the table."""
    not_reconstructed: Excluded = Excluded(reason="no reconstruction of the chosen kind")
    """Events without the reconstruction that was asked for."""
    cuts: tuple[Excluded, ...] = ()
    """One entry per cut of the selection, in order; an event counts for the first that cuts it."""
    malformed: tuple[Excluded, ...] = ()
    """One entry per kind of defect."""
    repeated: Excluded = Excluded(reason="repeated: in the table already")
    """Events that came before, in the same file or another."""

    @model_validator(mode="after")
    def _balanced(self) -> EventAccount:
        gone = sum(entry.events for entry in self.excluded)
        if self.read != self.kept + gone:
            raise ValueError(f"{self.read} events read, {self.kept} kept and {gone} accounted for")
        return self

    @property
    def excluded(self) -> tuple[Excluded, ...]:
        """Every entry for events that are not in the table, in the order they were left out.

        An event is in one of them.
        """
        first = tuple(cut for cut in self.cuts if cut.reason == NOT_IN_LIST)
        others = tuple(cut for cut in self.cuts if cut.reason != NOT_IN_LIST)
        return (*first, self.not_reconstructed, *self.malformed, *others, self.repeated)

    def without(self, repeated: Excluded) -> EventAccount:
        """Return the account with some of the kept events counted as repeated."""
        return EventAccount(
            **{
                **dict(self),
                "kept": self.kept - repeated.events,
                "repeated": self.repeated + repeated,
            }
        )

    def __add__(self, other: EventAccount) -> EventAccount:
        return EventAccount(
            read=self.read + other.read,
            kept=self.kept + other.kept,
            not_reconstructed=self.not_reconstructed + other.not_reconstructed,
            cuts=_merged(self.cuts, other.cuts),
            malformed=_merged(self.malformed, other.malformed),
            repeated=self.repeated + other.repeated,
        )


class FileAccount(BaseModel):
    """Where the events of one input file went: its part of the cut flow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """File name without any directory."""
    identifier: str
    """``sha256:<hex>`` of the file's bytes."""
    account: EventAccount


def _merged(ours: Sequence[Excluded], theirs: Sequence[Excluded]) -> tuple[Excluded, ...]:
    by_reason: dict[str, Excluded] = {}
    for entry in (*ours, *theirs):
        known = by_reason.get(entry.reason)
        by_reason[entry.reason] = entry if known is None else known + entry
    return tuple(by_reason.values())


def _kind_of(column: Column) -> str:
    """Return what a column of objects holds, in the words of pandas."""
    # Imported here: it takes a quarter of a second, and much is done without a table.
    from pandas.api.types import infer_dtype  # noqa: PLC0415

    return str(infer_dtype(column, skipna=False))
