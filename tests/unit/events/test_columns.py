"""Values to columns as their parameters describe them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vopub.errors import DescriptionError
from vopub.events.columns import as_column, check_convertible, value_defects
from vopub.model.catalogue import parameter
from vopub.model.parameter import Dtype, Parameter


def found(described: Parameter, values: Any, dtype: Any = None) -> dict[str, list[int]]:
    """Return the defects and in which rows they are."""
    pairs = value_defects(described, np.array(values, dtype))
    return {reason: np.flatnonzero(bad).tolist() for reason, bad in pairs if bad.any()}


def test_good_values() -> None:
    described = parameter("zenith")
    values = np.array([0.0, 90.0, 180.0])
    assert found(described, values) == {}
    assert np.array_equal(as_column(described, values), values)


def test_out_of_range_and_not_a_number() -> None:
    assert found(parameter("zenith"), [-0.1, np.nan, 180.5, np.inf, 3.0]) == {
        "zenith is not a number": [1],
        "zenith is infinite": [3],
        "zenith is outside 0 to 180 deg": [0, 2, 3],
    }


def test_nan_where_it_says_not_available() -> None:
    assert found(parameter("energy"), [np.nan, 1.0]) == {}
    assert found(parameter("likelihood"), [np.nan, -np.inf]) == {"likelihood is infinite": [1]}


def test_integers_that_do_not_fit() -> None:
    assert found(parameter("trigger_mask"), [2**63, 2**63 - 1], np.uint64) == {
        "trigger_mask does not fit int64": [0]
    }
    assert found(parameter("n_hits"), [2.0**31, 2.0**31 - 1, np.nan, 1.5, -np.inf, 7.0]) == {
        "n_hits does not fit int32": [0, 2, 4],
        "n_hits is not a whole number": [2, 3, 4],
        "n_hits is outside 0 to 1e+09": [1],
    }


def test_floats_at_the_end_of_64_bits() -> None:
    described = parameter("overlays", {"range": None})
    assert found(described, [2.0**63, -(2.0**63), 2.0**62]) == {"overlays does not fit int64": [0]}


def test_a_resource_may_choose_another_unit_and_type() -> None:
    described = parameter("energy", {"unit": "TeV", "dtype": "float32", "range": [0.0, 5.0]})
    column = as_column(described, np.array([1500.0, np.nan]))
    assert column.dtype == np.float32
    assert column[0] == np.float32(1.5)
    assert found(described, [6000.0]) == {"energy is outside 0 to 5 TeV": [0]}


def test_too_large_for_a_small_float() -> None:
    described = parameter("energy", {"dtype": "float32", "range": None})
    assert found(described, [1e39, 1.0]) == {"energy is infinite": [0]}


def test_text_is_left_alone() -> None:
    names = np.array(["km3.1.2.3.4"], dtype=object)
    assert as_column(parameter("event_id"), names) is names
    assert found(parameter("event_id"), names) == {}


def test_units_and_types_that_cannot_be_had_are_told_at_once() -> None:
    wrong = [
        parameter("energy", {"unit": "m"}),
        parameter("dec"),
        parameter("event_id", {"dtype": Dtype.INT64}),
        parameter("likelihood", {"unit": "deg"}),
    ]
    with pytest.raises(DescriptionError) as raised:
        check_convertible(wrong)
    assert [p.place for p in raised.value.problems] == [
        "events.overrides.energy.unit",
        "events.overrides.event_id.dtype",
        "events.overrides.likelihood.unit",
    ]
