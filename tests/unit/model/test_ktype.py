from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from vopub.model.ktype import Detail, Ktype, vocabulary
from vopub.model.parameter import check_unit
from vopub.model.resource import KM3OpenResource

START = "2020-09-29T07:57:13+00:00"


def described(ktype: Ktype, **changes: Any) -> dict[str, Any]:
    return {
        "kid": str(UUID(int=1)), "identifier": "ana20_01_x", "ktype": ktype.value,
        "publication": {
            "title": "Something to be read", "version": "1.0", "created": "2020-01-01",
            "description": "A text that says what it is and what it is not good for at all.",
            "creators": [{"name": "KM3NeT Collaboration"}], "publisher": "KM3NeT",
            "owner": "KM3NeT Collaboration",
            "contact": {"name": "KM3NeT", "email": "info@km3net.invalid"},
            "licence": "CC-BY-4.0", "subjects": ["neutrino-astronomy"],
            "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        },
        **changes,
    }  # fmt: skip


def said(content: dict[str, Any]) -> str:
    """Return what is wrong with a record; empty if nothing is."""
    try:
        KM3OpenResource.model_validate(content)
    except ValidationError as error:
        return str(error)
    return ""


def test_the_vocabulary_has_every_word_once_and_units_that_are_units() -> None:
    known = vocabulary()
    assert set(known.ktypes) == set(Ktype)
    for entry in known.ktypes.values():
        assert entry.title
        assert entry.description.endswith(".")
        assert all(check_unit(detail.unit) == detail.unit for detail in entry.details.values())


AXES = [
    {"name": name, "dtype": "float64", "ucd": "stat.value", "description": "A value of the axis."}
    for name in ("xvalue", "returnvalue")
]
FIGURE = {
    "name": "a.png", "media_type": "image/png", "size": 1, "sha256": "0" * 64, "role": "data",
}  # fmt: skip


@pytest.mark.parametrize(
    ("ktype", "lacks", "changes"),
    [
        (Ktype.EVENTS, r"no parameter \*", {"parameters": AXES}),
        (Ktype.FUNCTION, "returnvalue",
         {"parameters": AXES, "details": {"functiontype": "polynomial"}}),
        (Ktype.ACOUSTIC_WAV, "dom_id is missing",
         {"details": {"dom_id": 808974724, "channel": 1, "start": START}}),
        (Ktype.SOFTWARE, "there is no file",
         {"files": [FIGURE], "details": {"programming_language": "Python"}}),
        (Ktype.PLOT, "there is no file", {"files": [FIGURE]}),
        (Ktype.VOEVENT, "ivorn is missing",
         {"details": {"ivorn": "ivo://a/b#c", "event_time": START, "role": "test"}}),
    ],
)  # fmt: skip
def test_a_record_lacks_what_its_ktype_asks_for_until_it_is_said(
    ktype: Ktype, lacks: str, changes: dict[str, Any]
) -> None:
    assert lacks.replace("\\", "") in said(described(ktype))
    assert said(described(ktype, **changes)) == ""


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("dom_id", True, "an integer"),
        ("dom_id", 1.5, "an integer"),
        ("start", "2020-09-29T07:57:13", "a time with its zone"),
        ("start", "yesterday", "a time with its zone"),
        ("sampling_rate", "fast", "a number"),
        ("sampling_rate", False, "a number"),
        ("colour", "blue", "colour is unknown"),
    ],
)
def test_a_detail_of_another_kind_is_told(name: str, value: Detail, wrong: str) -> None:
    details = {"dom_id": 1, "channel": 1, "start": START, name: value}
    assert wrong in said(described(Ktype.ACOUSTIC_PSD, details=details))


def test_a_choice_and_an_address_are_looked_at() -> None:
    def software(address: str) -> str:
        details = {"programming_language": "C++", "code_repository": address}
        return said(described(Ktype.SOFTWARE, files=[FIGURE], details=details))

    assert software("https://git.example.org/x") == ""
    assert "an http(s) address" in software("javascript:alert(1)")
    counted = {"content": "guesses"}
    assert "has to be one of counts" in said(described(Ktype.BINNED_DATA, details=counted))


def test_a_plot_is_a_picture() -> None:
    table = {**FIGURE, "media_type": "text/csv"}
    assert "no file of data is image/*" in said(described(Ktype.PLOT, files=[table]))


def test_records_of_the_first_schema_are_read_as_they_were_written() -> None:
    assert said(described(Ktype.VOEVENT, schema_version="1.0")) == ""
    assert "schema_version" in said(described(Ktype.VOEVENT, schema_version="2.0"))
