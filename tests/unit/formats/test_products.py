from __future__ import annotations

import hashlib
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest

from vopub.errors import FileError, TableError, UsageError
from vopub.formats.csv import read_csv
from vopub.formats.hdf5 import read_hdf5
from vopub.formats.products import ExtraFile, read_manifest, verify, write_products
from vopub.model.dataset import EventDataset, Manifest
from vopub.model.event_table import EventTable
from vopub.model.resource import FileRole

MakeDataset = Callable[[int], EventDataset]
NAMES = {"evts21_01.csv", "evts21_01.metadata.json", "evts21_01.h5", "manifest.json"}


def write(
    directory: Path,
    dataset: EventDataset,
    *,
    chunks: Iterator[EventTable] | None = None,
    extra: Iterator[ExtraFile] | tuple[ExtraFile, ...] = (),
    names: tuple[str, ...] = ("csv", "hdf5"),
) -> Manifest:
    return write_products(
        directory,
        "evts21_01",
        dataset.table.chunks(100) if chunks is None else chunks,
        dataset.table.parameters,
        lambda rows: dataset.metadata.model_copy(update={"rows": rows}),
        version="1.0",
        key="a key",
        extra=extra,
        names=names,
    )


def bytes_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture
def old(make_dataset: MakeDataset, tmp_path: Path) -> Path:
    """Give a product directory of 10 rows."""
    directory = tmp_path / "products" / "evts21_01"
    write(directory, make_dataset(10))
    return directory


