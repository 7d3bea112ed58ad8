"""Columns of tables as a resource descriptor writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vopub.model.parameter import Dtype, Parameter
from vopub.vo.rendering import one_line

TIME_ORIGINS: Mapping[str, str] = {
    "mjd": "MJD-origin",
    "unix_time": "2440587.5",
    "run_start_mjd": "MJD-origin",
    "run_stop_mjd": "MJD-origin",
}
"""Zero of the time columns, as TIMESYS of VOTable 1.4 writes it: a name or a Julian Date."""
GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "position": (
        "Where on the sky the particle came from, in ICRS.", ("ra", "dec", "angular_error")
    ),
    "direction": (
        "Where the particle came from as seen at the detector.", ("zenith", "azimuth")
    ),
    "time": ("When the event was recorded: the same time in two forms.", ("mjd", "unix_time")),
    "identification": (
        "Which event it is: together with the detector, these numbers make the identifier.",
        ("run_id", "frame_index", "trigger_counter"),
    ),
    "good_time": (
        "When the run took data.",
        ("run_start", "run_stop", "run_start_mjd", "run_stop_mjd", "livetime"),
    ),
}  # fmt: skip
"""Columns that belong together: description and names, by the name of the group."""
LEAST_IN_GROUP = 2
SQL_TYPES = {
    Dtype.INT16: "smallint",
    Dtype.INT32: "integer",
    Dtype.INT64: "bigint",
    Dtype.FLOAT32: "real",
    Dtype.FLOAT64: "double precision",
    Dtype.TEXT: "unicode",
}
ID_TYPE = "text"
"""Type of the identifier: the cone search protocol wants it as a plain string."""
ABBREVIATIONS = {"id": "ID", "mjd": "MJD", "n": "number of", "ra": "RA"}
"""How words of column names are written in headings."""
PRINCIPAL, OTHER = 1, 25
"""Verbosity levels: up to 20 is shown by default, up to 30 when everything is asked for."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the descriptor writes it."""

    name: str
    type: str
    unit: str
    ucd: str
    heading: str
    description: str
    verb_level: int
    required: bool
    null: str


@dataclass(frozen=True, slots=True)
class Group:
    """Columns that belong together."""

    name: str
    description: str
    columns: tuple[str, ...]


def columns_block(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return the columns of a table as the macro ``columns`` writes them.

    Returns
    -------
    dict
        ``columns``, the ``groups`` that they form, and the ``time_frames`` of those that are times.
    """
    names = [parameter.name for parameter in parameters]
    return {
        "columns": [column_of(parameter) for parameter in parameters],
        "groups": list(_groups(names)),
        "time_frames": [
            {"column": name, "origin": origin}
            for name, origin in TIME_ORIGINS.items() if name in names
        ],
    }  # fmt: skip


def _groups(names: Sequence[str]) -> Iterator[Group]:
    for name, (description, members) in GROUPS.items():
        present = tuple(member for member in members if member in names)
        if len(present) >= LEAST_IN_GROUP:
            yield Group(name, description, present)


def column_of(parameter: Parameter) -> Column:
    """Return a column as the descriptor writes it."""
    is_id = parameter.name == "event_id"
    return Column(
        name=parameter.name,
        type=ID_TYPE if is_id else SQL_TYPES[parameter.dtype],
        unit=parameter.unit,
        ucd=parameter.ucd,
        heading=_heading(parameter.name),
        description=one_line(parameter.description),
        verb_level=PRINCIPAL if parameter.principal else OTHER,
        required=not parameter.null,
        null=one_line(parameter.null),
    )


def _heading(name: str) -> str:
    first, *others = (ABBREVIATIONS.get(word, word) for word in name.split("_"))
    return " ".join([first[:1].upper() + first[1:], *others])
