"""Level-2 files to an event table: each file on its own, then all of them together."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np

from vopub.errors import SelectionError, SeveralError, VopubError
from vopub.events.good_runs import GoodRunList
from vopub.events.history import record_digest
from vopub.events.recipe import Recipe
from vopub.events.runs import merge_runs, with_counts
from vopub.events.scale.duplicates import (
    RowNumbers,
    check_copies,
    check_events,
    repeated_rows,
    without_repeated,
)
from vopub.events.scale.parts import Part, Parts, part_key
from vopub.events.scale.tally import Tally, Watch, nobody
from vopub.events.scale.tasks import ROWS, reduce_file, renamed
from vopub.events.scale.workers import Here, Workers
from vopub.events.times import to_datetime
from vopub.files import cannot
from vopub.model.data_taking import DataTaking, Run
from vopub.model.description import EventsSection
from vopub.model.duplicates import Duplicates
from vopub.model.event_table import EventAccount, EventTable, FileAccount
from vopub.model.malformed import MalformedLimit, check_malformed
from vopub.model.parameter import Parameter
from vopub.model.provenance import Entity

MOST_NAMES = 3
"""How many files an error names that is about all of them."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is known once every event was read."""

    account: EventAccount
    cut_flow: tuple[FileAccount, ...]
    data_taking: DataTaking
    inputs: tuple[Entity, ...]


class _Results:
    """What came of the files so far."""

    def __init__(self, files: int, watch: Watch) -> None:
        self._results: list[Part | VopubError | None] = [None] * files
        self._watch = watch
        self._done = self._events = self._failed = 0
        self._under_way = dict[int, tuple[int, float]]()
        self._lock = Lock()

    def add(self, number: int, result: Part | VopubError) -> None:
        """Take in what came of a file."""
        with self._lock:
            self._results[number] = result
            self._under_way.pop(number, None)
            self._done += 1
            if isinstance(result, Part):
                self._events += result.account.read
            else:
                self._failed += 1
            self._watch(self._tally())

    def step(self, number: int, events: int, entries: int) -> None:
        """Take in how many events of a file were read; comes from any thread, maybe late."""
        with self._lock:
            if self._results[number] is None:
                self._under_way[number] = events, min(events / max(entries, 1), 1)
                self._watch(self._tally())

    def _tally(self) -> Tally:
        going = self._under_way.values()
        return Tally(
            "reading",
            self._done,
            len(self._results),
            self._events + sum(events for events, _ in going),
            self._failed,
            sum(share for _, share in going),
        )

    def missing(self) -> list[int]:
        """Return the numbers of the files of which nothing came yet."""
        return [number for number, result in enumerate(self._results) if result is None]

    def parts(self) -> list[Part]:
        """Return the parts, if every file gave one.

        Raises
        ------
        VopubError
            What was wrong with one file, or with each of several.
        """
        errors = [result for result in self._results if isinstance(result, VopubError)]
        if errors:
            raise errors[0] if len(errors) == 1 else SeveralError(errors)
        return [result for result in self._results if isinstance(result, Part)]


