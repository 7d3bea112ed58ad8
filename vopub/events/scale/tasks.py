"""One file, one task: what can be done to each input on its own, in any process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.history import record_digest
from vopub.events.identifiers import number_hashes
from vopub.events.readers import blaming, open_reader
from vopub.events.readers.base import EventChunk, FileHeader, Reader
from vopub.events.recipe import Recipe
from vopub.events.reduce import Reduced, check_kind, check_summaries, reduce_chunk
from vopub.events.runs import add_counts, count_runs
from vopub.events.scale.parts import Part, Parts, part_key
from vopub.events.scale.tally import Step, unheard
from vopub.files import sha256_of
from vopub.model.data_taking import RunCount
from vopub.model.event_table import Column, EventAccount

ROWS = 50_000
"""How many events are in memory at a time, at most."""
MOST_COUNTS = 10_000
"""How many counts of runs are kept before those of the same run are added up."""

Hashes = NDArray[np.uint64]


def hashes(identifiers: Column, *, key: str = "identifier.hash.") -> Hashes:
    """Return 64-bit hashes of identifiers, the same in every process.

    Parameters
    ----------
    identifiers
        Text.
    key
        Of 16 characters; another one gives another hash.
    """
    return pd.util.hash_array(identifiers, hash_key=key, categorize=False)


def reduce_file(
    path: Path,
    tell: Step = unheard,
    *,
    recipe: Recipe,
    directory: Path,
    now: int,
    rows: int = ROWS,
) -> Part:
    """Reduce the events of one file to a part of the table, unless that is there.

    Parameters
    ----------
    path
        The file.
    tell
        Is told how many of its events were read, after each chunk.
    recipe
        What to make of its events.
    directory
        Where parts are.
    now
        The present in nanoseconds since 1970; events cannot be later.
    rows
        How many events to read at a time, at most.

    Raises
    ------
    InputError
        If the file cannot be used, is simulated where the resource is not or the reverse, or
        changes while it is read.
    FileError
        If the part cannot be written.
    """
    parts = Parts(directory)
    before = _state(path)
    digest = sha256_of(path)
    key = part_key(digest, recipe, record_digest(path))
    known = parts.find(key, now=now)
    part = known or _reduce(path, recipe, parts, _Origin(key, digest, now, tell), rows)
    if _state(path) != before:
        raise InputError("was changed while it was read", where=path, hint="run again")
    parts.remember_digest(path, digest)
    # The same bytes may be known under another name.
    return renamed(part, path)


def renamed(part: Part, path: Path) -> Part:
    """Return a part as that of a file with the same bytes."""
    if part.header.name == path.name:
        return part
    return part.model_copy(update={"header": replace(part.header, name=path.name)})


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a part is made from, and who is told how far that is."""

    key: str
    sha256: str
    now: int
    tell: Step


@dataclass(slots=True)
class _Gathered:
    """What is gathered while the events of one file pass."""

    account: EventAccount = field(default_factory=EventAccount)
    runs: set[tuple[int, int]] = field(default_factory=set)
    counts: list[RunCount] = field(default_factory=list)
    hashes: list[Hashes] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def add(self, reduced: Reduced) -> None:
        """Take in a chunk."""
        self.account += reduced.account
        self.counts = [*self.counts, *reduced.runs]
        if len(self.counts) > MOST_COUNTS:
            self.counts = list(add_counts(self.counts))
        if len(reduced.table):
            self.hashes.append(number_hashes(reduced.events))
            self.runs |= _runs(reduced)
        if len(reduced.times):
            self.times += [int(reduced.times.min()), int(reduced.times.max())]

    def part(self, origin: _Origin, header: FileHeader, size: int) -> Part:
        """Return what is known now."""
        several = np.sort(np.concatenate([*self.hashes, np.empty(0, np.uint64)]))
        return Part(
            key=origin.key,
            sha256=origin.sha256,
            header=header,
            account=self.account,
            runs=tuple(sorted(self.runs)),
            counts=add_counts(self.counts),
            repeats=bool((several[1:] == several[:-1]).any()),
            first=min(self.times, default=None),
            last=max(self.times, default=None),
            now=origin.now,
            size=size,
        )


def _runs(reduced: Reduced) -> set[tuple[int, int]]:
    """Return the detectors and runs of the rows of a chunk.

    Of events that are not named after these, numbers that stand for them: only they tell which
    files can hold the same names.
    """
    counts = count_runs(reduced.events, np.ones(len(reduced.table), dtype=bool))
    return {(count.detector_id, count.run) for count in counts}


def _reduce(path: Path, recipe: Recipe, parts: Parts, origin: _Origin, rows: int) -> Part:
    with open_reader(path) as reader, blaming(type(reader), path):
        try:
            return _pass(path, recipe, parts, origin, reader, partial(reader.in_one_pass, rows))
        except InputError:
            if type(reader).in_one_pass is Reader.in_one_pass:
                raise
    # Whatever is wrong, or not where it was thought to be: the thorough way tells.
    with open_reader(path) as reader, blaming(type(reader), path):
        return _pass(path, recipe, parts, origin, reader, partial(reader.chunks, rows))


def _pass(
    path: Path,
    recipe: Recipe,
    parts: Parts,
    origin: _Origin,
    reader: Reader,
    chunks: Callable[[], Iterator[EventChunk]],
) -> Part:
    gathered = _Gathered()
    with parts.writing(origin.key, recipe.parameters) as part:
        coming = chunks()
        check_kind(reader.header, recipe, where=path)
        check_summaries(reader, recipe, where=path)
        for chunk in coming:
            reduced = reduce_chunk(chunk, recipe, now=origin.now)
            gathered.add(reduced)
            part.append(reduced.table)
            origin.tell(gathered.account.read, reader.entries)
        header = reader.header
        check_kind(header, recipe, where=path)
    return parts.finish(origin.key, lambda size: gathered.part(origin, header, size))


def _state(path: Path) -> tuple[int, int, int]:
    try:
        state = path.stat()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be read: {reason}", where=path, hint="check the path") from error
    return state.st_size, state.st_mtime_ns, state.st_ino
