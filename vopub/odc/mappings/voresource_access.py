"""The services and the table of a resource of the VO, there and back.

Sources: VOResource 1.1 (capabilities and interfaces), VODataService 1.2 (tables), and the note
Discovering Data Collections Within Services 1.1 (a table in a TAP service for many tables).
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from vopub.model.parameter import Dtype, Parameter
from vopub.model.resource import KM3OpenResource, ServiceKind
from vopub.odc.mappings.elements import add
from vopub.odc.mappings.json_ld import Node
from vopub.odc.mappings.reading_parts import zulu

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
BROWSER = "vr:WebBrowser"
STANDARDS = {
    ServiceKind.SCS: "ivo://ivoa.net/std/ConeSearch",
    ServiceKind.TAP: "ivo://ivoa.net/std/TAP#aux",
    ServiceKind.DATALINK: "ivo://ivoa.net/std/DataLink#links-1.0",
}
"""Identifiers of the protocols that the VO has one for."""
AS_IT_IS = (ServiceKind.FORM, ServiceKind.DATALINK, ServiceKind.BULK)
"""Kinds whose addresses answer without anything added to them."""
PROVED = "Last seen to answer with the data of this resource at "
NO_SCHEMA = "default"
"""What VODataService calls a set of tables without a name."""


def add_capabilities(root: ET.Element, record: KM3OpenResource) -> None:
    """Add a capability with one interface for each service of a record."""
    for service in record.services:
        standard = STANDARDS.get(service.kind)
        capability = add(root, "capability", **({"standardID": standard} if standard else {}))
        add(capability, "description", f"{PROVED}{service.proved.isoformat()}")
        kind = BROWSER if service.kind is ServiceKind.FORM else "vs:ParamHTTP"
        attributes = {"xsi:type": kind} | ({"role": "std"} if standard else {})
        use = "full" if service.kind in AS_IT_IS else "base"
        add(add(capability, "interface", **attributes), "accessURL", service.url, use=use)


def has_table(record: KM3OpenResource) -> bool:
    """Tell whether a record says something about a table."""
    return bool(record.parameters) or record.rows is not None


def add_table(root: ET.Element, record: KM3OpenResource) -> None:
    """Add the table of a record, named as its TAP service names it."""
    names = (service.table for service in record.services if service.kind is ServiceKind.TAP)
    name = next(filter(None, names), "")
    schema = add(add(root, "tableset"), "schema")
    add(schema, "name", name.rpartition(".")[0] or NO_SCHEMA)
    table = add(schema, "table")
    add(table, "name", name or record.identifier)
    if record.rows is not None:
        add(table, "nrows", str(record.rows))
    for parameter in record.parameters:
        _add_column(table, parameter)


def _add_column(table: ET.Element, parameter: Parameter) -> None:
    column = add(table, "column")
    add(column, "name", parameter.name)
    add(column, "description", parameter.description)
    if parameter.unit:
        add(column, "unit", parameter.unit)
    add(column, "ucd", parameter.ucd)
    size = {"arraysize": "*"} if parameter.dtype is Dtype.TEXT else {}
    datatype = parameter.dtype.votable
    add(column, "dataType", datatype, **{"xsi:type": "vs:VOTableType"}, **size)
    if parameter.null:
        add(column, "flag", "nullable")


@dataclass(frozen=True, slots=True)
class TableSaid:
    """What a resource of the VO says about the first of its tables."""

    name: str
    """Qualified; empty if no service knows it by a name."""
    rows: int | None
    parameters: list[Node]


def read_table(resource: ET.Element) -> TableSaid:
    """Return what a resource says about its table; of a column not why it lacks values."""
    schema, table = resource.find("tableset/schema"), resource.find("tableset/schema/table")
    if schema is None or table is None:
        return TableSaid("", None, [])
    named = schema.findtext("name") != NO_SCHEMA
    rows = table.findtext("nrows")
    return TableSaid(
        name=table.findtext("name", "") if named else "",
        rows=None if rows is None else int(rows),
        parameters=[_parameter(column) for column in table.findall("column")],
    )


def _parameter(column: ET.Element) -> Node:
    dtypes = {dtype.votable: dtype.value for dtype in Dtype} | {"char": Dtype.TEXT.value}
    return {
        "name": column.findtext("name"),
        "dtype": dtypes.get(column.findtext("dataType", "")),
        "unit": column.findtext("unit", ""),
        "ucd": column.findtext("ucd"),
        "description": column.findtext("description"),
    }


def read_services(resource: ET.Element, table: str, tap: str) -> list[Node]:
    """Return the services among the capabilities of a resource.

    Parameters
    ----------
    resource
        In the words of the VO.
    table, tap
        Name of its table in the TAP service, and that service's identifier.
    """
    found = []
    for capability in resource.findall("capability"):
        said, at_proved, proved = capability.findtext("description", "").partition(PROVED)
        is_ours = bool(at_proved) and not said
        kind = _kind(capability, is_ours=is_ours)
        if kind is None:
            continue
        is_tap = kind is ServiceKind.TAP
        found.append(
            {
                "kind": kind.value,
                "url": capability.findtext("interface/accessURL", ""),
                "table": table if is_tap else "",
                "ivoid": tap if is_tap else "",
                "proved": zulu(proved) if is_ours else None,
            }
        )
    return found


def _kind(capability: ET.Element, *, is_ours: bool) -> ServiceKind | None:
    """Return the kind of a service; None if records know no such kind.

    What has no standard is told by the type of its interface; others give that of browsers to
    files too.
    """
    interface, standard = capability.find("interface"), capability.get("standardID")
    if interface is None:
        return None
    if standard:
        kinds = {identifier: kind for kind, identifier in STANDARDS.items()}
        return kinds.get(standard)
    if not is_ours:
        return None
    return ServiceKind.FORM if interface.get(XSI_TYPE) == BROWSER else ServiceKind.BULK
