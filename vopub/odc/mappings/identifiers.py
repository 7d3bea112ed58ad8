"""What sort of identifier a text is, and where it leads."""

from __future__ import annotations

import re
from enum import StrEnum
from uuid import UUID

from vopub.model.resource import ID_PATTERN, FileReference, KM3OpenResource, RemoteFile

UAT = "http://www.ivoa.net/rdf/uat"
"""The Unified Astronomy Thesaurus, as the VO publishes it."""
KID, IDENTIFIER, DOI, IVOID = "kid", "KM3NeT identifier", "DOI", "ivoid"
"""What identifiers are called where a target has a name for their sort."""
ORCID = "https://orcid.org"
SIMULATED = "simulated data"
"""Word that tells simulated data from observed ones where there is no field for it."""


class Scheme(StrEnum):
    """Sorts of identifiers; words of DataCite where it has one."""

    DOI = "DOI"
    URL = "URL"
    BIBCODE = "bibcode"
    ARXIV = "arXiv"
    IVOID = "ivoid"
    HERE = "here"
    """The identifier or ``kid`` of a resource of this centre."""
    OTHER = "other"


_FORMS = (
    (Scheme.DOI, r"10\.\d{4,9}/\S+"),
    # not with somebody's name in front of the host, nor with what browsers read as a slash
    (Scheme.URL, r"https?://[^\s/?#@\\]+([/?#][^\s\\]*)?"),
    (Scheme.IVOID, r"ivo://\S+"),
    (Scheme.ARXIV, r"arXiv:\S+"),
    (Scheme.BIBCODE, r"\d{4}[A-Za-z0-9.&]{14}[A-Z.]"),
    (Scheme.HERE, rf"{ID_PATTERN}|[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}"),
)


def scheme_of(identifier: str) -> Scheme:
    """Return what sort of identifier a text is."""
    found = (scheme for scheme, form in _FORMS if re.fullmatch(form, identifier))
    return next(found, Scheme.OTHER)


def address_of(identifier: str, base: str) -> str:
    """Return where an identifier leads; empty if nowhere.

    Parameters
    ----------
    identifier
        Of any sort.
    base
        Address of this centre, without a slash at its end.
    """
    places = {
        Scheme.DOI: "https://doi.org/{}",
        Scheme.URL: "{}",
        Scheme.IVOID: "{}",
        Scheme.ARXIV: "https://arxiv.org/abs/{}",
        Scheme.BIBCODE: "https://ui.adsabs.harvard.edu/abs/{}",
        Scheme.HERE: base + "/resources/{}",
    }
    text = identifier.removeprefix("arXiv:")
    return places.get(scheme_of(identifier), "").format(text)


def page_of(record: KM3OpenResource, base: str) -> str:
    """Return the address of a resource's page."""
    return f"{base}/resources/{record.kid}"


def file_address(record: KM3OpenResource, file: FileReference | RemoteFile, base: str) -> str:
    """Return the address of a resource's file, here or on the server that keeps it."""
    return file.url if isinstance(file, RemoteFile) else f"{base}/files/{record.kid}/{file.name}"


def kid_in(address: str) -> str | None:
    """Return the ``kid`` at the end of the address of a page; None if there is none."""
    _, at_page, name = address.rpartition("/resources/")
    try:
        return str(UUID(name)) if at_page else None
    except ValueError:
        return None


def ivoids_of(record: KM3OpenResource) -> list[str]:
    """Return the identifiers in the VO registry of the resource itself, not of shared services.

    The identifier of a TAP service is that of a service for many tables.
    """
    own = (service.ivoid for service in record.services if service.kind.value != "tap")
    return list(dict.fromkeys(ivoid for ivoid in own if ivoid))


def is_person(name: str, orcid: str | None) -> bool:
    """Tell whether a creator is a person: with an ORCID iD, or written 'Family, Given'."""
    return orcid is not None or bool(re.fullmatch(r"[^,]+, [^,]+", name))
