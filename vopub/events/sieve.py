"""Taking events out of a chunk, one reason at a time, and remembering each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vopub.events.identifiers import IDENTITY, Integers, spelled
from vopub.model.event_table import MOST_IDENTIFIERS, EventAccount, Excluded

Rows = NDArray[np.intp]
"""Positions of events in a chunk."""


class Sieve:
    """The events of a chunk that are still in, and why the others are not.

    Parameters
    ----------
    events
        The chunk's events.
    identifiers
        Their names, if they are not named after detector, run, frame and trigger counter.
    """

    def __init__(
        self, events: Mapping[str, Integers], identifiers: NDArray[np.object_] | None = None
    ) -> None:
        self._events = events
        self._identifiers = identifiers
        length = len(events["run_id"] if identifiers is None else identifiers)
        self.inside = np.ones(length, dtype=bool)
        """Which events are still in."""
        self._not_reconstructed = EventAccount().not_reconstructed
        self._cuts: list[Excluded] = []
        self._malformed: list[Excluded] = []

    def not_reconstructed(self, rows: Rows) -> None:
        """Take out events without reconstruction."""
        self._not_reconstructed += self._take_out(self._not_reconstructed.reason, rows)

    def cut(self, name: str, rows: Rows) -> None:
        """Take out those that a cut of the selection leaves out."""
        self._cuts.append(self._take_out(name, rows))

    def malformed(self, reason: str, rows: Rows) -> None:
        """Take out events with a defect."""
        if self.inside[rows].any():
            self._malformed.append(self._take_out(reason, rows))

    def account(self) -> EventAccount:
        """Return where the events of the chunk went."""
        return EventAccount(
            read=len(self.inside),
            kept=int(self.inside.sum()),
            not_reconstructed=self._not_reconstructed,
            cuts=tuple(self._cuts),
            malformed=tuple(self._malformed),
        )

    def _take_out(self, reason: str, rows: Rows) -> Excluded:
        """Take out events, if they are still in: each counts for one reason only."""
        rows = rows[self.inside[rows]]
        self.inside[rows] = False
        return Excluded(reason=reason, events=len(rows), first=self._names(rows))

    def _names(self, rows: Rows) -> tuple[str, ...]:
        first = rows[:MOST_IDENTIFIERS]
        if self._identifiers is not None:
            return tuple(self._identifiers[first])
        return tuple(spelled(*(self._events[part][first] for part in IDENTITY)))
