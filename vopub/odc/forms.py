"""The forms in which a record is handed out, and which of them somebody gets.

Source: RFC 9110, section 12.5.1 (Accept).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request

from vopub.model.resource import KM3OpenResource
from vopub.odc.citation import bibtex, citation
from vopub.odc.faults import NotOfferedError
from vopub.odc.mappings import datacite_xml, dcat, schema_org, voresource_xml
from vopub.odc.mappings.identifiers import ivoids_of, page_of


class Form(StrEnum):
    """A form of a record, by its name in ``?format=``."""

    HTML = "html"
    JSON = "json"
    JSON_LD = "jsonld"
    DCAT = "dcat"
    DATACITE = "datacite"
    VORESOURCE = "voresource"
    """Of what has an identifier in the VO registry."""
    BIBTEX = "bibtex"
    CITATION = "citation"

    @property
    def media_type(self) -> str:
        """What HTTP calls it."""
        return _MEDIA_TYPES[self]

    @property
    def words(self) -> str:
        """What people call it."""
        return _TITLES[self]


_MEDIA_TYPES = {
    Form.HTML: "text/html",
    Form.JSON: "application/json",
    Form.JSON_LD: "application/ld+json",
    Form.DCAT: "application/vnd.dcat+json",
    Form.DATACITE: "application/vnd.datacite.datacite+xml",
    # A name of ours: browsers like application/xml.
    Form.VORESOURCE: "application/x-voresource+xml",
    Form.BIBTEX: "application/x-bibtex",
    Form.CITATION: "text/x-bibliography",
}
_TITLES = {
    Form.HTML: "page",
    Form.JSON: "JSON",
    Form.JSON_LD: "JSON-LD (schema.org)",
    Form.DCAT: "JSON-LD (DCAT)",
    Form.DATACITE: "DataCite XML",
    Form.VORESOURCE: "VOResource XML",
    Form.BIBTEX: "BibTeX",
    Form.CITATION: "citation",
}
_WRITERS: Mapping[Form, Callable[[KM3OpenResource, str, UUID | None], bytes]] = {
    Form.JSON_LD: lambda record, base, newer: as_json(schema_org(record, base, replaced_by=newer)),
    Form.DCAT: lambda record, base, newer: as_json(dcat(record, base, replaced_by=newer)),
    Form.DATACITE: lambda record, base, newer: datacite_xml(record, base, replaced_by=newer),
    Form.VORESOURCE: lambda record, base, newer: voresource_xml(record, base, replaced_by=newer),
    Form.BIBTEX: lambda record, base, _: _text(bibtex(record, page_of(record, base))),
    Form.CITATION: lambda record, base, _: _text(citation(record, page_of(record, base))),
}
FOR_PAGES = tuple(Form)
"""What the address of a page is offered in; the first is the default."""
FOR_PROGRAMS = tuple(form for form in Form if form is not Form.HTML)


def forms_of(record: KM3OpenResource) -> tuple[Form, ...]:
    """Return the forms for programs that there are of a record."""
    in_registry = bool(ivoids_of(record))
    return tuple(form for form in FOR_PROGRAMS if in_registry or form is not Form.VORESOURCE)


@dataclass(frozen=True, slots=True)
class _Range:
    """A part of an Accept header."""

    kind: str
    """E.g. ``text/html``, ``text/*`` or ``*/*``."""
    weight: float

    def fits(self, media_type: str) -> int:
        """Return how exactly it names a media type; 0 if it does not."""
        if self.kind == media_type:
            return 3
        if self.kind == f"{media_type.partition('/')[0]}/*":
            return 2
        return 1 if self.kind == "*/*" else 0


def write(form: Form, record: KM3OpenResource, base: str, replaced_by: UUID | None = None) -> bytes:
    """Return a record in a form other than HTML and JSON.

    Parameters
    ----------
    form, record
        Which form of what.
    base
        Address of the service.
    replaced_by
        ``kid`` of the next version, which the record itself cannot know.
    """
    if form not in (Form.HTML, *forms_of(record)):
        what = f"{record.identifier} has no identifier in the VO registry"
        raise NotOfferedError(what, hint=f"there are {_listed(forms_of(record))}")
    return _WRITERS[form](record, base, replaced_by)


def chosen(accept: str, named: str | None, offered: Sequence[Form]) -> Form:
    """Return the form that somebody asked for.

    Parameters
    ----------
    accept
        The Accept header.
    named
        The name of a form, which counts more; None if there was none.
    offered
        The possible forms; the first is the default, also for who accepts everything.

    Raises
    ------
    NotOfferedError
        If none of them is accepted.
    """
    by_name = {form.value: form for form in offered}
    found = best(accept, offered) if named is None else by_name.get(named)
    if found is None:
        raise NotOfferedError("there is no such form of it", hint=f"there are {_listed(offered)}")
    return found


def _listed(forms: Sequence[Form]) -> str:
    return ", ".join(f"{form.value} ({form.media_type})" for form in forms)


Format = Annotated[
    str | None,
    Query(
        max_length=20,
        description="The form instead of the one that the header Accept asks for: "
        f"{', '.join(form.value for form in FOR_PROGRAMS)}.",
    ),
]


async def form_for_programs(request: Request, format: Format = None) -> Form:  # noqa: A002
    """Return the form that a program asked for."""
    return chosen(request.headers.get("accept", ""), format, FOR_PROGRAMS)


TheForm = Annotated[Form, Depends(form_for_programs)]


def best(accept: str, offered: Sequence[Form]) -> Form | None:
    """Return the form that an Accept header likes best; of equal ones the first."""
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    if not ranges:
        return offered[0]
    weights = [_weight(form.media_type, ranges) for form in offered]
    return offered[weights.index(max(weights))] if max(weights) > 0 else None


def _weight(media_type: str, ranges: Sequence[_Range]) -> float:
    """Return how much a media type is liked: the most exact part of the header decides."""
    fitting = [(each.fits(media_type), each.weight) for each in ranges]
    return max((pair for pair in fitting if pair[0]), default=(0, 0.0))[1]


def _range(part: str) -> _Range:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    try:
        return _Range(kind, min(max(float(weight), 0.0), 1.0))
    except ValueError:
        return _Range(kind, 0.0)


def as_json(node: object) -> bytes:
    """Return a node of JSON-LD as it is sent."""
    return json.dumps(node, ensure_ascii=False).encode()


def _text(text: str) -> bytes:
    return f"{text}\n".encode()
