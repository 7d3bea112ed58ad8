"""Depositing what is published in further places: a Dataverse, an InvenioRDM such as Zenodo.

What cannot be deposited because a place does not answer waits as registrations do.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

from vopub.errors import FileError, UsageError, did_you_mean
from vopub.files import cannot, write_text
from vopub.model.resource import KM3OpenResource
from vopub.odc.client import OdcClient
from vopub.odc.targets.base import Deposit, Target
from vopub.odc.targets.dataverse import Dataverse
from vopub.odc.targets.invenio import InvenioRdm
from vopub.publish.archive import Archive
from vopub.publish.register import is_published
from vopub.publish.registrations import (
    ODC,
    OpenDataCenter,
    Registration,
    deposit_or_queue,
    pending_of,
)
from vopub.publish.state import read_state, states
from vopub.settings import Settings
from vopub.site import Site

RESERVED = ".invalid"
"""End of authorities that do not exist: theirs are samples."""


class Place(StrEnum):
    """Where something can be deposited."""

    DATAVERSE = "dataverse"
    INVENIO = "invenio"


def deposit(
    settings: Settings, identifier: str, place: Place, *, publish: bool = False
) -> Deposit | Registration:
    """Put the newest publication of a resource into another place.

    Doing it again changes only what differs; a new version becomes a new version there.

    Parameters
    ----------
    settings
        Where it is published, and where the other place is.
    identifier
        The resource.
    place
        The other place.
    publish
        Whether to make it public there, which cannot be undone; otherwise it stays a draft.

    Returns
    -------
    Deposit or Registration
        What is there now; or what waits, because the place does not answer. The next publication of
        whatever resource delivers it, and so does doing it again.

    Raises
    ------
    UsageError
        If it is not published, the place is not set, or a sample would be made public.
    ServiceError, FileError
        If it refuses; if a file or the token cannot be read.
    """
    authority = settings.publisher.authority
    if publish and authority.endswith(RESERVED):
        hint = "set your authority, or leave it a draft"
        raise UsageError(f"what {authority!r} publishes is a sample", hint=hint)
    site = Site(settings)
    published = [state.id for state in states(site.state)]
    current = Archive(site.archive / identifier).current if identifier in published else None
    if current is None:
        hint = did_you_mean(identifier, published)
        raise UsageError(f"{identifier!r} is not published", where=site.state, hint=hint)
    target = _Remembering(target_of(settings, place), site, identifier)
    try:
        return deposit_or_queue(
            target, pending_of(site), current.record, current.products, resource=identifier,
            publish=publish,
        )  # fmt: skip
    finally:
        target.close()


class Destinations:
    """The places that something waits for, to be used in a ``with`` statement.

    Parameters
    ----------
    settings, site
        Where the places are, and what is published.
    client
        Talks to the Open Data Center; is not closed.
    """

    def __init__(self, settings: Settings, site: Site, client: OdcClient) -> None:
        self._settings = settings
        self._site = site
        self._client = client
        self._connected: dict[Place, Target] = {}

    def __enter__(self) -> Destinations:
        return self

    def __exit__(self, *_: object) -> None:
        for target in self._connected.values():
            target.close()

    def target_of(self, waiting: Registration) -> Target:
        """Return the place that a registration is for.

        Raises
        ------
        UsageError, FileError
            If it is not set, or there is none of this name; if its token cannot be read.
        """
        if waiting.target == ODC:
            return OpenDataCenter(self._client)
        if waiting.target not in set(Place):
            raise UsageError(f"there is no place {waiting.target!r}")
        place = Place(waiting.target)
        if place not in self._connected:
            self._connected[place] = target_of(self._settings, place)
        return _Remembering(self._connected[place], self._site, waiting.resource)

    def is_current(self, waiting: Registration) -> bool | None:
        """Tell whether what waits is still what is published; None while a newer one is made."""
        if waiting.target == ODC:
            return is_published(self._site, waiting)
        state = read_state(self._site.state, waiting.resource)
        if state is None or not state.complete:
            return False if state is None else None
        current = Archive(self._site.archive / waiting.resource).current
        return current is not None and current.record == waiting.record


class _Remembering:
    """A place that is told again what it calls a resource of this site."""

    def __init__(self, target: Target, site: Site, resource: str) -> None:
        self.name = target.name
        self._target = target
        self._memory = site.state / "deposits" / f"{target.name}-{resource}.json"

    def deposit(
        self, record: KM3OpenResource, products: Path, *, key: str = "", publish: bool = False
    ) -> Deposit:
        """Put a resource there, and remember what it is called; as ``Target.deposit``."""
        key = key or _remembered(self._memory)
        made = self._target.deposit(record, products, key=key, publish=publish)
        known = {"key": made.key, "address": made.address, "doi": made.doi}
        text = json.dumps({**known, "published": made.published}, indent=2)
        write_text(self._memory, f"{text}\n")
        return made

    def close(self) -> None:
        """Close the connections."""
        self._target.close()


def target_of(settings: Settings, place: Place) -> Dataverse | InvenioRdm:
    """Connect to a place.

    Raises
    ------
    UsageError, FileError
        If it is not set; if its token cannot be read.
    """
    chosen = settings.archives
    url, token = {
        Place.DATAVERSE: (chosen.dataverse_url, chosen.dataverse_token),
        Place.INVENIO: (chosen.invenio_url, chosen.invenio_token),
    }[place]
    if url is None or token is None:
        hint = f"set {place}_url and {place}_token in [archives]"
        raise UsageError(f"it is not set where the {place} is", hint=hint)
    secret = _secret(token)
    if place is Place.DATAVERSE:
        return Dataverse(url, chosen.dataverse_collection, secret)
    return InvenioRdm(url, secret)


def _secret(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise FileError("others can read the token", where=path, hint=f"chmod 600 {path}")
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise cannot("read", path, error) from error
    except UnicodeDecodeError as error:
        raise FileError("holds no token", where=path, hint="write the token into it") from error


def _remembered(path: Path) -> str:
    """Return what a place called a resource before; empty if that is to be looked for there."""
    try:
        return str(json.loads(path.read_bytes())["key"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return ""
