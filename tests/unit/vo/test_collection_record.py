"""The record of a collection, as text."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from lxml import etree

from vopub.vo.collection import render_collection


def record(samples: ModuleType, members: Any = None, **said: Any) -> etree._Element:
    text = render_collection(
        samples.collection(**said), members or samples.members(), authority="a.b"
    )
    return etree.fromstring(text.encode())


def metas(tree: etree._Element, name: str) -> list[str]:
    return [element.text or "" for element in tree.iterfind(f".//meta[@name='{name}']")]


def test_collection_says_what_all_its_members_say(samples: ModuleType) -> None:
    tree = record(samples)
    assert metas(tree, "instrument") == ["ORCA6, ORCA4"]
    assert metas(tree, "facility") == ["KM3NeT"]
    assert metas(tree, "subject")[-1] == "neutrino-telescopes"
    assert metas(tree, "creationDate") == ["2026-11-23"]
    assert metas(tree, "name")[:2] == ["KM3NeT Collaboration", "Carberry, Josiah"]
    parts = tree.findall(".//meta[@name='hasPart']")
    assert [part.get("ivoId") for part in parts] == [
        "ivo://a.b/evts21_01/q/cone", "ivo://a.b/evts20_01/q/cone",
    ]  # fmt: skip
    spectral = tree.findtext("coverage/spectral") or ""
    assert [float(end) for end in spectral.split()] == pytest.approx(
        [0.5 * 1.602e-10, 1.602e-6], 1e-3
    )


@pytest.mark.parametrize(
    ("simulated", "title", "begins", "types"),
    [
        ((True, True), " (simulated)", "From simulations, not from", ["Archive", "Simulation"]),
        ((False, True), "", "Event tables made", ["Archive"]),
        ((False, False), "", "Event tables made", ["Archive"]),
    ],
)
def test_collection_says_whether_its_members_are_simulated(
    samples: ModuleType, simulated: tuple[bool, bool], title: str, begins: str, types: list[str]
) -> None:
    members = [
        member.model_copy(update={"simulated": made})
        for member, made in zip(samples.members(), simulated, strict=True)
    ]
    tree = record(samples, members)
    assert metas(tree, "title") == [f"KM3NeT/ORCA sample events{title}"]
    (description,) = metas(tree, "description")
    assert description.startswith(begins)
    assert ("Some of its parts are simulated" in description) is (len(set(simulated)) == 2)
    assert metas(tree, "type") == types


def test_licence_of_a_collection_is_that_of_every_member(samples: ModuleType) -> None:
    assert len(metas(record(samples), "rights.rightsURI")) == 1
    first, second = samples.members()
    other = second.publication.model_copy(
        update={"licence": "CC0-1.0", "licence_url": "https://x/"}
    )
    tree = record(samples, [first, second.model_copy(update={"publication": other})])
    assert metas(tree, "rights") == [
        "CC-BY-4.0, KM3NeT Collaboration; CC0-1.0, KM3NeT Collaboration"
    ]
    assert metas(tree, "rights.rightsURI") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "samples27_01"),
        ("title", "Another title of it"),
        ("description", "Another description of the collection."),
        ("version", "2.0"),
        ("reference_url", "https://www.km3net.org/"),
        ("doi", "10.5072/samples"),
    ],
)
def test_every_field_of_a_collection_is_in_its_record(
    samples: ModuleType, name: str, value: str
) -> None:
    assert etree.tostring(record(samples, **{name: value})) != etree.tostring(record(samples))
