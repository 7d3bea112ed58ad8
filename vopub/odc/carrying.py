"""Carrying SQLite's log of writes into the database, beside those who write and read.

SQLite does it at the end of the transaction that made the log long, which everybody else waits
for. Here a thread does most of it while others write, and holds them up for the rest only. What
was written again meanwhile is carried once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

EVERY = 5.0
"""Seconds between two looks whether something was written."""
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
    one
        Held by whoever writes.
    """

    def __init__(self, path: Path, one: threading.Lock) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._one = one
        self._written = False
        self._closed = False
        self._due = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="carrier", daemon=True)
        self._thread.start()

    def notice(self) -> None:
        """Take note of a transaction that was committed."""
        self._written = True
        # What was committed is committed, whatever became of the file meanwhile.
        with suppress(OSError):
            if self._log.stat().st_size >= LONG:
                self._due.set()

    def close(self) -> None:
        """End the thread; what is left in the log is carried when the database is closed."""
        self._closed = True
        self._due.set()
        self._thread.join()

    def _go_on(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=PATIENCE)) as connection:
            while not self._closed:
                self._due.wait(EVERY)
                self._due.clear()
                if self._written and not self._closed:
                    self._written = False
                    self._carry(connection)

    def _carry(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            with self._one:
                # The next who writes begins the log anew.
                connection.execute("PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.Error:  # a full disk, say: it is tried again after the next write
            log.exception("could not carry the log of writes into the database")
