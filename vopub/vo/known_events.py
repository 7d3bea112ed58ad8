"""Events of a table that a service must give back: what a publication is proved with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from vopub.model.event_table import Column, EventTable, concatenate

Value = float | int | str | None
"""One value of an event; None where the table holds NaN, which a database keeps as NULL."""


class KnownEvent(BaseModel):
    """One event with all its values, by column."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    values: dict[str, Value]

    @property
    def event_id(self) -> str:
        """Identifier of the event."""
        return str(self.values["event_id"])

    @property
    def ra(self) -> float:
        """Right ascension (ICRS) in degrees."""
        return float(self.values["ra"] or 0.0)

    @property
    def dec(self) -> float:
        """Declination (ICRS) in degrees."""
        return float(self.values["dec"] or 0.0)


class KnownEvents(BaseModel):
    """A few events of one table, in the order of the table; never empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    events: tuple[KnownEvent, ...]

    @property
    def first(self) -> KnownEvent:
        """The event that a quick check asks for."""
        return self.events[0]


def known_events(table: EventTable | Iterable[EventTable]) -> KnownEvents:
    """Choose the events to prove a service with: the same table always gives the same.

    They are those that `outermost` picks.

    Parameters
    ----------
    table
        The events, with columns ``event_id``, ``ra`` and ``dec``; or the table's chunks in order.

    Raises
    ------
    ValueError
        If there is no event.
    """
    chunks = [table] if isinstance(table, EventTable) else table
    picked = [outermost(chunk) for chunk in chunks if len(chunk)]
    if not picked:
        raise ValueError("an empty table has no known events")
    chosen = outermost(concatenate(picked[0].parameters, picked))
    return KnownEvents(events=tuple(_event(chosen, row) for row in range(len(chosen))))


def outermost(table: EventTable) -> EventTable:
    """Return the first and the last row, and those closest to the poles and to the seam in RA.

    There a wrong index or a swapped coordinate shows. Rows stay in order, each once; of the chunks
    of a table it is enough to keep these.
    """
    ra, dec = table["ra"], table["dec"]
    ends = [0, len(table) - 1]
    return table.select(np.unique([*ends, ra.argmin(), ra.argmax(), dec.argmin(), dec.argmax()]))


def _event(table: EventTable, row: int) -> KnownEvent:
    return KnownEvent(values={name: _value(column, row) for name, column in table.columns.items()})


def _value(column: Column, row: int) -> Value:
    value: Any = column[row]
    if isinstance(value, str):
        return value
    plain: float | int = value.item()
    return None if math.isnan(plain) else plain
