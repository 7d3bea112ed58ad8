"""Reading back what the mappings wrote: the part of a record that a target can say.

What is returned has the shape of a record in JSON; a field that was not found is not there.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from vopub.odc.mappings.datacite import NAMESPACE
from vopub.odc.mappings.datacite_relations import (
    FACILITY,
    INSTRUMENT,
    WHOLE,
    read_related,
    read_replaced,
    read_source,
    read_taken_by,
)
from vopub.odc.mappings.identifiers import DOI, IDENTIFIER, KID, ORCID, SIMULATED, kid_in
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
from vopub.odc.mappings.schema_org import DTYPES, OF_SOFTWARE, UNUSUAL, XSD


def read_datacite(document: bytes) -> Node:
    """Read an XML document of DataCite metadata 4.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If it is not XML.
    """
    root = DataciteReader.of(document)
    subjects = root.all("subjects/subject")
    collected = root.one("dates/date", dateType="Collected")
    rights = root.first("rightsList/rights")
    related = "relatedIdentifiers/relatedIdentifier"
    wholes = root.several(related, relationType="IsPartOf", resourceTypeGeneral=WHOLE)
    items = root.all("relatedItems/relatedItem")
    return nested(
        {
            "kid": root.alternate(KID),
            "identifier": root.alternate(IDENTIFIER),
            "ktype": root.one("resourceType"),
            "simulated": any(s.text == SIMULATED for s in subjects),
            "rows": rows_of(root.several("sizes/size")),
            "publication.title": root.one("titles/title"),
            "publication.description": root.description("Abstract"),
            "publication.note": root.description("Other"),
            "publication.version": root.one("version"),
            "publication.created": root.one("dates/date", dateType="Created"),
            "publication.creators": [_agent(each, "creatorName") for each in _creators(root)],
            "publication.contributors": _contributors(root),
            "publication.publisher": root.one("publisher"),
            "publication.owner": _contributor(root, "RightsHolder"),
            "publication.contact.name": _contributor(root, "ContactPerson"),
            "publication.licence": root.one("rightsList/rights"),
            "publication.licence_url": None if rights is None else rights.get("rightsURI"),
            "publication.subjects": [s.text for s in subjects if s.get("subjectScheme") == "UAT"],
            "publication.facility": read_taken_by(items, FACILITY),
            "publication.instrument": read_taken_by(items, INSTRUMENT),
            "publication.doi": root.one("identifier", identifierType="DOI"),
            "publication.reference_url": root.one(related, relationType="IsDescribedBy"),
            "publication.source": read_source(items),
            "publication.related": read_related(items),
            "coverage.temporal": span_of(collected),
            "collection": last_of(wholes, "/collections/"),
            "stream": last_of(wholes, "/streams/"),
            "replaces": read_replaced(root.all(related)),
        }
    )


class DataciteReader:
    """Finds elements of DataCite by path and attributes."""

    def __init__(self, root: ET.Element) -> None:
        self._root = root

    @classmethod
    def of(cls, document: bytes) -> DataciteReader:
        """Read a document; raises ``ParseError`` if it is not XML."""
        return cls(ET.fromstring(document))  # noqa: S314  # defused: expat refuses long expansions

    def all(self, path: str) -> list[ET.Element]:
        """Return the elements at a path."""
        steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
        return self._root.findall(steps)

    def first(self, path: str, **attributes: str) -> ET.Element | None:
        """Return the first element at a path that has these attributes."""
        found = (e for e in self.all(path) if attributes.items() <= e.attrib.items())
        return next(found, None)

    def several(self, path: str, **attributes: str) -> list[str]:
        """Return the texts of the elements at a path that have these attributes."""
        found = (e for e in self.all(path) if attributes.items() <= e.attrib.items())
        return [element.text or "" for element in found]

    def one(self, path: str, **attributes: str) -> str | None:
        """Return the text of the first of them."""
        return next(iter(self.several(path, **attributes)), None)

    def alternate(self, kind: str) -> str | None:
        """Return the first alternate identifier of such a kind."""
        path = "alternateIdentifiers/alternateIdentifier"
        return self.one(path, alternateIdentifierType=kind)

    def description(self, kind: str) -> str | None:
        """Return the first description of such a kind."""
        return self.one("descriptions/description", descriptionType=kind)


def _creators(root: DataciteReader) -> list[ET.Element]:
    return root.all("creators/creator")


def _agent(element: ET.Element, name: str) -> Node:
    parts = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
    orcid = parts.get("nameIdentifier", "").removeprefix(f"{ORCID}/") or None
    return {"name": parts[name], "orcid": orcid, "affiliation": parts.get("affiliation", "")}


def _contributors(root: DataciteReader) -> list[Node]:
    found = root.all("contributors/contributor")
    return [
        {**_agent(each, "contributorName"), "role": each.get("contributorType")}
        for each in found
        if each.get("contributorType") not in ("ContactPerson", "RightsHolder")
    ]


def _contributor(root: DataciteReader, kind: str) -> str | None:
    element = root.first("contributors/contributor", contributorType=kind)
    return None if element is None else str(_agent(element, "contributorName")["name"])


def read_schema_org(node: Node) -> Node:
    """Read a node of JSON-LD in the words of schema.org."""
    identifiers = {at(i, "propertyID"): at(i, "value") for i in nodes(node.get("identifier"))}
    keywords = nodes(node.get("keywords"))
    wholes = [at(each, "@id") for each in nodes(node.get("isPartOf"))]
    sources = [c for c in nodes(node.get("citation")) if "identifier" not in c]
    return nested(
        {
            "kid": identifiers.get(KID),
            "identifier": identifiers.get(IDENTIFIER),
            "ktype": at(node, "additionalType").rpartition("#")[2],
            "simulated": any(at(k, "name") == SIMULATED for k in keywords),
            "rows": at(node, "size", "value", default=None),
            **{f"details.{name}": at(node, goal) for name, goal in OF_SOFTWARE.items()},
            "parameters": [_parameter(each) for each in nodes(node.get("variableMeasured"))],
            "services": [_service(each) for each in nodes(node.get("potentialAction"))],
            "publication.title": at(node, "name"),
            "publication.description": at(node, "description"),
            "publication.note": at(node, "usageInfo", "text"),
            "publication.version": at(node, "version"),
            "publication.created": at(node, "dateCreated"),
            "publication.creators": [agent_of(each) for each in nodes(node.get("creator"))],
            "publication.contributors": [
                {**agent_of(role["contributor"]), "role": role["roleName"]}
                for role in nodes(node.get("contributor"))
            ],
            "publication.publisher": at(node, "publisher", "name"),
            "publication.owner": at(node, "copyrightHolder", "name"),
            "publication.contact.name": at(node, "maintainer", "name"),
            "publication.contact.email": at(node, "maintainer", "email"),
            "publication.licence": at(node, "license", "name"),
            "publication.licence_url": at(node, "license", "url"),
            "publication.subjects": [at(k, "name") for k in keywords if "inDefinedTermSet" in k],
            "publication.facility": at(node, "sourceOrganization", "name"),
            "publication.instrument": at(node, "measurementTechnique"),
            "publication.doi": identifiers.get(DOI),
            "publication.reference_url": at(node, "subjectOf", "url"),
            "publication.source": at(sources[0], "name") if sources else None,
            "publication.related": [
                {
                    "relation": at(each, "additionalType").rpartition("#")[2],
                    "identifier": each["identifier"],
                    "title": at(each, "name"),
                }
                for each in nodes(node.get("citation"))
                if "identifier" in each
            ],
            "coverage.temporal": span_of(at(node, "temporalCoverage")),
            "coverage.spatial": at(node, "spatialCoverage", "additionalProperty", "value"),
            **parted(map(_file, nodes(node.get("distribution"))), node),
            "collection": last_of(wholes, "/collections/"),
            "stream": last_of(wholes, "/streams/"),
            "replaces": kid_in(at(node, "dct:replaces", "@id")),
        }
    )


def _parameter(node: Node) -> Node:
    dtypes = {XSD + name: dtype.value for dtype, name in DTYPES.items()}
    references = at(node, "valueReference")
    texts = [references] if isinstance(references, str) else references
    said = {at(each, "propertyID"): at(each, "value") for each in nodes(references)}
    low, high = at(node, "minValue", default=None), at(node, "maxValue", default=None)
    return {
        "name": at(node, "name"),
        "dtype": dtypes.get(at(node, "additionalType")),
        "unit": at(node, "unitText"),
        "ucd": next((each for each in texts if isinstance(each, str)), None),
        "description": at(node, "description"),
        "symbol": at(node, "alternateName"),
        "range": None if low is None else [low, high],
        "null": at(node, "disambiguatingDescription"),
        **{name: said.get(name, not seldom) for name, seldom in UNUSUAL.items()},
    }


def _service(node: Node) -> Node:
    return {
        "kind": at(node, "name"),
        "url": at(node, "target", "url"),
        "table": at(node, "object", "name"),
        "ivoid": at(node, "identifier"),
        "proved": zulu(at(node, "dct:valid")),
    }


def _file(node: Node) -> Node:
    return {
        "name": at(node, "name"),
        "media_type": at(node, "encodingFormat"),
        "url": at(node, "contentUrl"),
        "size": size_of(at(node, "contentSize").removesuffix(" B")),
        "sha256": at(node, "sha256", default=None),
        "role": at(node, "genre"),
        "description": at(node, "description"),
    }


def read_schema_org_grouping(node: Node) -> Node:
    """Read a stream or a collection from a node of JSON-LD in the words of schema.org.

    What belongs to it is not read: that comes in pages, with what only names it.
    """
    identifiers = {at(i, "propertyID"): at(i, "value") for i in nodes(node.get("identifier"))}
    return nested(
        {
            "identifier": identifiers.get(IDENTIFIER),
            "title": at(node, "name"),
            "description": at(node, "description"),
            "ktype": at(node, "additionalType").rpartition("#")[2],
            "collection": last_of([at(node, "isPartOf", "@id")], "/collections/"),
        }
    )
