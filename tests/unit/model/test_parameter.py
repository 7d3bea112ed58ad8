from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from vopub.errors import DescriptionError
from vopub.model.catalogue import known_parameters, parameter
from vopub.model.parameter import Dtype, Parameter

GOOD = {"name": "energy", "dtype": "float64", "ucd": "phys.energy", "description": "An energy."}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("name", "Energy", "lower-case identifier"),
        ("name", "e" * 64, "at most 63"),
        ("name", "distance", "reserved word of ADQL"),
        ("unit", "MJD", "not a VOUnit"),
        ("unit", "GeVV", "not a VOUnit"),
        ("ucd", "phys.enrgy", "not a UCD1+"),
        ("ucd", "POS_EQ_RA_MAIN", "not a UCD1+"),
        ("description", "short", "at least 10"),
        ("range", [2, 1], "ends before it begins"),
        ("dtype", "float128", "Input should be"),
        ("colour", "red", "Extra inputs"),
    ],
)
def test_a_bad_entry_is_refused_with_its_value(key: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Parameter.model_validate({**GOOD, key: value})


def test_integers_have_no_value_for_not_available() -> None:
    with pytest.raises(ValidationError, match="not available"):
        Parameter.model_validate({**GOOD, "dtype": "int32", "null": "The fit failed."})


def test_the_catalogue_is_valid_and_names_each_parameter_once() -> None:
    known = known_parameters()
    assert {"event_id", "ra", "dec", "mjd", "energy", "zenith", "azimuth"} <= set(known)
    assert all(name == p.name for name, p in known.items())
    mains = [p.name for p in known.values() if p.ucd.endswith(";meta.main")]
    assert mains == ["event_id", "ra", "dec"]
    identifiers = [p.identifier for p in known.values()]
    assert len(set(identifiers)) == len(known)


def test_an_override_changes_only_what_it_names() -> None:
    changed = parameter("energy", {"description": "Energy deposited in the detector."})
    assert changed.description == "Energy deposited in the detector."
    assert changed.unit == known_parameters()["energy"].unit


def test_an_unknown_parameter_gets_the_nearest_names() -> None:
    with pytest.raises(DescriptionError, match="did you mean energy"):
        parameter("enrgy")


def test_numpy_types() -> None:
    assert Dtype.TEXT.numpy == np.dtype(object)
    assert Dtype.INT64.numpy == np.dtype(np.int64)
    assert Dtype.FLOAT32.is_float
    assert not Dtype.INT16.is_float
