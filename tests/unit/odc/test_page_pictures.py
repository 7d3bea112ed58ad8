"""What the page of a resource shows: pictures of all kinds, and how it was made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lxml import etree
from lxml.html import HtmlElement

from vopub.model.ktype import Ktype
from vopub.model.provenance import Entity, ProcessingStep, Provenance
from vopub.model.resource import Coverage, FileRole, KM3OpenResource
from vopub.odc import pictures
from vopub.odc.about import MOST_STEPS
from vopub.odc.drawing import subject as subjects

from . import pictured
from .conftest import EDGE, REMOTE_FILE, Centre, make_record, parse_page, product, products

SVG_TEXT = "{http://www.w3.org/2000/svg}text"
PDF = b"%PDF-1.4 figure"


@pytest.fixture(autouse=True, scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "FONTS", str(tmp_path_factory.mktemp("fonts")))
        yield


def page_of(centre: Centre, record: KM3OpenResource) -> HtmlElement:
    return parse_page(centre.http.get(f"/resources/{record.kid}").text)


def pictures_in(page: HtmlElement, part: str) -> list[tuple[str, str]]:
    images = page.get_element_by_id(part).xpath(".//img")
    return [(str(image.get("src")), str(image.get("alt"))) for image in images]


def kept_steps(number: int, **fields: Any) -> tuple[ProcessingStep, ...]:
    """Return steps each of which uses the file that the one before made."""
    return tuple(
        ProcessingStep(
            identifier=UUID(int=n + 1), name=f"step <{n}>", description=f"What was done {n}th.",
            software="Jpp 14.1.0", inputs=(name_of(n),), outputs=(name_of(n + 1),), **fields,
        )
        for n in range(number)
    )  # fmt: skip


def name_of(number: int) -> str:
    return f"sha256:{number:064x}"


def made_in(number: int, **fields: Any) -> Provenance:
    files = [Entity(identifier=name_of(n), name=f"file{n}.root") for n in range(number + 1)]
    return Provenance(steps=kept_steps(number, **fields), entities=tuple(files))


def test_a_page_shows_the_sky_of_events_and_how_they_were_made(centre: Centre) -> None:
    record, file = pictured.events(provenance=made_in(3))
    centre.put(record, [file])
    page = page_of(centre, record)
    ((src, alt),) = pictures_in(page, "about")
    assert src == f"/pictures/{record.kid}.svg"
    assert alt.startswith("Sky map of the events in neutrinos.csv")
    assert centre.http.get(src).text.count("<use ") >= 300
    ((src, alt),) = pictures_in(page, "provenance")
    assert src == f"/pictures/{record.kid}.provenance.svg"
    assert alt.startswith("How it was made, from left to right: steps and files of Neutrinos")
    (image,) = page.get_element_by_id("provenance").xpath(".//img")
    assert image.get("loading") == "lazy"
    region = image.getparent().getparent()
    assert (region.get("role"), region.get("tabindex")) == ("region", "0")


def test_the_drawing_of_provenance_says_its_steps_and_files(centre: Centre) -> None:
    record, file = pictured.events(provenance=made_in(3, counts={"read & kept": 1234}))
    centre.put(record, [file])
    answer = centre.http.get(f"/pictures/{record.kid}.provenance.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]
    drawing = etree.fromstring(answer.content)
    said = ["".join(map(str, text.itertext())) for text in drawing.iter(SVG_TEXT)]
    for line in ("Neutrinos without a map", "step <0>", "step <2>", "Jpp 14.1.0", "file3.root"):
        assert line in said
    assert "1,234 read & kept" in said
    assert drawing.findtext("{*}title") == "Neutrinos without a map"
    about = drawing.findtext("{*}desc") or ""
    assert about.startswith("Boxes for 3 steps or groups of steps and 4 files")
    assert "step <0>; step <1>; step <2>" in about
    known = {"If-None-Match": answer.headers["etag"]}
    again = centre.http.get(f"/pictures/{record.kid}.provenance.svg", headers=known)
    assert again.status_code == 304


def test_a_drawing_that_a_record_brings_is_the_only_one(centre: Centre) -> None:
    drawing = product("x.provenance.svg", EDGE, "image/svg+xml", FileRole.PREVIEW, "How.")
    record = make_record(files=[*products(), drawing])
    centre.put(record, [*products(), drawing])
    ((src, _),) = pictures_in(page_of(centre, record), "provenance")
    assert src.startswith(f"/files/{record.kid}/x.provenance.svg")


def test_thousands_of_steps_are_told_shortly(centre: Centre) -> None:
    many = tuple(f"events {n}" for n in range(1000))
    provenance = made_in(3000)
    results = tuple(f"results {n}" for n in range(1000))
    last = provenance.steps[-1].model_copy(
        update={"identifier": UUID(int=9999), "outputs": results}
    )
    wide = provenance.steps[0].model_copy(update={"inputs": many, "counts": dict.fromkeys(many, 1)})
    steps = (wide, *provenance.steps[1:], last)
    record, file = pictured.events(provenance=provenance.model_copy(update={"steps": steps}))
    centre.put(record, [file])
    answer = centre.http.get(f"/resources/{record.kid}")
    assert len(answer.content) < 300_000
    section = parse_page(answer.text).get_element_by_id("provenance")
    assert len(section.xpath(".//ol/li")) == MOST_STEPS
    said = " ".join(str(section.text_content()).split())
    assert "The first 50 of 3 001 steps are shown; the record has all." in said.replace(
        "\N{NARROW NO-BREAK SPACE}", " "
    )
    assert said.count("and 980 more") == 2
    assert said.count("events 19") == 2
    assert "events 20" not in said
    drawn = centre.http.get(f"/pictures/{record.kid}.provenance.svg")
    assert drawn.status_code == 200
    assert len(drawn.content) < 100_000
    texts = [
        "".join(map(str, t.itertext())) for t in etree.fromstring(drawn.content).iter(SVG_TEXT)
    ]
    assert "2,981 further steps" in texts


def test_a_provenance_that_goes_round_is_said_to(centre: Centre) -> None:
    first, second = kept_steps(2)
    first = first.model_copy(update={"inputs": second.outputs})
    record, file = pictured.events(provenance=Provenance(steps=(first, second), entities=()))
    centre.put(record, [file])
    answer = centre.http.get(f"/pictures/{record.kid}.provenance.svg")
    assert answer.status_code == 404
    section = page_of(centre, record).get_element_by_id("provenance")
    assert "no drawing of it: something was made of what was made of it." in section.text_content()
    assert section.xpath(".//img") == []


def test_without_a_step_there_is_no_drawing(centre: Centre) -> None:
    record, file = pictured.events(provenance=Provenance(steps=(), entities=()))
    centre.put(record, [file])
    assert pictures_in(page_of(centre, record), "provenance") == []
    assert centre.http.get(f"/pictures/{record.kid}.provenance.svg").status_code == 404


def test_a_service_shows_what_it_covers(centre: Centre) -> None:
    record = pictured.covering()
    centre.client.put_resource(record)
    ((src, alt),) = pictures_in(page_of(centre, record), "about")
    assert alt.startswith("Sky map of what is covered")
    answer = centre.http.get(src)
    assert answer.status_code == 200
    assert "<image" in answer.text
    (image,) = page_of(centre, record).get_element_by_id("about").xpath(".//img")
    assert (image.get("width"), image.get("height")) == ("648", "374")


def test_what_computes_too_long_is_said(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -XCPU $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    record, file = pictured.events()
    centre.put(record, [file])
    answer = centre.http.get(f"/pictures/{record.kid}.svg")
    assert answer.status_code == 404
    assert "it takes too much computing" in answer.text


def plot(name: str, content: bytes, kind: str, **changes: Any) -> tuple[KM3OpenResource, Any]:
    file = product(name, content, kind)
    record, _ = pictured.events()
    fields = {"ktype": Ktype.PLOT, "files": (file.reference,), "parameters": (), **changes}
    return record.model_copy(update=fields), file


@pytest.mark.parametrize(
    ("name", "kind"), [("map.svg", "image/svg+xml"), ("map.png", "image/png; a=b")]
)
def test_a_plot_is_its_own_picture(name: str, kind: str, centre: Centre) -> None:
    record, file = plot(name, EDGE, kind)
    centre.put(record, [file])
    page = page_of(centre, record)
    ((src, alt),) = pictures_in(page, "about")
    assert src == f"/files/{record.kid}/{name}?sha256={file.reference.sha256}"
    assert alt == "Neutrinos without a map"
    answer = centre.http.get(src)
    assert answer.content == EDGE
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "There is no picture" not in page.get_element_by_id("about").text_content()


def test_a_plot_that_browsers_do_not_show_is_led_to(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, file = plot("map.pdf", PDF, "application/pdf", schema_version="1.0")
    centre.put(record, [file])
    about = page_of(centre, record).get_element_by_id("about")
    assert "browsers do not show application/pdf in a page" in about.text_content()
    assert f"/files/{record.kid}/map.pdf" in about.xpath(".//a/@href")
    assert about.xpath(".//img") == []
    monkeypatch.setattr(subjects, "MOST_SHOWN", 10)
    record, file = plot("map.svg", EDGE, "image/svg+xml")
    centre.put(record, [file])
    about = page_of(centre, record).get_element_by_id("about")
    assert "it is larger than" in about.text_content()
    assert about.xpath(".//img") == []


def test_of_a_plot_in_several_files_one_is_shown(centre: Centre) -> None:
    record, file = plot("map.svg", EDGE, "image/svg+xml")
    other = product("map.png", EDGE, "image/png")
    several = record.model_copy(update={"files": (file.reference, other.reference)})
    centre.put(several, [file, other])
    assert len(pictures_in(page_of(centre, several), "about")) == 1
    small = product("small.png", EDGE, "image/png", FileRole.PREVIEW, "A small one.")
    several = several.model_copy(update={"files": (*several.files, small.reference)})
    centre.put(several, [small])
    ((src, _),) = pictures_in(page_of(centre, several), "about")
    assert src.startswith(f"/files/{record.kid}/small.png")


@pytest.mark.parametrize("ktype", [Ktype.PUBLICATION, Ktype.SOFTWARE])
def test_what_is_to_be_read_or_run_has_no_picture(ktype: Ktype, centre: Centre) -> None:
    details = {"programming_language": "Python"} if ktype is Ktype.SOFTWARE else {}
    coverage = Coverage(spatial="0/0-11")
    record, file = pictured.events(ktype=ktype, details=details, coverage=coverage)
    centre.put(record, [file])
    about = page_of(centre, record).get_element_by_id("about")
    assert about.xpath(".//img") == []
    assert "no picture" not in about.text_content()
    assert centre.http.get(f"/pictures/{record.kid}.svg").status_code == 404


def test_a_plot_elsewhere_is_not_fetched(centre: Centre) -> None:
    far = REMOTE_FILE.model_copy(update={"name": "map.png", "media_type": "image/png"})
    record, _ = plot("map.png", EDGE, "image/png", files=(), elsewhere=(far,))
    centre.client.put_resource(record)
    about = page_of(centre, record).get_element_by_id("about")
    assert about.xpath(".//img") == []
    assert "the file is kept elsewhere" in about.text_content()
