"""Registering what is published in the Open Data Center."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from vopub.errors import FileError
from vopub.files import cannot
from vopub.model.description import ResourceDescription
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, ServiceReference
from vopub.model.server import OdcServer
from vopub.odc.client import OdcClient
from vopub.publish.archive import version_numbers
from vopub.publish.build import Build
from vopub.publish.metadata import record_of
from vopub.resources import read_collection


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


def register(
    client: OdcClient,
    description: ResourceDescription,
    build: Build,
    services: tuple[ServiceReference, ...],
    products: Path,
) -> tuple[KM3OpenResource, str]:
    """Upload the files of a resource, then write its record; sends only what is not there.

    Returns
    -------
    record
        As it was written.
    outcome
        Whether the record was ``created``, ``replaced`` or ``unchanged``.

    Raises
    ------
    ServiceError
        If the Open Data Center does not answer or refuses.
    """
    for reference in build.manifest.files:
        client.put_file(build.metadata.kid, reference, products / reference.name)
    record = record_of(description, build.metadata, build.manifest, services)
    ours = version_numbers(record.publication.version)
    others = client.find(identifier=description.id)
    older = [other for other in others if version_numbers(other.version) < ours]
    if older:
        before = max(older, key=lambda other: version_numbers(other.version))
        record = record.model_copy(update={"replaces": before.kid})
    return record, client.put_resource(record).value


def register_collections(
    client: OdcClient, root: Path, members: Mapping[str, Sequence[UUID]]
) -> None:
    """Write the collections, adding resources to those that are members already.

    Parameters
    ----------
    client
        The Open Data Center.
    root
        Folder of the resources, where collections are described.
    members
        By collection: ``kid`` of the resources that were registered now.
    """
    for identifier, kids in members.items():
        description = read_collection(root, identifier)
        known = client.get_collection(identifier)
        resources = dict.fromkeys([*(known.resources if known else ()), *kids])
        client.put_collection(
            KM3ResourceCollection(
                identifier=identifier,
                title=description.title,
                description=description.description,
                resources=tuple(resources),
                streams=known.streams if known else (),
            )
        )
