"""What the registry of the VO and the answers of services say about a resource.

Everything is put into the words of DaCHS here, so that templates need only write it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from vopub.model.dataset import TableMetadata
from vopub.model.publication import Contributor, Publication, Related, RelationType
from vopub.model.resource import ID_PATTERN
from vopub.vo.rendering import one_line, paragraphs

SHORT_NAME_LENGTH = 16
"""Most characters that VOResource allows in a short name."""

_ORIGINS = {
    RelationType.CITES: "cites",
    RelationType.IS_DERIVED_FROM: "is_derived_from",
}
"""Relations that answers of services tell of."""

CATALOG = "Catalog"
"""What a table of events is in the words of VOResource."""
_SIMULATED = {CATALOG: "Simulated events, not observed ones."}
"""How descriptions of simulated data begin, by what they are."""

_DOI = re.compile(r"(?i)(?:doi:|https?://(?:dx\.)?doi\.org/)?(?P<doi>10\.\d{4,9}/\S+)")


def ivoid(authority: str, identifier: str) -> str:
    """Return the VO identifier of a table's cone search."""
    return f"ivo://{authority}/{identifier}/q/cone"


def collection_ivoid(authority: str, identifier: str) -> str:
    """Return the VO identifier of the record of a collection."""
    return f"ivo://{authority}/{identifier}/q/collection"


def tap_ivoid(authority: str) -> str:
    """Return the VO identifier of the TAP service."""
    return f"ivo://{authority}/tap"


def published_title(metadata: TableMetadata) -> str:
    """Return the title under which a table is published: it says so if the events are simulated."""
    return _title(metadata.publication.title, simulated=metadata.simulated)


def publication_block(
    publication: Publication,
    identifier: str,
    *,
    authority: str,
    kind: str = CATALOG,
    simulated: bool = False,
    related: Sequence[Related] = (),
) -> dict[str, Any]:
    """Return the metadata of a resource as the macro ``publication`` writes them.

    Parameters
    ----------
    publication
        What is published, by whom, under which terms.
    identifier
        The resource.
    authority
        Authority part of the VO identifiers.
    kind
        What it is, in the words of VOResource.
    simulated
        Whether the data are simulated: title and description then say so.
    related
        Relations beyond those of the publication, e.g. to the version before this one.
    """
    texts = [
        _SIMULATED.get(kind, "From simulations, not from observed data.") if simulated else "",
        *paragraphs(publication.description),
        *(f"Note: {text}" for text in paragraphs(publication.note)),
    ]
    relations = dict.fromkeys([*publication.related, *related])
    return {
        **dict(publication),
        "title": _title(publication.title, simulated=simulated),
        "short_name": identifier[:SHORT_NAME_LENGTH],
        "description": "\n\n".join(filter(None, texts)),
        "created": publication.created.isoformat(),
        "types": [kind, "Simulation"] if simulated else [kind],
        "rights": f"{publication.licence}, {publication.owner}",
        "contributors": [_contributor(contributor) for contributor in publication.contributors],
        "messenger": publication.messenger.value,
        "related": [_related(relation, authority) for relation in relations],
    }


def data_origin(metadata: TableMetadata, authority: str) -> list[dict[str, str]]:
    """Return what is told of a table of events in the answers of services; see `origin_items`."""
    return origin_items(
        metadata.publication,
        ivoid(authority, metadata.identifier),
        authority=authority,
        kid=metadata.kid,
        simulated=metadata.simulated,
    )


def origin_items(
    publication: Publication, name: str, *, authority: str, kid: UUID, simulated: bool
) -> list[dict[str, str]]:
    """Return what is told in the answers of services, as name, value and text.

    The names are those of the IVOA note "Data Origin in the VO"; those that begin with ``km3_``
    are our own.

    Parameters
    ----------
    publication
        What is published, by whom, under which terms.
    name
        The VO identifier of the data.
    authority
        Authority part of the VO identifiers of resources that are published here.
    kid
        Identifier in the Open Data Center.
    simulated
        Whether the data are simulated.
    """
    created = publication.created.isoformat()
    items = [
        ("data_ivoid", name, "Identifier in the VO registry"),
        ("publisher", publication.publisher, "Who published the data"),
        ("contact", publication.contact.email, "Whom to ask"),
        ("citation", f"doi:{publication.doi}" if publication.doi else "", "To be cited"),
        ("resource_version", publication.version, "Version of the data"),
        *(("creator", creator.name, "Who made the data") for creator in publication.creators),
        ("rights", publication.licence, "Terms of use"),
        ("rights_uri", publication.licence_url, "Text of the terms of use"),
        ("original_date", created, "Date of this version"),
        ("publication_date", created, "Date of this version"),
        ("article", publication.source, "Paper that describes the data"),
        ("reference_url", publication.reference_url or "", "A page about the data"),
        *((_ORIGINS[other.relation], _identifier(other.identifier, authority), other.title)
          for other in publication.related if other.relation in _ORIGINS),
        ("km3_kid", str(kid), "Identifier in the Open Data Center of KM3NeT"),
        ("km3_simulated", str(simulated).lower(), "Whether the data are simulated"),
    ]  # fmt: skip
    return [{"name": n, "value": one_line(v), "text": one_line(t)} for n, v, t in items if v]


def _title(title: str, *, simulated: bool) -> str:
    return one_line(title) + (" (simulated)" if simulated else "")


def _contributor(contributor: Contributor) -> str:
    """Return the name with what VOResource has no place for: ORCID iD and role."""
    orcid = f", orcid:{contributor.orcid}" if contributor.orcid else ""
    return one_line(f"{contributor.name} ({contributor.role.value}{orcid})")


def _related(related: Related, authority: str) -> dict[str, str]:
    """Return a relation in the words of DaCHS, whose keys begin with a small letter."""
    word = related.relation.value
    name, title = _identifier(related.identifier, authority), one_line(related.title)
    is_ivoid = name.startswith("ivo://")
    text = title if is_ivoid and title else f"{title} ({name})" if title else name
    return {
        "meta_name": word[0].lower() + word[1:],
        "ivoid": name if is_ivoid else "",
        "text": one_line(text),
    }


def _identifier(name: str, authority: str) -> str:
    """Return a related identifier so that it is understood elsewhere, too."""
    if re.fullmatch(ID_PATTERN, name):
        return ivoid(authority, name)
    doi = _DOI.fullmatch(name)
    return f"doi:{doi['doi']}" if doi else name
