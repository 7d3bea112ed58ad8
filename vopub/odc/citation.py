"""How a resource is cited."""

from __future__ import annotations

import re

from vopub.model.resource import KM3OpenResource

_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def citation(record: KM3OpenResource, address: str) -> str:
    """Return the text to cite a resource by: creators, year, title, version, publisher, DOI.

    Parameters
    ----------
    record
        The resource.
    address
        Where its page is; used if it has no DOI.
    """
    publication = record.publication
    creators = "; ".join(creator.name for creator in publication.creators)
    return (
        f"{creators} ({publication.created.year}): {publication.title}. "
        f"Version {publication.version}. {publication.publisher} [data set]. "
        f"{_link(record, address)}"
    )


def bibtex(record: KM3OpenResource, address: str) -> str:
    """Return the BibTeX entry of a resource; parameters as ``citation``."""
    publication = record.publication
    fields = {
        "author": " and ".join(_author(creator.name) for creator in publication.creators),
        "title": f"{{{_escaped(publication.title)}}}",
        "year": str(publication.created.year),
        "version": publication.version,
        "publisher": _escaped(publication.publisher),
        "howpublished": "data set",
        **({"doi": publication.doi} if publication.doi else {}),
        "url": _link(record, address),
    }
    key = f"{record.identifier}_v{publication.version.replace('.', '_')}"
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{key},\n{lines}\n}}"


def _link(record: KM3OpenResource, address: str) -> str:
    doi = record.publication.doi
    return f"https://doi.org/{doi}" if doi else address


def _author(name: str) -> str:
    """Return a name so that BibTeX does not take a collaboration apart."""
    return _escaped(name) if "," in name else f"{{{_escaped(name)}}}"


def _escaped(text: str) -> str:
    return re.sub(r"[\\~^&%$#_{}]", lambda found: _TEX.get(found[0], f"\\{found[0]}"), text)
