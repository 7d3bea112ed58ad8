"""What several processes share: whoever keeps what it read sees whether it is still true."""

from __future__ import annotations

from hashlib import sha256
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


class Noted:
    """A digest that one process made of something, for the others; made before they are parted.

    It is true as long as a mark is the present one. What two write at a time nobody takes for true.
    """

    SIZE = 32
    """Bytes of a digest, and of what tells whether a note is whole."""

    def __init__(self) -> None:
        self._memory = mmap(-1, 2 * self.SIZE)

    def write(self, mark: bytes, digest: bytes) -> None:
        """Note the SHA-256 of something as it was at a mark."""
        self._memory[:] = digest + self._seal(mark, digest)

    def read(self, mark: bytes) -> bytes:
        """Return the digest of how it is at a mark; empty if nobody noted that."""
        note = bytes(self._memory[:])
        digest, seal = note[: self.SIZE], note[self.SIZE :]
        return digest if seal == self._seal(mark, digest) else b""

    @staticmethod
    def _seal(mark: bytes, digest: bytes) -> bytes:
        return sha256(mark + digest).digest()
