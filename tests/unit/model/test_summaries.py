"""Names and descriptions of summaries, which no catalogue has."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vopub.model.catalogue import known_parameters
from vopub.model.description import EventsSection
from vopub.model.summaries import is_summary, is_true_summary, summaries_in, summary

NAME = "dst_sum_hits_nhits"
EVENTS = {"inputs": ("a.root",), "detector": "ORCA", "columns": ("event_id", NAME)}
DESCRIBED = {"ucd": "meta.number", "description": "Number of hits of the event."}


def problems(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        EventsSection.model_validate({**EVENTS, **changes})
    return str(caught.value)


@pytest.mark.parametrize("name", ["dst_", "DST_x", "sum_hits_nhits", "dst_x.y", "dst_" + 60 * "x"])
def test_other_names_are_none(name: str) -> None:
    assert not is_summary(name)


def test_no_known_parameter_is_one() -> None:
    assert not any(map(is_summary, known_parameters()))


def test_they_are_found_in_expressions() -> None:
    text = f"{NAME}/dst_sum_hits_nlines > 3 and adst_x < 2 or not (energy > 1 GeV)"
    assert summaries_in(text) == {NAME, "dst_sum_hits_nlines"}


@pytest.mark.parametrize("name", ["dst_sum_mc_evt_weight", "dst_coords_nu_ra"])
def test_some_are_of_simulated_events_alone(name: str) -> None:
    assert is_true_summary(name)
    assert summary(name).truth
    assert not is_true_summary(NAME)


def test_a_column_asks_for_its_description() -> None:
    assert f"say its description and ucd in overrides.{NAME}" in problems()
    only = {NAME: {"ucd": "meta.number", "unit": "ns"}}
    assert f"say its description in overrides.{NAME}" in problems(overrides=only)


def test_a_described_column() -> None:
    described = {NAME: {**DESCRIBED, "unit": "ns", "symbol": "n"}}
    section = EventsSection.model_validate({**EVENTS, "overrides": described})
    column = section.parameters()[1]
    assert (column.name, column.unit, column.dtype) == (NAME, "ns", "float64")
    assert column.null
    assert column.description == DESCRIBED["description"]


def test_a_derived_parameter_cannot_be_called_so() -> None:
    derived = {NAME: {"formula": "energy", "unit": "GeV", **DESCRIBED}}
    assert "choose another name" in problems(derived=derived)
