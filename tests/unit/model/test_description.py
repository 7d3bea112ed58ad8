from __future__ import annotations

import copy
from datetime import date
from typing import Any

import pytest

from vopub.errors import DescriptionError
from vopub.model.description import Cut, parse_cuts_file, parse_description

GOOD: dict[str, Any] = {
    "id": "evts26_01",
    "ktype": "events",
    "simulated": False,
    "publication": {
        "title": "Events for a test",
        "description": "A description that is long enough to be of use to a reader of it.",
        "version": "1.0",
        "created": date(2026, 11, 22),
        "creators": [{"name": "KM3NeT Collaboration", "orcid": "0000-0002-1825-0097"}],
    },
    "events": {
        "inputs": ["a.root"],
        "detector": "ORCA",
        "selection": [{"name": "up-going", "keep": "zenith > 90 deg"}],
        "columns": ["event_id", "ra", "dec", "energy"],
    },
    "vo": {"publish": True},
}


def changed(path: str, value: object) -> dict[str, Any]:
    content = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    place: Any = content
    for step in parents:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    place[int(last) if last.isdigit() else last] = value
    return content


def problems(content: dict[str, Any]) -> str:
    with pytest.raises(DescriptionError) as caught:
        parse_description(content, where="resource.toml")
    return str(caught.value)


def test_a_good_description_is_read() -> None:
    description = parse_description(GOOD, where="resource.toml")
    assert [p.name for p in description.events.parameters()] == ["event_id", "ra", "dec", "energy"]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("id", "Events", "id: "),
        ("ktype", "event", "did you mean events"),
        ("simulated", "perhaps", "simulated: "),
        ("publikation", {}, "publikation: unknown key; did you mean publication?"),
        ("publication.versoin", "1", "publication.versoin: unknown key; did you mean version?"),
        ("publication.created", "2026-13-01", "publication.created: "),
        ("publication.doi", "doi:10", "publication.doi: "),
        ("publication.creators.0.orcid", "0000-0002-1825-0098", "wrong check digit"),
        ("publication.creators.0.nmae", "x", "publication.creators.0.nmae: unknown key"),
        ("publication.licence_url", "ftp://x", "not an http(s) address"),
        ("events.detector", "ORKA", "did you mean ORCA?"),
        ("events.columns.3", "enrgy", "unknown parameter 'enrgy'; did you mean energy"),
        ("events.columns.3", "ra", "columns name ra more than once"),
        ("events.columns.0", "mjd", "columns lack event_id"),
        ("events.columns.1", "mjd", "vo.publish needs the columns ra"),
        ("events.overrides.energy.unit", "GeVV", "events.overrides.energy.unit: 'GeVV' is not a"),
        ("events.overrides.energy.ucd", "phys.enrgy", "events.overrides.energy.ucd: "),
        ("events.overrides.energy.untit", "m", "untit: unknown key; did you mean unit?"),
        ("events.overrides.mjd.unit", "d", "'mjd' is not one of the columns"),
        ("vo.search_radius", 200, "vo.search_radius: "),
        ("products", {"formats": ["csv", "parket"]}, "products.formats.1: "),
        ("products", {"formats": ["csv", "parket"]}, "did you mean parquet?"),
        ("products", {"formats": []}, "products.formats: "),
        ("products", {"formats": ["hdf5"]}, "vo.publish needs csv among products.formats"),
        ("events.max_malformed", "a few", "'a few' is no limit: write a number of events or a"),
        (
            "events.selection.0",
            {"use": "up-going"},
            "selection.0.use: unknown cut 'up-going'; name",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(path: str, value: object, said: str) -> None:
    assert said in problems(changed(path, value))


def test_all_problems_are_reported_at_once_each_on_a_line_with_the_file() -> None:
    content = changed("events.overrides.energy.unit", "GeVV")
    content["ktype"] = "event"
    content["publication"]["created"] = "yesterday"
    del content["publication"]["title"]
    content["colour"] = "red"
    lines = problems(content).splitlines()
    assert len(lines) == 5
    assert all(line.startswith("resource.toml: ") for line in lines)


CUTS = parse_cuts_file(
    {"cuts": {"up-going": {"keep": "zenith > 90 deg", "description": "From below."}}},
    where="cuts.toml",
)


def test_cuts_are_used_by_name() -> None:
    own = {"name": "energetic", "keep": "energy > 1 TeV"}
    content = changed("events.selection", [{"use": "up-going"}, own])
    description = parse_description(content, where="resource.toml", cuts=CUTS)
    assert description.events.selection == (
        Cut(name="up-going", keep="zenith > 90 deg", description="From below."),
        Cut(name="energetic", keep="energy > 1 TeV"),
    )


def test_wrong_uses_of_cuts_are_told_with_everything_else() -> None:
    uses = [{"use": "upgoing"}, {"use": "up-going", "keep": "energy > 1 TeV"}, {"name": "x"}]
    with pytest.raises(DescriptionError) as caught:
        parse_description(changed("events.selection", uses), where="resource.toml", cuts=CUTS)
    lines = str(caught.value).splitlines()
    for said in (
        "events.selection.0.use: unknown cut 'upgoing'; did you mean up-going?",
        "events.selection.1.keep: stands beside 'use'; a named cut is taken as it is",
        "events.selection.2.keep: is missing",
    ):
        assert f"resource.toml: {said}" in lines


def test_two_cuts_cannot_have_one_name() -> None:
    twice = [{"use": "up-going"}, {"name": "up-going", "keep": "zenith > 100 deg"}]
    with pytest.raises(DescriptionError, match="more than one cut named up-going"):
        parse_description(changed("events.selection", twice), where="resource.toml", cuts=CUTS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "cuts: is missing"),
        ({"cuts": {}}, "cuts: Dictionary should have at least 1 item"),
        (
            {"cuts": {"up": {"kep": "zenith > 90 deg"}}},
            "cuts.up.kep: unknown key; did you mean kee",
        ),
        ({"cuts": {"up": {"kep": "zenith > 90 deg"}}}, "cuts.up.keep: is missing"),
        ({"cuts": {"up": {"keep": "zenith > 90 deg"}}, "cut": 1}, "cut: unknown key; did you mean"),
    ],
)
def test_wrong_files_of_cuts(content: dict[str, Any], said: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_cuts_file(content, where="cuts.toml")
    assert f"cuts.toml: {said}" in str(caught.value)
