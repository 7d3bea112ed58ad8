"""Registering what is published in the Open Data Center."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from vopub.errors import FileError
from vopub.files import cannot
from vopub.model.description import CollectionDescription, ResourceDescription
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, ServiceReference
from vopub.model.server import OdcServer
from vopub.odc.client import OdcClient
from vopub.publish.archive import Archive, Publication
from vopub.publish.build import Build
from vopub.publish.metadata import record_of
from vopub.publish.registrations import (
    QUEUED,
    Note,
    OpenDataCenter,
    Registration,
    deposit_or_queue,
    pending_of,
)
from vopub.publish.state import states
from vopub.resources import read_collection
from vopub.site import Site
from vopub.vo.prove import quick_check


def connect(server: OdcServer) -> OdcClient:
    """Connect to the Open Data Center with the right to write.

    Raises
    ------
    FileError
        If the token cannot be read.
    """
    try:
        token = server.token_file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise cannot("read", server.token_file, error) from error
    except UnicodeDecodeError as error:
        hint = "delete it and run 'vopub up', which makes a new one"
        raise FileError("holds no token", where=server.token_file, hint=hint) from error
    return OdcClient(server.url, token)


def register_former(site: Site, old: Publication) -> None:
    """Let the record say what it said before a publication that failed.

    If the Open Data Center does not answer, the next run does it.

    Raises
    ------
    ServiceError
        If the Open Data Center refuses.
    """
    with connect(site.odc) as client:
        _written(client, site, old.record, old.products)


def register(
    client: OdcClient, site: Site, description: ResourceDescription, build: Build,
    services: tuple[ServiceReference, ...],
) -> tuple[KM3OpenResource, str]:  # fmt: skip
    """Register a publication; if the Open Data Center does not answer, the next run does it.

    Returns
    -------
    record
        As it was or will be written.
    outcome
        Whether the record was ``created``, ``replaced``, ``unchanged`` or ``queued``.

    Raises
    ------
    ServiceError
        If the Open Data Center refuses.
    """
    record = record_of(description, build.metadata, build.manifest, services)
    return _written(client, site, record, site.products / description.id)


def register_beside(
    client: OdcClient, site: Site, old: Publication, services: tuple[ServiceReference, ...]
) -> tuple[KM3OpenResource, str]:
    """Let the record of an older version point at the services it goes on being served by.

    Returns and raises as ``register``.
    """
    record = old.record.model_copy(update={"services": services})
    return _written(client, site, record, old.products)


def _written(
    client: OdcClient, site: Site, record: KM3OpenResource, products: Path
) -> tuple[KM3OpenResource, str]:
    made = deposit_or_queue(OpenDataCenter(client), pending_of(site), record, products)
    if isinstance(made, Registration):
        return made.record, QUEUED
    return made.record, made.outcome.value


def is_published(site: Site, waiting: Registration) -> bool | None:
    """Tell whether a registration that waits is still what is published and proved.

    None while a newer publication is on its way.
    """
    found = (state for state in states(site.state) if state.kid == waiting.record.kid)
    state = next(found, None)
    if state is None:
        return False
    if not state.complete:
        return None
    current = Archive(site.archive / state.id).current
    same_files = current is not None and current.record.files == waiting.record.files
    return same_files and state.services == waiting.record.services


def withhold_dead(site: Site, identifier: str, note: Note) -> None:
    """Take services that do not answer any more out of the record of a resource.

    The next publication that proves them writes them again.

    Raises
    ------
    ServiceError
        If the Open Data Center does not answer or refuses.
    """
    current = Archive(site.archive / identifier).current
    if current is None or not current.in_vo or current.build.known is None:
        return
    asked = datetime.now(UTC)
    if quick_check(site.dachs, current.build.metadata, current.build.known):
        return

    def without_dead(record: KM3OpenResource | None) -> KM3OpenResource | None:
        """Leave out what was proved before it was asked: another publisher may have written."""
        services = () if record is None else record.services
        alive = tuple(service for service in services if service.proved > asked)
        if record is None or alive == services:
            return None
        return record.model_copy(update={"services": alive})

    with connect(site.odc) as client:
        if client.change_resource(current.state.kid, without_dead) is not None:
            note(f"{identifier}: its services do not answer and were taken out of its record")


def register_collections(
    client: OdcClient, root: Path, members: Mapping[str, Sequence[UUID]]
) -> None:
    """Write the collections, adding resources to those that are members already.

    What another publisher adds at the same time stays.

    Parameters
    ----------
    client
        The Open Data Center.
    root
        Folder of the resources, where collections are described.
    members
        By collection: ``kid`` of the resources that were registered now.

    Raises
    ------
    DescriptionError
        If a collection is not described.
    ServiceError
        If the Open Data Center does not answer or refuses.
    """
    for identifier, kids in members.items():
        description = read_collection(root, identifier)
        client.change_collection(identifier, _with_members(identifier, description, kids))


def _with_members(
    identifier: str, description: CollectionDescription, kids: Sequence[UUID]
) -> Callable[[KM3ResourceCollection | None], KM3ResourceCollection]:
    """Return what makes the collection as it is described of the one that is there."""

    def change(known: KM3ResourceCollection | None) -> KM3ResourceCollection:
        resources = dict.fromkeys([*(known.resources if known else ()), *kids])
        return KM3ResourceCollection(
            identifier=identifier,
            title=description.title,
            description=description.description,
            resources=tuple(resources),
            streams=known.streams if known else (),
        )

    return change
