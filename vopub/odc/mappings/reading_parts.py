"""What the readers of several targets have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vopub.odc.mappings.identifiers import ORCID
from vopub.odc.mappings.json_ld import Node, at


def rows_of(sizes: list[str]) -> int | None:
    """Return the number of rows among texts about sizes."""
    found = (re.fullmatch(r"(\d+) rows", size) for size in sizes)
    return next((int(match[1]) for match in found if match), None)


def span_of(text: str | None) -> Node | None:
    """Return start and stop of two times with a slash between them."""
    start, _, stop = (text or "").partition("/")
    return {"start": zulu(start), "stop": zulu(stop)} if stop else None


def zulu(time: str) -> str:
    """Return a time as records write it."""
    return re.sub(r"\+00:00$", "Z", time)


def last_of(addresses: list[str], kind: str) -> str | None:
    """Return the name behind the first address of pages of such a kind, e.g. ``/streams/``."""
    found = (address.rpartition(kind) for address in addresses)
    return next((name for _, at_kind, name in found if at_kind), None)


def agent_of(node: Node) -> Node:
    """Return who a node of JSON-LD is."""
    belongs = at(node, "affiliation", "name") or at(node, "parentOrganization", "name")
    return {
        "name": at(node, "name") or at(node, "foaf:name"),
        "orcid": at(node, "@id").removeprefix(f"{ORCID}/") or None,
        "affiliation": belongs or at(node, "prov:actedOnBehalfOf", "foaf:name"),
    }


def parted(files: Iterable[Node], node: Node) -> Node:
    """Return the files that are kept where the page is, and those elsewhere with their address."""
    here = f"{at(node, '@id').rpartition('/resources/')[0]}/files/"
    fields: Node = {"files": [], "elsewhere": []}
    for file in files:
        kept = file["url"].startswith(here)
        left_out = ("url",) if kept else ()
        content = {key: value for key, value in file.items() if key not in left_out}
        fields["files" if kept else "elsewhere"].append(content)
    return fields


def size_of(text: str) -> int | None:
    """Return a number of bytes; None if it is not said."""
    return int(text) if text else None
