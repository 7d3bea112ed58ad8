"""The services and the table of a resource of the VO, there and back.

Sources: VOResource 1.1 (capabilities and interfaces), VODataService 1.2 (tables), and the note
Discovering Data Collections Within Services 1.1 (a table in a TAP service for many tables).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET

from vopub.model.parameter import Dtype, Parameter
from vopub.model.resource import KM3OpenResource, ServiceKind, ServiceReference
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
IN_TABLE, UNDER = ", in the table ", ", under the identifier "
"""How the description of a capability goes on: VOResource has no place for these two."""
_DESCRIPTION = re.compile(
    rf"{PROVED}(?P<proved>\S+?)({IN_TABLE}(?P<table>\S+))?({UNDER}(?P<under>\S+))?"
)
NO_SCHEMA = "default"
"""What VODataService calls a set of tables without a name."""


def add_capabilities(root: ET.Element, record: KM3OpenResource) -> None:
    """Add a capability with one interface for each service of a record."""
    for service in record.services:
        standard = STANDARDS.get(service.kind)
        capability = add(root, "capability", **({"standardID": standard} if standard else {}))
        add(capability, "description", _description(service))
        kind = BROWSER if service.kind is ServiceKind.FORM else "vs:ParamHTTP"
        attributes = {"xsi:type": kind} | ({"role": "std"} if standard else {})
        use = "full" if service.kind in AS_IT_IS else "base"
        add(add(capability, "interface", **attributes), "accessURL", service.url, use=use)


def _description(service: ServiceReference) -> str:
    """Return when a service was proved, of which table and under which identifier it answers."""
    table = f"{IN_TABLE}{_one_word(service.table)}" if service.table else ""
    under = f"{UNDER}{_one_word(service.ivoid)}" if service.ivoid else ""
    return f"{PROVED}{service.proved.isoformat()}{table}{under}"


def _one_word(text: str) -> str:
    """Return a text with its spaces percent-encoded, so that it can be told from what follows."""
    return re.sub(r"[\s%]", lambda found: quote(found[0]), text)


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
        Name of its table in the TAP service, and that service's identifier, where the capability
        itself does not say them.
    """
    capabilities = resource.findall("capability")
    told = [_DESCRIPTION.fullmatch(each.findtext("description", "")) for each in capabilities]
    # Others do not say it there, nor did we once: then it is said of the whole resource.
    if any(said and said["table"] for said in told):
        table = ""
    if any(said and said["under"] for said in told):
        tap = ""
    found = []
    for capability, said in zip(capabilities, told, strict=True):
        kind = _kind(capability, is_ours=said is not None)
        if kind is None:
            continue
        is_tap = kind is ServiceKind.TAP
        found.append(
            {
                "kind": kind.value,
                "url": capability.findtext("interface/accessURL", ""),
                "table": _said(said, "table") or (table if is_tap else ""),
                "ivoid": _said(said, "under") or (tap if is_tap else ""),
                "proved": zulu(said["proved"]) if said else None,
            }
        )
    return found


def _said(description: re.Match[str] | None, name: str) -> str:
    return unquote(description[name] or "") if description else ""


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
