from __future__ import annotations

from graphlib import CycleError
from uuid import UUID

import pytest
from lxml import etree

from vopub.figures.provenance_graph import draw_provenance, graph_of
from vopub.model.provenance import Entity, ProcessingStep, Provenance

SVG_TEXT = "{http://www.w3.org/2000/svg}text"


def step(number: int, name: str, software: str = "vopub 0.1.0", **fields: object) -> ProcessingStep:
    about = {"identifier": UUID(int=number), "name": name, "description": "", "software": software}
    return ProcessingStep.model_validate({**about, **fields})


def files(number: int) -> tuple[Entity, ...]:
    return tuple(Entity(identifier=f"sha256:{n:064x}", name=f"run{n}.root") for n in range(number))


def published(number: int) -> Provenance:
    """Return a provenance like the one of a resource with a number of inputs."""
    named = files(number)
    used = tuple(file.identifier for file in named)
    if number > 10:
        named = (*named, Entity(identifier=f"collection:{UUID(int=9)}", name="all", members=used))
        used = (named[-1].identifier,)
    first = step(1, "JMuonGandalf", "Jpp 14.1.0")
    last = step(2, "JConvertEvt", "Jpp 16.0.3", after=(first.identifier,), outputs=used)
    reduce = step(3, "reduce", inputs=used, outputs=("a.reduced",), counts={"read": 2499})
    select = step(4, "select", inputs=("a.reduced",), outputs=("a.events",), counts={"kept": 230})
    write = step(5, "write", inputs=("a.events",), outputs=("a.csv", "a.h5"))
    return Provenance(steps=(first, last, reduce, select, write), entities=named)


def texts(svg: bytes) -> list[str]:
    return [
        "".join(map(str, element.itertext())) for element in etree.fromstring(svg).iter(SVG_TEXT)
    ]


def test_boxes_stand_from_left_to_right_in_the_order_of_the_work() -> None:
    graph = graph_of(published(1))
    titles = [[graph.boxes[key].title for key in column] for column in graph.columns()]
    assert titles == [
        ["Recorded by the input"], ["run0.root"], ["reduce"], ["select"], ["write"], ["a.csv"],
    ]  # fmt: skip


def test_the_drawing_says_programs_versions_and_counts() -> None:
    said = texts(draw_provenance(published(1), title="Up-going tracks"))
    for line in ("Up-going tracks", "JMuonGandalf, Jpp 14.1.0", "2,499 read", "230 kept", "a.h5"):
        assert line in said


@pytest.mark.parametrize(("number", "boxes"), [(0, 5), (1, 6), (4, 9), (5, 6), (400, 6)])
def test_many_inputs_share_a_box(number: int, boxes: int) -> None:
    assert len(graph_of(published(number)).boxes) == boxes


def test_the_box_of_many_inputs_counts_them_and_names_some() -> None:
    said = texts(draw_provenance(published(7), title="x"))
    assert "7 files" in said
    said = texts(draw_provenance(published(400), title="x"))
    assert "all" in said
    assert "run0.root" in said
    assert "… run399.root" in said
    assert "run200.root" not in said


def test_many_histories_share_a_box() -> None:
    named = files(8)
    steps = [step(n, "JEvt", f"Jpp {n}", outputs=(named[n].identifier,)) for n in range(8)]
    used = tuple(file.identifier for file in named)
    reduce = step(20, "reduce", inputs=used, outputs=("a.csv",))
    graph = graph_of(Provenance(steps=(*steps, reduce), entities=named))
    assert sum(box.kind == "history" for box in graph.boxes.values()) == 5
    assert "4 further histories" in {box.title for box in graph.boxes.values()}


def test_long_texts_are_wrapped_and_long_lists_cut() -> None:
    cuts = {f"a cut with a rather long name, number {n}": "zenith > 90 deg" for n in range(40)}
    graph = graph_of(Provenance(steps=(step(1, "select", configuration=cuts),), entities=()))
    (box,) = graph.boxes.values()
    assert all(len(line) <= 36 for line in box.text())
    assert len(box.text()) == 14
    assert box.text()[-1].endswith("more lines")


