"""``python -m vopub.odc.drawing [FILE]``: draw; the task comes as JSON, the SVG goes out.

What cannot be drawn ends with `UNDRAWABLE` and a reason, in a sentence, among the errors.
"""

from __future__ import annotations

import os
import resource
import sys
import warnings
from collections.abc import Callable, Mapping
from graphlib import CycleError
from pathlib import Path

from pydantic import ValidationError

from vopub.errors import FileError
from vopub.figures.provenance_graph import draw_provenance
from vopub.model.ktype import Ktype
from vopub.odc.drawing.charts import Chart, UndrawableError, svg_of
from vopub.odc.drawing.runs import runs_chart
from vopub.odc.drawing.skies import (
    AlertSky,
    CoveredSky,
    Distribution,
    EventSky,
    alert_chart,
    coverage_chart,
    events_chart,
)
from vopub.odc.drawing.sounds import raw_chart, sound_chart
from vopub.odc.drawing.subject import Task
from vopub.odc.drawing.tables import bins_chart, function_chart, lookup_chart, spectra_chart

UNDRAWABLE = 3
"""Exit code."""
SECONDS = 20
"""Of computing."""
MEMORY = 3 << 30
"""Addresses, in bytes: libraries reserve many more than they use."""
Figure = EventSky | Distribution | CoveredSky | AlertSky
CHARTS: Mapping[Ktype, Callable[[Path, Task], Chart | Figure]] = {
    Ktype.EVENTS: events_chart, Ktype.RUN_LIST: runs_chart, Ktype.VOEVENT: alert_chart,
    Ktype.FUNCTION: function_chart, Ktype.LOOKUP_TABLE: lookup_chart,
    Ktype.BINNED_DATA: bins_chart, Ktype.RESPONSE_FUNCTION: bins_chart,
    Ktype.ACOUSTIC_PSD: spectra_chart, Ktype.ACOUSTIC_WAV: sound_chart,
    Ktype.ACOUSTIC_MP3: sound_chart, Ktype.ACOUSTIC_RAW: raw_chart,
}  # fmt: skip


def picture_of(task: Task, path: Path | None) -> bytes:
    """Return a picture as SVG.

    Raises
    ------
    UndrawableError
        If there is nothing that can be drawn.
    """
    if task.provenance is not None:
        try:
            return draw_provenance(task.provenance, title=task.title)
        except CycleError as error:
            raise UndrawableError("something was made of what was made of it") from error
    chart = CHARTS[task.ktype](path, task) if path is not None else coverage_chart(task)
    return chart.svg() if isinstance(chart, Figure) else svg_of(chart)


def main(path: Path | None) -> int:
    """Draw; return the exit code."""
    os.nice(5)  # readers of pages come first
    # The soft limit ends it with a signal that says why.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")  # signs without a glyph, units that nobody knows
    task = Task.model_validate_json(sys.stdin.buffer.read())
    try:
        picture = picture_of(task, path)
    except UndrawableError as error:
        sys.stderr.write(str(error))
        return UNDRAWABLE
    except FileError as error:
        sys.stderr.write(f"it {error.what}")  # without the place, which is none of the reader's
        return UNDRAWABLE
    except MemoryError:
        sys.stderr.write("it needs too much memory")
        return UNDRAWABLE
    except (ValidationError, ValueError, KeyError, OverflowError):
        sys.stderr.write("it does not hold what its record says")
        return UNDRAWABLE
    sys.stdout.buffer.write(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else None))
