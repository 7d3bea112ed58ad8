"""Reading back what was written in the words of the Data Catalog Vocabulary."""

from __future__ import annotations

from vopub.odc.mappings.dcat import ROLES
from vopub.odc.mappings.identifiers import SIMULATED, kid_in
from vopub.odc.mappings.json_ld import Node, at, nested, nodes
from vopub.odc.mappings.reading_parts import (
    agent_of,
    last_of,
    parted,
    rows_of,
    size_of,
    span_of,
    zulu,
)


def read_dcat(node: Node) -> Node:
    """Read a node of JSON-LD in the words of the Data Catalog Vocabulary."""
    identifiers = node.get("dct:identifier") or [None, None]
    period = node.get("dct:temporal") or {}
    span = f"{at(period, 'dcat:startDate', '@value')}/{at(period, 'dcat:endDate', '@value')}"
    taking = node.get("prov:wasGeneratedBy") or {}
    distributions = nodes(node.get("dcat:distribution"))
    return nested(
        {
            "kid": identifiers[0],
            "identifier": identifiers[1],
            "ktype": at(node, "dct:type", "@id").rpartition("#")[2],
            "simulated": SIMULATED in node.get("dcat:keyword", ()),
            "rows": rows_of([at(node, "dct:extent", "skos:prefLabel")]),
            "services": [_dcat_service(d) for d in distributions if "dcat:accessURL" in d],
            "publication.title": at(node, "dct:title"),
            "publication.description": at(node, "dct:description"),
            "publication.note": at(node, "skos:note"),
            "publication.version": at(node, "dcat:version"),
            "publication.created": at(node, "dct:created", "@value"),
            "publication.creators": [agent_of(each) for each in nodes(node.get("dct:creator"))],
            "publication.contributors": [
                {**agent_of(each["prov:agent"]), "role": _role(each)}
                for each in nodes(node.get("prov:qualifiedAttribution"))
            ],
            "publication.publisher": at(node, "dct:publisher", "foaf:name"),
            "publication.owner": at(node, "dct:rightsHolder", "foaf:name"),
            "publication.contact.name": at(node, "dcat:contactPoint", "vcard:fn"),
            "publication.contact.email": _mail(node),
            "publication.licence": at(node, "dct:license", "dct:identifier"),
            "publication.licence_url": at(node, "dct:license", "@id"),
            "publication.subjects": [
                at(each, "skos:prefLabel") for each in nodes(node.get("dcat:theme"))
            ],
            "publication.facility": at(taking, "prov:wasAssociatedWith", "foaf:name"),
            "publication.instrument": at(taking, "prov:used", "dct:title"),
            "publication.doi": at(node, "foaf:isPrimaryTopicOf", "@id").removeprefix(
                "https://doi.org/"
            ),
            "publication.reference_url": at(node, "foaf:page", "@id"),
            "publication.source": at(node, "dct:bibliographicCitation"),
            "publication.related": [
                {
                    "relation": _role(each),
                    "identifier": each["dct:identifier"],
                    "title": at(each, "dct:title"),
                }
                for each in nodes(node.get("dcat:qualifiedRelation"))
            ],
            "coverage.temporal": span_of(span) if period else None,
            "coverage.spatial": at(node, "dct:spatial", "dct:identifier").removeprefix("MOC "),
            **parted((_dcat_file(d) for d in distributions if "dcat:downloadURL" in d), node),
            "collection": last_of([at(node, "dct:isPartOf", "@id")], "/collections/"),
            "stream": last_of([at(node, "dcat:inSeries", "@id")], "/streams/"),
            "replaces": kid_in(at(node, "dcat:previousVersion", "@id")),
        }
    )


def _mail(node: Node) -> str:
    return str(at(node, "dcat:contactPoint", "vcard:hasEmail", "@id")).removeprefix("mailto:")


def _role(node: Node) -> str:
    return str(at(node, "dcat:hadRole", "@id")).removeprefix(ROLES)


def _dcat_service(node: Node) -> Node:
    service = node.get("dcat:accessService") or node
    return {
        "kind": at(node, "dct:title"),
        "url": at(node, "dcat:accessURL", "@id"),
        "table": at(node, "dct:alternative"),
        "ivoid": at(service, "dct:identifier"),
        "proved": zulu(at(node, "dct:valid", "@value")),
    }


def _dcat_file(node: Node) -> Node:
    return {
        "name": at(node, "dct:title"),
        "media_type": at(node, "dct:format"),
        "url": at(node, "dcat:downloadURL", "@id"),
        "size": size_of(at(node, "dcat:byteSize", "@value")),
        "sha256": at(node, "spdx:checksum", "spdx:checksumValue", default=None),
        "role": at(node, "dct:type"),
        "description": at(node, "dct:description"),
    }


def read_dcat_grouping(node: Node) -> Node:
    """Read a stream or a collection from a node of JSON-LD in the words of DCAT.

    What belongs to it is not read, as by ``read_schema_org_grouping``.
    """
    return nested(
        {
            "identifier": at(node, "dct:identifier"),
            "title": at(node, "dct:title"),
            "description": at(node, "dct:description"),
            "ktype": at(node, "dct:type", "@id").rpartition("#")[2],
            "collection": last_of([at(node, "dct:isPartOf", "@id")], "/collections/"),
        }
    )
