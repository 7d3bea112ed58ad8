"""One service at a time owns the directory of a store: a process, or several that it starts."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from vopub.errors import BusyError
from vopub.files import cannot
from vopub.odc.counting import Count, Noted

PATIENCE = 1.0
"""Seconds that are waited for the processes of a service that was killed."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A directory that is owned until all processes that have this are gone, or close it.

    What the processes have in common is here.
    """

    handle: int
    """The open file that stands for the directory."""
    processes: int = 1
    """How many serve it."""
    process: int = 0
    """Which of them this is. The first one does what only one has to do."""
    writes: Count = field(default_factory=Count)
    """Counts transactions that wrote something."""
    groupings: Count = field(default_factory=Count)
    """Counts those that wrote streams or collections."""
    catalog: Noted = field(default_factory=Noted)
    """The digest of the catalogue."""

    @property
    def is_first(self) -> bool:
        """Whether this is the process that does what only one has to do."""
        return self.process == 0

    def by(self, process: int) -> Owned:
        """Return the same for one of the processes."""
        return replace(self, process=process)

    def count_write(self) -> None:
        """Count a transaction that wrote something."""
        self.writes.add(self.process)

    def count_grouping(self) -> None:
        """Count a transaction that wrote a stream or a collection."""
        self.groupings.add(self.process)

    def close(self) -> None:
        """Give the directory up; other processes that have it still own it."""
        os.close(self.handle)


def own(directory: Path, processes: int = 1) -> Owned:
    """Become the owner of a directory, made if missing, until the process ends.

    Parameters
    ----------
    directory
        Of the store.
    processes
        How many will serve it, which are forked from this one.

    Raises
    ------
    BusyError
        If another one is the owner.
    FileError
        If the directory cannot be used.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise cannot("use", directory, error) from error
    end = time.monotonic() + PATIENCE
    while not _locked(handle):
        if time.monotonic() > end:
            os.close(handle)
            hint = "stop it first, or choose another directory"
            raise BusyError("another Open Data Center serves it", where=directory, hint=hint)
        time.sleep(0.02)
    # One place more is for what is counted in the name of a process that was killed.
    return Owned(handle, processes, 0, Count(processes + 1), Count(processes + 1))


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
