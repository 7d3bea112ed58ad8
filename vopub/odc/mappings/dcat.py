"""Records in the words of the Data Catalog Vocabulary, as JSON-LD.

Source: Data Catalog Vocabulary (DCAT) Version 3, W3C Recommendation, 2024-08-22,
https://www.w3.org/TR/vocab-dcat-3/.
"""

from __future__ import annotations

from uuid import UUID

from vopub.model.publication import Creator, Related
from vopub.model.resource import (
    FileReference,
    KM3OpenResource,
    RemoteFile,
    ServiceKind,
    ServiceReference,
)
from vopub.odc.mappings.identifiers import (
    ORCID,
    SIMULATED,
    UAT,
    address_of,
    file_address,
    is_person,
    ivoids_of,
    page_of,
)
from vopub.odc.mappings.json_ld import Node, filled

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "prov": "http://www.w3.org/ns/prov#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
}
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
ROLES = "http://datacite.org/schema/kernel-4#"
STANDARDS = {
    ServiceKind.SCS: "http://www.ivoa.net/std/ConeSearch",
    ServiceKind.TAP: "http://www.ivoa.net/std/TAP",
    ServiceKind.DATALINK: "http://www.ivoa.net/std/DataLink",
}


def dcat(record: KM3OpenResource, base: str, *, replaced_by: UUID | None = None) -> Node:
    """Return the record of a resource as a node of JSON-LD; parameters as ``datacite_xml``."""
    publication = record.publication
    page = _link(page_of(record, base))
    return filled(
        {
            "@context": PREFIXES,
            **page,
            "@type": "dcat:Dataset",
            "dct:type": _link(f"{base}/ktypes#{record.ktype.value}"),
            "dct:identifier": [str(record.kid), record.identifier, *ivoids_of(record)],
            "dcat:landingPage": page,
            "dct:title": publication.title,
            "dct:description": publication.description,
            "dcat:version": publication.version,
            "dct:created": _typed(publication.created.isoformat(), "date"),
            "dct:language": "en",
            **_people(record),
            "dct:license": {
                "@id": publication.licence_url,
                "dct:identifier": publication.licence,
            },
            "dcat:theme": [
                {"@id": f"{UAT}#{subject}", "skos:prefLabel": subject}
                if address_safe(subject)
                else {"skos:prefLabel": subject}
                for subject in publication.subjects
            ],
            "dcat:keyword": [SIMULATED] if record.simulated else [],
            "foaf:page": _link(publication.reference_url),
            "foaf:isPrimaryTopicOf": _link(
                f"https://doi.org/{publication.doi}" if publication.doi else None
            ),
            "dct:bibliographicCitation": publication.source,
            "skos:note": publication.note,
            "dcat:qualifiedRelation": [_relation(each, base) for each in publication.related],
            "dct:extent": None
            if record.rows is None
            else {"@type": "dct:SizeOrDuration", "skos:prefLabel": f"{record.rows} rows"},
            **_coverage(record),
            "dcat:distribution": [
                *(_distribution(record, file, base) for file in record.every_file),
                *(_access(each) for each in record.services),
            ],
            "dct:isPartOf": _link(record.collection and f"{base}/collections/{record.collection}"),
            "dcat:inSeries": _link(record.stream and f"{base}/streams/{record.stream}"),
            "dcat:previousVersion": _page(record.replaces, base),
            "dct:isReplacedBy": _page(replaced_by, base),
        }
    )


def address_safe(text: str) -> bool:
    """Tell whether a text can be a part of an address as it is."""
    return bool(text) and all(c.isascii() and (c.isalnum() or c in "-._~") for c in text)


def _link(address: str | None) -> Node:
    return {"@id": address} if address else {}


def _page(kid: UUID | None, base: str) -> Node:
    return _link(f"{base}/resources/{kid}" if kid else None)


def _typed(value: str, kind: str) -> Node:
    return {"@value": value, "@type": f"xsd:{kind}"}


def _agent(agent: Creator) -> Node:
    kind = "foaf:Person" if is_person(agent.name, agent.orcid) else "foaf:Organization"
    return {
        **_link(f"{ORCID}/{agent.orcid}" if agent.orcid else None),
        "@type": kind,
        "foaf:name": agent.name,
        **({"prov:actedOnBehalfOf": _named(agent.affiliation)} if agent.affiliation else {}),
    }


def _named(name: str) -> Node:
    return {"@type": "foaf:Organization", "foaf:name": name} if name else {}


