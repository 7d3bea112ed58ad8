"""Parts on disk: made once, taken again while input, recipe and version are the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from km3net_testdata import data_path

from vopub.errors import FileError, InputError, SeveralError
from vopub.events.convert import Reduction
from vopub.events.recipe import Recipe
from vopub.events.scale import parts as parts_module
from vopub.events.scale import tasks
from vopub.events.scale.parts import Parts, part_key
from vopub.events.scale.tally import Steps, Tally, unheard
from vopub.events.scale.tasks import reduce_file
from vopub.events.scale.workers import Here, Result, Task
from vopub.files import sha256_of
from vopub.model.description import EventsSection
from vopub.model.event_table import EventTable, concatenate

MakeSection = Callable[..., EventsSection]
COLUMNS = ("event_id", "ra", "energy", "unix_time", "n_hits")
NOW = 1_700_000_000 * 10**9
LONG_AGO = 1_600_000_000


class Watched(Here):
    """Does the work here and remembers to which files."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def run(self, task: Task, paths: Sequence[Path], tell: Steps = unheard) -> Iterator[Result]:
        self.done += [path.name for path in paths]
        return super().run(task, paths, tell)


@pytest.fixture
def inputs(tmp_path: Path, orca6: Path, orca4: Path) -> list[Path]:
    """Two files that nobody changed for long."""
    paths = [tmp_path / "six.root", tmp_path / "four.root"]
    for path, source in zip(paths, (orca6, orca4), strict=True):
        shutil.copy(source, path)
    return paths


def reduced(reduction: Reduction) -> EventTable:
    chunks = list(reduction)
    return concatenate(chunks[0].parameters, chunks)


