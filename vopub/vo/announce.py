"""Records of the registry that have no table of their own, such as those of collections."""

from __future__ import annotations

import shutil

from vopub.files import write_text
from vopub.model.server import DachsServer
from vopub.process import service_account
from vopub.vo.dachs import Dachs
from vopub.vo.examples import DESCRIPTOR_NAME
from vopub.vo.places import Places


def announce(server: DachsServer, identifier: str, descriptor: str) -> bool:
    """Let the registry have the record that a descriptor makes.

    Returns
    -------
    bool
        Whether anything changed.

    Raises
    ------
    ServiceError
        If DaCHS finds the descriptor invalid, when the old one stays, or does not publish it.
    FileError
        If it cannot be written.
    """
    places = Places(server, identifier)
    path = places.live / DESCRIPTOR_NAME
    is_there = path.exists() and path.read_text(encoding="utf-8") == descriptor
    if is_there and Dachs(server).published(places.rd_id):
        return False
    _validate(places, descriptor)
    write_text(path, descriptor)
    for made in (places.live, path):
        service_account().own(made)
    dachs = Dachs(server)
    dachs.reload(places.rd_id)
    dachs.publish(places.rd_id)
    dachs.reload(places.rd_id)
    return True


def withdraw(server: DachsServer, identifier: str) -> None:
    """Take such a record back; the registry goes on handing it out, marked as deleted.

    Raises
    ------
    ServiceError
        If DaCHS refuses.
    """
    places = Places(server, identifier)
    if not (places.live / DESCRIPTOR_NAME).exists():
        return
    Dachs(server).drop(places.rd_id)
    shutil.rmtree(places.live, ignore_errors=True)
    Dachs(server).reload(places.rd_id)


def _validate(places: Places, descriptor: str) -> None:
    """Ask DaCHS about a descriptor where nothing is served from."""
    staging = places.staging
    try:
        write_text(staging / DESCRIPTOR_NAME, descriptor)
        for made in (staging.parent, staging, staging / DESCRIPTOR_NAME):
            service_account().own(made)
        Dachs(places.server, inputs=staging.parent).validate(places.rd_id)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
