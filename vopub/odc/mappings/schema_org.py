"""Records in the words of schema.org, as JSON-LD: what search engines for data read.

Source: https://schema.org/Dataset; for versions, which schema.org cannot say, DCMI Metadata Terms.
"""

from __future__ import annotations

from uuid import UUID

from vopub.model.ktype import Ktype
from vopub.model.parameter import Dtype, Parameter
from vopub.model.publication import Creator
from vopub.model.resource import (
    FileReference,
    KM3OpenResource,
    RemoteFile,
    ServiceKind,
    ServiceReference,
)
from vopub.odc.mappings.identifiers import (
    DOI,
    IDENTIFIER,
    IVOID,
    KID,
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

CONTEXT: Node = {
    "@vocab": "https://schema.org/",
    "dct": "http://purl.org/dc/terms/",
    **{
        name: {"@type": "@id"}
        for name in ("url", "contentUrl", "sameAs", "additionalType", "codeRepository")
    },
}
"""Written out, so that nobody has to fetch it to understand a record."""
MOC = "MOC"
XSD = "http://www.w3.org/2001/XMLSchema#"
DTYPES = {
    Dtype.INT16: "short", Dtype.INT32: "int", Dtype.INT64: "long",
    Dtype.FLOAT32: "float", Dtype.FLOAT64: "double", Dtype.TEXT: "string",
}  # fmt: skip
"""Types of XML Schema that hold the same values as columns do."""
OF_SOFTWARE = {
    "programming_language": "programmingLanguage", "code_repository": "codeRepository",
}  # fmt: skip
"""Details of software for which schema.org has a property."""
UNUSUAL = {"principal": False, "truth": True}
"""What a parameter seldom is, said beside its UCD because schema.org has no property for it."""


def schema_org(record: KM3OpenResource, base: str, *, replaced_by: UUID | None = None) -> Node:
    """Return the record of a resource as a node of JSON-LD; parameters as ``datacite_xml``."""
    publication = record.publication
    address = page_of(record, base)
    return filled(
        {
            "@context": CONTEXT,
            "@id": address,
            "@type": record.ktype.entry.schema_org,
            "additionalType": f"{base}/ktypes#{record.ktype.value}",
            "url": address,
            "identifier": _identifiers(record),
            "sameAs": f"https://doi.org/{publication.doi}" if publication.doi else None,
            "name": publication.title,
            "description": publication.description,
            "version": publication.version,
            "dateCreated": publication.created.isoformat(),
            "inLanguage": "en",
            "isAccessibleForFree": True,
            **_people(record),
            "license": {
                "@type": "CreativeWork",
                "name": publication.licence,
                "url": publication.licence_url,
            },
            "keywords": _keywords(record),
            "measurementTechnique": publication.instrument,
            "subjectOf": filled({"@type": "WebPage", "url": publication.reference_url})
            if publication.reference_url
            else None,
            "citation": _citations(record, base),
            "usageInfo": {"@type": "CreativeWork", "text": publication.note}
            if publication.note
            else None,
            **_content(record, base),
            **_details(record),
            **_wholes(record, base),
            "dct:replaces": _page(record.replaces, base),
            "dct:isReplacedBy": _page(replaced_by, base),
        }
    )


def _people(record: KM3OpenResource) -> Node:
    publication = record.publication
    contact = publication.contact
    return {
        "creator": [_agent(creator) for creator in publication.creators],
        "contributor": [
            {"@type": "Role", "roleName": who.role.value, "contributor": _agent(who)}
            for who in publication.contributors
        ],
        "publisher": {"@type": "Organization", "name": publication.publisher},
        "copyrightHolder": {"@type": "Organization", "name": publication.owner},
        "maintainer": {"@type": "Organization", "name": contact.name, "email": contact.email},
        "sourceOrganization": {"@type": "Organization", "name": publication.facility}
        if publication.facility
        else None,
    }


def _agent(agent: Creator) -> Node:
    kind = "Person" if is_person(agent.name, agent.orcid) else "Organization"
    belongs = "affiliation" if kind == "Person" else "parentOrganization"
    return filled(
        {
            "@type": kind,
            "@id": f"{ORCID}/{agent.orcid}" if agent.orcid else None,
            "name": agent.name,
            belongs: {"@type": "Organization", "name": agent.affiliation}
            if agent.affiliation
            else None,
        }
    )


def _identifiers(record: KM3OpenResource) -> list[Node]:
    found = [(KID, str(record.kid)), (IDENTIFIER, record.identifier)]
    found += [(DOI, record.publication.doi)] if record.publication.doi else []
    found += [(IVOID, ivoid) for ivoid in ivoids_of(record)]
    return [{"@type": "PropertyValue", "propertyID": kind, "value": value} for kind, value in found]


def _keywords(record: KM3OpenResource) -> list[Node]:
    terms = [
        {"@type": "DefinedTerm", "name": subject, "inDefinedTermSet": UAT}
        for subject in record.publication.subjects
    ]
    return [*terms, *([{"@type": "DefinedTerm", "name": SIMULATED}] if record.simulated else [])]


def _citations(record: KM3OpenResource, base: str) -> list[Node]:
    publication = record.publication
    source = [{"@type": "CreativeWork", "name": publication.source}] if publication.source else []
    return source + [
        filled(
            {
                "@type": "CreativeWork",
                "additionalType": f"http://datacite.org/schema/kernel-4#{related.relation.value}",
                "identifier": related.identifier,
                "name": related.title,
                "url": address_of(related.identifier, base),
            }
        )
        for related in publication.related
    ]


def _content(record: KM3OpenResource, base: str) -> Node:
    span, sky = record.coverage.temporal, record.coverage.spatial
    return {
        "temporalCoverage": f"{span.start.isoformat()}/{span.stop.isoformat()}" if span else None,
        "spatialCoverage": {
            "@type": "Place",
            "name": "Sky",
            "additionalProperty": {"@type": "PropertyValue", "propertyID": MOC, "value": sky},
        }
        if sky
        else None,
        "variableMeasured": [_variable(parameter) for parameter in record.parameters],
        "size": None
        if record.rows is None
        else {"@type": "QuantitativeValue", "value": record.rows, "unitText": "rows"},
        "distribution": [_download(record, file, base) for file in record.every_file],
        "potentialAction": [_action(service) for service in record.services],
    }


def _details(record: KM3OpenResource) -> Node:
    if record.ktype is not Ktype.SOFTWARE:
        return {}
    return {goal: record.details.get(name) for name, goal in OF_SOFTWARE.items()}


def _variable(parameter: Parameter) -> Node:
    low, high = parameter.range or (None, None)
    return filled(
        {
            "@type": "PropertyValue",
            "propertyID": parameter.identifier,
            "additionalType": XSD + DTYPES[parameter.dtype],
            "name": parameter.name,
            "alternateName": parameter.symbol,
            "description": parameter.description,
            "disambiguatingDescription": parameter.null,
            "unitText": parameter.unit,
            "valueReference": _references(parameter),
        }
    ) | {key: value for key, value in (("minValue", low), ("maxValue", high)) if value is not None}


def _references(parameter: Parameter) -> str | list[str | Node]:
    said: list[str | Node] = [
        {"@type": "PropertyValue", "propertyID": name, "value": content}
        for name, content in UNUSUAL.items()
        if getattr(parameter, name) is content
    ]
    return [parameter.ucd, *said] if said else parameter.ucd


def _download(record: KM3OpenResource, file: FileReference | RemoteFile, base: str) -> Node:
    return filled(
        {
            "@type": "DataDownload",
            "name": file.name,
            "description": file.description,
            "contentUrl": file_address(record, file, base),
            "encodingFormat": file.media_type,
            "contentSize": None if file.size is None else f"{file.size} B",
            "sha256": file.sha256,
            "genre": file.role.value,
        }
    )


def _action(service: ServiceReference) -> Node:
    """Return what a service offers: an action whose target it is, and when that was proved."""
    is_bulk = service.kind is ServiceKind.BULK
    return filled(
        {
            "@type": "DownloadAction" if is_bulk else "SearchAction",
            "name": service.kind.value,
            "target": {"@type": "EntryPoint", "url": service.url},
            "object": {"@type": "Dataset", "name": service.table} if service.table else None,
            "identifier": service.ivoid,
            "dct:valid": service.proved.isoformat(),
        }
    )


def _wholes(record: KM3OpenResource, base: str) -> Node:
    wholes = (("collections", record.collection), ("streams", record.stream))
    return {
        "isPartOf": [
            {"@type": "Collection", "@id": f"{base}/{kind}/{name}", "name": name}
            for kind, name in wholes
            if name
        ]
    }


def _page(kid: UUID | None, base: str) -> Node | None:
    return {"@id": f"{base}/resources/{kid}"} if kid else None
