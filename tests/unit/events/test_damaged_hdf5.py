"""HDF5 files with damaged bytes: read as they were, or refused in one line, never a traceback."""

from __future__ import annotations

import faulthandler
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from km3net_testdata import data_path

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.inspect import RECONSTRUCTIONS, inspect
from vopub.events.readers import open_reader
from vopub.events.readers.km3pipe_tables import Table
from vopub.events.scale.processes import LocalWorkers, apart
from vopub.model.description import EventsSection

PROTOTYPE = "hdf5/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.hdf5"
DAMAGES = 30
"""So many of each file, of each kind in turn."""
DEADLY, DEADLY_SEED = "hdf5/numu_cc_test.h5", 16
FILES = (
    "small", "hdf5/test_event_info.h5", PROTOTYPE, "seatray/antares.h5", DEADLY,
)  # fmt: skip
READ = "read"
MakeSection = Callable[..., EventsSection]


def small(place: Path) -> Path:
    """Write a file of km3pipe with packed tables, small enough that damage hits what matters."""
    numbers = [(name, "f8") for name in ("dir_x", "dir_y", "dir_z", "t", "E", "likelihood")]
    names = ("det_id", "run_id", "frame_index", "trigger_counter", "timestamp", "nanoseconds")
    events = np.zeros(50, np.dtype([(name, "i4") for name in names] + [("group_id", "i8")]))
    tracks = np.zeros(50, np.dtype([*numbers, ("group_id", "i8")]))
    events["group_id"] = tracks["group_id"] = np.arange(50)
    tracks["dir_z"] = 1
    with h5py.File(place / "small.h5", "w") as file:
        file.attrs["format_version"] = "5.1"
        options = {"compression": "gzip", "shuffle": True, "fletcher32": True}
        file.create_dataset("event_info", data=events, **options)
        file.create_dataset("reco/best_jmuon", data=tracks, **options)
    return place / "small.h5"


def source(name: str, place: Path) -> Path:
    return small(place) if name == "small" else Path(data_path(name))


def damaged(content: bytes, seed: int) -> bytes:
    """Change bytes: a few, a stretch of zeros, the beginning of a structure, or cut the end off."""
    chance = random.Random(seed)  # noqa: S311 - the same damage each time
    changed = bytearray(content)
    marks = [b"TREE", b"SNOD", b"HEAP", b"OHDR", b"GCOL", b"FRHP", b"\x89HDF"]
    match seed % 4:
        case 0:
            for _ in range(20):
                changed[chance.randrange(min(len(changed), 60_000))] = chance.randrange(256)
        case 1:
            start = chance.randrange(len(changed))
            changed[start : start + 400] = bytes(len(changed[start : start + 400]))
        case 2:
            mark = chance.choice([mark for mark in marks if mark in content])
            start = content.index(mark) + chance.randrange(200)
            for place in range(start, min(start + 4, len(changed))):
                changed[place] ^= 0xFF
        case _:
            del changed[chance.randrange(len(changed)) :]
    return bytes(changed)


def read_all(path: Path) -> Iterator[str]:
    """Look at all that the file says."""
    with open_reader(path) as reader:
        yield str(reader.header)
        for chunk in reader.chunks(1000):
            yield str(chunk.names())
            for name in RECONSTRUCTIONS:
                yield str(chunk.tracks.best(name, ["jgandalf_chi2"]))
            for name in chunk.values:
                yield str(chunk.values[name])


def outcome(path: Path) -> str | None:
    """Read a file in a process of its own, and return what that said; None if it died."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        try:
            list(read_all(path))
            said = READ
        except InputError as error:
            said = str(error)
        except Exception as error:  # noqa: BLE001 - the test is whether there is any
            said = f"traceback of {error!r}"
        os.write(into, said.encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as stream:
        told = stream.read()
    _, status = os.waitpid(child, 0)
    return told if status == 0 else None


@pytest.mark.parametrize("name", FILES)
def test_damage_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    """Unless it ends the process from within HDF5; see below."""
    content = source(name, tmp_path).read_bytes()
    path = tmp_path / "damaged.h5"
    said = []
    for seed in range(DAMAGES):
        path.write_bytes(damaged(content, seed) or b"\x89HDF")
        said.append(outcome(path))
    refused = [line for line in said if line not in (None, READ)]
    for line in refused:
        assert line.startswith(str(path))
        assert "\n" not in line
        assert "did not foresee" not in line
    assert len(refused) > DAMAGES / 5


def test_damage_that_ends_the_process_is_told_in_one_line(
    tmp_path: Path, make_section: MakeSection
) -> None:
    """Here in PyTables, which follows a pointer into nowhere."""
    path = tmp_path / "deadly.h5"
    path.write_bytes(damaged(Path(data_path(DEADLY)).read_bytes(), DEADLY_SEED))
    assert outcome(path) is None, "it ends nothing any more: look for another damage"
    line = rf"{path}: every process that read it died; it is damaged, or needs more memory"
    section = make_section(columns=("event_id", "energy"))
    with pytest.raises(InputError, match=line):
        list(Reduction([path], section, simulated=True, workers=LocalWorkers()))
    with pytest.raises(InputError, match=line):
        apart(inspect, path)


def test_a_table_that_pytables_does_not_understand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives an object that cannot be read, instead of an error."""
    monkeypatch.setattr(Table, "_is_decodable", lambda _: False)
    path = tmp_path / "a.h5"
    kinds = np.dtype([("group_id", "i8"), ("event_id", h5py.string_dtype())])
    with h5py.File(path, "w") as file:
        file["event_info"] = np.array([(1, "name")], kinds)
    with h5py.File(path) as file, pytest.raises(InputError, match="cannot read rows 0 to 0 of /ev"):
        Table(path, file, "event_info").read(0, 1)
