"""The record of a collection: what its members say of themselves, taken together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mocpy import MOC

from vopub.model.dataset import TableMetadata
from vopub.model.description import CollectionDescription
from vopub.model.publication import Publication, Related, RelationType
from vopub.vo.coverage import ascii_moc, coverage_block, sky_moc
from vopub.vo.registry import (
    collection_ivoid,
    ivoid,
    publication_block,
    published_title,
    tap_ivoid,
)
from vopub.vo.rendering import render

TEMPLATE = "collection.rd.xml"
KIND = "Archive"
SOME_SIMULATED = "Some of its parts are simulated, not observed; their titles say so."

T = TypeVar("T")


def render_collection(
    description: CollectionDescription,
    members: Sequence[TableMetadata],
    *,
    authority: str,
    templates: Path | None = None,
) -> str:
    """Write the descriptor of a collection, which is one data-collection record.

    Parameters
    ----------
    description
        What a person wrote about it.
    members
        Its resources that are in the VO: at least one.
    authority
        Authority part of the VO identifiers.
    templates
        Folder of the templates; default those that come with vopub.

    Raises
    ------
    VopubError
        As `vopub.vo.rendering.render`.
    """
    block = publication_block(
        _publication(description, members),
        description.id,
        authority=authority,
        kind=KIND,
        simulated=all(member.simulated for member in members),
        related=list(_parts(members, authority)),
    )
    variables = {
        "id": description.id,
        "ivoid": collection_ivoid(authority, description.id),
        "publication": {**block, **_rights([m.publication for m in members])},
        "coverage": _coverage(members),
        "served_by": tap_ivoid(authority),
    }
    return render(TEMPLATE, variables, about=description.id, templates=templates)


def _publication(
    description: CollectionDescription, members: Sequence[TableMetadata]
) -> Publication:
    """Return what is said about a collection: of its own, or else what all members say."""
    said = [member.publication for member in members]
    first = said[0]
    simulated = {member.simulated for member in members}
    facilities, instruments = (
        ", ".join(_each(text for p in said if (text := getattr(p, name))))
        for name in ("facility", "instrument")
    )
    return first.model_copy(
        update={
            "title": description.title,
            "description": description.description,
            "version": description.version,
            "created": max(p.created for p in said),
            "creators": _each(creator for p in said for creator in p.creators),
            "contributors": _each(helper for p in said for helper in p.contributors),
            "subjects": _each(subject for p in said for subject in p.subjects),
            "facility": facilities,
            "instrument": instruments,
            "reference_url": description.reference_url,
            "doi": description.doi,
            "source": "",
            "related": (),
            "note": SOME_SIMULATED if len(simulated) > 1 else "",
        }
    )


def _rights(said: Sequence[Publication]) -> dict[str, str]:
    """Return the terms of all members; an address only if it is that of all."""
    rights = "; ".join(_each(f"{p.licence}, {p.owner}" for p in said))
    addresses = _each(p.licence_url for p in said)
    return {"rights": rights, "licence_url": addresses[0] if len(addresses) == 1 else ""}


def _parts(members: Iterable[TableMetadata], authority: str) -> Iterable[Related]:
    for member in members:
        name, title = ivoid(authority, member.identifier), published_title(member)
        yield Related(relation=RelationType.HAS_PART, identifier=name, title=title)


def _coverage(members: Sequence[TableMetadata]) -> dict[str, Any]:
    """Return what any of the members covers."""
    blocks = [coverage_block(member.coverage, member.data_taking) for member in members]
    sky = MOC.new_empty(0)
    for member in members:
        if text := sky_moc(member.coverage):
            sky = sky.union(MOC.from_string(text, format="ascii"))
    return {
        "spatial": "" if sky.empty() else ascii_moc(sky),
        "temporal": _each(interval for block in blocks for interval in block["temporal"]),
        "spectral": _hull([block["spectral"] for block in blocks if block["spectral"]]),
    }


def _hull(intervals: Sequence[str]) -> str:
    ends = [tuple(interval.split()) for interval in intervals]
    if not ends:
        return ""
    return f"{min((e[0] for e in ends), key=float)} {max((e[1] for e in ends), key=float)}"


def _each(items: Iterable[T]) -> tuple[T, ...]:
    """Return items once, in the order in which they first come."""
    return tuple(dict.fromkeys(items))
