"""Taking back what was published: from the VO, and from the Open Data Center with a reason."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence

from vopub.errors import UsageError, did_you_mean
from vopub.files import cannot
from vopub.publish.archive import newest_of, older_versions
from vopub.publish.collections import announce_collections, collections_of
from vopub.publish.register import connect
from vopub.publish.state import PublicationState, begin_change, forget_state, states
from vopub.publish.succession import archive_of, tell_of_versions
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.load import remove
from vopub.vo.ready import ready


def unpublish(
    settings: Settings, identifiers: Sequence[str], reason: str, site: Site | None = None
) -> list[PublicationState]:
    """Take resources back; their records go on saying that they were there and why they went.

    Parameters
    ----------
    settings
        Where they are published.
    identifiers
        The resources, e.g. ``evts21_01``, which takes its older versions with it; an older
        version alone goes by the name that it is served under, e.g. ``evts21_01_v1_0``.
    reason
        What people are told who ask for one of them.
    site
        The site, if it is at hand.

    Returns
    -------
    list of PublicationState
        What was published until now.

    Raises
    ------
    UsageError
        If one is not published, or no reason is given; nothing is taken back then.
    BusyError
        If a publication is under way.
    ServiceError
        If a server refuses; doing it again goes on where it stopped.
    """
    if not reason.strip():
        raise UsageError("a reason is needed", hint="it is shown to everyone who asks for the data")
    site = site or Site(settings)
    with site.lock(), ready(site.dachs):
        published = {state.id: state for state in states(site.state)}
        for identifier in identifiers:
            if identifier not in published:
                hint = did_you_mean(identifier, published)
                raise UsageError(f"{identifier!r} is not published", where=site.state, hint=hint)
        site.up(lambda _: None)
        wanted = [name for each in identifiers for name in _with_older(each, published.values())]
        chosen = [published[name] for name in dict.fromkeys(wanted)]
        collections = collections_of(site, wanted)
        for state in chosen:
            _take_back(site, state, reason.strip())
        for identifier in {newest_of(state.id) for state in chosen} & published.keys():
            tell_of_versions(site, settings.publisher.authority, identifier)
        announce_collections(settings, site, sorted(collections))
    return chosen


def _with_older(identifier: str, published: Iterable[PublicationState]) -> list[str]:
    """Return a resource and its older versions, which would refer to something that is gone."""
    return [*older_versions(identifier, published), identifier]


def _take_back(site: Site, state: PublicationState, reason: str) -> None:
    """Withdraw the record first: it must not point at a service that is gone."""
    begin_change(site.state, state)
    with connect(site.odc) as client:
        if client.get_resource(state.kid) is not None:
            client.delete_resource(state.kid, reason=reason)
    remove(site.dachs, state.id)
    archive_of(site, state.id).remove()
    for directory in (site.products / state.id, site.parts / state.id):
        try:
            if directory.exists():
                shutil.rmtree(directory)
        except OSError as error:
            raise cannot("remove", directory, error) from error
    forget_state(site.state, state.id)