def test_every_format_and_a_manifest(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(230)
    directory = tmp_path / "products" / "evts21_01"
    manifest = write(directory, dataset)
    assert {path.name for path in directory.iterdir()} == NAMES
    assert [path.name for path in directory.parent.iterdir()] == ["evts21_01"]
    assert directory.stat().st_mode & 0o777 == 0o755
    assert read_manifest(directory) == manifest
    assert (manifest.rows, manifest.key, manifest.version) == (230, "a key", "1.0")
    assert manifest.account == dataset.metadata.account
    for file in manifest.files:
        content = (directory / file.name).read_bytes()
        assert len(content) == file.size
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert file.description
    assert {f.name: f.role for f in manifest.files}["evts21_01.metadata.json"] == "metadata"
    verify(directory)
    assert read_csv(directory / "evts21_01.csv").table.equals(dataset.table)
    assert read_hdf5(directory / "evts21_01.h5").metadata == dataset.metadata


def test_formats_are_chosen_by_name(tmp_path: Path, make_dataset: MakeDataset) -> None:
    directory = tmp_path / "evts21_01"
    write(directory, make_dataset(3), names=("parquet",))
    assert {path.name for path in directory.iterdir()} == {"evts21_01.parquet", "manifest.json"}
    with pytest.raises(UsageError, match=r"unknown format 'parkett'; did you mean parquet\?"):
        write(directory, make_dataset(3), names=("csv", "parkett"))
    verify(directory)


def test_the_same_content_gives_the_same_bytes(old: Path, make_dataset: MakeDataset) -> None:
    before = bytes_in(old)
    write(old, make_dataset(10))
    assert bytes_in(old) == before


def test_a_table_of_no_rows(old: Path, make_dataset: MakeDataset) -> None:
    assert write(old, make_dataset(0), chunks=iter(())).rows == 0
    verify(old)


def test_extra_files_are_made_after_the_last_chunk(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(3)
    seen: list[int] = []

    def chunks() -> Iterator[EventTable]:
        for chunk in dataset.table.chunks(1):
            seen.append(len(chunk))
            yield chunk

    def preview() -> Iterator[ExtraFile]:
        path = tmp_path / "sky.svg"
        path.write_text(f"<svg>{sum(seen)}</svg>")
        yield ExtraFile(path, "image/svg+xml", FileRole.PREVIEW, "Sky map of the events")

    directory = tmp_path / "evts21_01"
    manifest = write(directory, dataset, chunks=chunks(), extra=preview())
    assert (directory / "sky.svg").read_text() == "<svg>3</svg>"
    assert manifest.files[-1].role is FileRole.PREVIEW
    verify(directory)


@pytest.mark.parametrize("name", ["evts21_01.csv", "manifest.json", "missing.png"])
def test_extra_files_that_cannot_be_taken_in(
    name: str, old: Path, tmp_path: Path, make_dataset: MakeDataset
) -> None:
    before = bytes_in(old)
    path = tmp_path / name
    if name != "missing.png":
        path.write_text("x")
    extra = ExtraFile(path, "image/png", FileRole.PREVIEW, "A preview")
    with pytest.raises(FileError, match=name):
        write(old, make_dataset(20), extra=(extra,))
    assert bytes_in(old) == before
    assert list(old.parent.iterdir()) == [old]


def test_a_failing_chunk_leaves_the_old_products(old: Path, make_dataset: MakeDataset) -> None:
    dataset, before = make_dataset(20), bytes_in(old)

    def chunks() -> Iterator[EventTable]:
        yield dataset.table
        raise TableError("the input broke")

    with pytest.raises(TableError, match="the input broke"):
        write(old, dataset, chunks=chunks())
    assert bytes_in(old) == before
    assert list(old.parent.iterdir()) == [old]


def test_verify_names_the_first_file_that_is_not_right(old: Path) -> None:
    csv = old / "evts21_01.csv"
    content = csv.read_bytes()
    csv.write_bytes(content + b"x")
    with pytest.raises(FileError, match=r"evts21_01.csv: has \d+ bytes, the manifest says"):
        verify(old)
    csv.write_bytes(content[:-2] + b"9\n")
    with pytest.raises(FileError, match=r"evts21_01.csv: is not the file .* publish"):
        verify(old)
    csv.write_bytes(content)
    verify(old)
    (old / "evts21_01.h5").unlink()
    with pytest.raises(FileError, match=r"evts21_01.h5: is missing; publish"):
        verify(old)


def test_directories_without_a_usable_manifest(old: Path, tmp_path: Path) -> None:
    assert read_manifest(tmp_path / "nothing") is None
    with pytest.raises(FileError, match="there is no manifest"):
        verify(tmp_path)
    (old / "manifest.json").write_text("{}")
    with pytest.raises(FileError, match=r"manifest.json: is not a manifest; publish"):
        read_manifest(old)


# Each of these runs in a process of its own, given the pickled data set and the directory.
PROGRAM = """
import os, pickle, resource, signal, sys
from pathlib import Path
from vopub.errors import FileError
from vopub.formats.products import write_products

dataset = pickle.loads(Path(sys.argv[1]).read_bytes())
directory = Path(sys.argv[2])

def write(chunks, extra=()):
    metadata = lambda rows: dataset.metadata.model_copy(update={"rows": rows})
    write_products(directory, "evts21_01", chunks, dataset.table.parameters, metadata,
                   version="1.0", key="a key", extra=extra)
"""
KILLED_IN_A_CHUNK = """
def chunks():
    yield from dataset.table.chunks(5000)
    os.kill(os.getpid(), signal.SIGKILL)
write(chunks())
"""
KILLED_BEFORE_THE_SWAP = """
def extra():
    os.kill(os.getpid(), signal.SIGKILL)
    yield
write(dataset.table.chunks(5000), extra())
"""
KILLED_AFTER_THE_SWAP = """
from vopub.formats import swap
def audit(event, arguments):
    if event == "shutil.rmtree" and str(arguments[0]).endswith(".new"):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(audit)
write(dataset.table.chunks(5000))
"""
DISK_FULL = """
for limit in map(int, sys.argv[3:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write(dataset.table.chunks(3000))
        said = "nothing"
    except FileError as error:
        said = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    left = [path.name for path in directory.parent.iterdir()]
    print(limit, left, said, sep="|")
"""


def run(
    program: str, dataset: EventDataset, directory: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    pickled = directory.parent.parent / "dataset.pickle"
    pickled.write_bytes(pickle.dumps(dataset))
    command = [sys.executable, "-c", PROGRAM + program, str(pickled), str(directory), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", [KILLED_IN_A_CHUNK, KILLED_BEFORE_THE_SWAP])
def test_kill_leaves_the_old_products_and_the_next_call_cleans_up(
    program: str, old: Path, make_dataset: MakeDataset
) -> None:
    before, dataset = bytes_in(old), make_dataset(9000)
    done = run(program, dataset, old)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert bytes_in(old) == before
    verify(old)
    assert len(list(old.parent.iterdir())) == 2
    write(old, dataset)
    assert list(old.parent.iterdir()) == [old]
    assert len(read_csv(old / "evts21_01.csv").table) == 9000


def test_kill_after_the_swap_leaves_the_new_products(old: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(9000)
    done = run(KILLED_AFTER_THE_SWAP, dataset, old)
    assert done.returncode == -signal.SIGKILL, done.stderr
    verify(old)
    assert len(read_csv(old / "evts21_01.csv").table) == 9000
    assert len(list(old.parent.iterdir())) == 2
    write(old, make_dataset(3))
    assert list(old.parent.iterdir()) == [old]


def test_a_file_that_cannot_grow_is_told_and_leaves_the_old_products(
    old: Path, make_dataset: MakeDataset
) -> None:
    before, dataset = bytes_in(old), make_dataset(9000)
    # in turn nothing, the start, the middle of either table, and its last bytes do not fit
    sizes = {file.name: file.size for file in write(old.parent / "sizes", dataset).files}
    h5, csv = sizes["evts21_01.h5"], sizes["evts21_01.csv"]
    assert csv > h5 > 1_000_000
    limits = (0, 100, 3000, 400_000, h5 - 1, h5 + 1, csv - 1)
    shutil.rmtree(old.parent / "sizes")
    done = run(DISK_FULL, dataset, old, *map(str, limits))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(limits)
    for line in lines:
        _, left, said = line.split("|")
        assert left == "['evts21_01']"
        assert "cannot write: File too large; the limit on file sizes is reached" in said
    assert bytes_in(old) == before
    verify(old)


def texts_in(directory: Path) -> str:
    """Give all bytes of all products, with what is compressed also as it is uncompressed."""
    texts = [content.decode("latin-1") for content in bytes_in(directory).values()]
    with h5py.File(directory / "evts21_01.h5") as file:
        texts += [str(file[name][:].tolist()) for name in file]
        texts += [str(dict(node.attrs)) for node in (file, *file.values())]
    return "".join(texts)


def test_products_hold_no_user_host_or_path(
    tmp_path: Path, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "planted-directory"
    planted.mkdir()
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "HOST", "HOME", "PWD", "EMAIL"):
        monkeypatch.setenv(name, f"planted-{name}")
    monkeypatch.chdir(planted)
    write(Path("products/evts21_01"), make_dataset(50))
    text = texts_in(planted / "products" / "evts21_01")
    assert "km3.49.9505.0.0" in text
    assert "planted" not in text
    assert str(tmp_path) not in text
    assert str(Path(__file__).parents[3]) not in text
