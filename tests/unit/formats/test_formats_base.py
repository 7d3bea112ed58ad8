from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vopub.errors import FileError, TableError
from vopub.formats.base import Writer
from vopub.formats.registry import FORMATS
from vopub.model.dataset import EventDataset
from vopub.model.event_table import EventTable

# Runs in a process of its own: HDF5 could take it down.
DISK_FULL = """
import pickle, resource, sys
from pathlib import Path
from vopub.errors import FileError

writer_class, dataset, path = pickle.loads(Path(sys.argv[1]).read_bytes())
for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        with writer_class.open(path, dataset.table.parameters) as writer:
            for chunk in dataset.table.chunks(3000):
                writer.append(chunk)
            writer.finish(dataset.metadata)
        said = "nothing"
    except FileError as error:
        said = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(limit, [file.name for file in path.parent.iterdir()], said, sep="|")
"""
KILLED = """
import os, pickle, signal, sys
from pathlib import Path

writer_class, dataset, path = pickle.loads(Path(sys.argv[1]).read_bytes())
with writer_class.open(path, dataset.table.parameters) as writer:
    for chunk in dataset.table.chunks(3000):
        writer.append(chunk)
    os.kill(os.getpid(), signal.SIGKILL)
"""
MakeDataset = Callable[[int], EventDataset]
FILES = [entry for entry in FORMATS.values() if not entry.writer.products[0].directory]
pytestmark = pytest.mark.parametrize(
    "writer_class", [entry.writer for entry in FILES], ids=[entry.name for entry in FILES]
)


def path_of(writer_class: type[Writer], directory: Path) -> Path:
    return directory / f"evts21_01{writer_class.products[0].suffix}"


def with_text(table: EventTable, row: int, text: str) -> EventTable:
    column = table["event_id"].copy()
    column[row] = text
    return EventTable(table.parameters, {**table.columns, "event_id": column})


def test_nothing_has_its_final_name_before_the_end(
    writer_class: type[Writer], tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(5)
    names = {f"evts21_01{product.suffix}" for product in writer_class.products}
    with writer_class.open(path_of(writer_class, tmp_path), dataset.table.parameters) as writer:
        writer.append(dataset.table)
        assert not names & {path.name for path in tmp_path.iterdir()}
        writer.finish(dataset.metadata)
    assert {path.name for path in tmp_path.iterdir()} == names
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}