class Reduction:
    """Level-2 files to the event table of one resource.

    Iterating reduces each file to a part of the table on disk, unless it is there from an earlier
    time, looks for what contradicts between them, and yields the table in chunks in the order of
    the files. Afterwards `account`, `cut_flow`, `data_taking` and `inputs` tell what was done.
    Memory stays bounded but for what is said about each file.

    Parameters
    ----------
    paths
        The files.
    section
        Which reconstruction, events and columns.
    simulated
        Whether the resource is one of simulated events.
    good_runs
        The runs that may be used; None for all.
    malformed
        The most events that may be left out as malformed; None for any number.
    rows
        How many events to read at a time, at most.
    now
        The present in nanoseconds since 1970; events cannot be later.
    parts
        Directory that keeps the parts for the next time; without it nothing is kept.
    duplicates
        What is done with an event that comes again.
    workers
        Who reads the files.
    watch
        Is told how far it is.

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
        good_runs: GoodRunList | None = None,
        malformed: MalformedLimit | None = None,
        rows: int = ROWS,
        now: int | None = None,
        parts: Path | None = None,
        duplicates: Duplicates = Duplicates.ERROR,
        workers: Workers | None = None,
        watch: Watch = nobody,
    ) -> None:
        self._paths = tuple(paths)
        self._section = section
        self._recipe = Recipe(section, simulated, good_runs)
        self._malformed = malformed
        self._rows = rows
        self._now = time.time_ns() if now is None else now
        self._parts = parts
        self._duplicates = duplicates
        self._workers = workers or Here()
        self._watch = watch
        self._digests: tuple[str, ...] | None = None
        self._outcome: _Outcome | None = None

    def __iter__(self) -> Iterator[EventTable]:
        """Yield the chunks that hold at least one event.

        Raises
        ------
        InputError
            If a file cannot be used, is simulated where the resource is not or the reverse, says
            something else about a run than another, if two events have one identifier, or too
            many events are malformed.
        SeveralError
            If several files cannot be used; the parts of the others are kept.
        SelectionError
            If no event is kept.
        FileError
            If parts cannot be written or read.
        """
        self._outcome = None
        with self._directory() as directory:
            files = Parts(directory)
            whole = self._reduce(files)
            self._digests = tuple(part.sha256 for part in whole)
            runs = merge_runs([part.header for part in whole], self._recipe.good_runs)
            repeated = self._repeated(files, whole)
            parts = [
                without_repeated(files, part, repeated[number]) if number in repeated else part
                for number, part in enumerate(whole)
            ]
            account = sum((part.account for part in parts), start=EventAccount())
            self._check(account)
            yield from self._tables(files, parts, repeated, account.kept)
            if self._parts is not None:
                files.keep_only(parts)
        self._outcome = _Outcome(
            account=account,
            cut_flow=tuple(map(_file_account, parts)),
            data_taking=self._data_taking(runs, parts),
            inputs=tuple(map(_entity, parts)),
        )

    @property
    def recipe(self) -> Recipe:
        """What is wanted of the files."""
        return self._recipe

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The columns of the table, in order."""
        return self._recipe.parameters

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of each file; known once the first chunk was taken."""
        if self._digests is None:
            raise RuntimeError("no file was read: take the first chunk first")
        return self._digests

    @property
    def account(self) -> EventAccount:
        """Where every event went; known once all chunks were taken."""
        return self._finished().account

    @property
    def cut_flow(self) -> tuple[FileAccount, ...]:
        """Where the events of each file went; known once all chunks were taken."""
        return self._finished().cut_flow

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

    @contextmanager
    def _directory(self) -> Iterator[Path]:
        """Give the directory of the parts: one that stays, or one for this time only."""
        if self._parts is None:
            with tempfile.TemporaryDirectory(prefix="vopub-") as scratch:
                yield Path(scratch)
            return
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot("write", self._parts, error) from error
        yield self._parts.absolute()

    def _reduce(self, files: Parts) -> list[Part]:
        """Return the part of each file; make those that are not there."""
        results = _Results(len(self._paths), self._watch)
        for number, path in enumerate(self._paths):
            part = self._find(files, path)
            if part is not None:
                results.add(number, part)
        task = partial(
            reduce_file,
            recipe=self._recipe,
            directory=files.directory,
            now=self._now,
            rows=self._rows,
        )
        missing = results.missing()
        there = [self._paths[number] for number in missing]

        def tell(place: int, events: int, entries: int) -> None:
            results.step(missing[place], events, entries)

        for place, result in self._workers.run(task, there, tell):
            results.add(missing[place], result)
        return results.parts()

    def _find(self, files: Parts, path: Path) -> Part | None:
        """Return the part of a file that did not change since it was made."""
        digest = files.known_digest(path)
        if digest is None:
            return None
        part = files.find(part_key(digest, self._recipe, record_digest(path)), now=self._now)
        return None if part is None else renamed(part, path)

    def _repeated(self, files: Parts, parts: Sequence[Part]) -> Mapping[int, RowNumbers]:
        """Return the rows that are left out because they came before, by number of the part."""
        if self._duplicates is Duplicates.FIRST:
            return repeated_rows(files, parts)
        if self._duplicates is Duplicates.ERROR:
            check_copies(self._paths, parts)
            check_events(self._paths, files, parts)
        return {}

    def _tables(
        self,
        files: Parts,
        parts: Sequence[Part],
        repeated: Mapping[int, RowNumbers],
        total: int,
    ) -> Iterator[EventTable]:
        written = 0
        for number, part in enumerate(parts):
            start = 0
            for table in files.tables(part, self._recipe.parameters):
                kept = _without(table, start, repeated.get(number))
                start += len(table)
                if len(kept):
                    yield kept
                    written += len(kept)
                    self._watch(Tally("writing", written, total, written))

    def _check(self, account: EventAccount) -> None:
        """Check that not too many events are malformed, and that any is left."""
        if self._malformed is not None:
            check_malformed(account, self._malformed, where=self._names())
        if account.kept == 0:
            reasons = ", ".join(f"{e.events} {e.reason}" for e in account.excluded if e.events)
            raise SelectionError(
                f"no event is left of {account.read} read" + (f": {reasons}" if reasons else ""),
                where=self._names(),
                hint="check the selection and the reconstruction in resource.toml",
            )

    def _names(self) -> str:
        names = [path.name for path in self._paths]
        more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
        return ", ".join([*names[:MOST_NAMES], *more])

    def _data_taking(self, runs: tuple[Run, ...], parts: Sequence[Part]) -> DataTaking:
        first = [part.first for part in parts if part.first is not None]
        last = [part.last for part in parts if part.last is not None]
        return DataTaking(
            detector=self._section.detector,
            runs=with_counts(runs, (count for part in parts for count in part.counts)),
            first_event=to_datetime(min(first)) if first else None,
            last_event=to_datetime(max(last)) if last else None,
            reconstruction=self._section.reconstruction,
            selection=tuple(cut.keep for cut in self._section.selection),
        )


def _without(table: EventTable, start: int, repeated: RowNumbers | None) -> EventTable:
    """Leave out rows of a chunk, by their number in its part, of which it begins with one."""
    if repeated is None:
        return table
    return table.select(~np.isin(np.arange(start, start + len(table)), repeated))


def _file_account(part: Part) -> FileAccount:
    return FileAccount(name=part.header.name, identifier=_identifier(part), account=part.account)


def _identifier(part: Part) -> str:
    return f"sha256:{part.sha256}"


def _entity(part: Part) -> Entity:
    return Entity(
        identifier=_identifier(part),
        name=part.header.name,
        uuid=part.header.uuid,
        description=f"Level-2 file ({part.header.layout})",
        history=part.header.history,
    )