def _people(record: KM3OpenResource) -> Node:
    publication = record.publication
    contact = publication.contact
    taken = record.data_taking
    start, stop = (taken.start, taken.stop) if taken else (None, None)
    taking = filled(
        {
            "@type": "prov:Activity",
            "prov:startedAtTime": _typed(start.isoformat(), "dateTime") if start else None,
            "prov:endedAtTime": _typed(stop.isoformat(), "dateTime") if stop else None,
            "prov:wasAssociatedWith": _named(publication.facility),
            "prov:used": {"@type": "prov:Entity", "dct:title": publication.instrument}
            if publication.instrument
            else None,
        }
    )
    return {
        "dct:creator": [_agent(creator) for creator in publication.creators],
        "prov:qualifiedAttribution": [
            {
                "@type": "prov:Attribution",
                "prov:agent": _agent(who),
                "dcat:hadRole": _link(ROLES + who.role.value),
            }
            for who in publication.contributors
        ],
        "dct:publisher": _named(publication.publisher),
        "dct:rightsHolder": _named(publication.owner),
        "dcat:contactPoint": {
            "@type": "vcard:Kind",
            "vcard:fn": contact.name,
            "vcard:hasEmail": _link(f"mailto:{contact.email}"),
        },
        "prov:wasGeneratedBy": taking if len(taking) > 1 else None,
        "prov:wasDerivedFrom": _origins(record),
    }


def _origins(record: KM3OpenResource) -> list[Node]:
    """Return the files, or collections of files, that the first steps of all were given."""
    if record.provenance is None:
        return []
    steps = record.provenance.steps
    given = {name for step in steps for name in step.inputs}
    made = {name for step in steps for name in step.outputs}
    return [
        {"@type": "prov:Entity", "dct:identifier": entity.identifier, "dct:title": entity.name}
        for entity in record.provenance.entities
        if entity.identifier in given - made
    ]


def _relation(related: Related, base: str) -> Node:
    return filled(
        {
            "@type": "dcat:Relationship",
            "dct:relation": _link(address_of(related.identifier, base)),
            "dct:identifier": related.identifier,
            "dct:title": related.title,
            "dcat:hadRole": _link(ROLES + related.relation.value),
        }
    )


def _coverage(record: KM3OpenResource) -> Node:
    span, sky = record.coverage.temporal, record.coverage.spatial
    return {
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _typed(span.start.isoformat(), "dateTime"),
            "dcat:endDate": _typed(span.stop.isoformat(), "dateTime"),
        }
        if span
        else None,
        "dct:spatial": {"@type": "dct:Location", "dct:title": "Sky", "dct:identifier": f"MOC {sky}"}
        if sky
        else None,
    }


def _distribution(record: KM3OpenResource, file: FileReference | RemoteFile, base: str) -> Node:
    return filled(
        {
            "@type": "dcat:Distribution",
            "dct:title": file.name,
            "dct:description": file.description,
            "dct:type": file.role.value,
            "dcat:downloadURL": _link(file_address(record, file, base)),
            "dcat:mediaType": _link(MEDIA_TYPES + file.media_type.partition(";")[0].strip()),
            "dct:format": file.media_type,
            "dcat:byteSize": None
            if file.size is None
            else _typed(str(file.size), "nonNegativeInteger"),
            "spdx:checksum": _checksum(file.sha256) if file.sha256 else None,
        }
    )


def _checksum(sha256: str) -> Node:
    return {
        "@type": "spdx:Checksum",
        "spdx:algorithm": _link("http://spdx.org/rdf/terms#checksumAlgorithm_sha256"),
        "spdx:checksumValue": sha256,
    }


def _access(service: ServiceReference) -> Node:
    """Return the way to the same data through a service, and when that was proved."""
    access = {
        "@type": "dcat:Distribution",
        "dct:title": service.kind.value,
        "dcat:accessURL": _link(service.url),
        "dct:valid": _typed(service.proved.isoformat(), "dateTime"),
        **({"dct:alternative": service.table} if service.table else {}),
    }
    if service.kind is ServiceKind.BULK:  # files are no services
        return access | filled({"dct:identifier": service.ivoid})
    return access | {
        "dcat:accessService": filled(
            {
                "@type": "dcat:DataService",
                "dct:title": service.table or service.kind.value,
                "dct:identifier": service.ivoid,
                "dcat:endpointURL": _link(service.url),
                "dct:conformsTo": _link(STANDARDS.get(service.kind)),
            }
        ),
    }
