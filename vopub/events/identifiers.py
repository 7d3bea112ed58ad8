"""Names of events: ``km3.<detector>.<run>.<frame_index>.<trigger_counter>``.

The form is that of KM3NeT's notices in the General Coordinates Network.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vopub.errors import InputError

Integers = NDArray[np.integer[Any]]

IDENTITY = ("detector_id", "run_id", "frame_index", "trigger_counter")
"""What an event is named after, in this order."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIXING = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_TELLS_RUN = re.compile(r"(?:km3|event)\.(?P<detector>-?\d+)\.(?P<run>-?\d+)\.", re.ASCII)
_POSITIVE = np.iinfo(np.int32).max


def is_valid(run: Integers, frame_index: Integers) -> NDArray[np.bool_]:
    """Tell which events can be named: runs and frames are counted from zero.

    The detector may be negative: simulations number theirs so.
    """
    return (run >= 0) & (frame_index >= 0)


def identifiers(
    detector: Integers, run: Integers, frame_index: Integers, trigger_counter: Integers
) -> NDArray[np.object_]:
    """Return the names of events as an array of ``str``.

    Raises
    ------
    InputError
        If a run or frame number is negative.
    """
    return _strings(identifier_texts(detector, run, frame_index, trigger_counter))


def identifier_texts(
    detector: Integers, run: Integers, frame_index: Integers, trigger_counter: Integers
) -> pa.StringArray:
    """Return the same names as an array of Arrow, without a ``str`` for each.

    Raises
    ------
    InputError
        If a run or frame number is negative.
    """
    valid = is_valid(run, frame_index)
    if not valid.all():
        first = int(np.argmin(valid))
        what = f"run {run[first]} with frame {frame_index[first]} cannot be in an identifier"
        raise InputError(what, hint="runs and frames are counted from zero")
    return _texts(detector, run, frame_index, trigger_counter)


def spelled(
    detector: Integers, run: Integers, frame_index: Integers, trigger_counter: Integers
) -> NDArray[np.object_]:
    """Return the names unchecked, to say which event something is wrong with."""
    return _strings(_texts(detector, run, frame_index, trigger_counter))


def of_runs(detector: Integers, run: Integers) -> NDArray[np.str_]:
    """Return what the names of events begin with of which only detector and run are known.

    With a number of the event behind it, that is ``event.<detector>.<run>.<number>``.
    """
    names = np.strings.add("event.", detector.astype(np.str_))
    names = np.strings.add(np.strings.add(names, "."), run.astype(np.str_))
    return np.strings.add(names, ".")


def run_of(name: str) -> tuple[int, int] | None:
    """Return the detector and run that the name of an event tells; None if it tells none."""
    found = _TELLS_RUN.match(name)
    return None if found is None else (int(found["detector"]), int(found["run"]))


def _strings(texts: pa.StringArray) -> NDArray[np.object_]:
    return np.asarray(texts.to_numpy(zero_copy_only=False), dtype=object)


def _texts(
    detector: Integers, run: Integers, frame_index: Integers, trigger_counter: Integers
) -> pa.StringArray:
    parts: list[pa.StringArray | str] = ["km3"]
    for numbers in (detector, run, frame_index):
        part = _text(numbers)
        if isinstance(part, str) and isinstance(parts[-1], str):
            parts[-1] += f".{part}"
        else:
            parts.append(part)
    last = pc.cast(pa.array(trigger_counter), pa.string())
    return pc.binary_join_element_wise(*parts, last, ".")


def _text(numbers: Integers) -> pa.StringArray | str:
    """Return numbers as text; as one text if all are the same, as most often run and detector."""
    if len(numbers) and (numbers == numbers[0]).all():
        return str(numbers[0])
    return pc.cast(pa.array(numbers), pa.string())


def name_of_list(path: Path) -> str:
    """Return what the events of a list are named after: the file's name without its last suffix.

    Dots become underscores, so that the part behind the last dot of an identifier is the row.
    """
    return re.sub(r"[^\w-]+", "_", path.stem, flags=re.ASCII).strip("_") or "list"


def numbers_of(names: Iterable[str]) -> dict[str, Integers]:
    """Return numbers that tell events apart that have a name but no detector, run and frame.

    Events of one list (what stands before the last dot of the name) get one number of detector and
    run. The numbers mean nothing: they are a digest, equal for equal names only.
    """
    parts = [name.rpartition(".") for name in names]
    digests = b"".join(_digest(part) for head, _, row in parts for part in (head, row))
    numbers = np.frombuffer(digests, dtype="<i4").reshape(-1, len(IDENTITY)) & _POSITIVE
    return dict(zip(IDENTITY, numbers.T, strict=True))


def number_hashes(numbers: Mapping[str, Integers]) -> NDArray[np.uint64]:
    """Return 64-bit hashes of what tells events apart: arrays by the names in `IDENTITY`.

    Equal events have equal hashes; others hardly ever. The mixing is that of SplitMix64.
    """
    mixed = np.zeros(len(numbers[IDENTITY[0]]), dtype=np.uint64)
    for name in IDENTITY:
        mixed += numbers[name].astype(np.int64).view(np.uint64) + _GOLDEN
        for shift, factor in _MIXING:
            mixed ^= mixed >> shift
            mixed *= factor
    return mixed


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
