"""``vopub inspect``."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from vopub.cli.options import JsonOption, show_json
from vopub.errors import FileError, InputError, SeveralError, VopubError
from vopub.events.inspect import Inspection, inspect
from vopub.events.scale.processes import apart
from vopub.formats.reading import format_of, read_metadata
from vopub.model.data_taking import Run
from vopub.model.dataset import TableMetadata

MOST_RUNS = 5
"""Of a file with more runs so many are printed; ``--json`` has all."""
WIDTH = 100
LABEL = 16
GROUPS = {"event": "quantities", "fit": "of the fit", "truth": "true, weights"}

FilesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Event files of any layout.", show_default=False),
]


def inspect_files(files: FilesArgument, as_json: JsonOption = False) -> None:
    """Say what files hold: layout, events, runs, reconstructions, quantities with their units."""
    told: list[dict[str, Any]] = []
    errors: list[VopubError] = []
    for path in files:
        try:
            entry, lines = apart(_look, path)
        except InputError as error:
            errors.append(error)
            continue
        if not as_json:
            sys.stdout.write("\n" * bool(told) + "\n".join(lines) + "\n")
        told.append(entry)
    if as_json:
        show_json(told)
    if errors:
        raise errors[0] if len(files) == 1 else SeveralError(errors)


def _look(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return what a file holds for machines and for people; it may be a table of vopub's own."""
    metadata = _own_table(path)
    if metadata is not None:
        return metadata.model_dump(mode="json"), list(_table_lines(path, metadata))
    found = inspect(path)
    return _entry(found), list(_lines(found))


def _own_table(path: Path) -> TableMetadata | None:
    """Return what a table that vopub wrote says about itself; None if it wrote no such thing."""
    try:
        return read_metadata(path)
    except FileError:  # it is left to the readers of event files, which say what is wrong with it
        return None


def _entry(found: Inspection) -> dict[str, Any]:
    runs = [run.model_dump(mode="json", exclude_none=True) for run in found.runs]
    return {**asdict(found), "livetime": found.livetime, "runs": runs}


def _lines(found: Inspection) -> Iterator[str]:
    kind = {True: "simulated", False: "observed", None: "not said whether observed or simulated"}
    yield found.name
    yield from _line("layout", found.layout)
    yield from _line("identifier", str(found.uuid or ""))
    yield from _line("made by", ", ".join(_repeated(found.history)))
    yield from _line("events", f"{found.events}, {kind[found.simulated]}")
    yield from _line("detector", found.detector)
    if found.first is not None:
        yield from _line("times", _times(found.first, found.last))
    runs = [_run(run) for run in found.runs[:MOST_RUNS]]
    more = len(found.runs) - MOST_RUNS
    yield from _line("runs", *runs, *([f"and {more} more"] if more > 0 else []))
    if found.livetime is not None and len(found.runs) > 1:
        yield from _line("livetime", f"{found.livetime:g} s")
    made = [f"{name} {count}" for name, count in found.reconstructions.items()]
    yield from _line("reconstructions", "   ".join(made) or "none that is known")
    for group, label in GROUPS.items():
        names = [_with_unit(q.name, q.unit) for q in found.quantities if q.group == group]
        yield from _line(label, ", ".join(names))
    parts = (f"{part}_… ({len(names)})" for part, names in found.summaries.items())
    yield from _line("summaries", ", ".join(parts))


def _repeated(names: Iterable[str]) -> Iterator[str]:
    """Yield names, those that follow themselves once with their number."""
    for name, same in groupby(names):
        times = len(list(same))
        yield f"{name} ({times} steps)" if times > 1 else name


def _run(run: Run) -> str:
    parts = [f"{run.run} of detector {run.detector_id}"]
    if run.start and run.stop:
        parts.append(_times(run.start, run.stop))
    if run.livetime is not None:
        parts.append(f"livetime {run.livetime:g} s")
    return ", ".join(parts)


def _with_unit(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _line(label: str, *texts: str) -> Iterator[str]:
    """Yield texts after a label, wrapped; nothing if there is no text."""
    for number, text in enumerate(filter(None, texts)):
        yield from textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"  {label if number == 0 else '':{LABEL}}",
            subsequent_indent=" " * (LABEL + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _table_lines(path: Path, metadata: TableMetadata) -> Iterator[str]:
    taken, kind = metadata.data_taking, "simulated" if metadata.simulated else "observed"
    yield path.name
    yield from _line("layout", f"event table of vopub ({format_of(path).name})")
    yield from _line("resource", f"{metadata.identifier}: {metadata.publication.title}")
    yield from _line("identifier", str(metadata.kid))
    yield from _line("events", f"{metadata.rows}, {kind}")
    yield from _line("detector", taken.detector)
    if taken.start is not None:
        yield from _line("times", _times(taken.start, taken.stop))
    yield from _line("runs", f"{len(taken.runs)}")
    if taken.livetime is not None:
        yield from _line("livetime", f"{taken.livetime:g} s")
    yield from _line("reconstruction", taken.reconstruction)
    yield from _line("selection", "; ".join(taken.selection))
    yield from _line("columns", ", ".join(_with_unit(p.name, p.unit) for p in metadata.parameters))


def _times(start: datetime, stop: datetime | None) -> str:
    return f"{start:%Y-%m-%d %H:%M:%S} to {stop or start:%Y-%m-%d %H:%M:%S} UTC"
