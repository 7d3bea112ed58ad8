"""Links by which programs find their way from a stream or a collection to what belongs to it.

Sources as of ``signposting``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from vopub.model.resource import KM3ResourceStream
from vopub.odc.forms import Form
from vopub.odc.mappings.groupings import (
    Grouping,
    Parts,
    address_of_grouping,
    path_of,
    types_of,
)
from vopub.odc.signposting import LINKSET, Link, context

MOST_ITEMS = 30
"""Links to parts in a header: proxies take some kB of it. With more, the linkset tells of them."""


def links_of_grouping(
    record: Grouping, parts: Parts, base: str, forms: Sequence[Form]
) -> Iterator[Link]:
    """Yield the links of the page of a stream or a collection, which shows some of its parts.

    Parameters
    ----------
    record, parts
        Of what, and what belongs to it.
    base
        Address of the service.
    forms
        In which it is given to programs.
    """
    items = list(_items(parts, base))
    yield from _links(record, items if len(items) <= MOST_ITEMS else [], base, forms)


def linkset_of_grouping(
    record: Grouping, parts: Parts, base: str, forms: Sequence[Form]
) -> bytes:  # fmt: skip
    """Return the links of a stream or a collection, of a page of its parts, and of its forms.

    Parameters as ``links_of_grouping``.
    """
    page = address_of_grouping(record, base)
    items = list(_items(parts, base))
    sets = [context(page, _links(record, items, base, forms))]
    back = [Link("collection", page, "text/html")]
    sets += [context(item.href, back) for item in items]
    about = [Link("describes", page, "text/html")]
    sets += [context(form.href, about) for form in _forms(record, base, forms)]
    if parts.later:
        sets.append(context(parts.here, [Link("next", parts.later, LINKSET)]))
    return json.dumps({"linkset": sets}).encode()


def links_of_form(path: str, form: Form, base: str, later: str) -> Iterator[Link]:
    """Yield the links of a stream or a collection in a form for programs.

    Parameters
    ----------
    path
        Where it is, as ``path_of`` says.
    form, base
        The form, and the address of the service.
    later
        Address of the next page of it; empty if there is none.
    """
    yield Link("describes", f"{base}/{path}", "text/html")
    yield Link("linkset", f"{base}/api/{path}/linkset", LINKSET)
    if later:
        yield Link("next", later, form.media_type)


def _links(
    record: Grouping, items: Sequence[Link], base: str, forms: Sequence[Form]
) -> Iterator[Link]:
    yield Link("type", "https://schema.org/AboutPage")
    yield from (Link("type", f"https://schema.org/{kind}") for kind in types_of(record))
    yield from _forms(record, base, forms)
    yield from items
    if isinstance(record, KM3ResourceStream) and record.collection:
        yield Link("collection", f"{base}/collections/{record.collection}", "text/html")
    path = path_of(type(record), record.identifier)
    yield Link("linkset", f"{base}/api/{path}/linkset", LINKSET)


def _forms(record: Grouping, base: str, forms: Sequence[Form]) -> Iterator[Link]:
    program = f"{base}/api/{path_of(type(record), record.identifier)}"
    for form in forms:
        yield Link("describedby", f"{program}?format={form.value}", form.media_type)


def _items(parts: Parts, base: str) -> Iterator[Link]:
    for stream in parts.streams:
        yield Link("item", address_of_grouping(stream, base), "text/html")
    for summary in parts.resources:
        yield Link("item", f"{base}/resources/{summary.kid}", "text/html")
