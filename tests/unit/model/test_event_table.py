from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vopub.errors import TableError
from vopub.model.catalogue import parameter
from vopub.model.event_table import (
    MOST_IDENTIFIERS,
    EventAccount,
    EventTable,
    Excluded,
    concatenate,
    empty,
)

PARAMETERS = (parameter("event_id"), parameter("energy"), parameter("run_id"))


def table(rows: int) -> EventTable:
    return EventTable(
        PARAMETERS,
        {
            "event_id": np.array([f"km3.49.1.1.{i}" for i in range(rows)], dtype=object),
            "energy": np.array([np.nan if i % 3 == 0 else float(i) for i in range(rows)]),
            "run_id": np.arange(rows, dtype=np.int32),
        },
    )


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("energy", np.zeros(3), r"shape \(3,\)"),
        ("energy", np.zeros((4, 1)), r"shape \(4, 1\)"),
        ("run_id", np.zeros(4, dtype=np.int64), "is int64, described as int32"),
        ("event_id", np.array(["a", "b", "c", 1], dtype=object), "not text"),
    ],
)
def test_a_column_unlike_its_description_is_refused(
    name: str, column: np.ndarray[tuple[int, ...], np.dtype[np.generic]], said: str
) -> None:
    with pytest.raises(TableError, match=said):
        EventTable(PARAMETERS, {**table(4).columns, name: column})


def test_missing_and_reordered_columns_are_refused() -> None:
    columns = table(2).columns
    with pytest.raises(TableError, match="described are"):
        EventTable(PARAMETERS, {n: columns[n] for n in ("event_id", "energy")})
    with pytest.raises(TableError, match="described are"):
        EventTable(PARAMETERS, dict(reversed(list(columns.items()))))


@given(st.integers(0, 20), st.integers(1, 7))
def test_chunks_put_together_are_the_table(rows: int, size: int) -> None:
    whole = table(rows)
    chunks = list(whole.chunks(size))
    assert all(len(chunk) <= size for chunk in chunks)
    assert concatenate(PARAMETERS, chunks).equals(whole)


def test_equality_counts_nan_as_equal_and_sees_a_changed_value() -> None:
    assert table(5).equals(table(5))
    other = table(5)
    other["energy"][1] += 1e-12
    assert not table(5).equals(other)
    assert not table(5).equals(table(4))


def test_no_chunks_give_an_empty_table() -> None:
    assert concatenate(PARAMETERS, []).equals(empty(PARAMETERS))
    assert len(empty(PARAMETERS)) == 0


def test_an_account_that_loses_an_event_is_refused() -> None:
    with pytest.raises(ValidationError, match="10 events read, 8 kept and 1 accounted for"):
        EventAccount(read=10, kept=8, cuts=(Excluded(reason="up-going", events=1),))


excluded = st.builds(
    Excluded,
    reason=st.sampled_from(["up-going", "energy"]),
    events=st.integers(0, 9),
    first=st.lists(st.text(max_size=3), max_size=3).map(tuple),
)


@st.composite
def accounts(draw: st.DrawFn) -> EventAccount:
    cuts = tuple({e.reason: e for e in draw(st.lists(excluded, max_size=3))}.values())
    kept = draw(st.integers(0, 9))
    return EventAccount(read=kept + sum(e.events for e in cuts), kept=kept, cuts=cuts)


@given(accounts(), accounts())
def test_accounts_add_up_by_reason(one: EventAccount, other: EventAccount) -> None:
    both = one + other
    assert both.read == one.read + other.read
    assert both.kept == one.kept + other.kept
    reasons = [e.reason for e in both.cuts]
    assert len(reasons) == len(set(reasons))
    assert all(len(e.first) <= MOST_IDENTIFIERS for e in both.cuts)
