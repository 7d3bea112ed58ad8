"""What VOTable says about an event table: a document of version 1.4 without data.

VOParquet carries it inside Parquet; :mod:`vopub.formats.votable` puts the rows into it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from astropy.io.votable.tree import (
    CooSys,
    Field,
    FieldRef,
    Group,
    Info,
    Param,
    Resource,
    TableElement,
    TimeSys,
    VOTableFile,
)

from vopub.formats.header import metadata_json
from vopub.model.dataset import TableMetadata
from vopub.model.parameter import Dtype, Parameter

VERSION = "1.4"
METADATA_PARAM = "vopub_metadata"
"""Name of the PARAM that holds the metadata as JSON."""
_TIME_ORIGINS = {"d": "MJD-origin", "s": "2440587.5", "ns": "2440587.5"}
"""By unit: what times count from, a Modified Julian Date or 1970 as a Julian Date."""
_GROUPS = (
    ("sky_direction", ("pos.eq.", "stat.error;pos."), "Where the particle came from, on the sky"),
    ("local_direction", ("pos.az.",), "Where the particle came from, at the detector"),
    ("times", ("time.epoch",), "When the event was recorded"),
    ("energies", ("phys.energy", "stat.error;phys.energy"), "Energy of the particle"),
)
"""Columns that belong together: name, how their UCDs begin, description."""
_JSON_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}
"""How JSON writes what astropy escapes twice in the value of a PARAM."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold at all, escaped or not."""


def votable_header(
    metadata: TableMetadata, longest: Mapping[str, int] = MappingProxyType({})
) -> bytes:
    """Return the VOTable of a table without its rows, as UTF-8 XML.

    The ID of a column is its name, which astropy goes by; all other IDs are upper case.

    One FIELD for each column in order with unit, UCD, description and range; COOSYS and TIMESYS;
    INFO about the origin of the data; GROUPs of what belongs together; the metadata as JSON in
    the PARAM ``vopub_metadata``.

    Parameters
    ----------
    metadata
        What is said about the table.
    longest
        Characters of the longest text of each text column; it can have any length if not given.
    """
    document = VOTableFile(version=VERSION)
    # the elements are told the version, so that those of later ones are not written
    config = {"version_1_3_or_later": True, "version_1_4_or_later": True, "version": VERSION}
    resource = Resource(name=metadata.identifier, type="results")
    resource.description = _xml(metadata.publication.description)
    resource.infos.extend(
        Info(ID=f"INFO_{name}", name=name, value=value) for name, value in _origin(metadata)
    )
    resource.coordinate_systems.extend(_coordinate_systems(metadata.parameters, config))
    resource.time_systems.extend(_time_systems(metadata.parameters, config))
    resource.tables.append(_table(document, metadata, longest))
    document.resources.append(resource)
    stream = io.BytesIO()
    document.to_xml(stream, tabledata_format="tabledata")
    return stream.getvalue()


def _origin(metadata: TableMetadata) -> Iterator[tuple[str, str]]:
    """Yield the names of the IVOA's note on data origin, as far as we know them."""
    p = metadata.publication
    known = {
        "publisher": p.publisher,
        "citation": f"doi:{p.doi}" if p.doi else "",
        "resource_version": p.version,
        "rights": p.licence,
        "rights_uri": p.licence_url,
        "contact": p.contact.email,
        "creator": "; ".join(person.name for person in p.creators),
        "article": p.source,
        "publication_date": p.created.isoformat(),
        "reference_url": p.reference_url or "",
        "title": p.title,
        "note": p.note,
        "kid": str(metadata.kid),
        "simulated": "true" if metadata.simulated else "false",
    }
    yield from ((name, _xml(value)) for name, value in known.items() if value)


def _coordinate_systems(
    parameters: Sequence[Parameter], config: dict[str, Any]
) -> Iterator[CooSys]:
    if any(_coordinate_system(p) for p in parameters):
        yield CooSys(ID="COOSYS", system="ICRS", config=config)


def _time_systems(parameters: Sequence[Parameter], config: dict[str, Any]) -> Iterator[TimeSys]:
    origins = {_time_system(p): _TIME_ORIGINS[p.unit] for p in parameters if _time_system(p)}
    for identifier, origin in origins.items():
        yield TimeSys(
            ID=identifier,
            timeorigin=origin,
            timescale="UTC",
            refposition="TOPOCENTER",
            config=config,
        )


def _coordinate_system(parameter: Parameter) -> str | None:
    return "COOSYS" if parameter.ucd.startswith("pos.eq.") else None


def _time_system(parameter: Parameter) -> str | None:
    if not parameter.ucd.startswith("time.epoch") or parameter.unit not in _TIME_ORIGINS:
        return None
    return "TIMESYS_MJD" if parameter.unit == "d" else "TIMESYS_UNIX"


def _table(
    document: VOTableFile, metadata: TableMetadata, longest: Mapping[str, int]
) -> TableElement:
    table = TableElement(document, name="events", ID="TABLE", nrows=metadata.rows)
    table.description = _xml(metadata.publication.title)
    table.fields.extend(_field(document, p, longest.get(p.name)) for p in metadata.parameters)
    table.params.append(_metadata_param(document, metadata))
    for name, ucds, description in _GROUPS:
        members = [p for p in metadata.parameters if p.ucd.startswith(ucds)]
        if len(members) > 1:
            group = Group(table, name=name)
            group.description = description
            group.entries.extend(FieldRef(table, p.name) for p in members)
            table.groups.append(group)
    return table


def _field(document: VOTableFile, parameter: Parameter, longest: int | None) -> Field:
    field = Field(
        document,
        ID=parameter.name,
        name=parameter.name,
        datatype=parameter.dtype.votable,
        arraysize=f"{longest or ''}*" if parameter.dtype is Dtype.TEXT else None,
        unit=parameter.unit or None,
        ucd=parameter.ucd,
        ref=_coordinate_system(parameter) or _time_system(parameter),
    )
    field.description = _xml(parameter.description)
    if parameter.range is not None:
        field.values.min, field.values.max = parameter.range
    return field


def _metadata_param(document: VOTableFile, metadata: TableMetadata) -> Param:
    param = Param(
        document,
        ID="METADATA",
        name=METADATA_PARAM,
        datatype="unicodeChar",
        arraysize="*",
        ucd="meta",
        value=metadata_json(metadata).translate(_JSON_ESCAPES),
    )
    param.description = "Everything said about the table, as JSON"
    return param


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
