"""Streams and collections in the words of schema.org and of DCAT, as JSON-LD.

What belongs to one may be very many, so that a document holds a page of it and leads to the next.

Sources: https://schema.org/DataCatalog, https://schema.org/Dataset; DCAT 3, on
catalogs, dataset series and inverse properties; for pages, the Hydra Core Vocabulary, which
catalogues in DCAT use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vopub.model.resource import KM3ResourceCollection, KM3ResourceStream
from vopub.odc.answers import ResourceSummary
from vopub.odc.mappings.dcat import PREFIXES
from vopub.odc.mappings.identifiers import IDENTIFIER
from vopub.odc.mappings.json_ld import Node, filled
from vopub.odc.mappings.schema_org import CONTEXT

Grouping = KM3ResourceStream | KM3ResourceCollection
HYDRA = {"hydra": "http://www.w3.org/ns/hydra/core#"}
STREAM_TYPES = ("Dataset", "Collection")
COLLECTION_TYPES = ("DataCatalog", "Collection")


@dataclass(frozen=True, slots=True)
class Parts:
    """A page of what belongs to a stream or a collection."""

    resources: Sequence[ResourceSummary]
    streams: Sequence[KM3ResourceStream] = ()
    total: int | None = None
    """How many resources belong to it; None if that is not known exactly."""
    here: str = ""
    """Address of this page; empty if there is no other."""
    later: str = ""
    """Address of the next page; empty if this is the last."""
    is_first: bool = True


def path_of(kind: type[Grouping], identifier: str) -> str:
    """Return where a stream or a collection is, below its page and the REST service."""
    return f"{'streams' if issubclass(kind, KM3ResourceStream) else 'collections'}/{identifier}"


def types_of(record: Grouping) -> tuple[str, ...]:
    """Return what a stream or a collection is in the words of schema.org."""
    return STREAM_TYPES if isinstance(record, KM3ResourceStream) else COLLECTION_TYPES


def address_of_grouping(record: Grouping, base: str) -> str:
    """Return the address of the page of a stream or a collection."""
    return f"{base}/{path_of(type(record), record.identifier)}"


def schema_org_grouping(record: Grouping, parts: Parts, base: str) -> Node:
    """Return a stream or a collection as a node of JSON-LD in the words of schema.org.

    Parameters
    ----------
    record
        The stream, a data set of many, or the collection, a catalogue of data.
    parts
        What belongs to it.
    base
        Address of the service, without a slash at its end.
    """
    address = address_of_grouping(record, base)
    identifier = {"propertyID": IDENTIFIER, "value": record.identifier}
    return filled(
        {
            "@context": {**CONTEXT, **HYDRA},
            "@id": address,
            "@type": list(types_of(record)),
            "additionalType": _ktype(record, base),
            "url": address,
            "identifier": {"@type": "PropertyValue", **identifier},
            "name": record.title,
            "description": record.description,
            "inLanguage": "en",
            "isAccessibleForFree": True,
            "isPartOf": _whole(record, base, "Collection", "name"),
            "collectionSize": parts.total,
            "hasPart": [
                *(_stream(each, base) for each in parts.streams),
                *(_resource(each, base) for each in parts.resources),
            ],
            **_pages(parts),
        }
    )


def dcat_grouping(record: Grouping, parts: Parts, base: str) -> Node:
    """Return a stream as a series of data sets, a collection as a catalogue, in the words of DCAT.

    Parameters as ``schema_org_grouping``.
    """
    address = address_of_grouping(record, base)
    is_stream = isinstance(record, KM3ResourceStream)
    # An inverse such as dcat:seriesMember stands beside dcat:inSeries, never alone.
    in_series = {"dcat:inSeries": _link(address)} if is_stream else {}
    return filled(
        {
            "@context": {**PREFIXES, **HYDRA},
            "@id": address,
            "@type": ["dcat:DatasetSeries" if is_stream else "dcat:Catalog", "hydra:Collection"],
            "dct:type": _link(_ktype(record, base)),
            "dct:identifier": record.identifier,
            "dcat:landingPage": _link(address),
            "dct:title": record.title,
            "dct:description": record.description,
            "dct:language": "en",
            "dct:isPartOf": _whole(record, base, "dcat:Catalog", "dct:identifier"),
            "hydra:totalItems": parts.total,
            "dcat:seriesMember" if is_stream else "dcat:dataset": [
                *(_series(each, base) for each in parts.streams),
                *({**_dataset(each, base), **in_series} for each in parts.resources),
            ],
            **_pages(parts),
        }
    )


def _link(address: str | None) -> Node:
    return {"@id": address} if address else {}


def _ktype(record: Grouping, base: str) -> str | None:
    if isinstance(record, KM3ResourceStream):
        return f"{base}/ktypes#{record.ktype.value}"
    return None


def _whole(record: Grouping, base: str, kind: str, named: str) -> Node | None:
    """Return the collection that a stream is in."""
    name = record.collection if isinstance(record, KM3ResourceStream) else ""
    return {"@id": f"{base}/collections/{name}", "@type": kind, named: name} if name else None


def _stream(stream: KM3ResourceStream, base: str) -> Node:
    address = address_of_grouping(stream, base)
    return {"@id": address, "@type": list(STREAM_TYPES), "url": address, "name": stream.title}


def _resource(summary: ResourceSummary, base: str) -> Node:
    address = f"{base}/resources/{summary.kid}"
    return {
        "@id": address,
        "@type": summary.ktype.entry.schema_org,
        "url": address,
        "identifier": summary.identifier,
        "name": summary.title,
        "version": summary.version,
    }


def _series(stream: KM3ResourceStream, base: str) -> Node:
    address = address_of_grouping(stream, base)
    return {"@id": address, "@type": "dcat:DatasetSeries", "dct:title": stream.title}


def _dataset(summary: ResourceSummary, base: str) -> Node:
    return {
        "@id": f"{base}/resources/{summary.kid}",
        "@type": "dcat:Dataset",
        "dct:identifier": [str(summary.kid), summary.identifier],
        "dct:title": summary.title,
        "dcat:version": summary.version,
    }


def _pages(parts: Parts) -> Node:
    if not parts.here:
        return {}
    view = {"@id": parts.here, "@type": "hydra:PartialCollectionView"}
    return {"hydra:view": filled({**view, "hydra:next": _link(parts.later)})}
