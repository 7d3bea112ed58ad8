"""The descriptor of a table of events, as text."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lxml import etree

from vopub.errors import VopubError
from vopub.files import shipped
from vopub.model.data_taking import DataTaking
from vopub.model.dataset import TableMetadata
from vopub.model.description import VoSection
from vopub.model.publication import Contact, Contributor, Creator, Related, RelationType
from vopub.model.resource import Coverage
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events

Change = Callable[[ModuleType], TableMetadata]


def render(samples: ModuleType, metadata: TableMetadata | None = None, **changed: Any) -> str:
    arguments: dict[str, Any] = {
        "authority": samples.AUTHORITY,
        "data_file": "data/evts21_01.csv",
        "known": known_events(samples.table()),
        **changed,
    }
    vo = arguments.pop("vo", VoSection(publish=True))
    return render_descriptor(metadata or samples.metadata(), vo, **arguments)


def metas(text: str, name: str) -> list[str]:
    tree = etree.fromstring(text.encode())
    return [element.text or "" for element in tree.iterfind(f".//meta[@name='{name}']")]


def saying(name: str, value: Any) -> Change:
    """Return what makes metadata in which one field of the publication differs."""

    def change(samples: ModuleType) -> TableMetadata:
        metadata: TableMetadata = samples.metadata(said=samples.publication(**{name: value}))
        return metadata

    return change


CHANGES: list[tuple[str, Change]] = [
    (name, saying(name, value))
    for name, value in {
        "title": "Another title of these events",
        "description": "Another description of these events that is long enough.",
        "version": "2.0",
        "created": "2027-01-01",
        "creators": (Creator(name="Somebody else"),),
        "contributors": (Contributor(name="A helper", role="DataCurator"),),
        "publisher": "Another publisher",
        "owner": "Another owner",
        "contact": Contact(name="Somebody", email="somebody@example.org"),
        "licence": "CC0-1.0",
        "licence_url": "https://creativecommons.org/publicdomain/zero/1.0/",
        "subjects": ("high-energy-astronomy",),
        "facility": "ANTARES",
        "instrument": "ORCA10",
        "messenger": "Photon",
        "reference_url": "https://www.km3net.org/",
        "doi": "10.5072/evts21",
        "source": "2016JPhG...43h4001A",
        "related": (Related(relation=RelationType.CITES, identifier="10.5072/x", title="That"),),
        "note": "Another note.",
    }.items()
]
CHANGES += [
    ("simulated", lambda samples: samples.metadata(simulated=True)),
    ("coverage", lambda samples: samples.metadata(coverage=Coverage(spatial="0/1"))),
    ("identifier", lambda samples: samples.metadata(identifier="evts22_02")),
    ("rows", lambda samples: samples.metadata(231)),
    ("kid", lambda samples: samples.metadata(kid="00000000-0000-0000-0000-000000000000")),
    (
        "parameters",
        lambda samples: samples.metadata(parameters=samples.parameters(samples.COLUMNS[:6])),
    ),
]


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[name for name, _ in CHANGES])
def test_every_field_of_the_metadata_is_in_the_descriptor(
    samples: ModuleType, name: str, change: Change
) -> None:
    assert render(samples, change(samples)) != render(samples)


@pytest.mark.parametrize(
    ("name", "changed"),
    [("unit", "m"), ("ucd", "pos.angDistance"), ("description", "Something quite different."),
     ("null", "Never mind."), ("principal", False), ("dtype", "float32")],
)  # fmt: skip
def test_every_field_of_a_parameter_is_in_the_descriptor(
    samples: ModuleType, name: str, changed: Any
) -> None:
    ps = tuple(
        p.model_copy(update={name: type(getattr(p, name))(changed)}) if p.name == "energy" else p
        for p in samples.parameters()
    )
    assert render(samples, samples.metadata(parameters=ps)) != render(samples)


def test_search_radius_is_proposed(samples: ModuleType) -> None:
    text = render(samples, vo=VoSection(publish=True, search_radius=2.5))
    assert '<values default="150.0"/>' in text
    assert "SR(2.5)" in text


def test_simulated_events_are_called_so(samples: ModuleType) -> None:
    text = render(samples, samples.metadata(simulated=True))
    assert metas(text, "title")[0].endswith("(simulated)")
    assert metas(text, "description")[0].startswith("Simulated events, not observed ones.")
    assert "imulated" not in metas(render(samples), "title")[0]


def test_hostile_text_is_intact_as_xml(samples: ModuleType) -> None:
    hostile = r"""# <&>"' ]]> \schema \\ {x} %s __init__ *a* `b` é 日本 --and-- ;: {{ id }}"""
    said = samples.publication(title=f"Title {hostile}", note=hostile, owner=hostile)
    text = render(samples, samples.metadata(said=said))
    doubled = hostile.replace("\\", "\\\\")
    assert metas(text, "title")[0] == f"Title {doubled}"
    assert doubled in metas(text, "description")[0]


