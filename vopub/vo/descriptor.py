"""From what is said about a table to the resource descriptor (RD) that DaCHS reads."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from astropy.time import Time

from vopub.errors import VopubError
from vopub.files import shipped
from vopub.model.dataset import TableMetadata
from vopub.model.description import VoSection
from vopub.model.parameter import Dtype, Parameter
from vopub.model.publication import Publication, Related
from vopub.model.resource import Coverage
from vopub.vo.known_events import KnownEvent, KnownEvents

TEMPLATE = "events.rd.xml"
JOULE_PER_GEV = 1.602176634e-10
"""Exact since the SI of 2019."""
TEST_RADIUS = 0.01
"""Radius in degrees of a cone search that looks for one known event."""
ARCMIN_PER_DEGREE = 60
SHORT_NAME_LENGTH = 16
"""Most characters that VOResource allows in a short name."""

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

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold at all, escaped or not."""


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
        "publication": _publication(metadata),
        "origin": list(_origin(metadata, authority)),
        "coverage": _coverage(metadata.coverage),
        "columns": [_column(parameter) for parameter in metadata.parameters],
        **_queries(metadata, vo, known.first),
    }
    text = _render(templates or shipped("rd_templates"), variables)
    found = _NOT_XML.search(text)
    if found:
        before = text[: found.start()]
        line = before.count("\n") + 1
        raise VopubError(
            f"character {found.group()!r} cannot be written in XML"
            f" (after {before.splitlines()[-1][-40:].strip()!r})",
            where=f"descriptor of {metadata.identifier}, line {line}",
            hint="remove it from the description",
        )
    return text


def ivoid(authority: str, identifier: str) -> str:
    """Return the VO identifier of a table's cone search."""
    return f"ivo://{authority}/{identifier}/q/cone"


def published_title(metadata: TableMetadata) -> str:
    """Return the title under which a table is published: it says so if the events are simulated."""
    return _one_line(metadata.publication.title) + (" (simulated)" if metadata.simulated else "")


def _publication(metadata: TableMetadata) -> dict[str, Any]:
    publication = metadata.publication
    paragraphs = [
        "Simulated events, not observed ones." if metadata.simulated else "",
        *_paragraphs(publication.description),
        *(f"Note: {text}" for text in _paragraphs(publication.note)),
    ]
    return {
        **dict(publication),
        "title": published_title(metadata),
        "short_name": metadata.identifier[:SHORT_NAME_LENGTH],
        "description": "\n\n".join(filter(None, paragraphs)),
        "created": publication.created.isoformat(),
        "rights": f"{publication.licence}, {publication.owner}",
        "related": [_related(related) for related in publication.related],
    }


def _related(related: Related) -> dict[str, str]:
    """Return a relation in the words of DaCHS, whose keys begin with a small letter."""
    word = related.relation.value
    is_ivoid = related.identifier.startswith("ivo://")
    text = related.identifier if not related.title else f"{related.title} ({related.identifier})"
    return {
        "meta_name": word[0].lower() + word[1:],
        "ivoid": related.identifier if is_ivoid else "",
        "text": _one_line(related.title if is_ivoid and related.title else text),
    }


def _origin(metadata: TableMetadata, authority: str) -> Iterator[dict[str, str]]:
    """Yield what the IVOA note "Data Origin in the VO" asks for, as name, value and text."""
    publication: Publication = metadata.publication
    creators = "; ".join(creator.name for creator in publication.creators)
    items = [
        ("publication_id", ivoid(authority, metadata.identifier), "Identifier in the VO registry"),
        ("citation", publication.doi or "", "DOI of the data"),
        ("resource_version", publication.version, "Version of the data"),
        ("creator", creators, "Who made the data"),
        ("publisher", publication.publisher, "Who published the data"),
        ("contact", publication.contact.email, "Whom to ask"),
        ("rights", publication.licence, "Terms of use"),
        ("rights_uri", publication.licence_url, "Text of the terms of use"),
        ("original_date", publication.created.isoformat(), "Date of this version"),
        ("article", publication.source, "Paper that describes the data"),
        ("reference_url", publication.reference_url or "", "A page about the data"),
        ("km3_kid", str(metadata.kid), "Identifier in the Open Data Center of KM3NeT"),
        ("km3_simulated", str(metadata.simulated).lower(), "Whether the events are simulated"),
    ]
    return ({"name": n, "value": _one_line(v), "text": t} for n, v, t in items if v)


def _coverage(coverage: Coverage) -> dict[str, str]:
    span, energy = coverage.temporal, coverage.energy
    return {
        "spatial": " ".join(coverage.spatial.split()),
        "temporal": f"{_mjd(span.start):.8f} {_mjd(span.stop):.8f}" if span else "",
        "spectral": " ".join(f"{e * JOULE_PER_GEV:.10g}" for e in energy) if energy else "",
    }


def _mjd(moment: datetime) -> float:
    return float(Time(moment, scale="utc").mjd)


def _column(parameter: Parameter) -> Column:
    is_id = parameter.name == "event_id"
    return Column(
        name=parameter.name,
        type=ID_TYPE if is_id else SQL_TYPES[parameter.dtype],
        unit=parameter.unit,
        ucd=parameter.ucd,
        heading=_heading(parameter.name),
        description=_one_line(parameter.description),
        verb_level=PRINCIPAL if parameter.principal else OTHER,
        required=not parameter.null,
        null=_one_line(parameter.null),
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


def _one_line(text: str) -> str:
    """Return a text with its line breaks as blanks; other spaces than XML's stay as they are."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, each on one line: DaCHS minds how lines are indented."""
    return [line for part in re.split(r"\n[ \t\r]*\n", text) if (line := _one_line(part))]


def _meta(text: str) -> str:
    r"""Keep DaCHS from reading a backslash in metadata as the begin of a macro (``\schema``).

    It also refuses text whose lines are not indented alike.
    """
    lines = (line.strip(" \t\r") for line in str(text).split("\n"))
    return "\n".join(lines).replace("\\", "\\\\")


def _python(value: str) -> str:
    """Return a Python literal for code in a descriptor, where DaCHS expands macros, too."""
    return _meta(repr(value))


def _render(folder: Path, variables: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(meta=_meta, python=_python)
    try:
        return environment.get_template(TEMPLATE).render(variables)
    except jinja2.TemplateNotFound as error:
        raise VopubError(f"there is no template {error.name!r}", where=folder) from error
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename}, line {error.lineno}"
        raise VopubError(f"template cannot be read: {error.message}", where=where) from error
    except jinja2.UndefinedError as error:
        raise VopubError(
            f"template uses what does not exist: {error.message}",
            where=_place_in_template(error, folder),
            hint="correct the name in the template",
        ) from error


def _place_in_template(error: jinja2.TemplateError, folder: Path) -> str:
    """Return the innermost template and line that an error came from."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f for f in frames if Path(f.filename).is_relative_to(folder)]
    return f"{places[-1].filename}, line {places[-1].lineno}" if places else str(folder)
