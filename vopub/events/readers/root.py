"""Reader of KM3NeT's offline and DST files (ROOT): tree ``E`` with the branch ``Evt``.

Layout: KM3NeT data format, class ``Evt`` with its tracks ``trks``; the branches were compared with
files of every version of the format since 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import awkward as ak
import numpy as np

from vopub.errors import InputError, did_you_mean
from vopub.events.detectors import is_unlisted
from vopub.events.history import root_history
from vopub.events.lazy import Lazy
from vopub.events.readers.base import EventChunk, FileHeader, Reader, closed_if_refused
from vopub.events.readers.root_file import RootFile, check_length, reading
from vopub.events.readers.root_history import dst_command, jpp_texts
from vopub.events.readers.root_summaries import Leaf, check_entries, find_leaves
from vopub.events.readers.root_truth import TRUE_VALUES, WEIGHTS, is_gseagen, truth_of
from vopub.events.readers.run_metadata import describe_runs, is_simulation_header
from vopub.events.readers.w2list import places_listed
from vopub.events.reconstruction import JaggedTracks
from vopub.model.event_table import Column

EVENT_BRANCHES = {
    "event_number": "id", "detector_id": "det_id", "run_id": "run_id",
    "frame_index": "frame_index", "trigger_counter": "trigger_counter",
    "trigger_mask": "trigger_mask", "overlays": "overlays", "t_sec": "t.fSec", "t_ns": "t.fNanoSec",
}  # fmt: skip
TRACK_BRANCHES = {
    "dir_x": "trks.dir.x", "dir_y": "trks.dir.y", "dir_z": "trks.dir.z", "t": "trks.t",
    "energy": "trks.E", "length": "trks.len", "likelihood": "trks.lik",
    "rec_type": "trks.rec_type", "rec_stages": "trks.rec_stages", "fitinf": "trks.fitinf",
}  # fmt: skip
_WANTED = {*EVENT_BRANCHES.values(), *TRACK_BRANCHES.values()}
LISTS_PER_TRACK = ("trks.rec_stages", "trks.fitinf")
TRUE_TRACKS = "mc_trks.id"
"""Branch of the simulated particles; empty in observed events, missing in some files."""
ONLINE_TREES = ("KM3NET_EVENT", "KM3NET_TIMESLICE")
"""Beginnings of the names of trees with triggered events and with raw data."""
MOST_BYTES = 32 << 20
"""How much of a file is unpacked at a time, so that memory stays bounded for any file."""
FEW_SCANNED = 1000
"""How many events are looked at first where one is enough."""
MOST_SCANNED = 100_000
"""How many events are looked at in one go for their run numbers."""

_MISFIT = (ValueError,)
"""What awkward raises on lists that do not belong together."""

RUN_COLUMNS = ("runNumber", "UTCMin_s", "UTCMax_s", "livetime_s")
"""Columns of the ``headerTree`` that say what is published of a run."""

_INTERPRETATIONS: dict[tuple[object, ...], Any] = {}
"""How to read the branches met so far: finding it out takes as long as reading them."""
_LAYOUT = ("fParentName", "fClassVersion", "fCheckSum", "fStreamerType", "fType", "fID")
"""What ROOT writes of a branch; the check sum is of the layout of its class."""


def _interpretation(branch: Any) -> Any:
    """Return how to read a branch, from an earlier file if that had the very same branch."""
    if branch.name not in _WANTED or not branch.has_member("fCheckSum"):
        return branch.interpretation
    key = (branch.name, branch.title, *(str(branch.member(name)) for name in _LAYOUT))
    if key not in _INTERPRETATIONS:
        _INTERPRETATIONS[key] = branch.interpretation
    return _INTERPRETATIONS[key]


def _tells_run(name: str) -> bool:
    """Tell whether a column of the run table is of use."""
    return name in RUN_COLUMNS or (name.startswith("trigger") and name.endswith(".enabled"))


class RootReader(Reader):
    """An open offline or DST file.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it is truncated, damaged, or has no event tree or lacks a branch.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        check_length(path)
        with reading(path, "the ROOT file"):
            self._file: Any = RootFile(path).root_directory
        with closed_if_refused(self._file.close):
            self._holds = self._contents()
            self._tree = self._event_tree()
            self._branches = self._find_branches()
            self._header = self._read_header()
        self._leaves: dict[str, Leaf] = {}

    @classmethod
    def recognises(cls, path: Path, beginning: bytes) -> bool:  # noqa: ARG003
        """Tell whether this is a ROOT file."""
        return beginning.startswith(b"root")

    @property
    def header(self) -> FileHeader:
        """What the file says about itself."""
        return self._header

    @property
    def entries(self) -> int:
        """Number of events."""
        return int(self._tree.num_entries)

    def chunks(self, rows: int) -> Iterator[EventChunk]:
        """Yield all events in order, at most ``rows`` at a time, fewer if they are large.

        Raises
        ------
        InputError
            If the file is damaged, or a branch has another type than the layout says.
        """
        step = max(1, min(rows, int(MOST_BYTES // self._bytes_per_event())))
        for start in range(0, self.entries, step):
            yield self._chunk(start, min(start + step, self.entries))

    def find_summaries(self) -> Mapping[str, tuple[str, ...]]:
        """Look into the friend tree ``T``, and for what generators list of simulated events.

        Raises
        ------
        InputError
            If it is damaged or has another number of entries.
        """
        found = self._listed()
        if self._holds.get("T") == "TTree":
            with reading(self._path, "the tree T"):
                tree = self._file["T"]
                found |= find_leaves(tree) if tree.num_entries == self.entries else {}
            check_entries(int(tree.num_entries), self.entries, where=self._path)
        self._leaves = {name: leaf for leaves in found.values() for name, leaf in leaves.items()}
        return {branch: tuple(leaves) for branch, leaves in found.items()}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _contents(self) -> dict[str, str]:
        """Return the names and classes of what the file holds, outside of directories."""
        with reading(self._path, "its directory"):
            return dict(self._file.classnames(recursive=False, cycle=False))

    def _event_tree(self) -> Any:
        if self._holds.get("E") != "TTree":
            holds = ", ".join(f"{name} ({kind})" for name, kind in sorted(self._holds.items()))
            hint = "level-2 files in KM3NeT's offline or DST layout can be read"
            what = f"no event tree 'E'; the file holds {holds or 'nothing'}"
            raise InputError(what, where=self._path, hint=hint)
        with reading(self._path, "the event tree E"):
            tree = self._file["E"]
        if tree.num_entries == 0:
            self._refuse_online()
        return tree

    def _refuse_online(self) -> None:
        """Refuse the files that the data acquisition writes, whose event tree E is empty."""
        online = [name for name in self._holds if name.startswith(ONLINE_TREES)]
        with reading(self._path, "the trees of the data acquisition"):
            entries = {name: int(self._file[name].num_entries) for name in online}
        holds = ", ".join(f"{name} ({n} entries)" for name, n in sorted(entries.items()) if n)
        if holds:
            what = f"no event in tree 'E'; the file holds data before reconstruction: {holds}"
            hint = "take the level-2 file that was made of it"
            raise InputError(what, where=self._path, hint=hint)

    def _find_branches(self) -> dict[str, Any]:
        with reading(self._path, "the branches of the event tree E"):
            there = {branch.name: branch for branch in self._tree.itervalues(recursive=True)}
        for name in (*EVENT_BRANCHES.values(), *TRACK_BRANCHES.values()):
            if name not in there:
                what = f"the event tree E has no branch {name!r}"
                raise InputError(what, where=self._path, hint=did_you_mean(name, there))
        return there

    def _bytes_per_event(self) -> float:
        names = (*EVENT_BRANCHES.values(), *TRACK_BRANCHES.values())
        total = sum(int(self._branches[name].uncompressed_bytes) for name in names)
        return max(1.0, total / max(1, self.entries))

    def _chunk(self, start: int, stop: int) -> EventChunk:
        events = {f: self._numbers(name, start, stop) for f, name in EVENT_BRANCHES.items()}
        tracks = {f: self._lists(name, start, stop) for f, name in TRACK_BRANCHES.items()}
        with reading(self._path, f"the tracks of events {start} to {stop - 1}", _MISFIT):
            records = ak.zip(tracks, depth_limit=2)
        return EventChunk(events, JaggedTracks(records), self._values(start, stop))

    def _values(self, start: int, stop: int) -> Mapping[str, Column]:
        """Return what else is said of the events; it is read when it is looked up."""
        summaries = {n: partial(self._summary, n, start, stop) for n in self._leaves}
        truth = self._truth(start, stop) if self._header.simulated else {}
        return Lazy({**summaries, **truth})

    def _listed(self) -> dict[str, Mapping[str, Leaf]]:
        """Return what the generator of simulated events lists."""
        if not self._header.simulated or "w2list" not in self._branches or not self.entries:
            return {}
        lengths = ak.num(self._array("w2list", 0, min(FEW_SCANNED, self.entries)), axis=1)
        listed, branch = places_listed(self._head(), int(ak.max(lengths))), self._branches["w2list"]
        return {
            beginning: {name: Leaf(branch, (place,)) for name, place in places.items()}
            for beginning, places in listed.items()
        }

    def _summary(self, name: str, start: int, stop: int) -> Column:
        leaf = self._leaves[name]
        array = self._read(leaf.branch, start, stop)
        with reading(self._path, f"the {name} of events {start} to {stop - 1}", _MISFIT):
            return leaf.pick(array)

    def _truth(self, start: int, stop: int) -> Mapping[str, Callable[[], Column]]:
        """Return what reads what only simulated events have."""

        def read(branch: str) -> ak.Array:
            return self._array(branch, start, stop)

        values = truth_of(read, self._branches, gseagen=self._is_gseagen)
        with_care = {name: partial(self._carefully, values, name) for name in values}
        return {n: make for n, make in with_care.items() if n not in self._header.lacks}

    def _carefully(self, values: Mapping[str, Column], name: str) -> Column:
        with reading(self._path, f"the {name} of simulated events", _MISFIT):
            return values[name]

    def _array(self, name: str, start: int, stop: int) -> ak.Array:
        return self._read(self._branches[name], start, stop)

    def _read(self, branch: Any, start: int, stop: int) -> ak.Array:
        name = branch.name
        with reading(self._path, f"branch {name!r} of events {start} to {stop - 1}"):
            array = branch.array(
                _interpretation(branch), entry_start=start, entry_stop=stop, library="ak"
            )
        if len(array) != stop - start:
            what = f"branch {name!r} has {len(array)} of the events {start} to {stop - 1}"
            raise InputError(what, where=self._path, hint="copy it again from where it came")
        return array

    def _numbers(self, name: str, start: int, stop: int) -> np.ndarray[Any, Any]:
        array = self._array(name, start, stop)
        with reading(self._path, f"branch {name!r} as integers", _MISFIT):
            numbers = ak.to_numpy(array, allow_missing=False)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            what = f"branch {name!r} holds {array.type.content}, not one integer per event"
            raise InputError(what, where=self._path)
        return np.asarray(numbers)

    def _lists(self, name: str, start: int, stop: int) -> ak.Array:
        array = self._array(name, start, stop)
        depth = 3 if name in LISTS_PER_TRACK else 2
        if array.ndim != depth:
            wanted = "a list of numbers" if depth == 3 else "one number"
            what = f"branch {name!r} holds {array.type.content}, not {wanted} for each track"
            raise InputError(what, where=self._path)
        return array

    def _read_header(self) -> FileHeader:
        head = self._head()
        self._is_gseagen = is_gseagen(head)
        pairs, simulated = self._scan(known_simulated=is_simulation_header(head))
        table = self._run_table()
        with reading(self._path, "its identifier"):
            uuid = UUID(str(self._file.file.uuid))
        told = partial(reading, self._path)
        applications, command = jpp_texts(self._file, told), dst_command(self._file, told)
        return FileHeader(
            name=self._path.name,
            layout="KM3NeT DST" if "T" in self._holds else "KM3NeT offline",
            uuid=uuid,
            runs=describe_runs(pairs, table, head, where=self._path),
            simulated=simulated,
            history=root_history(self._path, head, applications, command, uuid),
            detector=self._detector_name() if is_unlisted(pairs) else "",
            lacks=frozenset(self._lacks() if simulated and self.entries else ()),
        )

    def _lacks(self) -> Iterator[str]:
        """Yield what no event of a simulated file has of the truth."""
        if not self._any(TRUE_TRACKS):
            yield from TRUE_VALUES
        if not self._any("w"):
            yield from WEIGHTS

    def _head(self) -> dict[str, str]:
        """Return the ``Head`` object; files of before 2020 have none that uproot can read."""
        if "Head" not in self._holds:
            return {}
        with reading(self._path, "the header object Head"):
            entries = self._file["Head"].member("map<string,string>")
            return {str(key): str(value).strip() for key, value in entries.items()}

    def _run_table(self) -> list[Mapping[str, Any]]:
        """Return the rows of the ``headerTree``, of its latest version, numbers only."""
        if self._holds.get("headerTree") != "TTree":
            return []
        with reading(self._path, "the run table headerTree"):
            tree = self._file["headerTree"]
            # Only these are asked for their type: that of an object takes longer than the rest.
            plain = [b for b in tree.branches if b.classname == "TBranch" and _tells_run(b.name)]
            simple = [branch for branch in plain if branch.typename in ("int32_t", "double")]
            columns = {branch.name: branch.array(library="np").tolist() for branch in simple}
        if "runNumber" not in columns:
            return []
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _detector_name(self) -> str:
        """Return the name of the detector in the ``headerTree``; empty if there is none."""
        if self._holds.get("headerTree") != "TTree":
            return ""
        with reading(self._path, "the name of the detector in headerTree"):
            tree = self._file["headerTree"]
            names = list(tree["detid"].array(library="np")) if "detid" in tree else []
        return str(names[0]).strip() if len(names) else ""

    def _scan(self, *, known_simulated: bool) -> tuple[set[tuple[int, int]], bool | None]:
        """Return the pairs of detector and run, and whether the events are simulated."""
        pairs: set[tuple[int, int]] = set()
        simulated = known_simulated
        for start in range(0, self.entries, MOST_SCANNED):
            stop = min(start + MOST_SCANNED, self.entries)
            detectors = self._numbers("det_id", start, stop)
            runs = self._numbers("run_id", start, stop)
            pairs |= {
                (int(d), int(r)) for d, r in np.unique(np.stack([detectors, runs], 1), axis=0)
            }
        if any(detector < 0 for detector, _ in pairs):
            simulated = True
        simulated = simulated or self._any(TRUE_TRACKS)
        tells = simulated or (self.entries > 0 and TRUE_TRACKS in self._branches)
        return pairs, simulated if tells else None

    def _any(self, branch: str) -> bool:
        """Tell whether a list is there and not empty for every event; most often the first tell."""
        if branch not in self._branches:
            return False
        starts = (0, *range(FEW_SCANNED, self.entries, MOST_SCANNED))
        stops = (*starts[1:], self.entries)
        parts = (self._array(branch, *ends) for ends in zip(starts, stops, strict=True))
        return any(bool(ak.any(ak.num(part, axis=1) > 0)) for part in parts)
