"""The programs that are compared with: each a few lines, run in a process of its own.

km3pipe lives in an environment of its own, since its pinned packages are others than ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KM3PIPE = "km3pipe==11.0.0"
CACHE = Path("~/.cache/vopub-bench").expanduser() / KM3PIPE.replace("==", "-")

OFFLINE_PUMP = """
import json, sys, time
import km3pipe as kp
events, began = 0, time.perf_counter()
for name in sys.argv[1:]:
    for blob in kp.io.OfflinePump(filename=name):
        event = blob["event"]
        if event.n_tracks:
            tracks = event.tracks
            row = (event.det_id, event.run_id, event.frame_index, event.trigger_counter,
                   event.trigger_mask, event.overlays, event.t_sec, event.t_ns,
                   tracks.dir_x[0], tracks.dir_y[0], tracks.dir_z[0], tracks.t[0], tracks.E[0],
                   tracks.len[0], tracks.lik[0])
        events += 1
print(json.dumps([events, time.perf_counter() - began]))
"""
HDF5_PUMP = """
import json, sys, time
import km3pipe as kp
most, events, began = int(sys.argv[1]), 0, time.perf_counter()
pump = kp.io.HDF5Pump(filename=sys.argv[2])
next(pump)  # reads its indices; not counted
began = time.perf_counter()
for blob in pump:
    event, track = blob["EventInfo"], blob["BestJmuon"]
    row = (event.det_id[0], event.run_id[0], event.frame_index[0], event.trigger_counter[0],
           track.dir_x[0], track.dir_y[0], track.dir_z[0], track.t[0], track.E[0])
    events += 1
    if events == most:
        break
print(json.dumps([events, time.perf_counter() - began]))
"""
KM3IO = """
import json, sys, time
import awkward as ak
import km3io
EVENTS = ("id", "det_id", "run_id", "frame_index", "trigger_counter", "trigger_mask", "overlays",
          "t_sec", "t_ns")
TRACKS = ("dir_x", "dir_y", "dir_z", "t", "E", "len", "lik", "rec_type", "rec_stages", "fitinf")
events, began = 0, time.perf_counter()
for name in sys.argv[1:]:
    with km3io.OfflineReader(name) as file:
        for field in EVENTS:
            ak.materialize(getattr(file.events, field))
        tracks = file.events.tracks
        for field in TRACKS:
            ak.materialize(getattr(tracks, field))
        events += len(file.events)
print(json.dumps([events, time.perf_counter() - began]))
"""
BARE = """
import json, sys, time
import h5py
import pyarrow as pa
import pyarrow.csv as pc
EVENTS = ("det_id", "event_id", "frame_index", "nanoseconds", "overlays", "run_id", "timestamp",
          "trigger_counter", "trigger_mask")
TRACKS = ("E", "JGANDALF_BETA0_RAD", "JGANDALF_NUMBER_OF_HITS", "dir_x", "dir_y", "dir_z",
          "length", "likelihood", "t")
rows, began = 0, time.perf_counter()
target = sys.argv[1]
for number, name in enumerate(sys.argv[2:]):
    with h5py.File(name) as file:
        info, tracks = file["event_info"][:], file["reco/best_jmuon"][:]
    columns = {n: pa.array(info[n]) for n in EVENTS} | {n: pa.array(tracks[n]) for n in TRACKS}
    pc.write_csv(pa.table(columns), f"{target}.{number}.csv")
    rows += len(info)
print(json.dumps([rows, time.perf_counter() - began]))
"""


@dataclass(frozen=True, slots=True)
class Speed:
    """How much a program did in which time."""

    events: int
    seconds: float

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


def run_here(script: str, arguments: Sequence[object]) -> Speed:
    """Run a script with our packages."""
    return _run(sys.executable, script, arguments)


def run_in_km3pipe(script: str, arguments: Sequence[object]) -> Speed:
    """Run a script with km3pipe's packages, installed when first asked for."""
    python = CACHE / "bin" / "python"
    if not (CACHE / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(CACHE)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", KM3PIPE]
        subprocess.run(install, check=True, stdout=sys.stderr)
        (CACHE / "complete").touch()
    return _run(str(python), script, arguments)


def _run(python: str, script: str, arguments: Sequence[object]) -> Speed:
    done = subprocess.run(
        [python, "-c", script, *map(str, arguments)], check=True, text=True, stdout=subprocess.PIPE
    )
    events, seconds = json.loads(done.stdout.splitlines()[-1])
    return Speed(events, seconds)
