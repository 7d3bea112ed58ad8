"""``python -m vopub.odc.drawing FILE``: draw a file; the task comes as JSON, the SVG goes out.

What cannot be drawn ends with `UNDRAWABLE` and a reason, in a sentence, among the errors.
"""

from __future__ import annotations

import os
import resource
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from vopub.model.ktype import Ktype
from vopub.odc.drawing.charts import Chart, UndrawableError, svg_of
from vopub.odc.drawing.sounds import raw_chart, sound_chart
from vopub.odc.drawing.subject import Task
from vopub.odc.drawing.tables import bins_chart, function_chart, lookup_chart, spectra_chart

UNDRAWABLE = 3
"""Exit code."""
SECONDS = 20
"""Of computing."""
MEMORY = 3 << 30
"""Addresses, in bytes: libraries reserve many more than they use."""
CHARTS: Mapping[Ktype, Callable[[Path, Task], Chart]] = {
    Ktype.FUNCTION: function_chart, Ktype.LOOKUP_TABLE: lookup_chart,
    Ktype.BINNED_DATA: bins_chart, Ktype.RESPONSE_FUNCTION: bins_chart,
    Ktype.ACOUSTIC_PSD: spectra_chart, Ktype.ACOUSTIC_WAV: sound_chart,
    Ktype.ACOUSTIC_MP3: sound_chart, Ktype.ACOUSTIC_RAW: raw_chart,
}  # fmt: skip


def main(path: Path) -> int:
    """Draw; return the exit code."""
    os.nice(5)  # readers of pages come first
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")  # signs without a glyph, units that nobody knows
    task = Task.model_validate_json(sys.stdin.buffer.read())
    try:
        picture = svg_of(CHARTS[task.ktype](path, task))
    except UndrawableError as error:
        sys.stderr.write(str(error))
        return UNDRAWABLE
    except (ValidationError, ValueError, KeyError, OverflowError, MemoryError):
        sys.stderr.write("it does not hold what its record says")
        return UNDRAWABLE
    sys.stdout.buffer.write(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
