"""Summaries of events in KM3NeT's DST files: numbers in the tree ``T``, a friend of ``E``.

Which branches there are differs from version to version; they were compared with files of four.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray
from uproot.interpretation.jagged import AsJagged
from uproot.interpretation.numerical import AsDtype

from vopub.errors import InputError
from vopub.events.tracks import SENTINEL, Floats
from vopub.model.summaries import is_summary

SENTINELS = (SENTINEL, 1e20, 1e50, -1e50)
"""What the programs write where they have found nothing."""
MOST_PLACES = 8
"""Longer arrays are not offered."""
FEW_EVENTS = 1000
"""How many events are asked how many reconstructions a summary is made for; all have as many."""
OF_ROOT = ("fUniqueID", "fBits")
"""Leaves by which ROOT keeps its own books."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One number per event."""

    branch: Any
    place: tuple[int, ...]
    """Where in the array of each event it is; empty if the branch has one number per event."""

    def pick(self, array: ak.Array) -> Floats:
        """Return the numbers from the values of the branch, NaN where there is none."""
        for place in self.place:
            array = ak.pad_none(array, place + 1, axis=1)[:, place]
        numbers = ak.to_numpy(ak.fill_none(ak.values_astype(array, np.float64), np.nan))
        values: NDArray[np.float64] = np.asarray(numbers, dtype=np.float64)
        return np.where(np.isfinite(values) & ~np.isin(values, SENTINELS), values, np.nan)


Leaves = Mapping[str, Mapping[str, Leaf]]
"""The leaves by their names, of each branch of the tree."""


def find_leaves(tree: Any) -> Leaves:
    """Return what the tree says of each event, as far as that is a fixed number of numbers.

    Names that several leaves would have, or that no column can have, are left out.
    """
    found = {branch.name: list(_leaves(branch, branch.name)) for branch in tree.branches}
    times = Counter(name for leaves in found.values() for name, _ in leaves)
    good = {
        _name(branch): {
            name: leaf for name, leaf in leaves if times[name] == 1 and is_summary(name)
        }
        for branch, leaves in found.items()
    }
    return {branch: leaves for branch, leaves in good.items() if leaves}


def check_entries(there: int, events: int, *, where: Path) -> None:
    """Check that the tree is of the events of the event tree.

    Raises
    ------
    InputError
        If it has another number of entries.
    """
    if there != events:
        what = f"the tree T has {there} entries, the event tree E {events}"
        raise InputError(what, where=where, hint="copy or make the file again")


def _leaves(branch: Any, group: str) -> Iterator[tuple[str, Leaf]]:
    for inner in branch.branches:
        yield from _leaves(inner, group)
    own = branch.name.removeprefix(f"{group}.").split("[")[0]
    if branch.branches or own.endswith(OF_ROOT):
        return
    stem = _name(*dict.fromkeys((group, own)))
    for place in _places(branch):
        yield "_".join((stem, *map(str, place))), Leaf(branch, place)


def _name(*parts: str) -> str:
    return "_".join(["dst", *(re.sub(r"[^a-z0-9]+", "_", part.lower()) for part in parts)])


def _places(branch: Any) -> Iterator[tuple[int, ...]]:
    """Yield where in the array of each event there are numbers."""
    layout = branch.interpretation
    if isinstance(layout, AsDtype):
        yield from _within(layout)
    elif isinstance(layout, AsJagged) and isinstance(layout.content, AsDtype):
        fixed = [place for place in _within(layout.content) if place]  # others are lists
        lengths = ak.num(branch.array(entry_stop=FEW_EVENTS), axis=1) if fixed else []
        for number in range(min(int(max(lengths, default=0)), MOST_PLACES)):
            yield from ((number, *place) for place in fixed)


def _within(layout: AsDtype) -> Iterator[tuple[int, ...]]:
    if layout.to_dtype.base.kind in "iuf" and np.prod(layout.inner_shape) <= MOST_PLACES:
        yield from np.ndindex(*layout.inner_shape)
