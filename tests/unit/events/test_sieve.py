"""Where the events of a chunk went."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vopub.events.sieve import Sieve

ROWS = st.lists(st.integers(0, 19), unique=True)


def sieve() -> Sieve:
    events: dict[str, NDArray[Any]] = {
        "detector_id": np.full(20, 49, np.int32),
        "run_id": np.full(20, 7, np.int32),
        "frame_index": np.arange(20, dtype=np.int32),
        "trigger_counter": np.zeros(20, np.uint64),
    }
    return Sieve(events)


def test_each_event_counts_for_the_first_reason() -> None:
    ours = sieve()
    ours.not_reconstructed(np.array([0, 1]))
    ours.malformed("bad", np.array([1, 2]))
    ours.malformed("worse", np.array([2]))
    ours.cut("cut", np.array([2, 3, 4, 5, 6, 7, 8, 9]))
    ours.cut("empty cut", np.array([9]))
    account = ours.account()
    assert (account.read, account.kept) == (20, 10)
    assert account.not_reconstructed.first == ("km3.49.7.0.0", "km3.49.7.1.0")
    assert [(e.reason, e.events) for e in account.malformed] == [("bad", 1)]
    assert [(e.reason, e.events) for e in account.cuts] == [("cut", 7), ("empty cut", 0)]
    assert account.cuts[0].first == tuple(f"km3.49.7.{n}.0" for n in range(3, 8))
    assert np.flatnonzero(ours.inside).tolist() == list(range(10, 20))


@given(ROWS, ROWS, ROWS)
def test_none_is_lost(without: list[int], bad: list[int], cut: list[int]) -> None:
    ours = sieve()
    ours.not_reconstructed(np.array(without, np.intp))
    ours.malformed("bad", np.array(bad, np.intp))
    ours.cut("cut", np.array(cut, np.intp))
    account = ours.account()  # refuses to be made if it does not add up
    assert account.kept == 20 - len({*without, *bad, *cut})
