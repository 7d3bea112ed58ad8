"""What a recipe makes of a description, and what it refuses before any file is read."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from vopub.errors import DescriptionError, Problem
from vopub.events.recipe import Recipe
from vopub.model.derived import DerivedParameter
from vopub.model.description import EventsSection

MakeSection = Callable[..., EventsSection]


def derived(formula: str, **fields: Any) -> DerivedParameter:
    content = {"ucd": "phys.energy", "description": "Made for a test.", **fields}
    return DerivedParameter(formula=formula, **content)


def problems(section: EventsSection, *, simulated: bool = False) -> list[Problem]:
    with pytest.raises(DescriptionError) as raised:
        Recipe(section, simulated)
    return list(raised.value.problems)


def test_what_is_looked_at(make_section: MakeSection) -> None:
    section = make_section(
        "twice > 3 TeV and jgandalf_chi2 < 5",
        columns=("event_id", "half"),
        derived={
            "half": derived("energy / 2", unit="GeV"),
            "twice": derived("thrice - jenergy_energy", unit="TeV"),
            "thrice": derived("3 * energy", unit="MeV"),
            "idle": derived("zenith", unit="deg"),
        },
    )
    recipe = Recipe(section, simulated=False)
    assert pickle.loads(pickle.dumps(recipe)) == recipe  # noqa: S301  # it is our own
    assert [p.name for p in recipe.looked_at] == [
        "event_id", "half", "twice", "jgandalf_chi2", "energy", "thrice", "jenergy_energy",
    ]  # fmt: skip
    assert recipe.fit == ("jgandalf_chi2", "jenergy_energy")
    assert recipe.parameters[1].description == "Made for a test. Computed as energy / 2."


def test_every_wrong_formula_is_told(make_section: MakeSection) -> None:
    section = make_section(
        derived={
            "one": derived("enrgy"),
            "two": derived("energy", unit="m"),
            "ok": derived("1*one"),
        }
    )
    found = problems(section)
    assert [p.place for p in found] == [
        "events.derived.one.formula",
        "events.derived.two.formula",
    ]
    assert "did you mean energy" in found[0].hint


def test_circles(make_section: MakeSection) -> None:
    section = make_section(
        derived={
            "one": derived("two"),
            "two": derived("three"),
            "three": derived("one + energy / (1 GeV)"),
            "self": derived("self + energy / (1 GeV)"),
            "fine": derived("one"),
        }
    )
    found = {p.place.split(".")[2]: p.what for p in problems(section)}
    assert sorted(found) == ["one", "self", "three", "two"]
    assert found["self"] == "'self' needs itself"
    assert found["one"] == "'one' needs itself, through two, three"


def test_the_truth_about_observed_events(make_section: MakeSection) -> None:
    section = make_section(
        "energy > 1 GeV",
        "ratio > 1",
        columns=("event_id", "weight_w2", "ratio"),
        derived={"ratio": derived("energy / mc_energy")},
    )
    assert [(p.place, p.what) for p in problems(section)] == [
        ("events.columns.1", "only simulated events have 'weight_w2'"),
        ("events.columns.2", "only simulated events have 'ratio'"),
        ("events.selection.1.keep", "only simulated events have 'ratio'"),
    ]
    columns = Recipe(section, simulated=True).parameters
    assert [p.truth for p in columns] == [False, True, True]


def test_positions_of_simulated_events_may_be_unknown(make_section: MakeSection) -> None:
    section = make_section(columns=("event_id", "ra", "zenith"))
    assert [bool(p.null) for p in Recipe(section, simulated=True).parameters] == [
        False,
        True,
        False,
    ]
    assert not any(p.null for p in Recipe(section, simulated=False).parameters)
