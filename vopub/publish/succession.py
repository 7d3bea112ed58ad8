"""One publication taking the place of another: what goes on being served, and what is kept.

The publication that was replaced is kept, for `vopub.publish.rollback`. If the new one is another,
higher version, the old version is served beside it under a name of its own instead, and the two
refer to each other in the registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from vopub.errors import VopubError
from vopub.model.description import ResourceDescription
from vopub.model.publication import Related, RelationType
from vopub.model.resource import KM3OpenResource
from vopub.model.server import OdcServer
from vopub.odc.client import OdcClient
from vopub.publish.addresses import file_addresses
from vopub.publish.archive import (
    Archive,
    Publication,
    older_versions,
    version_id,
    version_numbers,
)
from vopub.publish.build import Build
from vopub.publish.bulk import with_bulk
from vopub.publish.crosslinks import prove_datalinks
from vopub.publish.observe import datasets_for
from vopub.publish.state import PublicationState, read_state, states, write_state
from vopub.site import Site
from vopub.vo.datasets import with_datasets
from vopub.vo.descriptor import ivoid, render_descriptor
from vopub.vo.known_events import KnownEvents
from vopub.vo.load import is_settled, load, redescribe, remove, settle
from vopub.vo.places import data_file
from vopub.vo.prove import prove, prove_candidate
from vopub.vo.registry import collection_ivoid


def archive_of(site: Site, identifier: str) -> Archive:
    """Return what is remembered of a resource."""
    return Archive(site.archive / identifier)


def recover_archive(site: Site, identifier: str) -> None:
    """Bring what is remembered in line with what is served, after vopub was killed.

    To be done before the services are recovered: they tell how far it was.
    """
    archive = archive_of(site, identifier)
    if is_settled(site.dachs, identifier):
        archive.advance(keep=True)
    else:
        archive.forget_next()


def goes_beside(old: Publication | None, new: ResourceDescription) -> bool:
    """Tell whether a publication goes on being served when a new one is published."""
    return (
        old is not None
        and old.in_vo
        and new.vo.publish
        and version_numbers(new.publication.version) > version_numbers(old.state.version)
    )


def check_version(site: Site, description: ResourceDescription) -> None:
    """Look whether a version is free to be published.

    Raises
    ------
    VopubError
        If it is an older one that is served beside a newer.
    """
    version = description.publication.version
    name = version_id(description.id, version)
    if name in older_versions(description.id, states(site.state)):
        raise VopubError(
            f"version {version} is already served beside a newer one, as {name}",
            where=description.id,
            hint=f"'vopub rollback {description.id}' goes back to it; or choose a higher version",
        )


def descriptor_of(
    site: Site, authority: str, description: ResourceDescription, build: Build
) -> str:
    """Return the descriptor of the newest version, with its relations to the older ones.

    Empty if the table is not for the VO.
    """
    if not description.vo.publish or build.known is None:
        return ""
    own = version_id(description.id, description.publication.version)
    names = [n for n in older_versions(description.id, states(site.state)) if n != own]
    current = archive_of(site, description.id).current
    if current is not None and goes_beside(current, description):
        names.append(version_id(description.id, current.state.version))
    title = description.publication.title
    related = [
        _related(RelationType.IS_NEW_VERSION_OF, authority, name, f"{title}, version {number}")
        for name in names
        for number in [name.rpartition("_v")[2].replace("_", ".")]
    ]
    if description.collection:
        related.append(_part_of(description.collection, authority))
    text = _render(site.odc, build, build.known, description, authority, related=related)
    return with_datasets(text, datasets_for(site, description, build))


def serve_beside(site: Site, authority: str, old: Publication) -> PublicationState:
    """Serve an older version under a name of its own; returns it as it is remembered then.

    Parameters
    ----------
    site
        Where.
    authority
        Authority part of the VO identifiers.
    old
        The version.

    Raises
    ------
    VopubError
        If it cannot be served; nothing is left of it then.
    """
    identifier, known = old.description.id, old.build.known
    name = version_id(identifier, old.state.version)
    if known is None:
        raise VopubError("no event is known to prove it with", where=name)
    # Which version is the newest changes, and this descriptor stays: it does not say the number.
    superseded = (
        f"This is version {old.state.version}; a newer version has taken its place"
        f" and is served as {identifier}."
    )
    said = old.build.metadata.publication
    said = said.model_copy(update={"note": "\n\n".join(filter(None, [superseded, said.note]))})
    metadata = old.build.metadata.model_copy(update={"identifier": name, "publication": said})
    build = old.build.model_copy(update={"metadata": metadata})
    title = f"{old.description.publication.title}, newest version"
    related = [_related(RelationType.IS_PREVIOUS_VERSION_OF, authority, identifier, title)]
    text = _render(site.odc, build, known, old.description, authority, related=related)
    text = with_datasets(text, datasets_for(site, old.description, build))
    try:
        load(
            site.dachs, name, descriptor=text, csv=old.csv, rows=metadata.rows,
            check=lambda candidate: prove_candidate(site.dachs, metadata, known, candidate),
        )  # fmt: skip
        services = prove(site.dachs, metadata, known, authority=authority)
        services += prove_datalinks(site, old.description, build)
    except VopubError:
        remove(site.dachs, name)
        raise
    settle(site.dachs, name)
    changed = {"id": name, "services": services, "descriptor": digest(text), "complete": True}
    return old.state.model_copy(update=changed)


def register_again(
    client: OdcClient, publication: Publication, state: PublicationState
) -> KM3OpenResource:
    """Write a record that was written before, now pointing at other services."""
    for reference in publication.record.files:
        client.put_file(state.kid, reference, publication.products / reference.name)
    record = publication.record.model_copy(update={"services": state.services})
    record = with_bulk(client, record)
    client.put_resource(record)
    return record


def succeed(
    site: Site, new: Publication, *, old: Publication | None, beside: PublicationState | None
) -> None:
    """Remember that a publication has taken the place of another, and settle what is served.

    Parameters
    ----------
    site
        Where.
    new
        What is served, proved and registered now.
    old
        What it replaced, and is kept.
    beside
        The old one as it goes on being served under another name; it is not kept then.
    """
    identifier = new.state.id
    archive = archive_of(site, identifier)
    archive.prepare(new)
    if old is not None and beside is not None:
        _remember_beside(site, old, beside)
    keep = old is not None and beside is None
    settle(site.dachs, identifier, keep=keep and old is not None and old.in_vo)
    archive.advance(keep=keep)
    write_state(site.state, new.state)


def tell_of_versions(site: Site, authority: str, identifier: str) -> None:
    """Let the descriptor of what is served name the versions that are beside it now, no others.

    Raises
    ------
    ServiceError
        If DaCHS refuses.
    """
    current = archive_of(site, identifier).current
    state = read_state(site.state, identifier)
    if current is None or state is None or not state.services or not state.complete:
        return
    text = descriptor_of(site, authority, current.description, current.build)
    if digest(text) != state.descriptor:
        redescribe(site.dachs, identifier, text)
        write_state(site.state, state.model_copy(update={"descriptor": digest(text)}))


def digest(text: str) -> str:
    """Return the SHA-256 of a descriptor; empty if there is none."""
    return sha256(text.encode()).hexdigest() if text else ""


def _remember_beside(site: Site, old: Publication, beside: PublicationState) -> None:
    record = old.record.model_copy(update={"services": beside.services})
    archive = archive_of(site, beside.id)
    archive.prepare(
        Publication(beside, old.description, old.build, record, old.products),
    )
    archive.advance(keep=False)
    write_state(site.state, beside)


def _related(relation: RelationType, authority: str, identifier: str, title: str) -> Related:
    return Related(relation=relation, identifier=ivoid(authority, identifier), title=title)


def _part_of(collection: str, authority: str) -> Related:
    return Related(
        relation=RelationType.IS_PART_OF,
        identifier=collection_ivoid(authority, collection),
        title=f"Collection {collection}",
    )


def _render(
    server: OdcServer,
    build: Build,
    known: KnownEvents,
    description: ResourceDescription,
    authority: str,
    *,
    related: Iterable[Related],
) -> str:
    """Render a descriptor whose publication has further relations."""
    publication = build.metadata.publication
    publication = publication.model_copy(update={"related": (*publication.related, *related)})
    return render_descriptor(
        build.metadata.model_copy(update={"publication": publication}),
        description.vo,
        authority=authority,
        data_file=data_file(Path(f"{description.id}.csv")),
        known=known,
        functions=build.functions or (),
        landing_page=f"{server.url}/resources/{build.metadata.kid}",
        files=file_addresses(server, build),
    )
