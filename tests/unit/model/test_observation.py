from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vopub.model.observation import HeaSection, Period, ResponseSection, check_names

RESPONSE = {
    "name": "aeff", "kind": "aeff", "file": "aeff.ecsv", "title": "Effective area",
    "description": "Averaged over the visible sky.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("messenger_pdgid", "14"),
        ("messenger_pdgid", "+nu"),
        ("messenger_name", "neutrinos"),
        ("tracking_mode", "sideral"),
        ("energy", [1e8, 1e2]),
        ("energy", [0, 1e2]),
        ("field", {"ra": 360, "dec": 0, "diameter": 10}),
        ("field", {"ra": 0, "dec": 0, "diameter": 274}),
        ("product_types", "hea"),
        ("analysis_mode", "point'source"),
        ("analysismode", "diffuse"),
    ],
)
def test_what_is_wrong_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        HeaSection.model_validate({key: value})
    assert raised.value.errors()[0]["loc"][:1] in [(key,), ()]


def test_period_ends_after_its_start_and_holds_its_livetime() -> None:
    year = {"start": "2027-01-01T00:00:00Z", "stop": "2028-01-01T00:00:00Z"}
    assert Period.model_validate({**year, "livetime": 3e7}).livetime == 3e7
    with pytest.raises(ValidationError, match="longer than the period"):
        Period.model_validate({**year, "livetime": 4e7})
    with pytest.raises(ValidationError, match="stops before it starts"):
        Period.model_validate({"start": year["stop"], "stop": year["start"]})


def test_responses_have_names_of_their_own() -> None:
    one = ResponseSection.model_validate(RESPONSE)
    with pytest.raises(ValueError, match="more than one response is called aeff"):
        check_names((one, one))
    with pytest.raises(ValueError, match="no response can be called bundle"):
        check_names((one.model_copy(update={"name": "bundle"}),))


@pytest.mark.parametrize("name", ["/etc/passwd", "aeff.csv", "a b.ecsv", ""])
def test_file_of_a_response_is_a_relative_ecsv(name: str) -> None:
    with pytest.raises(ValidationError, match="file"):
        ResponseSection.model_validate({**RESPONSE, "file": name})