def made(
    inputs: Sequence[Path], section: EventsSection, directory: Path, now: int = NOW
) -> tuple[EventTable, list[str]]:
    """Return the table and the names of the files that were read for it."""
    workers = Watched()
    reduction = Reduction(
        inputs, section, simulated=False, parts=directory, workers=workers, now=now
    )
    return reduced(reduction), workers.done


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the times of files that were written a moment ago."""
    monkeypatch.setattr(parts_module, "SETTLED", -(10**18))


@pytest.mark.usefixtures("settled")
def test_a_second_time_nothing_is_read(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection
) -> None:
    section = make_section("energy > 1 GeV", columns=COLUMNS)
    first, done = made(inputs, section, tmp_path / "parts")
    assert done == ["six.root", "four.root"]
    second, done = made(inputs, section, tmp_path / "parts")
    assert done == []
    assert second.equals(first)


@pytest.mark.usefixtures("settled")
def test_only_what_changed_is_read_again(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection
) -> None:
    section, parts = make_section(columns=COLUMNS), tmp_path / "parts"
    made(inputs, section, parts)
    with inputs[1].open("ab") as file:
        file.write(b"more")
    assert made(inputs, section, parts)[1] == ["four.root"]
    other = make_section("energy > 1 GeV", columns=COLUMNS)
    assert made(inputs, other, parts)[1] == ["six.root", "four.root"]


@pytest.mark.usefixtures("settled")
def test_a_record_laid_beside_a_file_makes_a_new_part(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection
) -> None:
    section, parts = make_section(columns=COLUMNS), tmp_path / "parts"
    made(inputs, section, parts)
    record = Path(data_path("hdf5/geamon.h5.prov.json"))
    shutil.copy(record, tmp_path / "six.root.prov.json")
    assert made(inputs, section, parts)[1] == ["six.root"]
    assert made(inputs, section, parts)[1] == []


@pytest.mark.usefixtures("settled")
def test_names_of_inputs_make_no_difference(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection
) -> None:
    parts = tmp_path / "parts"
    first, _ = made(inputs, make_section(columns=COLUMNS), parts)
    before = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.arrow")}
    moved = inputs[0].rename(tmp_path / "moved.root")
    section = make_section(columns=COLUMNS, inputs=("b.root", "c.root"))
    reduction = Reduction([moved, inputs[1]], section, simulated=False, parts=parts, now=NOW)
    assert reduced(reduction).equals(first)
    assert [entity.name for entity in reduction.inputs] == ["moved.root", "four.root"]
    assert {path.name: path.stat().st_mtime_ns for path in parts.glob("*.arrow")} == before


def test_a_file_that_changed_a_moment_ago_is_hashed_again(
    inputs: list[Path],
    tmp_path: Path,
    make_section: MakeSection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts_module, "SETTLED", 10**12)  # a moment that lasts on any machine
    section, parts = make_section(columns=COLUMNS), tmp_path / "parts"
    made(inputs, section, parts)
    assert made(inputs, section, parts)[1] == ["six.root", "four.root"]
    assert list(parts.glob("*.seen")) == []


@pytest.mark.usefixtures("settled")
def test_a_change_that_keeps_size_and_time_of_change_is_seen(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection
) -> None:
    section, parts = make_section(columns=COLUMNS), tmp_path / "parts"
    os.utime(inputs[0], (LONG_AGO, LONG_AGO))
    made(inputs, section, parts)
    content = inputs[0].read_bytes()
    inputs[0].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(inputs[0], (LONG_AGO, LONG_AGO))
    assert made(inputs, section, parts)[1] == ["six.root"]


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("suffix", [".arrow", ".json"])
def test_a_part_that_is_not_whole_is_made_again(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection, suffix: str
) -> None:
    section, parts = make_section(columns=COLUMNS), tmp_path / "parts"
    first, _ = made(inputs[:1], section, parts)
    (file,) = parts.glob(f"*{suffix}")
    file.write_bytes(file.read_bytes()[:-9])
    second, done = made(inputs[:1], section, parts)
    assert done == ["six.root"]
    assert second.equals(first)


def test_a_part_that_is_damaged_is_an_error(
    orca6: Path, tmp_path: Path, make_section: MakeSection
) -> None:
    recipe = Recipe(make_section(columns=COLUMNS), simulated=False)
    part = reduce_file(orca6, recipe=recipe, directory=tmp_path, now=NOW)
    (file,) = tmp_path.glob("*.arrow")
    file.write_bytes(bytes(part.size))
    with pytest.raises(FileError, match=r"\.arrow: is damaged .*; remove that directory"):
        list(Parts(tmp_path).tables(part, recipe.parameters))


@pytest.mark.usefixtures("settled")
def test_parts_that_nobody_needs_any_more_go(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection
) -> None:
    section, parts = make_section(columns=COLUMNS), tmp_path / "parts"
    made(inputs, section, parts)
    (parts / ".killed.arrow.x.part").touch()
    made(inputs[:1], section, parts)
    kinds = sorted(path.suffix for path in parts.iterdir())
    assert kinds == [".arrow", ".json", ".seen"]


@pytest.mark.usefixtures("settled")
def test_events_of_the_future_become_those_of_the_past(
    orca6: Path, tmp_path: Path, make_section: MakeSection
) -> None:
    section = make_section(columns=COLUMNS)
    then = 1614168100 * 10**9
    early, _ = made([orca6], section, tmp_path, then)
    late, done = made([orca6], section, tmp_path, NOW)
    assert done == ["orca6_sample.root"]
    assert len(early) < len(late) == 2495
    assert made([orca6], section, tmp_path, NOW + 1)[1] == []
    again, done = made([orca6], section, tmp_path, then)
    assert done == ["orca6_sample.root"]
    assert again.equals(early)


def test_a_part_is_read_by_arrow(orca6: Path, tmp_path: Path, make_section: MakeSection) -> None:
    recipe = Recipe(make_section(columns=COLUMNS), simulated=False)
    part = reduce_file(orca6, recipe=recipe, directory=tmp_path, now=NOW, rows=1000)
    (file,) = tmp_path.glob("*.arrow")
    with pa.ipc.open_stream(file) as stream:
        batches = list(stream)
    assert [batch.num_rows for batch in batches] == [999, 997, 499]
    table = pa.Table.from_batches(batches)
    assert tuple(table.column_names) == COLUMNS
    (only,) = reduce_tables(tmp_path, orca6, recipe)
    assert table["event_id"].to_pylist() == only["event_id"].tolist()
    assert np.array_equal(table["energy"].to_numpy(), only["energy"], equal_nan=True)
    assert (part.rows, part.runs, part.repeats) == (2495, ((49, 9505),), False)
    assert part.first == only["unix_time"].min()
    assert part.last == only["unix_time"].max()


def reduce_tables(directory: Path, path: Path, recipe: Recipe) -> list[EventTable]:
    part = reduce_file(path, recipe=recipe, directory=directory / "whole", now=NOW)
    return list(Parts(directory / "whole").tables(part, recipe.parameters))


def test_keys_depend_on_input_recipe_and_version(
    make_section: MakeSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(digest: str = "a", *cuts: str, simulated: bool = False) -> str:
        return part_key(digest, Recipe(make_section(*cuts, columns=COLUMNS), simulated))

    keys = {key(), key("b"), key("a", "energy > 1 GeV"), key(simulated=True)}
    assert len(keys) == 4
    assert key() in keys
    monkeypatch.setattr(parts_module, "__version__", "99")
    assert key() not in keys


def test_files_that_fail_are_named_and_the_others_are_done(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection
) -> None:
    bad = [tmp_path / "truncated.root", tmp_path / "other.root", tmp_path / "none.root"]
    bad[0].write_bytes(inputs[0].read_bytes()[:200_000])
    shutil.copy(data_path("acoustics/mechanical_model.root"), bad[1])
    section, parts = make_section(columns=COLUMNS), tmp_path / "parts"
    told: list[Tally] = []
    reduction = Reduction(
        [inputs[0], *bad, inputs[1]], section, simulated=False, parts=parts, watch=told.append
    )
    with pytest.raises(SeveralError) as raised:
        list(reduction)
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    for line, path in zip(lines, bad, strict=True):
        assert line.startswith(f"{path}: ")
    assert len(list(parts.glob("*.arrow"))) == 2
    assert (told[-1].done, told[-1].failed, told[-1].events) == (5, 3, 4999)


def test_the_watcher_sees_reading_and_writing(
    inputs: list[Path], make_section: MakeSection
) -> None:
    told: list[Tally] = []
    section = make_section(columns=COLUMNS)
    list(Reduction(inputs, section, simulated=False, watch=told.append))
    reading = [(tally.done, tally.events) for tally in told if tally.doing == "reading"]
    assert reading == [(0, 2499), (1, 2499), (1, 4999), (2, 4999)]
    assert [tally.done for tally in told if tally.doing == "writing"] == [2495, 4993]
    assert {tally.total for tally in told if tally.doing == "writing"} == {4993}


def test_a_file_that_changes_while_it_is_read_is_refused(
    inputs: list[Path], tmp_path: Path, make_section: MakeSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(path: Path) -> str:
        digest = sha256_of(path)
        os.utime(path, (LONG_AGO, LONG_AGO))
        return digest

    monkeypatch.setattr(tasks, "sha256_of", change)
    recipe = Recipe(make_section(columns=COLUMNS), simulated=False)
    with pytest.raises(InputError, match=r"six\.root: was changed while it was read"):
        reduce_file(inputs[0], recipe=recipe, directory=tmp_path / "parts", now=NOW)
