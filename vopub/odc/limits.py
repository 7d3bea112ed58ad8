"""How often somebody may write, or try tokens, counted by all processes of a service."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from mmap import mmap
from threading import Lock
from time import monotonic

from vopub.odc.faults import TooOftenError

WINDOW = 60
"""Seconds that are looked back."""
PLACES = 4096
"""For keys, of which two are seldom counted together."""
CELL = 8
"""Bytes for what happened in one second: the second, and how often."""
TIMES = 24
"""Bits of that for how often."""


@dataclass(frozen=True, slots=True)
class Cells:
    """What each process counted: for each place, a cell for each second of the window."""

    processes: int
    memory: memoryview
    salt: bytes = field(default_factory=lambda: os.urandom(16))
    """Nobody can choose a key that is counted together with another one."""

    @classmethod
    def of(cls, processes: int) -> Cells:
        """Return empty ones, for so many processes."""
        # Memory that is never written to is never taken.
        size = CELL * WINDOW * PLACES * processes
        return cls(processes, memoryview(mmap(-1, size)).cast("Q"))

    def begin(self, key: str, process: int) -> int:
        """Return where the cells begin that a process has for a key."""
        digest = hashlib.blake2b(key.encode(), key=self.salt, digest_size=8).digest()
        place = int.from_bytes(digest, "big") % PLACES
        return (place * self.processes + process) * WINDOW


class Limit:
    """Counts what happened in the last minute, to the second.

    Parameters
    ----------
    most
        How often something may happen in a minute, for each key.
    clock
        Gives seconds; the same for all processes.
    cells
        Where all processes count; None if there is only this one.
    process
        Which of them this is: none overwrites what another one counts.
    """

    def __init__(
        self, most: int, clock: Callable[[], float] = monotonic, cells: Cells | None = None,
        process: int = 0,
    ) -> None:  # fmt: skip
        self._most = most
        self._clock = clock
        self._cells = cells or Cells.of(1)
        self._process = process
        self._lock = Lock()

    def by(self, process: int) -> Limit:
        """Return the same for one of the processes."""
        return Limit(self._most, self._clock, self._cells, process)

    def check(self, key: str) -> None:
        """Let something happen.

        Raises
        ------
        TooOftenError
            If it happened too often in the last minute.
        """
        happened = self._happened(key)
        if sum(happened.values()) >= self._most:
            wait = max(1, min(happened) + WINDOW - int(self._clock()))
            raise TooOftenError(f"more than {self._most} in a minute", seconds=wait)

    def count(self, key: str) -> None:
        """Note that it happened."""
        second = int(self._clock())
        cell = self._cells.begin(key, self._process) + second % WINDOW
        with self._lock:
            there = self._cells.memory[cell]
            times = there & ((1 << TIMES) - 1) if there >> TIMES == second else 0
            self._cells.memory[cell] = (second << TIMES) + times + 1

    def _happened(self, key: str) -> dict[int, int]:
        """Return how often it happened in each second of the last minute."""
        begin, now = self._cells.begin(key, 0), int(self._clock())
        found: dict[int, int] = {}
        for cell in self._cells.memory[begin : begin + WINDOW * self._cells.processes]:
            second, times = cell >> TIMES, cell & ((1 << TIMES) - 1)
            if times and second > now - WINDOW:
                found[second] = found.get(second, 0) + times
        return found
