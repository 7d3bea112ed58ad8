"""Transactions that write, of which a service does one after the other."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from vopub.odc.carrying import Carrier
from vopub.odc.database import writing
from vopub.odc.ownership import Owned

TURN = "-turn"
"""End of the name of the file that is locked by the process whose turn it is to write."""


class Turn:
    """Held by whoever writes: one thread of one process.

    Parameters
    ----------
    path
        A file that the processes lock, made if missing; None if there is only this one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._threads = threading.Lock()
        self._handle = -1 if path is None else os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the turn, and hold it inside."""
        with self._threads:
            if self._handle < 0:
                yield
                return
            fcntl.flock(self._handle, fcntl.LOCK_EX)  # given up by the system if we are killed
            try:
                yield
            finally:
                fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class OneByOne(sessionmaker[Session]):
    """Makes transactions that write, of which all processes of a service do one after the other.

    SQLite has who has to wait look again and again, in which some are never lucky; and its log of
    writes would grow without bound if there was always one that wrote while it is carried into
    the database.

    Parameters
    ----------
    engine
        Of the database.
    owned
        The directory of the store, whose first process carries SQLite's log of writes into the
        database.
    """

    def __init__(self, engine: Engine, owned: Owned) -> None:
        super().__init__(writing(engine))
        self._owned = owned
        name = engine.url.database if engine.dialect.name == "sqlite" else None
        path = Path(name) if name else None
        # PostgreSQL has a lock of its own, which whoever waits gets in turn.
        self._turn = Turn(path and path.with_name(path.name + TURN))
        self._carrier = None
        if path and owned.is_first:
            self._carrier = Carrier(path, self._turn.held, owned.writes)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Return a transaction to be used in ``with``, once all others are done."""
        with self._turn.held():
            try:
                with super().begin() as session:
                    yield session
            finally:
                # Also if it failed: a connection that is lost may have committed before.
                self._owned.count_write()

    def close(self) -> None:
        """End what goes on beside the transactions."""
        if self._carrier is not None:
            self._carrier.close()
        self._turn.close()
