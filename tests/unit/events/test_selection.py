"""Selections: what they mean, and what a wrong one is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vopub.errors import SelectionError
from vopub.events.selection import OPERATORS, Comparison, parse_cuts, parse_selection
from vopub.model.catalogue import known_parameters
from vopub.model.description import Cut
from vopub.model.parameter import Dtype

NUMERIC = sorted(n for n, p in known_parameters().items() if p.dtype is not Dtype.TEXT)


def test_one_comparison() -> None:
    selection = parse_selection("zenith > 90 deg")
    assert selection.comparisons == (Comparison("zenith", ">", 90),)
    assert selection.apply({"zenith": np.array([89.0, 90.0, 91.0])}).tolist() == [
        False,
        False,
        True,
    ]


def test_several_have_to_hold() -> None:
    selection = parse_selection("energy>=1e3GeV and zenith < 1.5 rad and energy < 2 TeV")
    assert selection.parameters == ("energy", "zenith")
    columns = {
        "energy": np.array([999.0, 1000.0, 1999.0, 2000.0, 1500.0]),
        "zenith": np.array([10.0, 85.9, 10.0, 10.0, 86.0]),
    }
    assert selection.apply(columns).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize("sign", OPERATORS)
def test_nan_never_passes(sign: str) -> None:
    selection = parse_selection(f"likelihood {sign} 50")
    assert selection.apply({"likelihood": np.array([np.nan, np.nan])}).tolist() == [False, False]


def test_whole_numbers_stay_exact() -> None:
    selection = parse_selection("unix_time > 1614168011400000001 ns")
    times = np.array([1614168011400000001, 1614168011400000002])
    assert selection.apply({"unix_time": times}).tolist() == [False, True]


def test_numbers_beyond_the_type_compare_as_numbers() -> None:
    columns: dict[str, NDArray[Any]] = {
        "n_hits": np.array([3, 2**31 - 1], np.int32),
        "trigger_mask": np.array([2**64 - 1], np.uint64),
    }
    assert parse_selection(f"n_hits < {2**70}").apply(columns).tolist() == [True, True]
    assert parse_selection("trigger_mask > -1").apply(columns).tolist() == [True]


@given(
    st.sampled_from(NUMERIC),
    st.sampled_from(sorted(OPERATORS)),
    st.floats(-1e12, 1e12),
    st.sampled_from(["", " ", "  \t"]),
)
def test_what_is_written_is_read(name: str, sign: str, number: float, space: str) -> None:
    unit = known_parameters()[name].unit
    selection = parse_selection(f"{space}{name}{space}{sign}{space}{number!r}{space}{unit}{space}")
    assert selection.comparisons == (Comparison(name, sign, number),)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_units_convert(limit: float, energy: float) -> None:
    passed = parse_selection(f"energy > {limit!r} TeV").apply({"energy": np.array([energy])})
    if abs(energy - limit * 1000) > 1e-9 * energy:
        assert passed.tolist() == [energy > limit * 1000]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("zenit > 90 deg", "unknown parameter 'zenit'; did you mean zenith"),
        ("event_id > 3", "unknown parameter 'event_id'; did you mean"),
        ("zenith > 90", "zenith needs a unit; it is in deg"),
        ("zenith > 90 GeV", "'GeV' is not a unit of zenith; zenith is in deg"),
        ("zenith > 90 degr", "'degr' is not a unit of zenith"),
        ("likelihood > 40 deg", "'deg' after a number of likelihood, which has no unit"),
        ("zenith => 90 deg", "unknown operator '=>'; operators are < <= > >= == !="),
        ("zenith = 90 deg", "unknown operator '='"),
        ("zenith", "'zenith' is not a comparison; write <parameter>"),
        ("", "'' is not a comparison"),
        ("zenith > deg", "'zenith > deg' is not a comparison"),
        ("90 deg < zenith", "'90 deg < zenith' is not a comparison"),
        ("zenith > 90 deg or energy > 1 GeV", "'deg or energy > 1 GeV' is not a unit"),
        ("zenith > nan deg", "is not a comparison"),
        ("zenith > 1e999 deg", "1e999 is too large"),
        ("zenith > 90 deg; import os", "is not a unit"),
        ("zenith > 90 deg and", ", at '': '' is not a comparison"),
        ("zenith > 90 deg and n_hit > 3", ", at 'n_hit > 3': unknown parameter 'n_hit'"),
    ],
)
def test_what_a_wrong_one_is_told(expression: str, message: str) -> None:
    with pytest.raises(SelectionError) as raised:
        parse_selection(expression, where="resource.toml: events.selection.0.keep")
    text = str(raised.value)
    assert message in text
    assert text.startswith(f"resource.toml: events.selection.0.keep: selection {expression!r}")
    assert "\n" not in text


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        selection = parse_selection(text)
    except SelectionError as error:
        assert text.count("\n") or "\n" not in str(error)  # noqa: PT017  # either is right
    else:
        assert set(selection.parameters) <= set(NUMERIC)


def test_all_wrong_cuts_are_told_at_once() -> None:
    cuts = [
        Cut(name="one", keep="zenit > 90 deg"),
        Cut(name="two", keep="energy > 1 GeV"),
        Cut(name="three", keep="energy > 1"),
    ]
    with pytest.raises(SelectionError) as raised:
        parse_cuts(cuts, where="a.toml")
    text = str(raised.value)
    assert "a.toml: events.selection.0.keep: selection 'zenit > 90 deg': unknown" in text
    assert "a.toml: events.selection.2.keep: selection 'energy > 1': energy needs a unit" in text
    assert [len(s.comparisons) for s in parse_cuts(cuts[1:2])] == [1]
