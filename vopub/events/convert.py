"""Level-2 files to an event table, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vopub.errors import InputError, SelectionError
from vopub.events.identifiers import IdentifierRegister
from vopub.events.readers import open_reader
from vopub.events.readers.base import FileHeader
from vopub.events.recipe import Recipe
from vopub.events.reduce import check_kind, reduce_chunk
from vopub.events.runs import merge_runs
from vopub.events.times import Times, to_datetime
from vopub.files import sha256_of
from vopub.model.data_taking import DataTaking, Run
from vopub.model.description import EventsSection
from vopub.model.event_table import EventAccount, EventTable
from vopub.model.provenance import Entity

ROWS = 10_000
"""How many events are in memory at a time, at most."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is known once every event was read."""

    account: EventAccount
    data_taking: DataTaking
    inputs: tuple[Entity, ...]


class _Progress:
    """What is gathered while events are read."""

    def __init__(self) -> None:
        self.account = EventAccount()
        self.register = IdentifierRegister()
        self.first = np.iinfo(np.int64).max
        self.last = np.iinfo(np.int64).min

    def add(self, account: EventAccount, times: Times) -> None:
        """Take in the account of a chunk, and the times of the events kept."""
        self.account += account
        if len(times):
            self.first = min(self.first, int(times.min()))
            self.last = max(self.last, int(times.max()))


class Reduction:
    """Level-2 files to the event table of one resource.

    Iterating yields the table in chunks, in the order of the files; memory stays bounded but for
    24 bytes per event. Afterwards `account`, `data_taking` and `inputs` tell what was done.

    Parameters
    ----------
    paths
        The files.
    section
        Which reconstruction, events and columns.
    simulated
        Whether the resource is one of simulated events.
    rows
        How many events to read at a time, at most.
    now
        The present in nanoseconds since 1970; events cannot be later.

    Raises
    ------
    SelectionError
        With every cut that cannot be read.
    DescriptionError
        If a column's own unit or type cannot be had.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        section: EventsSection,
        simulated: bool,
        *,
        rows: int = ROWS,
        now: int | None = None,
    ) -> None:
        self._paths = tuple(paths)
        self._section = section
        self._recipe = Recipe(section, simulated)
        self._rows = rows
        self._now = time.time_ns() if now is None else now
        self._outcome: _Outcome | None = None

    def __iter__(self) -> Iterator[EventTable]:
        """Yield the chunks that hold at least one event.

        Raises
        ------
        InputError
            If a file cannot be used, is simulated where the resource is not or the reverse, says
            something else about a run than another, or if two events have one identifier.
        SelectionError
            If no event is kept.
        """
        self._outcome = None
        headers = [self._header(path) for path in self._paths]
        runs = merge_runs(headers)
        progress = _Progress()
        for number, path in enumerate(self._paths):
            with open_reader(path) as reader:
                for chunk in reader.chunks(self._rows):
                    progress.register.add(chunk.events, number)
                    reduced = reduce_chunk(chunk, self._recipe, now=self._now)
                    progress.add(reduced.account, reduced.times)
                    if len(reduced.table):
                        yield reduced.table
        self._check_unique(progress.register)
        self._check_kept(progress.account)
        self._outcome = _Outcome(
            progress.account, self._data_taking(runs, progress), self._entities(headers)
        )

    @property
    def account(self) -> EventAccount:
        """Where every event went; known once all chunks were taken."""
        return self._finished().account

    @property
    def data_taking(self) -> DataTaking:
        """How the events were taken and chosen; known once all chunks were taken."""
        return self._finished().data_taking

    @property
    def inputs(self) -> tuple[Entity, ...]:
        """The files that were read; known once all chunks were taken."""
        return self._finished().inputs

    def _finished(self) -> _Outcome:
        if self._outcome is None:
            raise RuntimeError("the reduction is not finished: take all its chunks first")
        return self._outcome

    def _header(self, path: Path) -> FileHeader:
        with open_reader(path) as reader:
            header = reader.header
        check_kind(header, self._recipe, where=path)
        return header

    def _check_unique(self, register: IdentifierRegister) -> None:
        twice = register.twice()
        if twice is not None:
            identifier, first, second = twice
            raise InputError(
                f"event {identifier} is also in {self._paths[first]}"
                if first != second
                else f"event {identifier} is in the file twice",
                where=self._paths[second],
                hint="each event may come once; leave out the file that repeats it",
            )

    def _check_kept(self, account: EventAccount) -> None:
        if account.kept == 0:
            gone = (account.not_reconstructed, *account.malformed, *account.cuts)
            reasons = ", ".join(f"{e.events} {e.reason}" for e in gone if e.events)
            raise SelectionError(
                f"no event is left of {account.read} read" + (f": {reasons}" if reasons else ""),
                where=", ".join(path.name for path in self._paths),
                hint="check the selection and the reconstruction in resource.toml",
            )

    def _data_taking(self, runs: tuple[Run, ...], progress: _Progress) -> DataTaking:
        return DataTaking(
            detector=self._section.detector,
            runs=runs,
            first_event=to_datetime(progress.first),
            last_event=to_datetime(progress.last),
            reconstruction=self._section.reconstruction,
            selection=tuple(cut.keep for cut in self._section.selection),
        )

    def _entities(self, headers: Sequence[FileHeader]) -> tuple[Entity, ...]:
        return tuple(
            Entity(
                identifier=f"sha256:{sha256_of(path)}",
                name=header.name,
                uuid=header.uuid,
                description=f"Level-2 file ({header.layout})",
                history=header.history,
            )
            for path, header in zip(self._paths, headers, strict=True)
        )
