"""How often something happened in the last minute, counted by several processes."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vopub.odc.faults import TooOftenError
from vopub.odc.limits import WINDOW, Cells, Limit

PROCESSES = 3
happenings = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, PROCESSES - 1), st.sampled_from("ab"))
)
"""Seconds since the one before, the process that counts, and the key."""


def limits(most: int, clock: Callable[[], float]) -> list[Limit]:
    common = Limit(most, clock, Cells.of(PROCESSES))
    return [common.by(process) for process in range(PROCESSES)]


def allows(limit: Limit, key: str) -> bool:
    try:
        limit.check(key)
    except TooOftenError:
        return False
    return True


@given(happenings, st.integers(1, 6))
def test_all_processes_count_what_happened_in_the_last_minute(
    happened: list[tuple[int, int, str]], most: int
) -> None:
    now = 1000
    counting = limits(most, lambda: now)
    seen: list[tuple[int, str]] = []
    for later, process, key in happened:
        now += later
        counting[process].count(key)
        seen.append((now, key))
        for each in "ab":
            recent = [when for when, which in seen if which == each and when > now - WINDOW]
            assert {allows(limit, each) for limit in counting} == {len(recent) < most}


def test_it_says_when_to_come_again() -> None:
    now = 5.0
    first, second, _ = limits(2, lambda: now)
    first.count("a")
    now = 20.9
    second.count("a")
    with pytest.raises(TooOftenError, match="try again in 45 seconds"):
        first.check("a")
    now = 65.0
    first.check("a")


def test_another_process_counts_too() -> None:
    common = Limit(2, cells=Cells.of(2))
    process = os.fork()
    if not process:
        common.by(1).count("a")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    here = common.by(0)
    here.check("a")
    here.count("a")
    assert not allows(here, "a")