def test_an_exception_leaves_the_old_file_and_nothing_else(
    writer_class: type[Writer], tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(5)
    path = path_of(writer_class, tmp_path)
    path.write_bytes(b"the old file")
    with (
        pytest.raises(OSError, match="an input that broke") as caught,
        writer_class.open(path, dataset.table.parameters) as writer,
    ):
        writer.append(dataset.table)
        raise OSError("an input that broke")
    assert caught.type is OSError
    assert path.read_bytes() == b"the old file"
    assert list(tmp_path.iterdir()) == [path]


def test_leaving_without_finish_is_an_error(
    writer_class: type[Writer], tmp_path: Path, make_dataset: MakeDataset
) -> None:
    path = path_of(writer_class, tmp_path)
    with (
        pytest.raises(TableError, match="left unfinished"),
        writer_class.open(path, make_dataset(1).table.parameters),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["a\0b", "\0", "half a pair \ud83d"])
def test_text_that_no_format_holds_names_its_row(
    writer_class: type[Writer], text: str, tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(5)
    path = path_of(writer_class, tmp_path)
    with (
        pytest.raises(TableError, match=r"row 9, column event_id: .* cannot be written") as caught,
        writer_class.open(path, dataset.table.parameters) as writer,
    ):
        writer.append(dataset.table)
        writer.append(with_text(dataset.table, 3, text))
    assert "\n" not in str(caught.value)
    assert "NUL" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_chunk_of_another_table(
    writer_class: type[Writer], tmp_path: Path, make_dataset: MakeDataset
) -> None:
    table = make_dataset(2).table
    fewer = EventTable(table.parameters[:1], {"event_id": table["event_id"]})
    changed = table.parameters[0].model_copy(update={"description": "Something else."})
    other = EventTable((changed, *table.parameters[1:]), table.columns)
    path = path_of(writer_class, tmp_path)
    for chunk, said in ((fewer, r"of the chunk are \['event_id'\]"), (other, "otherwise")):
        with (
            pytest.raises(TableError, match=said),
            writer_class.open(path, table.parameters) as writer,
        ):
            writer.append(chunk)


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"rows": 3}, "say 3 rows, 2 were written"),
        ({"parameters": ()}, "describe other columns"),
    ],
)
def test_metadata_of_another_table(
    writer_class: type[Writer],
    update: dict[str, object],
    said: str,
    tmp_path: Path,
    make_dataset: MakeDataset,
) -> None:
    dataset = make_dataset(2)
    path = path_of(writer_class, tmp_path)
    with (
        pytest.raises(TableError, match=said),
        writer_class.open(path, dataset.table.parameters) as writer,
    ):
        writer.append(dataset.table)
        writer.finish(dataset.metadata.model_copy(update=update))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"cut": "a\0b"}, r"provenance.steps.0.configuration.cut: 'a\\x00b'"),
        ({"a\0b": 1}, "cannot be written as text"),
        ({"cut": np.inf}, "configuration.cut: inf has no form in JSON"),
    ],
)
def test_metadata_that_no_format_holds_name_their_place(
    writer_class: type[Writer],
    configuration: dict[str, str | int | float | bool | None],
    said: str,
    tmp_path: Path,
    make_dataset: MakeDataset,
) -> None:
    dataset = make_dataset(2)
    provenance = dataset.metadata.provenance
    step = provenance.steps[0].model_copy(update={"configuration": configuration})
    bad = provenance.model_copy(update={"steps": (step,)})
    path = path_of(writer_class, tmp_path)
    with (
        pytest.raises(TableError, match=said),
        writer_class.open(path, dataset.table.parameters) as writer,
    ):
        writer.append(dataset.table)
        writer.finish(dataset.metadata.model_copy(update={"provenance": bad}))
    assert list(tmp_path.iterdir()) == []


def test_no_column(writer_class: type[Writer], tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no column"):
        writer_class.open(path_of(writer_class, tmp_path), ())


def test_a_place_that_cannot_be_written(
    writer_class: type[Writer], tmp_path: Path, make_dataset: MakeDataset
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a directory")
    path = path_of(writer_class, blocker)
    with pytest.raises(FileError, match="cannot write"):
        writer_class.open(path, make_dataset(1).table.parameters)


def test_every_write_that_does_not_fit_is_told(
    writer_class: type[Writer], tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(9000)
    path = path_of(writer_class, tmp_path / "out")
    with writer_class.open(path_of(writer_class, tmp_path), dataset.table.parameters) as writer:
        writer.append(dataset.table)
        writer.finish(dataset.metadata)
    size = path_of(writer_class, tmp_path).stat().st_size
    path.parent.mkdir()
    path.write_bytes(b"the old file")
    pickled = tmp_path / "pickled"
    pickled.write_bytes(pickle.dumps((writer_class, dataset, path)))
    limits = [str(limit) for limit in (0, 96, 3000, size // 3, size - 2000, size - 1)]
    command = [sys.executable, "-c", DISK_FULL, str(pickled), *limits]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split("|") for line in done.stdout.splitlines()]
    assert [limit for limit, *_ in lines] == limits
    assert {left for _, left, _ in lines} == {f"['{path.name}']"}
    said = f"{path}: cannot write: File too large; the limit on file sizes is reached"
    assert all(what.startswith(said) for *_, what in lines)
    assert path.read_bytes() == b"the old file"


def test_kill_leaves_the_old_file(
    writer_class: type[Writer], tmp_path: Path, make_dataset: MakeDataset
) -> None:
    path = path_of(writer_class, tmp_path / "out")
    path.parent.mkdir()
    path.write_bytes(b"the old file")
    pickled = tmp_path / "pickled"
    pickled.write_bytes(pickle.dumps((writer_class, make_dataset(9000), path)))
    done = subprocess.run([sys.executable, "-c", KILLED, str(pickled)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"the old file"
    left = [entry.name for entry in path.parent.iterdir() if entry != path]
    assert all(name.startswith(f".{path.name}.") and name.endswith(".part") for name in left)
