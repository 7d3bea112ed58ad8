"""What entered each step, and what was left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vopub.model.cut_flow import StepKind, cut_flow_text, file_flow_text, steps_of
from vopub.model.event_table import NOT_IN_LIST, EventAccount, Excluded, FileAccount


def account(kept: int, lost: int, bad: int, cuts: dict[str, int], again: int = 0) -> EventAccount:
    return EventAccount(
        read=kept + lost + bad + sum(cuts.values()) + again,
        kept=kept,
        not_reconstructed=Excluded(reason="no fit", events=lost),
        malformed=(Excluded(reason="bad", events=bad), Excluded(reason="worse", events=0)),
        cuts=tuple(Excluded(reason=name, events=number) for name, number in cuts.items()),
        repeated=Excluded(reason="repeated", events=again),
    )


FLOW = account(230, 4, 1, {NOT_IN_LIST: 100, "up-going": 2000, "good": 9}, again=2)


def test_steps_are_in_the_order_they_were_taken() -> None:
    assert [(s.name, s.kind, s.entered, s.out, s.left) for s in steps_of(FLOW)] == [
        (NOT_IN_LIST, StepKind.CUT, 2346, 100, 2246),
        ("no fit", StepKind.RECONSTRUCTION, 2246, 4, 2242),
        ("malformed", StepKind.MALFORMED, 2242, 1, 2241),
        ("up-going", StepKind.CUT, 2241, 2000, 241),
        ("good", StepKind.CUT, 241, 9, 232),
        ("repeated", StepKind.REPEATED, 232, 2, 230),
    ]
    assert "repeated" not in [s.name for s in steps_of(account(1, 0, 0, {}))]


NUMBERS = st.integers(0, 10**9)


@given(NUMBERS, NUMBERS, NUMBERS, st.lists(NUMBERS, max_size=4), NUMBERS)
def test_what_one_step_leaves_enters_the_next(
    kept: int, lost: int, bad: int, cuts: list[int], again: int
) -> None:
    made = account(kept, lost, bad, {f"cut {n}": out for n, out in enumerate(cuts)}, again)
    steps = steps_of(made)
    assert sum(step.out for step in steps) == sum(entry.events for entry in made.excluded)
    assert [made.read, *(s.left for s in steps)] == [*(s.entered for s in steps), made.kept]


def test_as_text() -> None:
    assert cut_flow_text(account(1, 0, 12, {"up": 3})).splitlines() == [
        "step       entered  left out  left",
        "no fit          16         0    16",
        "malformed       16        12     4",
        "up               4         3     1",
    ]


def test_by_file_as_text() -> None:
    files = [
        FileAccount(name="a.root", identifier="sha256:0", account=account(1, 0, 12, {"up": 3})),
        FileAccount(name="b.h5", identifier="sha256:1", account=account(5, 2, 0, {"up": 0}, 1)),
    ]
    assert file_flow_text(files).splitlines() == [
        "file    read  -1  -2  -3  -4  kept",
        "a.root    16   0  12   3   0     1",
        "b.h5       8   2   0   0   1     5",
        "-1: no fit",
        "-2: malformed",
        "-3: up",
        "-4: repeated",
    ]
