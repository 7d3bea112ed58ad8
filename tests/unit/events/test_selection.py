"""Selections: what they mean, and what a wrong one is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vopub.errors import SelectionError
from vopub.events.selection import MIRRORED, OPERATORS, Comparison, parse_cuts, parse_selection
from vopub.model.catalogue import known_parameters
from vopub.model.description import Cut
from vopub.model.parameter import Dtype, Parameter

NUMERIC = sorted(n for n, p in known_parameters().items() if p.dtype is not Dtype.TEXT)


def test_one_comparison() -> None:
    selection = parse_selection("zenith > 90 deg")
    assert selection.condition == Comparison("zenith", ">", 90)
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
    assert selection.condition == Comparison(name, sign, number)
    mirrored = parse_selection(f"{number!r}{space}{unit}{space}{MIRRORED[sign]}{space}{name}")
    assert mirrored == selection


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_units_convert(limit: float, energy: float) -> None:
    passed = parse_selection(f"energy > {limit!r} TeV").apply({"energy": np.array([energy])})
    if abs(energy - limit * 1000) > 1e-9 * energy:
        assert passed.tolist() == [energy > limit * 1000]


NAN = np.nan
COLUMNS: dict[str, NDArray[Any]] = {
    "zenith": np.array([20.0, 60.0, 120.0, NAN, 120.0]),
    "azimuth": np.array([200.0, 60.0, 60.0, 60.0, NAN]),
    "angular_error": np.array([1.0, NAN, 3.0, NAN, 0.5]),
    "likelihood": np.array([NAN, 30.0, 50.0, 70.0, NAN]),
    "n_hits": np.array([5, 10, 20, 30, 40], np.int32),
    "event_id": np.array(["a", "b", "c", 'd"', ""], object),
}


@pytest.mark.parametrize(
    ("expression", "passed"),
    [
        ("zenith > 90 deg or likelihood < 40", [0, 1, 1, 0, 1]),
        ("zenith < 90 deg and likelihood < 40", [0, 1, 0, 0, 0]),
        ("n_hits < 10 or n_hits > 10 and zenith > 90 deg", [1, 0, 1, 0, 1]),
        ("(n_hits < 10 or n_hits > 10) and zenith > 90 deg", [0, 0, 1, 0, 1]),
        ("30 deg < zenith < 90 deg", [0, 1, 0, 0, 0]),
        ("90 deg >= zenith > 20 deg", [0, 1, 0, 0, 0]),
        ("10 <= n_hits < 30", [0, 1, 1, 0, 0]),
        ("zenith == azimuth", [0, 1, 0, 0, 0]),
        ("zenith < azimuth", [1, 0, 0, 0, 0]),
        ("not zenith < azimuth", [0, 1, 1, 0, 0]),
        ("not likelihood < 40", [0, 0, 1, 1, 0]),
        ("not not likelihood < 40", [0, 1, 0, 0, 0]),
        ("not (likelihood < 40 or zenith > 90 deg)", [0, 0, 0, 0, 0]),
        ("not (likelihood < 40 and zenith > 90 deg)", [1, 1, 1, 1, 0]),
        ("not angular_error != 1 deg", [1, 0, 0, 0, 0]),
        ("not 30 deg < zenith < 90 deg", [1, 0, 1, 0, 1]),
        ('event_id == "b" or event_id == \'d"\'', [0, 1, 0, 1, 0]),
        ('event_id != "b"', [1, 0, 1, 1, 1]),
        ("event_id == ''", [0, 0, 0, 0, 1]),
        ("event_id == event_id", [1, 1, 1, 1, 1]),
        ("(((n_hits>10)))and(not(zenith>90deg))", [0, 0, 0, 0, 0]),
        ("3600arcsec<angular_error", [0, 0, 1, 0, 0]),
    ],
)
def test_what_passes(expression: str, passed: list[int]) -> None:
    assert parse_selection(expression).apply(COLUMNS).tolist() == [bool(p) for p in passed]


def test_units_of_two_parameters_convert() -> None:
    known = {
        "length": Parameter(
            name="length",
            dtype=Dtype.FLOAT64,
            unit="km",
            ucd="phys.size",
            description="Some length.",
        ),
        "track_length": known_parameters()["track_length"],
    }
    columns = {"length": np.array([1.0, 2.0]), "track_length": np.array([1500.0, 1500.0])}
    for expression in ("length > track_length", "track_length < length"):
        selection = parse_selection(expression, known=known)
        assert selection.parameters in (("length", "track_length"), ("track_length", "length"))
        assert selection.apply(columns).tolist() == [False, True]


def test_only_the_given_parameters_are_known() -> None:
    with pytest.raises(SelectionError, match="unknown parameter 'zenith'; did you mean n_hits"):
        parse_selection("zenith > 90 deg", known={"n_hits": known_parameters()["n_hits"]})


def test_whole_numbers_stay_exact_under_a_unit() -> None:
    selection = parse_selection("unix_time > 1614168011.400000001 s")
    times = np.array([1614168011400000001, 1614168011400000002])
    assert selection.apply({"unix_time": times}).tolist() == [False, True]
    assert parse_selection("unix_time > 1e-999999999 s").condition == Comparison(
        "unix_time", ">", 0
    )


LEAVES = st.builds(
    lambda name, sign, number: (f"{name} {sign} {number} {known_parameters()[name].unit}".strip(),
                                (name, sign, number)),
    st.sampled_from(["zenith", "likelihood", "n_hits"]),
    st.sampled_from(sorted(OPERATORS)),
    st.integers(-1, 3),
)  # fmt: skip
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda one: (f"not ({one[0]})", ("not", one[1]))),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda both: (
                f"({both[0][0]}) {both[1]} ({both[2][0]})", (both[1], both[0][1], both[2][1])
            )
        ),
    ),
    max_leaves=8,
)  # fmt: skip
FEW = st.sampled_from([-1.0, 0.0, 1.0, 2.0, NAN])


def reference(tree: Any, columns: dict[str, NDArray[Any]]) -> Any:
    """Evaluate by pandas, whose nullable booleans know three values."""
    if tree[0] == "not":
        return ~reference(tree[1], columns)
    if tree[0] in ("and", "or"):
        one, other = (reference(part, columns) for part in tree[1:])
        return one & other if tree[0] == "and" else one | other
    name, sign, number = tree
    holds = pd.array(OPERATORS[sign](columns[name], number), dtype="boolean")
    holds[np.isnan(columns[name])] = pd.NA
    return holds


@given(EXPRESSIONS, st.lists(st.tuples(FEW, FEW, st.integers(-1, 3)), min_size=1, max_size=6))
def test_three_values_of_truth(
    expression: tuple[str, Any], rows: list[tuple[float, float, int]]
) -> None:
    text, tree = expression
    zenith, likelihood, n_hits = (np.array(column) for column in zip(*rows, strict=True))
    columns = {"zenith": zenith, "likelihood": likelihood, "n_hits": n_hits}
    expected = reference(tree, columns).to_numpy(dtype=bool, na_value=False)
    assert parse_selection(text).apply(columns).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "zenit > 90 deg",
            ", at 'zenit' (character 1): unknown parameter 'zenit'; did you mean zenith",
        ),
        ("event_id > 3", "event_id is a text, not a number; write event_id =="),
        ("event_id > 'a'", "event_id is a text; texts compare by == or !="),
        ("zenith == 'up'", "zenith is a number, not a text"),
        ("zenith > event_id", "zenith > event_id: event_id is a text; texts compare with texts"),
        ("zenith > 90", ", at '90' (character 10): zenith needs a unit; zenith is in deg"),
        ("30 < zenith < 90 deg", ", at '30' (character 1): zenith needs a unit"),
        ("zenith > 90 GeV", "'GeV' is not a unit of zenith; zenith is in deg"),
        ("zenith > energy", "'GeV' is not a unit of zenith; zenith is in deg"),
        ("zenith > n_hits", "zenith is in deg, n_hits has no unit; compare parameters of one kind"),
        ("zenith > 90 degr", "'degr' is not a unit of zenith"),
        ("likelihood > 40 deg", "'deg' after a number of likelihood, which has no unit"),
        ("zenith => 90 deg", "unknown operator '=>'; operators are < <= > >= == !="),
        ("zenith = 90 deg", "unknown operator '='"),
        ("zenith", ", at its end: expected an operator, found the end; write <parameter>"),
        ("", ", at its end: expected a parameter or a number, found the end"),
        ("zenith > deg", "unknown parameter 'deg'; did you mean dec"),
        ("1 deg < 2 deg", ", at '1' (character 1): compares no parameter; one side has to name"),
        ("zenith > nan deg", ", at 'deg' (character 14): expected 'and' or 'or', found 'deg'"),
        ("zenith > 1e999 deg", "1e999 is too large"),
        ("zenith > 90 deg; import os", ", at ';' (character 16): cannot read ';'"),
        ("zenith > 90 deg and", ", at its end: expected a parameter or a number, found the end"),
        ("zenith > 90 deg and n_hit > 3", ", at 'n_hit' (character 21): unknown parameter"),
        ("zenith > 90 deg AND n_hits > 3", "unknown word 'AND'; write 'and'"),
        ("zenith > 90 deg && n_hits > 3", "unknown word '&&'; write 'and'"),
        ("zenith > 90 deg | n_hits > 3", "unknown word '|'; write 'or'"),
        ("!(zenith > 90 deg)", "unknown word '!'; write 'not'"),
        ("(zenith > 90 deg", ", at its end: expected ')', found the end"),
        ("zenith > 90 deg)", ", at ')' (character 16): expected 'and' or 'or', found ')'"),
        ("10 < n_hits > 5", "a range has < and <= or > and >= all the way; join two comparisons"),
        ("1 != n_hits != 5", "a range has"),
        ("not " * 51 + "n_hits > 5", "more than 50 'not' and '(' inside each other"),
        ("zenit > 1 deg or n_hits > 1 m", "', at 'zenit' (character 1): unknown parameter"),
        ("zenit > 1 deg or n_hits > 1 m", " | at '1' (character 27): 'm' after a number"),
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
        assert set(selection.parameters) <= set(known_parameters())


def test_all_wrong_cuts_are_told_at_once() -> None:
    cuts = [
        Cut(name="one", keep="zenit > 90 deg"),
        Cut(name="two", keep="energy > 1 GeV"),
        Cut(name="three", keep="energy > 1"),
    ]
    with pytest.raises(SelectionError) as raised:
        parse_cuts(cuts, where="a.toml")
    one, three = str(raised.value).split(" | ")
    assert one.startswith("a.toml: events.selection.0.keep: selection 'zenit > 90 deg', at 'zenit'")
    assert three.startswith("a.toml: events.selection.2.keep: selection 'energy > 1', at '1'")
    assert "energy needs a unit" in three
    assert [s.parameters for s in parse_cuts(cuts[1:2])] == [("energy",)]
