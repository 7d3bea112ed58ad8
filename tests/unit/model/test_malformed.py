"""How many malformed events are too many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vopub.errors import InputError
from vopub.model.event_table import EventAccount, Excluded
from vopub.model.malformed import MalformedLimit, check_malformed


def account(read: int, *malformed: int) -> EventAccount:
    entries = tuple(
        Excluded(reason=f"defect {n}", events=events, first=(f"km3.1.2.{n}.0",) * min(events, 5))
        for n, events in enumerate(malformed)
    )
    return EventAccount(read=read, kept=read - sum(malformed), malformed=entries)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_number(most: int, malformed: int) -> None:
    assert MalformedLimit.parse(str(most)).allows(malformed, 1000) == (malformed <= most)


@pytest.mark.parametrize(
    ("text", "malformed", "allowed"),
    [
        ("1%", 10, True), ("1 %", 11, False), ("0.1%", 1, True), (" 0.1 % ", 2, False),
        ("0", 0, True), ("0", 1, False), ("0%", 1, False), ("100%", 1000, True),
    ],
)  # fmt: skip
def test_of_a_thousand(text: str, malformed: int, allowed: bool) -> None:
    assert MalformedLimit.parse(text).allows(malformed, 1000) is allowed


@pytest.mark.parametrize("text", ["", "%", "-1", "1.5", "101%", "many", "1e3", "1 % of all"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit: write a number of events or a percentage"):
        MalformedLimit.parse(text)


def test_the_account_is_told() -> None:
    limit = MalformedLimit.parse("1%")
    check_malformed(account(0), limit)
    check_malformed(account(1000, 4, 6), limit)
    with pytest.raises(InputError) as raised:
        check_malformed(account(1000, 10, 1), limit, where="a.root")
    assert str(raised.value).startswith(
        "a.root: 11 of 1000 events are malformed, the limit is 1%: "
        "10 defect 0 (km3.1.2.0.0, km3.1.2.0.0, km3.1.2.0.0, km3.1.2.0.0, km3.1.2.0.0, …); "
        "1 defect 1 (km3.1.2.1.0); look at these events"
    )
