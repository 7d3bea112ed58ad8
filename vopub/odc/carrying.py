"""Carrying SQLite's log of writes into the database, beside those who write and read.

SQLite does it at the end of the transaction that made the log long, which everybody else waits
for. Here a thread does most of it while others write, and holds them up for the rest only. What
was written again meanwhile is carried once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from time import monotonic

from vopub.odc.counting import Count

LOOK = 0.2
"""Seconds between two looks at the log."""
EVERY = 5.0
"""Seconds after which what was written is carried."""
LONG = 256 << 20
"""Bytes of the log that are carried at once."""
PATIENCE = 0.2
"""Seconds that are waited for those who still read what is in the log."""

log = logging.getLogger("vopub.odc")


class Carrier:
    """Keeps the log of writes of a database of SQLite short, in a thread of its own.

    Parameters
    ----------
    path
        The database, whose other connections do not carry by themselves.
    turn
        Gives what whoever writes holds.
    writes
        Counts the transactions of all who write.
    """

    def __init__(
        self, path: Path, turn: Callable[[], AbstractContextManager[None]], writes: Count
    ) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._turn = turn
        self._writes = writes
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="carrier", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; what is left in the log is carried when the database is closed."""
        self._closed.set()
        self._thread.join()

    def _go_on(self) -> None:
        carried, when = b"", monotonic()
        with closing(sqlite3.connect(self._path, timeout=PATIENCE)) as connection:
            while not self._closed.wait(LOOK):
                written = self._writes.now()
                due = monotonic() - when >= EVERY or self._length() >= LONG
                if due and written != carried:
                    self._carry(connection)
                    carried, when = written, monotonic()

    def _length(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0

    def _carry(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            with self._turn():
                # The next who writes begins the log anew.
                connection.execute("PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.Error:  # a full disk, say: it is tried again after the next write
            log.exception("could not carry the log of writes into the database")
