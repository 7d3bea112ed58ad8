"""The events of one chunk to rows of a table, with an account of those that become none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from vopub.errors import InputError, did_you_mean
from vopub.events.columns import checked
from vopub.events.detectors import check_detectors, check_site
from vopub.events.good_runs import NOT_IN_LIST, NOT_IN_TIME
from vopub.events.identifiers import Integers, numbers_of
from vopub.events.quantities import Quantities, Reconstructed, defects
from vopub.events.readers.base import EventChunk, FileHeader, Reader
from vopub.events.recipe import Recipe
from vopub.events.rows import table_of
from vopub.events.runs import count_runs
from vopub.events.sieve import Rows, Sieve
from vopub.events.times import Times
from vopub.events.tracks import Mask
from vopub.model.data_taking import RunCount
from vopub.model.event_table import Column, EventAccount, EventTable
from vopub.model.parameter import Dtype
from vopub.model.summaries import is_summary

BY_RUN = ("detector_id", "run_id", "unix_time")
"""Known parameters that a good-run list looks at."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """What became of a chunk."""

    table: EventTable
    """The rows of the events kept."""
    account: EventAccount
    """Where every event went."""
    times: Times
    """When the kept events were, in nanoseconds since 1970; empty if the layout has no times."""
    events: Mapping[str, Integers]
    """What the file says once per event, of the events kept; always with their identity."""
    runs: tuple[RunCount, ...] = ()
    """How many events of each run were read and kept, if the layout says their run."""


def check_kind(header: FileHeader, recipe: Recipe, *, where: object) -> None:
    """Check that a file is of the kind that the resource says it is.

    Raises
    ------
    InputError
        If it is simulated where the resource is not, or the reverse, if it is from another site,
        or if its layout does not have what a column or cut needs.
    """
    if header.simulated is not None and header.simulated != recipe.simulated:
        kind = {True: "simulated", False: "observed"}
        raise InputError(
            f"holds {kind[header.simulated]} events, the resource is marked as one of "
            f"{kind[recipe.simulated]} events",
            where=where,
            hint="set 'simulated' in resource.toml to what is true, or leave the file out",
        )
    check_site(header, recipe.section.detector, where=where)
    check_detectors(header, recipe.section.detector_ids, where=where)
    _check_layout(header, recipe, where=where)


def _check_layout(header: FileHeader, recipe: Recipe, *, where: object) -> None:
    """Check that the layout of a file says all that columns and cuts need."""
    needed = [p.name for p in recipe.looked_at]
    needed += BY_RUN if recipe.good_runs else ()
    lacking = [name for name in dict.fromkeys(needed) if name in header.lacks]
    if lacking:
        raise InputError(
            f"files of the layout {header.layout!r} do not give {', '.join(lacking)}",
            where=where,
            hint="leave these out of the columns and the selection in resource.toml"
            + (", or good_runs" if set(lacking) & set(BY_RUN) and recipe.good_runs else ""),
        )


def check_summaries(reader: Reader, recipe: Recipe, *, where: object) -> None:
    """Check that a file has the summaries that are asked for; then its chunks will have them.

    Raises
    ------
    InputError
        If it has events without these, or its summaries are not of its events.
    """
    asked = [p.name for p in recipe.looked_at if is_summary(p.name)]
    if not asked or not reader.entries:
        return
    given = {name for names in reader.find_summaries().values() for name in names}
    lacking = [name for name in asked if name not in given]
    if lacking:
        what = f"the file does not give {', '.join(lacking)}"
        hint = did_you_mean(lacking[0], given) if given else "vopub inspect says what it gives"
        raise InputError(what, where=where, hint=hint)


def reduce_chunk(chunk: EventChunk, recipe: Recipe, *, now: int) -> Reduced:
    """Return the rows of one chunk, and enter every event into the account.

    Parameters
    ----------
    chunk
        Events of one file.
    recipe
        What to make of them.
    now
        The present in nanoseconds since 1970; events cannot be later.
    """
    sieve = Sieve(chunk.events, chunk.identifiers)
    _leave_out_runs(sieve, chunk.events, recipe)
    found, best = chunk.tracks.best(recipe.section.reconstruction, recipe.fit)
    sieve.not_reconstructed(np.flatnonzero(~found))
    if not sieve.inside[found].all():
        best = best.select(sieve.inside[found])
    events = Reconstructed.of(chunk, np.flatnonzero(found & sieve.inside), best)
    for reason, bad in defects(events, now=now, simulated=recipe.simulated):
        sieve.malformed(reason, events.rows[bad])
    events = events.select(sieve.inside[events.rows])
    values = Quantities(events, recipe.site, recipe.formulas, now=now if recipe.simulated else None)
    try:
        columns = _sift(sieve, events.rows, values, recipe)
        names = values.names()
    finally:
        values.forget()
    kept = sieve.inside[events.rows]
    picked = {name: _picked(column, kept) for name, column in columns.items()}
    table = table_of(recipe.parameters, picked, _picked(names, kept))
    return _reduced(sieve, events, table)


def _reduced(sieve: Sieve, events: Reconstructed, table: EventTable) -> Reduced:
    """Return what is left of the events."""
    kept = sieve.inside[events.rows]
    chunk, rows = events.chunk, events.rows[kept]
    names = chunk.identifiers
    return Reduced(
        table=table,
        account=sieve.account(),
        times=events.time[kept] if events.timed else events.time[:0],
        events={
            **{name: column[rows] for name, column in chunk.events.items()},
            **({} if names is None else numbers_of(names[rows])),
        },
        runs=count_runs(chunk.events, sieve.inside),
    )


def _picked(column: Any, kept: Mask) -> Any:
    """Return some rows of a column of numpy or of Arrow."""
    if kept.all():
        return column
    return column[kept] if isinstance(column, np.ndarray) else column.filter(pa.array(kept))


def _leave_out_runs(sieve: Sieve, events: Mapping[str, Integers], recipe: Recipe) -> None:
    """Take out events of runs that are not in the good-run list, before anything else.

    What is wrong with these is nobody's concern.
    """
    if recipe.good_runs is not None:
        named = recipe.good_runs.names(events["detector_id"], events["run_id"])
        sieve.cut(NOT_IN_LIST, np.flatnonzero(~named))


def _sift(
    sieve: Sieve, rows: Rows, values: Mapping[str, Column], recipe: Recipe
) -> dict[str, Column]:
    """Take out events with a value that cannot be, then those that the cuts leave out.

    Returns the values as columns of the table, without texts: nothing can be wrong with these.
    """
    columns = {}
    for described in (p for p in recipe.looked_at if p.dtype is not Dtype.TEXT):
        columns[described.name], bad = checked(described, values[described.name])
        for reason, where in bad:
            sieve.malformed(reason, rows[where])
    if recipe.good_runs is not None:
        covered = recipe.good_runs.covers(*(values[name] for name in BY_RUN))
        sieve.cut(NOT_IN_TIME, rows[~covered])
    for cut, selection in zip(recipe.section.selection, recipe.selections, strict=True):
        sieve.cut(cut.name, rows[~selection.apply(values)])
    return columns
