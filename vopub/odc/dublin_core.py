"""A record in the fifteen elements of Dublin Core (https://www.dublincore.org/documents/dces/)."""

from __future__ import annotations

from collections.abc import Iterator

from vopub.model.resource import Coverage, KM3OpenResource


def dublin_core(record: KM3OpenResource, address: str) -> Iterator[tuple[str, str]]:
    """Yield the elements of a record, as name and value.

    Parameters
    ----------
    record
        The resource.
    address
        Where its page is.
    """
    publication = record.publication
    yield "title", publication.title
    yield from (("creator", creator.name) for creator in publication.creators)
    yield from (("subject", subject) for subject in publication.subjects)
    yield "description", publication.description
    yield "publisher", publication.publisher
    yield "date", publication.created.isoformat()
    yield "type", record.ktype.entry.dcmi
    yield "type", record.ktype.value
    formats = dict.fromkeys(file.media_type.partition(";")[0] for file in record.every_file)
    yield from (("format", media_type) for media_type in formats)
    yield "identifier", address
    if publication.doi:
        yield "identifier", f"https://doi.org/{publication.doi}"
    if publication.source:
        yield "source", publication.source
    yield "language", "en"
    yield from (("relation", related.identifier) for related in publication.related)
    yield from (("coverage", covered) for covered in _covered(record.coverage))
    yield "rights", f"{publication.licence}, {publication.owner}"
    yield "rights", publication.licence_url


def _covered(coverage: Coverage) -> Iterator[str]:
    if coverage.temporal is not None:
        span = coverage.temporal
        # DCMI Period Encoding Scheme
        yield f"start={span.start.isoformat()}; end={span.stop.isoformat()}; scheme=W3C-DTF"
    if coverage.spatial:
        yield f"MOC {coverage.spatial}"
