"""Counts that several processes share: whoever keeps what it read sees whether it is still true."""

from __future__ import annotations

from mmap import mmap
from threading import Lock

WIDTH = 8
"""Bytes of a count."""


class Count:
    """Counts what the processes of a service do; made before they are parted.

    Parameters
    ----------
    processes
        How many there are.
    """

    def __init__(self, processes: int = 1) -> None:
        self._memory = mmap(-1, WIDTH * processes)
        self._counts = memoryview(self._memory).cast("Q")
        self._lock = Lock()

    def add(self, process: int = 0) -> None:
        """Count one more; each process by its own number, so that none overwrites another's."""
        with self._lock:
            self._counts[process] += 1

    def now(self) -> bytes:
        """Return a mark that differs from every other one as soon as something was counted."""
        return self._counts.tobytes()
