"""Events that come more than once in the parts of a table, found in bounded memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.identifiers import run_of
from vopub.events.scale.parts import Part, Parts
from vopub.events.scale.tasks import hashes
from vopub.model.event_table import MOST_IDENTIFIERS, Excluded

MOST_ROWS = 2_000_000
"""How many rows are compared at a time: 40 bytes for each are in memory."""
_OTHER_KEY = "identifier-hash2"
"""Two hashes of 64 bits: that two identifiers of 10⁹ have both in common happens once in 10²⁰."""

RowNumbers = NDArray[np.int64]
_Run = tuple[int, int]


def check_copies(paths: Sequence[Path], parts: Sequence[Part]) -> None:
    """Check that no file is given twice, under whatever name.

    Raises
    ------
    InputError
        Naming both.
    """
    known: dict[str, Path] = {}
    for path, part in zip(paths, parts, strict=True):
        other = known.setdefault(part.sha256, path)
        if other is not path:
            raise InputError(
                f"holds the same bytes as {other}",
                where=path,
                hint="leave one of them out, or say --duplicates first",
            )


def check_events(paths: Sequence[Path], files: Parts, parts: Sequence[Part]) -> None:
    """Check that no event is in the table twice.

    Raises
    ------
    InputError
        Naming the event and the files.
    """
    for again, first in _pairs(files, parts):
        (part, row), (other, _) = again, first
        identifier = _identifier(files, parts[part], row)
        raise InputError(
            f"event {identifier} is also in {paths[other]}"
            if other != part
            else f"event {identifier} is in the file twice",
            where=paths[part],
            hint="each event may come once; leave out the file that repeats it, or say "
            "--duplicates first",
        )


def repeated_rows(files: Parts, parts: Sequence[Part]) -> Mapping[int, RowNumbers]:
    """Return the rows of each part, by its number, whose events came before.

    Eight bytes are in memory for each such row.
    """
    found: defaultdict[int, list[int]] = defaultdict(list)
    for (part, row), _ in _pairs(files, parts):
        found[part].append(row)
    return {part: np.unique(np.array(rows, np.int64)) for part, rows in found.items()}


Place = tuple[int, int]
"""Number of a part and of a row in it."""


def _pairs(files: Parts, parts: Sequence[Part]) -> Iterator[tuple[Place, Place]]:
    """Yield the place of each event that comes again, and of the one before it."""
    suspects = suspicious(parts)
    passes = 1 + sum(parts[number].rows for number in suspects) // MOST_ROWS
    for number in range(passes if suspects else 0):
        yield from _compare(files, parts, suspects, (passes, number))


def suspicious(parts: Sequence[Part]) -> list[int]:
    """Return the numbers of the parts in which an event may be that comes again.

    Only a run that several parts hold can have the same event in two of them.
    """
    holders = Counter(run for part in parts for run in part.runs)
    return [
        number
        for number, part in enumerate(parts)
        if part.repeats or any(holders[run] > 1 for run in part.runs)
    ]


def _compare(
    files: Parts, parts: Sequence[Part], suspects: Sequence[int], share: tuple[int, int]
) -> Iterator[tuple[Place, Place]]:
    """Compare one share of the events: those whose hash leaves a certain rest."""
    found = [_hashed(files, parts[number], number, share) for number in suspects]
    one, other, part, row = (np.concatenate(column) for column in zip(*found, strict=True))
    # The sort is stable: of equal hashes, the one that comes first in the inputs stays first.
    order = np.lexsort([other, one])
    same = (one[order][1:] == one[order][:-1]) & (other[order][1:] == other[order][:-1])
    places = zip(part[order].tolist(), row[order].tolist(), strict=True)
    if same.any():
        for is_same, (before, place) in zip(same.tolist(), pairwise(places), strict=True):
            if is_same:
                yield place, before


def _hashed(
    files: Parts, part: Part, number: int, share: tuple[int, int]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int32], RowNumbers]:
    passes, rest = share
    ones, others, rows = [], [], []
    start = 0
    for identifiers in files.identifiers(part):
        one = hashes(identifiers)
        mine = np.flatnonzero(one % np.uint64(passes) == rest)
        ones.append(one[mine])
        others.append(hashes(identifiers[mine], key=_OTHER_KEY))
        rows.append(mine + start)
        start += len(identifiers)
    row = np.concatenate([*rows, np.empty(0, np.int64)])
    empty = np.empty(0, np.uint64)
    return (
        np.concatenate([*ones, empty]),
        np.concatenate([*others, empty]),
        np.full(len(row), number, np.int32),
        row,
    )


def _identifier(files: Parts, part: Part, row: int) -> str:
    for identifiers in files.identifiers(part):
        if row < len(identifiers):
            return str(identifiers[row])
        row -= len(identifiers)
    raise IndexError(row)


def without_repeated(files: Parts, part: Part, rows: RowNumbers) -> Part:
    """Return what is known of a part of which some rows are left out as repeated."""
    first = tuple(_identifier(files, part, int(row)) for row in rows[:MOST_IDENTIFIERS])
    reason = part.account.repeated.reason
    account = part.account.without(Excluded(reason=reason, events=len(rows), first=first))
    fewer = _count_runs(files, part, rows)
    counts = tuple(
        count.model_copy(update={"kept": count.kept - fewer[count.detector_id, count.run]})
        for count in part.counts
    )
    return part.model_copy(update={"account": account, "counts": counts})


def _count_runs(files: Parts, part: Part, rows: RowNumbers) -> Counter[_Run]:
    """Count the rows of each run, which the name of each tells if there are several."""
    if len(part.counts) <= 1:
        return Counter({(c.detector_id, c.run): len(rows) for c in part.counts})
    found: Counter[_Run] = Counter()
    start = 0
    for identifiers in files.identifiers(part):
        mine = rows[(rows >= start) & (rows < start + len(identifiers))] - start
        for identifier in identifiers[mine]:
            found[_run_of(identifier, part)] += 1
        start += len(identifiers)
    return found


def _run_of(identifier: str, part: Part) -> _Run:
    run = run_of(identifier)
    if run is None:
        what = f"event {identifier} comes again, and its name does not tell of which run it is"
        hint = "leave out the file that repeats it, or have a file for each run"
        raise InputError(what, where=part.header.name, hint=hint)
    return run
