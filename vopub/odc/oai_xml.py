"""The XML of OAI-PMH 2.0 (https://www.openarchives.org/OAI/openarchivesprotocol.html)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from xml.etree import ElementTree as ET

from vopub.model.resource import KM3OpenResource
from vopub.odc.dublin_core import dublin_core
from vopub.odc.harvest import Changed
from vopub.odc.mappings import datacite
from vopub.odc.mappings.identifiers import page_of

OAI = "http://www.openarchives.org/OAI/2.0/"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
OAI_DATACITE = "http://schema.datacite.org/oai/oai-1.1/"
DC = "http://purl.org/dc/elements/1.1/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""

for _prefix, _namespace in {
    "": OAI, "oai_dc": OAI_DC, "dc": DC, "xsi": XSI, "oai_datacite": OAI_DATACITE,
    "datacite": datacite.NAMESPACE,
}.items():  # fmt: skip
    ET.register_namespace(_prefix, _namespace)


@dataclass(frozen=True, slots=True)
class MetadataFormat:
    """A form in which records are handed out."""

    prefix: str
    schema: str
    namespace: str
    write: Callable[[KM3OpenResource, str, UUID | None], ET.Element]
    """Makes the element of a record, given the address of the service and the next version."""


def oai_dc(record: KM3OpenResource, base: str, replaced_by: UUID | None) -> ET.Element:
    """Return a record in unqualified Dublin Core."""
    element = ET.Element(f"{{{OAI_DC}}}dc")
    element.set(f"{{{XSI}}}schemaLocation", f"{OAI_DC} {OAI_DC[:-1]}.xsd")
    for name, value in dublin_core(record, page_of(record, base)):
        add(element, name, value, namespace=DC)
    if replaced_by is not None:
        add(element, "relation", f"{base}/resources/{replaced_by}", namespace=DC)
    return element


def oai_datacite(record: KM3OpenResource, base: str, replaced_by: UUID | None) -> ET.Element:
    """Return a record as DataCite's own provider wraps it (http://schema.datacite.org/oai/)."""
    element = ET.Element(f"{{{OAI_DATACITE}}}oai_datacite")
    element.set(f"{{{XSI}}}schemaLocation", f"{OAI_DATACITE} {OAI_DATACITE}oai.xsd")
    add(element, "schemaVersion", datacite.VERSION, namespace=OAI_DATACITE)
    add(element, "datacentreSymbol", record.publication.publisher, namespace=OAI_DATACITE)
    payload = add(element, "payload", namespace=OAI_DATACITE)
    document = datacite.datacite_xml(record, base, replaced_by=replaced_by)
    payload.append(ET.fromstring(document))  # noqa: S314 - our own
    return element


FORMATS: Mapping[str, MetadataFormat] = {
    form.prefix: form
    for form in (
        MetadataFormat("oai_dc", f"{OAI_DC[:-1]}.xsd", OAI_DC, oai_dc),
        MetadataFormat("oai_datacite", f"{OAI_DATACITE}oai.xsd", OAI_DATACITE, oai_datacite),
    )
}


def add(parent: ET.Element, name: str, text: str = "", *, namespace: str = OAI) -> ET.Element:
    """Add an element with a text and return it."""
    element = ET.SubElement(parent, f"{{{namespace}}}{name}")
    if text:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def stamp(when: datetime) -> str:
    """Return a time in UTC as OAI-PMH writes it, to the second."""
    return f"{when:%Y-%m-%dT%H:%M:%S}Z"


def envelope(address: str, arguments: Mapping[str, str]) -> ET.Element:
    """Return the element around every answer.

    Parameters
    ----------
    address
        The address of the service.
    arguments
        What was asked; empty if it could not be understood.
    """
    root = ET.Element(f"{{{OAI}}}OAI-PMH")
    root.set(f"{{{XSI}}}schemaLocation", f"{OAI} {OAI}OAI-PMH.xsd")
    add(root, "responseDate", stamp(datetime.now(UTC)))
    request = add(root, "request", address)
    for name, value in arguments.items():
        request.set(name, _NOT_XML.sub("\ufffd", value))
    return root


def add_header(parent: ET.Element, found: Changed) -> None:
    """Add the header of a record: its identifier, when it changed and the sets it is in."""
    header = add(parent, "header")
    if found.withdrawn:
        header.set("status", "deleted")
    add(header, "identifier", identifier_of(found.kid))
    add(header, "datestamp", stamp(found.when))
    for name in found.sets:
        add(header, "setSpec", name)


def add_record(parent: ET.Element, found: Changed, form: MetadataFormat, base: str) -> None:
    """Add a record; of one that was withdrawn only the header."""
    element = add(parent, "record")
    add_header(element, found)
    if not found.withdrawn:
        record = KM3OpenResource.model_validate_json(found.record)
        add(element, "metadata").append(form.write(record, base, found.replaced_by))


def identifier_of(kid: str) -> str:
    """Return the identifier under which a record is harvested: the same wherever it is served."""
    return f"urn:uuid:{kid}"


def written(root: ET.Element) -> bytes:
    """Return the document."""
    return b"<?xml version='1.0' encoding='UTF-8'?>\n" + ET.tostring(root, "unicode").encode()
