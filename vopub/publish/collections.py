"""Collections in the registry: what is published of them, as one record each."""

from __future__ import annotations

from collections.abc import Iterable

from vopub.model.dataset import TableMetadata
from vopub.publish.archive import newest_of
from vopub.publish.state import states
from vopub.publish.succession import archive_of
from vopub.resources import read_collection
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.announce import announce, withdraw
from vopub.vo.collection import render_collection


def announce_collections(settings: Settings, site: Site, identifiers: Iterable[str]) -> list[str]:
    """Bring the registry's records of collections in line with what is published of them.

    A collection of which nothing is in the VO any more is taken back.

    Parameters
    ----------
    settings
        Who publishes, and where collections are described.
    site
        Where.
    identifiers
        The collections.

    Returns
    -------
    list of str
        Those whose record changed.

    Raises
    ------
    VopubError
        If a collection is not described, or DaCHS refuses.
    """
    changed = []
    for identifier in identifiers:
        members = members_of(site, identifier)
        if not members:
            withdraw(site.dachs, identifier)
            continue
        description = read_collection(settings.resources, identifier)
        text = render_collection(description, members, authority=settings.publisher.authority)
        if announce(site.dachs, identifier, text):
            changed.append(identifier)
    return changed


def members_of(site: Site, identifier: str) -> list[TableMetadata]:
    """Return what is said about the members of a collection that are in the VO, newest versions."""
    members = []
    for state in states(site.state):
        current = archive_of(site, state.id).current
        if not state.services or current is None or newest_of(state.id):
            continue
        if current.description.collection == identifier:
            members.append(current.build.metadata)
    return members


def collections_of(site: Site, identifiers: Iterable[str]) -> set[str]:
    """Return the collections that published resources belong to."""
    published = (archive_of(site, identifier).current for identifier in identifiers)
    return {p.description.collection for p in published if p and p.description.collection}
