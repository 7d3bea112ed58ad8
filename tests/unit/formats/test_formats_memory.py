"""Memory does not grow with the number of rows written or read."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vopub.formats.registry import FORMATS
from vopub.model.dataset import EventDataset

MakeDataset = Callable[[int], EventDataset]
FEW, MANY = 300_000, 950_000
"""Rows; the numbers of those between them take 78 MB."""
MOST = 35_000_000
"""Bytes that the process may grow."""
MOST_OF = {"hats": 60_000_000}
"""More where libraries keep some of what they had; all rows in memory would be 143 MB."""
# Runs in a process of its own, whose largest size is measured.
PROGRAM = """
import pickle, resource, sys
from pathlib import Path
import numpy as np
from vopub.formats import hats
from vopub.formats.registry import FORMATS
from vopub.formats.reading import iterate
from vopub.model.event_table import EventAccount, EventTable
from vopub.model.parameter import Dtype, Parameter

ROWS = 5000
# As many files as a larger table has, so that few rows take as many steps as many.
hats.ROWS_PER_PARTITION, hats._ROWS_PER_INPUT = 4 * ROWS, 20 * ROWS
metadata = pickle.loads(Path(sys.argv[1]).read_bytes())
writer_class, path = FORMATS[sys.argv[2]].writer, Path(sys.argv[3])
def column(name, dtype):
    return Parameter(name=name, dtype=dtype, ucd="meta.number", description="A number or text.")
parameters = (column("name", Dtype.TEXT), column("ra", Dtype.FLOAT64), column("dec", Dtype.FLOAT64),
    *(column(f"c{n}", Dtype.FLOAT64) for n in range(13)))
names = np.array([f"km3.49.9505.{row}" for row in range(ROWS)], object)
dice = np.random.default_rng(1)
chunk = EventTable(parameters, {"name": names} | {
    p.name: dice.uniform(0, 90, size=ROWS) for p in parameters[1:]})

def peak(rows):
    about = {"parameters": parameters, "rows": rows, "account": EventAccount(read=rows, kept=rows)}
    with writer_class.open(path, parameters) as writer:
        for _ in range(rows // ROWS):
            writer.append(chunk)
        writer.finish(metadata.model_copy(update=about))
    assert sum(map(len, iterate(path, ROWS))) == rows
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

few = peak(int(sys.argv[4]))
print(peak(int(sys.argv[5])) - few)
"""


@pytest.mark.parametrize("name", FORMATS)
def test_many_rows_take_as_much_as_few(
    name: str, tmp_path: Path, make_dataset: MakeDataset
) -> None:
    pickled = tmp_path / "metadata"
    pickled.write_bytes(pickle.dumps(make_dataset(1).metadata))
    path = tmp_path / f"many{FORMATS[name].writer.products[0].suffix}"
    command = [sys.executable, "-c", PROGRAM, str(pickled), name, str(path), str(FEW), str(MANY)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) < MOST_OF.get(name, MOST)
