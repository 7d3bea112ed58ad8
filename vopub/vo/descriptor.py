"""From what is said about a table to the resource descriptor (RD) that DaCHS reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vopub.model.dataset import TableMetadata
from vopub.model.description import VoSection
from vopub.model.parameter import Dtype, Parameter
from vopub.model.publication import Related
from vopub.vo.coverage import coverage_block
from vopub.vo.known_events import KnownEvent, KnownEvents
from vopub.vo.registry import (
    data_origin,
    ivoid,
    publication_block,
    published_title,
)
from vopub.vo.rendering import one_line, render

__all__ = ["TEST_RADIUS", "ivoid", "published_title", "render_descriptor"]

TEMPLATE = "events.rd.xml"
TEST_RADIUS = 0.01
"""Radius in degrees of a cone search that looks for one known event."""
ARCMIN_PER_DEGREE = 60

TIME_ORIGINS = {"mjd": "MJD-origin", "unix_time": "2440587.5"}
"""Zero of the time columns, as TIMESYS of VOTable 1.4 writes it: a name or a Julian Date."""
CONDITIONS = ("mjd", "energy")
"""Columns that a cone search can be narrowed down by."""

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


def render_descriptor(
    metadata: TableMetadata,
    vo: VoSection,
    *,
    authority: str,
    data_file: str,
    known: KnownEvents,
    related: Sequence[Related] = (),
    templates: Path | None = None,
) -> str:
    """Write the resource descriptor of an event table.

    Parameters
    ----------
    metadata
        Everything said about the table.
    vo
        How it is to be served.
    authority
        Authority part of the VO identifiers.
    data_file
        Path of the CSV, relative to the resource directory.
    known
        Events that the descriptor's own tests look for.
    related
        Relations beyond those of the publication, e.g. to the versions before and after this one.
    templates
        Folder of the templates; default those that come with vopub.

    Raises
    ------
    VopubError
        If a template uses a variable that does not exist, or text holds a character that XML
        cannot.
    """
    variables = {
        "id": metadata.identifier,
        "rows": metadata.rows,
        "data_file": data_file,
        "publication": publication_block(
            metadata.publication, metadata.identifier, authority=authority,
            simulated=metadata.simulated, related=related,
        ),
        "origin": data_origin(metadata, authority),
        "coverage": coverage_block(metadata.coverage, metadata.data_taking),
        "columns": [_column(parameter) for parameter in metadata.parameters],
        **_queries(metadata, vo, known.first),
    }  # fmt: skip
    return render(TEMPLATE, variables, about=metadata.identifier, templates=templates)


def _column(parameter: Parameter) -> Column:
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


def _queries(metadata: TableMetadata, vo: VoSection, event: KnownEvent) -> dict[str, Any]:
    names = {parameter.name for parameter in metadata.parameters}
    return {
        "time_frames": [
            {"column": name, "origin": origin}
            for name, origin in TIME_ORIGINS.items() if name in names
        ],
        "conditions": [name for name in CONDITIONS if name in names],
        "search_radius": vo.search_radius,
        "search_radius_arcmin": vo.search_radius * ARCMIN_PER_DEGREE,
        "test": {
            "event_id": event.event_id, "ra": event.ra, "dec": event.dec, "radius": TEST_RADIUS,
        },
    }  # fmt: skip
