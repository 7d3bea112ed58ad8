"""Pictures drawn of files: by a process, once, and never at the cost of the service."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from vopub.model.ktype import Ktype
from vopub.odc import pictures
from vopub.odc.drawing import __main__ as process
from vopub.odc.drawing import sounds
from vopub.odc.drawing import subject as subjects
from vopub.odc.drawing.charts import Areas, Lines, UndrawableError
from vopub.odc.drawing.sounds import FRAME, FRAME_LENGTH, raw_chart, raw_pieces, sound_chart
from vopub.odc.drawing.subject import Subject, subject_of
from vopub.odc.drawing.tables import (
    bins_chart,
    edges_of,
    function_chart,
    lookup_chart,
    spectra_chart,
)
from vopub.odc.faults import NotFoundError

from . import pictured
from .conftest import Centre, make_record, parse_page, product
from .pictured import Made, laid


@pytest.fixture(autouse=True, scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let all drawings know the fonts that the first has found, which takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "FONTS", str(tmp_path_factory.mktemp("fonts")))
        yield


def test_the_service_and_the_process_agree_on_what_can_be_drawn() -> None:
    assert pictures.UNDRAWABLE == process.UNDRAWABLE
    subjects = [subject_of(make()[0]) for make in pictured.ALL]
    assert {s.task.ktype for s in subjects if s is not None} == set(process.CHARTS)


def test_a_function_is_a_curve_over_the_range_of_its_parameter(tmp_path: Path) -> None:
    path, subject = laid(pictured.function(), tmp_path)
    chart = function_chart(path, subject.task)
    assert isinstance(chart, Lines)
    (line,) = chart.lines
    assert (line.x[0], line.x[-1]) == (-90, 90)
    for x, y in ((line.x[0], line.y[0]), (line.x[150], line.y[150])):
        powers = (a * x**n for n, a in enumerate(pictured.BACKGROUND))
        assert y == pytest.approx(sum(powers))
    assert (chart.x, chart.y) == (
        "Declination of the source [deg]", "Events of background per declination [deg-1]"
    )  # fmt: skip


def test_a_look_up_table_of_two_axes_is_a_heat_map(tmp_path: Path) -> None:
    path, subject = laid(pictured.lookup_table(), tmp_path)
    chart = lookup_chart(path, subject.task)
    assert isinstance(chart, Areas)
    (area,) = chart.areas
    assert area.values.shape == (7, 19)
    assert area.values[6, 9] == pytest.approx(3.0)
    assert (area.x[0], area.x[-1]) == (-95, 95)
    assert chart.value == "Acceptance for point sources [cm2.s/GeV]"


def test_points_of_an_axis_get_edges_between_them() -> None:
    assert edges_of(np.array([0.0, 1.0, 4.0]), 3).tolist() == [-0.5, 0.5, 2.5, 5.5]
    assert edges_of(np.array([3.0]), 1).tolist() == [2.5, 3.5]
    assert edges_of(np.array([0.0, 1.0, 4.0]), 2).tolist() == [0, 1, 4]


def test_bins_are_steps_between_their_edges(tmp_path: Path) -> None:
    path, subject = laid(pictured.binned_data(), tmp_path)
    chart = bins_chart(path, subject.task)
    assert isinstance(chart, Lines)
    (line,) = chart.lines
    assert (len(line.x), len(line.y)) == (17, 16)
    assert (line.x[0], line.x[-1], line.y[0]) == (100, 1e6, 633)


@pytest.mark.parametrize("media_type", ["application/x-votable+xml", "application/fits"])
def test_a_response_over_two_axes_is_a_heat_map(media_type: str, tmp_path: Path) -> None:
    path, subject = laid(pictured.response(media_type), tmp_path)
    chart = bins_chart(path, subject.task)
    assert isinstance(chart, Areas)
    (area,) = chart.areas
    assert area.values.shape == (6, 10)
    assert area.values[0, 0] == pytest.approx(1e-4 * 100**0.7 * 3)
    assert area.values[5, 9] == pytest.approx(1e-4 * area.x[9] ** 0.7 * (2 - 60 / 90))


def test_of_three_axes_two_are_shown_and_the_mean_over_the_third(tmp_path: Path) -> None:
    record, _ = pictured.binned_data()
    cells = [(a, b, c) for a in range(3) for b in range(4) for c in range(2) if (a, b) != (2, 3)]
    rows = [f"{a},{a + 1},{b},{b + 1},{c},{c + 1},{100 * a + 10 * b + c}" for a, b, c in cells]
    rows.append("2,3,3,4,0,1,7")  # one of the two cells
    text = "\n".join(["a_min,a_max,b_min,b_max,c_min,c_max,n", *rows])
    file = product("three.csv", text.encode(), "text/csv")
    path, subject = laid((record.model_copy(update={"files": (file.reference,)}), file), tmp_path)
    chart = bins_chart(path, subject.task)
    assert isinstance(chart, Areas)
    assert (chart.x, chart.y, chart.value) == ("a_min", "b_min", "n, mean over c_min")
    expected = [[100 * a + 10 * b + 0.5 for a in range(3)] for b in range(4)]
    expected[3][2] = 7
    assert chart.areas[0].values.tolist() == expected


def test_spectra_have_a_curve_for_each_quantile(tmp_path: Path) -> None:
    path, subject = laid(pictured.spectra(), tmp_path)
    chart = spectra_chart(path, subject.task)
    assert isinstance(chart, Lines)
    assert [line.label for line in chart.lines] == ["mean", "median", "q75", "q95"]
    assert chart.x == "Frequency of the sound [Hz]"
    assert chart.lines[0].x[-1] == 97_656.25


def test_spectra_without_frequencies_are_drawn_by_number(tmp_path: Path) -> None:
    record, _ = pictured.spectra()
    file = product("psd.json", b'{"mean": [1, 2, 3], "median": [0, 1, 2]}', "application/json")
    path, subject = laid((record.model_copy(update={"files": (file.reference,)}), file), tmp_path)
    chart = spectra_chart(path, subject.task)
    assert isinstance(chart, Lines)
    assert chart.x == "Number of the bin of frequency"
    assert [line.y.tolist() for line in chart.lines] == [[1, 2, 3], [0, 1, 2]]


def test_a_raw_recording_has_two_frames_with_their_times(tmp_path: Path) -> None:
    path, subject = laid(pictured.raw_recording(), tmp_path)
    first, second = raw_pieces(path)
    # What is in this file: facts of KM3NeT's public test data.
    assert second.start == pytest.approx((1608751680 - 1608751679) + (24159200 - 47216000) * 16e-9)
    assert len(first.samples) == FRAME_LENGTH
    assert first.samples.mean() == pytest.approx(0.00316, abs=2e-5)
    chart = raw_chart(path, subject.task)
    assert isinstance(chart, Areas)
    assert [area.x[0] for area in chart.areas] == [0, second.start]
    assert chart.areas[0].y[-1] == pytest.approx(97.65625)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_tone_stands_where_its_frequency_is(width: int, tmp_path: Path) -> None:
    assert_tone(laid(pictured.wave_recording(12_000, width), tmp_path), 96)


def test_a_tone_of_an_mp3_file_stands_there_too(tmp_path: Path) -> None:
    assert_tone(laid(pictured.mp3_recording(12_000), tmp_path), 48)


def assert_tone(what: tuple[Path, Subject], rate: float) -> None:
    """See 12 kHz in the spectrogram of what was sampled so often, in kHz."""
    path, subject = what
    chart = sound_chart(path, subject.task)
    assert isinstance(chart, Areas)
    (area,) = chart.areas
    row = int(np.argmax(area.values.mean(axis=1)))
    assert area.y[row] <= 12.0 <= area.y[row + 1]
    assert area.y[-1] == rate / 2


@pytest.mark.parametrize("made", [pictured.wave_recording(), pictured.mp3_recording()])
def test_what_is_no_sound_is_said(made: Made, tmp_path: Path) -> None:
    record, file = made
    damaged = product(file.reference.name, b"RIFF or nothing" * 99, file.reference.media_type)
    record = record.model_copy(update={"files": (damaged.reference,)})
    path, subject = laid((record, damaged), tmp_path)
    with pytest.raises(UndrawableError, match="is not a sound"):
        sound_chart(path, subject.task)


def test_a_sound_of_hours_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "MOST_SAMPLES", 10_000)
    path, subject = laid(pictured.mp3_recording(), tmp_path)
    with pytest.raises(UndrawableError, match="more than 10000 samples"):
        sound_chart(path, subject.task)


def gap(content: bytes) -> bytes:
    """Return a recording whose second frame comes ten seconds later."""
    frames = np.frombuffer(content, FRAME).copy()
    frames["seconds"][1] += 10
    return frames.tobytes()


def test_a_gap_between_frames_is_left_free(tmp_path: Path) -> None:
    whole = pictured.raw_recording()[1].content
    path, subject = laid(pictured.raw_recording(gap(whole)), tmp_path)
    chart = raw_chart(path, subject.task)
    assert isinstance(chart, Areas)
    assert chart.areas[1].x[0] == pytest.approx(10 + 1 - 23056800 * 16e-9)
    assert chart.areas[0].x[-1] < 0.7


@pytest.mark.parametrize(
    ("content", "reason"), [(b"x" * 1000, "whole frames"), (b"\0" * 2 * FRAME.itemsize, "order")]
)
def test_what_is_no_recording_is_said(content: bytes, reason: str, tmp_path: Path) -> None:
    path, subject = laid(pictured.raw_recording(content), tmp_path)
    with pytest.raises(UndrawableError, match=reason):
        raw_chart(path, subject.task)


TABLES = [
    ("energy_min,energy_max,counts\n1,2,5\n3,4,6\n", "do not follow"),
    ("energy_min,energy_max\n1,2\n", "no values"),
    ("a,b\n1,2\n1,3\n", "does not ascend"),
    ("a\n1\n", "single column"),
    ("a,b\nx,y\n", "no numbers"),
    ("a_min,a_max,b_min,b_max,n\n" + "".join(f"{i},{i}.5,{i},{i}.5,1\n" for i in range(9)), "grid"),
]


@pytest.mark.parametrize(("text", "reason"), TABLES)
def test_why_a_table_is_not_drawn_is_said(text: str, reason: str, tmp_path: Path) -> None:
    record, _ = pictured.binned_data()
    file = product("counts.csv", text.encode(), "text/csv")
    path, subject = laid((record.model_copy(update={"files": (file.reference,)}), file), tmp_path)
    with pytest.raises(UndrawableError, match=reason):
        bins_chart(path, subject.task)


def test_a_record_that_brings_a_picture_gets_no_other(centre: Centre) -> None:
    assert subject_of(make_record()) is None
    record, file = pictured.function()
    brought = make_record().files[-1]
    assert subject_of(record.model_copy(update={"files": (file.reference, brought)})) is None
    assert subject_of(record.model_copy(update={"ktype": Ktype.PUBLICATION})) is None


def seen(centre: Centre, made: Made) -> tuple[int, str, str]:
    """Put a record, and return what its page shows and what its picture answers."""
    record, file = made
    centre.put(record, [file])
    answer = centre.http.get(f"/pictures/{record.kid}.svg")
    page = parse_page(centre.http.get(f"/resources/{record.kid}").text)
    about = page.get_element_by_id("about")
    pictures_there = [str(src) for src in about.xpath(".//img/@src")]
    assert pictures_there == ([f"/pictures/{record.kid}.svg"] if answer.is_success else [])
    return answer.status_code, answer.text, str(about.text_content())


def test_a_page_shows_the_picture_of_its_file(centre: Centre) -> None:
    record, _ = made = pictured.function()
    status, text, about = seen(centre, made)
    assert status == 200, text
    picture = etree.fromstring(text.encode())
    assert etree.QName(picture).localname == "svg"
    assert "Events of background per declination [deg-1] over Declination of the source" in about
    page = parse_page(centre.http.get(f"/resources/{record.kid}").text)
    (alt,) = page.xpath("//img[contains(@src, 'pictures')]/@alt")
    assert str(alt).startswith("Curve of bkg.json: Events of background")
    again = centre.http.get(f"/pictures/{record.kid}.svg")
    assert again.text == text
    assert "sandbox" in again.headers["content-security-policy"]
    known = {"If-None-Match": again.headers["etag"]}
    assert centre.http.get(f"/pictures/{record.kid}.svg", headers=known).status_code == 304


def test_a_picture_is_drawn_once(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    record, file = pictured.function()
    centre.put(record, [file])
    address = f"/pictures/{record.kid}.svg"
    drawn = centre.http.get(address).text
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert centre.http.get(address).text == drawn
    (kept,) = (centre.directory / "pictures").glob("*.svg")
    assert kept.read_text() == drawn


DAMAGED: list[Callable[[], Made]] = [
    lambda: pictured.function(b'{"functiontype": "polynomial"}'),
    lambda: pictured.function(b"\xff\xfe"),
    lambda: pictured.raw_recording(b"nothing"),
]


@pytest.mark.parametrize("make", DAMAGED)
def test_a_damaged_file_has_no_picture_and_its_page_says_so(
    make: Callable[[], Made], centre: Centre
) -> None:
    status, text, about = seen(centre, make())
    assert status == 404
    assert "cannot be drawn" in text
    assert "There is no picture of" in about


def test_large_files_are_not_read(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "MOST_BYTES", 50)
    status, text, about = seen(centre, pictured.function())
    assert status == 404
    assert "larger than" in text
    assert "larger than" in about


def test_what_takes_too_long_is_ended(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "PATIENCE", 0.05)
    begin = time.monotonic()
    status, text, _ = seen(centre, pictured.function())
    assert status == 404
    assert "took longer" in text
    assert time.monotonic() - begin < 20


def test_a_process_that_dies_takes_nothing_with_it(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    status, text, about = seen(centre, pictured.function())
    assert status == 404
    assert "could not be read" in text
    assert "could not be read" in about


def test_a_drawing_that_failed_is_tried_again_later(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, file = pictured.function()
    centre.put(record, [file])
    address = f"/pictures/{record.kid}.svg"
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/bin/false")
        assert centre.http.get(address).status_code == 404
    assert centre.http.get(address).status_code == 404
    (kept,) = (centre.directory / "pictures").glob("*.txt")
    long_ago = kept.stat().st_mtime - pictures.RETRY
    os.utime(kept, (long_ago, long_ago))
    assert centre.http.get(address).status_code == 200


def test_few_wait_for_a_picture(centre: Centre) -> None:
    record, file = pictured.function()
    centre.put(record, [file])
    waiting = centre.app.state.pictures._waiting
    for _ in range(pictures.MOST_WAITING):
        waiting.acquire()
    answer = centre.http.get(f"/pictures/{record.kid}.svg")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    waiting.release()
    assert centre.http.get(f"/pictures/{record.kid}.svg").status_code == 200


def test_old_pictures_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_KEPT", 20)
    for number in range(20):
        (tmp_path / f"{number}.svg").write_text("old")
    path, subject = laid(pictured.function(b"{}"), tmp_path / "..")
    kept = pictures.Pictures(tmp_path)
    with pytest.raises(NotFoundError):
        kept.get(subject, path)
    assert len(list(tmp_path.glob("*.svg"))) == 18
    assert len(list(tmp_path.glob("*.txt"))) == 1


def test_labels_are_no_formulas(tmp_path: Path) -> None:
    record, file = pictured.function()
    hostile = record.parameters[1].model_copy(update={"description": r"Rate $\frac{1}{$ per day"})
    parameters = (record.parameters[0], hostile)
    path, subject = laid((record.model_copy(update={"parameters": parameters}), file), tmp_path)
    picture, reason = pictures.drawn(subject, path, Path(pictures.FONTS))
    assert reason == ""
    assert etree.fromstring(picture).tag.endswith("svg")


@pytest.mark.parametrize("make", pictured.ALL[1:])
def test_every_kind_is_drawn_by_the_process(make: Callable[[], Made], tmp_path: Path) -> None:
    path, subject = laid(make(), tmp_path)
    picture, reason = pictures.drawn(subject, path, Path(pictures.FONTS))
    assert reason == ""
    assert b"DejaVuSans-3f" not in picture  # the glyph of a backslash: all formulas are set
    assert etree.fromstring(picture).tag.endswith("svg")
