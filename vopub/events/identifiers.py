"""Names of events: ``km3.<detector>.<run>.<frame_index>.<trigger_counter>``.

The form is that of KM3NeT's notices in the General Coordinates Network.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
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
    valid = is_valid(run, frame_index)
    if not valid.all():
        first = int(np.argmin(valid))
        what = f"run {run[first]} with frame {frame_index[first]} cannot be in an identifier"
        raise InputError(what, hint="runs and frames are counted from zero")
    return spelled(detector, run, frame_index, trigger_counter)


def spelled(
    detector: Integers, run: Integers, frame_index: Integers, trigger_counter: Integers
) -> NDArray[np.object_]:
    """Return the names unchecked, to say which event something is wrong with."""
    parts: list[pa.StringArray | str] = ["km3"]
    for numbers in (detector, run, frame_index):
        part = _text(numbers)
        if isinstance(part, str) and isinstance(parts[-1], str):
            parts[-1] += f".{part}"
        else:
            parts.append(part)
    last = pc.cast(pa.array(trigger_counter), pa.string())
    text = pc.binary_join_element_wise(*parts, last, ".")
    return np.asarray(text.to_numpy(zero_copy_only=False), dtype=object)


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


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
