"""Depositing what is published in further places: a Dataverse, an InvenioRDM such as Zenodo."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from vopub.errors import FileError, UsageError, did_you_mean
from vopub.files import cannot, write_text
from vopub.odc.targets.base import Deposit
from vopub.odc.targets.dataverse import Dataverse
from vopub.odc.targets.invenio import InvenioRdm
from vopub.publish.archive import Archive
from vopub.publish.state import states
from vopub.settings import Settings
from vopub.site import Site

RESERVED = ".invalid"
"""End of authorities that do not exist: theirs are samples."""
_DEPOSIT = TypeAdapter(Deposit)


class Place(StrEnum):
    """Where something can be deposited."""

    DATAVERSE = "dataverse"
    INVENIO = "invenio"


def deposit(settings: Settings, identifier: str, place: Place, *, publish: bool = False) -> Deposit:
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

    Raises
    ------
    UsageError
        If it is not published, the place is not set, or a sample would be made public.
    UnreachableError
        If the place does not answer; doing it again goes on where it stopped.
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
    target = target_of(settings, place)
    memory = site.state / "deposits" / f"{place}-{identifier}.json"
    try:
        known = _remembered(memory)
        key = known.key if known else ""
        made = target.deposit(current.record, current.products, key=key, publish=publish)
    finally:
        target.close()
    write_text(memory, _DEPOSIT.dump_json(made, indent=2).decode() + "\n")
    return made


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


def _remembered(path: Path) -> Deposit | None:
    """Return what was deposited before; what cannot be understood is looked for there."""
    try:
        return _DEPOSIT.validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
