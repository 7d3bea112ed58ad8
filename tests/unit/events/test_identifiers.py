"""Names of events, and finding one that is twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.identifiers import IDENTITY, identifiers, number_hashes, spelled

INT32 = st.integers(-(2**31), 2**31 - 1)
COUNT = st.integers(0, 2**31 - 1)
UINT64 = st.integers(0, 2**64 - 1)


def columns(*rows: tuple[int, int, int, int]) -> list[NDArray[np.integer]]:
    dtypes = (np.int32, np.int32, np.int32, np.uint64)
    return [
        np.array(part, dtype) for part, dtype in zip(zip(*rows, strict=True), dtypes, strict=True)
    ]


@given(INT32, COUNT, COUNT, UINT64)
def test_every_part_is_in_the_name(detector: int, run: int, frame: int, counter: int) -> None:
    names = identifiers(*columns((detector, run, frame, counter)))
    assert names.dtype == object
    assert names[0] == f"km3.{detector}.{run}.{frame}.{counter}"
    assert type(names[0]) is str


def test_many_at_once() -> None:
    names = identifiers(*columns((49, 9505, 114, 0), (-1, 0, 0, 13018)))
    assert names.tolist() == ["km3.49.9505.114.0", "km3.-1.0.0.13018"]


def test_none() -> None:
    nothing = np.empty(0, np.int32)
    assert identifiers(nothing, nothing, nothing, nothing).tolist() == []


@given(st.integers(-(2**31), -1), COUNT)
def test_negative_run_or_frame(negative: int, good: int) -> None:
    for run, frame in ((negative, good), (good, negative)):
        bad = columns((1, 2, 3, 4), (1, run, frame, 4))
        with pytest.raises(InputError, match=f"run {run} with frame {frame}"):
            identifiers(*bad)
        assert spelled(*bad)[1] == f"km3.1.{run}.{frame}.4"


def test_hashes_of_numbers_tell_events_apart_whatever_their_types() -> None:
    grid = np.meshgrid([-1, 49], *[np.arange(20)] * 3)
    numbers = {name: part.ravel() for name, part in zip(IDENTITY, grid, strict=True)}
    hashes = number_hashes(numbers)
    assert len(np.unique(hashes)) == len(hashes) == 16_000
    narrow = {name: part.astype(np.int32) for name, part in numbers.items()}
    narrow["trigger_counter"] = numbers["trigger_counter"].astype(np.uint64)
    np.testing.assert_array_equal(number_hashes(narrow), hashes)
