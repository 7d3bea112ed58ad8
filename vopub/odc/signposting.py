"""Links by which programs find their way from the page of a resource to all that belongs to it.

Sources: FAIR Signposting Profile (https://signposting.org/FAIR/), RFC 8288 (Link), RFC 9264
(linkset), RFC 5829 (versions).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from vopub.model.resource import KM3OpenResource
from vopub.odc.forms import forms_of

MOST_ITEMS = 40
"""Files named in a header; the linkset names all."""
LINKSET = "application/linkset+json"


@dataclass(frozen=True, slots=True)
class Link:
    """A link from one address to another."""

    rel: str
    href: str
    type: str = ""
    """Media type of what it leads to."""

    def __str__(self) -> str:
        kind = f'; type="{self.type}"' if self.type else ""
        return f'<{self.href}>; rel="{self.rel}"{kind}'


def links_of_page(
    record: KM3OpenResource, base: str, replaced_by: UUID | None = None
) -> Iterator[Link]:
    """Yield the links of the page of a resource.

    Parameters
    ----------
    record
        Its record.
    base
        Address of the service.
    replaced_by
        ``kid`` of the next version; None if it is the newest.
    """
    program = f"{base}/api/resources/{record.kid}"
    publication = record.publication
    yield Link("cite-as", cite_as(record, base))
    yield Link("type", "https://schema.org/AboutPage")
    yield Link("type", f"https://schema.org/{record.ktype.entry.schema_org}")
    yield Link("license", _ascii(publication.licence_url))
    orcids = (creator.orcid for creator in publication.creators if creator.orcid)
    yield from (Link("author", f"https://orcid.org/{orcid}") for orcid in orcids)
    for form in forms_of(record):
        yield Link("describedby", f"{program}?format={form.value}", form.media_type)
    for file in record.every_file:
        kind = file.media_type.replace(" ", "")
        yield Link("item", f"{base}/files/{record.kid}/{file.name}", kind)
    if record.replaces is not None:
        yield Link("predecessor-version", f"{base}/resources/{record.replaces}")
    if replaced_by is not None:
        yield Link("successor-version", f"{base}/resources/{replaced_by}")
    yield Link("latest-version", f"{base}/resources/{record.identifier}")
    if record.collection:
        yield Link("collection", f"{base}/collections/{record.collection}")
    yield Link("linkset", f"{program}/linkset", LINKSET)


def links_of_record(kid: UUID, base: str, replaced_by: UUID | None = None) -> Iterator[Link]:
    """Yield the links of the record in a form for programs, also to the next version's."""
    yield Link("describes", f"{base}/resources/{kid}", "text/html")
    yield Link("linkset", f"{base}/api/resources/{kid}/linkset", LINKSET)
    if replaced_by is not None:
        yield Link("successor-version", f"{base}/api/resources/{replaced_by}")


def header(links: Iterable[Link]) -> dict[str, str]:
    """Return the Link header."""
    kept = list(links)
    surplus = [link for link in kept if link.rel == "item"][MOST_ITEMS:]
    return {"Link": ", ".join(str(link) for link in kept if link not in surplus)}


def linkset(record: KM3OpenResource, base: str, replaced_by: UUID | None = None) -> bytes:
    """Return all links of a resource, its files and its record as JSON; as ``links_of_page``."""
    page, program = f"{base}/resources/{record.kid}", f"{base}/api/resources/{record.kid}"
    sets = [context(page, links_of_page(record, base, replaced_by))]
    for file in record.every_file:
        back = [Link("collection", page, "text/html"), Link("cite-as", cite_as(record, base))]
        sets.append(context(f"{base}/files/{record.kid}/{file.name}", back))
    for form in forms_of(record):
        about = [Link("describes", page, "text/html")]
        sets.append(context(f"{program}?format={form.value}", about))
    return json.dumps({"linkset": sets}).encode()


def context(anchor: str, links: Iterable[Link]) -> dict[str, object]:
    """Return the links from an address as an entry of a linkset."""
    targets: dict[str, object] = {"anchor": anchor}
    for link in links:
        target = {"href": link.href, **({"type": link.type} if link.type else {})}
        found = targets.setdefault(link.rel, [])
        if isinstance(found, list):
            found.append(target)
    return targets


def cite_as(record: KM3OpenResource, base: str) -> str:
    """Return the address by which a resource is cited: its DOI, else that of this version."""
    doi = record.publication.doi
    return _ascii(f"https://doi.org/{doi}") if doi else f"{base}/resources/{record.kid}"


def _ascii(address: str) -> str:
    """Return an address in which nothing can end a link or a header."""
    return quote(address, safe="!#$%&'()*+/:;=?@[]~")