def test_equal_provenance_gives_equal_bytes_without_a_date() -> None:
    first, second = (draw_provenance(published(3), title="<&>") for _ in range(2))
    assert first == second
    assert b"dc:date" not in first


def test_an_empty_provenance_is_drawn_as_nothing() -> None:
    empty = draw_provenance(Provenance(steps=(), entities=()), title="nothing")
    assert texts(empty) == ["nothing"]


def chain(number: int, software: str = "Jpp 14.1.0") -> Provenance:
    """Return steps each of which uses the file that the one before made."""
    named = files(number + 1)
    steps = tuple(
        step(
            n + 1, f"step {n}", software,
            inputs=(named[n].identifier,), outputs=(named[n + 1].identifier,),
        )
        for n in range(number)
    )  # fmt: skip
    return Provenance(steps=steps, entities=named)


def test_steps_of_others_are_steps_of_their_own() -> None:
    graph = graph_of(chain(3))
    titles = [graph.boxes[key].title for column in graph.columns() for key in column]
    assert titles == [
        "run0.root", "step 0", "run1.root", "step 1", "run2.root", "step 2", "run3.root"
    ]  # fmt: skip


def test_steps_of_which_only_the_order_is_known_have_arrows() -> None:
    steps = (step(1, "a", ""), step(2, "b", "", after=(UUID(int=1), UUID(int=77))))
    graph = graph_of(Provenance(steps=steps, entities=()))
    assert graph.arrows == {(str(UUID(int=1)), str(UUID(int=2)))}


@pytest.mark.parametrize(("number", "further"), [(15, 0), (20, 0), (21, 1), (5000, 4980)])
def test_the_steps_between_the_first_and_the_last_share_a_box(number: int, further: int) -> None:
    graph = graph_of(chain(number))
    shown = [box.title for box in graph.boxes.values() if box.kind == "step"]
    assert len(shown) == min(number, 20) + bool(further)
    assert [title for title in shown if "further" in title] == (
        [f"{further:,} further steps"] if further else []
    )
    assert shown[0] == "step 0"
    assert f"step {number - 1}" in shown
    row = [graph.boxes[key].title for column in graph.columns() for key in column]
    assert row[-2:] == [f"step {number - 1}", f"run{number}.root"]


def test_more_files_than_can_be_shown_are_counted() -> None:
    named = files(80)
    used = [
        step(n + 1, f"step {n}", inputs=[file.identifier for file in named[4 * n : 4 * n + 4]])
        for n in range(20)
    ]
    provenance = Provenance(steps=tuple(used), entities=named)
    graph = graph_of(provenance)
    assert (len(graph.boxes), graph.left_out) == (20 + 40, 40)
    drawn = draw_provenance(provenance, title="x")
    assert "x (without 40 further boxes of files)" in texts(drawn)


def test_what_cannot_be_is_no_drawing() -> None:
    first, second = chain(2).steps
    back = first.model_copy(update={"inputs": second.outputs})
    with pytest.raises(CycleError):
        draw_provenance(Provenance(steps=(back, second), entities=files(3)), title="x")


def test_texts_that_xml_cannot_hold_are_drawn_without_what_it_cannot() -> None:
    hostile = "a\x00b\x1b[31m\u202e<script>&amp;" + "long " * 400
    said = step(1, hostile, hostile, configuration={hostile: hostile}, counts={hostile: 1})
    drawn = draw_provenance(Provenance(steps=(said,), entities=()), title=hostile)
    root = etree.fromstring(drawn)
    assert "a b [31m <script>&amp;long" in (root.findtext("{*}title") or "")
    assert "<script>" in (root.findtext("{*}desc") or "")
    assert root.findall(".//{*}script") == []
    assert len(drawn) < 30_000


def test_a_long_title_stands_in_several_lines() -> None:
    title = "What " + "was made of what " * 12 + "there was"
    said = texts(draw_provenance(chain(1), title=title))
    assert " ".join(said).startswith(title)
    assert title not in said
