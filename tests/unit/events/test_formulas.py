"""Formulas: what they compute, with which units, and what a wrong one is told."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from astropy.units import Quantity, Unit
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vopub.errors import DescriptionError
from vopub.events.formulas import parse_formula
from vopub.model.catalogue import known_parameters

VALUES: dict[str, NDArray[Any]] = {
    "energy": np.array([1.0, 2500.0, np.nan]),
    "zenith": np.array([0.0, 90.0, 135.0]),
    "n_hits": np.array([5, 2**31 - 1, 7], np.int32),
    "likelihood": np.array([-2.0, 0.5, 100.0]),
    "track_length": np.array([0.0, 30.0, 40.0]),
}


def applied(text: str, unit: str = "") -> NDArray[Any]:
    formula = parse_formula(text, known=known_parameters(), unit=unit)
    assert pickle.loads(pickle.dumps(formula)) == formula  # noqa: S301  # it is our own
    return formula.apply(VALUES)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("log10(energy / (1 GeV))", "", [0, np.log10(2500), np.nan]),
        ("log10(energy / 1 TeV)", "", [-3, np.log10(2.5), np.nan]),
        ("log(energy/(1 GeV))", "", [0, np.log(2500), np.nan]),
        ("cos(zenith)", "", [1, 0, -np.sqrt(0.5)]),
        ("zenith", "rad", [0, np.pi / 2, 3 * np.pi / 4]),
        ("180 deg - zenith", "deg", [180, 90, 45]),
        ("energy + 1 TeV", "GeV", [1001, 3500, np.nan]),
        ("2 * energy", "TeV", [0.002, 5, np.nan]),
        ("n_hits * n_hits", "", [25, (2.0**31 - 1) ** 2, 49]),
        ("likelihood / (n_hits - 5)", "", [-np.inf, 0.5 / (2**31 - 6), 50]),
        ("-likelihood ** 2", "", [-4, -0.25, -10000]),
        ("(-likelihood) ** 2", "", [4, 0.25, 10000]),
        ("sqrt(track_length ** 2 + (3 m) ** 2)", "m", [3, np.sqrt(909), np.sqrt(1609)]),
        ("energy ** -1", "GeV**-1", [1, 1 / 2500, np.nan]),
        ("abs(likelihood)", "", [2, 0.5, 100]),
        ("arctan2(track_length, 30 m)", "deg", [0, 45, np.degrees(np.arctan2(4, 3))]),
        ("minimum(track_length, 35 m)", "m", [0, 30, 35]),
        ("maximum(track_length, 0.035 km)", "m", [35, 35, 40]),
        ("where(energy > 1 TeV, 1, 0)", "", [0, 1, np.nan]),
        ("where(zenith > 90 deg, likelihood, -1)", "", [-1, -1, 100]),
        ("energy * 3 GeV.m**2.sr", "GeV**2.m**2.sr", [3, 7500, np.nan]),
        ("(energy / 1 TeV) ** likelihood", "", [1e6, 2.5**0.5, np.nan]),
        ("1e3GeV / energy", "", [1000, 0.4, np.nan]),
        ("exp(likelihood)\n  - 1", "", np.expm1(VALUES["likelihood"])),
    ],
)
def test_what_is_computed(text: str, unit: str, expected: Any) -> None:
    assert applied(text, unit) == pytest.approx(np.array(expected), abs=1e-12, nan_ok=True)


@given(
    st.sampled_from(["GeV", "TeV", "keV", "J"]),
    st.sampled_from(["GeV", "eV", "MeV"]),
    st.floats(1e-3, 1e3),
)
def test_units_are_those_of_astropy(given_unit: str, declared: str, number: float) -> None:
    ours = applied(f"energy * (3 m) / (2 km) + {number!r} {given_unit}", declared)[1]
    theirs = 2500 * Unit("GeV") * (3 * Unit("m")) / (2 * Unit("km")) + number * Unit(given_unit)
    assert ours == pytest.approx(Quantity(theirs).to_value(declared), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("log10(energy)", "", "at 'log10(energy)': the unit GeV does not go with dimensionless"),
        ("enrgy", "GeV", "unknown parameter 'enrgy'; did you mean energy"),
        ("energy", "deg", "its unit is GeV, declared is deg"),
        ("energy", "", "its unit is GeV, declared is dimensionless"),
        ("energy + zenith", "GeV", "at 'energy + zenith': the unit deg does not go with GeV"),
        ("energy + 1", "GeV", "at 'energy + 1': the unit dimensionless does not go with GeV"),
        ("sin(likelihood)", "", "the unit dimensionless does not go with rad"),
        ("event_id", "", "event_id is a text"),
        ("3", "", "names no parameter"),
        ("1 GeVV + energy", "GeV", "'GeVV' after 1 is not a unit"),
        ("energy ** zenith", "", "at 'energy ** zenith': a value with a unit"),
        ("energy > 1 GeV", "", "gives true or false"),
        ("where(energy, 1, 2)", "", "at 'energy': asks nothing"),
        ("log11(energy)", "", "unknown function 'log11'; did you mean log10"),
        ("minimum(energy)", "GeV", "minimum takes 2 values, not 1"),
        ("log10", "", "log10 is a function"),
        ("3 log10(energy)", "", "cannot be read"),
        ("(energy", "GeV", "cannot be read"),
        ("", "GeV", "cannot be read"),
        ("energy ** 1e400", "", "1e400 is too large"),
        ("energy < zenith < 3", "", "this cannot be in a formula"),
        ("energy.real", "GeV", "at 'energy.real': this cannot be in a formula"),
        ("energy[0]", "GeV", "this cannot be in a formula"),
        ("__import__('os').system('true')", "", "this cannot be in a formula"),
        ("open('a')", "", "unknown function 'open'"),
        ("(lambda: energy)()", "GeV", "this cannot be in a formula"),
        ("energy and zenith", "", "this cannot be in a formula"),
        ("-" * 400 + "energy", "GeV", "nests deeper than 50"),
        ("(" * 400 + "energy" + ")" * 400, "GeV", "cannot be read"),
        ("energy" * 300, "GeV", "has 1800 characters; at most 1000"),
    ],
)
def test_what_a_wrong_one_is_told(text: str, unit: str, said: str) -> None:
    with pytest.raises(DescriptionError) as raised:
        parse_formula(text, known=known_parameters(), unit=unit, place="events.derived.x.formula")
    (problem,) = raised.value.problems
    assert problem.place == "events.derived.x.formula"
    assert said in str(problem)
    assert "number__" not in str(problem)


@given(st.text(alphabet="energyz 0123456789.+-*/()<>=_[]{}'\"e,:\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        formula = parse_formula(text, known=known_parameters(), unit="GeV")
    except DescriptionError:
        return
    assert set(formula.parameters) <= set(known_parameters())