def test_text_of_several_lines_cannot_upset_the_indentation(samples: ModuleType) -> None:
    said = samples.publication(publisher="one\n      two\n  three", facility="a\u00a0b")
    text = render(samples, samples.metadata(said=said))
    assert metas(text, "publisher") == ["one\ntwo\nthree"]
    assert metas(text, "facility") == ["a\u00a0b"]


def test_data_without_time_and_energy_have_a_descriptor(samples: ModuleType) -> None:
    said = samples.metadata(
        parameters=samples.parameters(("event_id", "ra", "dec")),
        coverage=Coverage(),
        data_taking=DataTaking(detector="ORCA", runs=(), reconstruction="given"),
    )
    tree = etree.fromstring(render(samples, said).encode())
    assert [e.get("buildFrom") for e in tree.iterfind(".//condDesc")].count(None) == 2
    assert tree.find(".//dm") is None
    assert tree.find("coverage/*") is None


def test_character_that_xml_has_not_is_named_with_its_place(samples: ModuleType) -> None:
    for character in "\a\x0b\x1c\ufffe":
        said = samples.publication(note=f"A bell: {character}.")
        with pytest.raises(VopubError, match=r"evts21_01, line \d+: .*A bell") as caught:
            render(samples, samples.metadata(said=said))
        assert repr(character) in str(caught.value)


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    return shutil.copytree(shipped("rd_templates"), tmp_path / "rd_templates")


def test_undefined_variable_is_named_with_template_and_line(
    samples: ModuleType, templates: Path
) -> None:
    path = templates / "events.rd.xml"
    text = path.read_text(encoding="utf-8").replace('resdir="{{ id }}"', 'resdir="{{ idd }}"')
    path.write_text(text, encoding="utf-8")
    line = text[: text.index("idd")].count("\n") + 1
    with pytest.raises(VopubError, match=rf"events\.rd\.xml, line {line}: .*'idd' is undefined"):
        render(samples, templates=templates)


def test_undefined_variable_in_a_macro_is_named_too(samples: ModuleType, templates: Path) -> None:
    path = templates / "macros.xml"
    text = path.read_text(encoding="utf-8").replace("{{ c.ucd }}", "{{ c.ucdd }}")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(VopubError, match=r"macros\.xml, line \d+: .*'ucdd'"):
        render(samples, templates=templates)


def test_broken_template_is_named_with_its_line(samples: ModuleType, templates: Path) -> None:
    path = templates / "macros.xml"
    path.write_text("{% macro x() %}\n{{ }}\n", encoding="utf-8")
    with pytest.raises(VopubError, match=r"macros\.xml, line 2: template cannot be read"):
        render(samples, templates=templates)


def test_missing_template_is_named(samples: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(VopubError, match=r"no template 'events\.rd\.xml'"):
        render(samples, templates=tmp_path)
