"""Going back to the publication before the one that is served.

What one goes back from is kept in turn, so that doing it twice changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vopub.errors import UsageError, VopubError, did_you_mean
from vopub.files import cannot, write_text
from vopub.formats.swap import staging_path, swap_in
from vopub.model.resource import ServiceReference
from vopub.publish.archive import Publication, link_tree, older_versions
from vopub.publish.collections import announce_collections, collections_of
from vopub.publish.crosslinks import check_crosslinks, prove_datalinks
from vopub.publish.register import connect
from vopub.publish.state import (
    PublicationState,
    begin_change,
    forget_state,
    read_state,
    states,
    write_state,
)
from vopub.publish.succession import (
    archive_of,
    descriptor_of,
    digest,
    goes_beside,
    recover_archive,
    register_again,
    serve_beside,
    succeed,
)
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.known_events import KnownEvents
from vopub.vo.load import bring_back, is_settled, load, redescribe, remove, restore
from vopub.vo.prove import prove, prove_candidate
from vopub.vo.ready import ready


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What was served, and what is served now."""

    before: PublicationState
    now: PublicationState


def rollback(
    settings: Settings, identifiers: Sequence[str], site: Site | None = None
) -> list[RolledBack]:
    """Serve the publication before, proved and registered; keep the one that was served.

    Parameters
    ----------
    settings
        Where they are published.
    identifiers
        The resources, e.g. ``evts21_01``.
    site
        The site, if it is at hand.

    Raises
    ------
    UsageError
        If one is not published; nothing is changed then.
    VopubError
        If nothing is kept of the publication before, or it cannot be served; what was served
        goes on being served.
    BusyError
        If a publication is under way.
    """
    site = site or Site(settings)
    with site.lock(), ready(site.dachs):
        published = {state.id: state for state in states(site.state)}
        for identifier in identifiers:
            if identifier not in published:
                hint = did_you_mean(identifier, published)
                raise UsageError(f"{identifier!r} is not published", where=site.state, hint=hint)
        site.up(lambda _: None)
        done = [
            _Rollback(site, settings.publisher.authority, identifier).run()
            for identifier in dict.fromkeys(identifiers)
        ]
        announce_collections(settings, site, sorted(collections_of(site, identifiers)))
        return done


@dataclass(frozen=True, slots=True)
class _Rollback:
    """The way back for one resource."""

    site: Site
    authority: str
    identifier: str

    def run(self) -> RolledBack:
        recover_archive(self.site, self.identifier)
        now, target, older = self._publications()
        before = read_state(self.site.state, self.identifier) or now.state
        begin_change(self.site.state, before)
        try:
            services = self._serve(now, target)
            state = target.state.model_copy(
                update={
                    "id": self.identifier,
                    "services": services,
                    "published": datetime.now(UTC),
                    "complete": True,
                    "descriptor": digest(self._descriptor(target)) if services else "",
                }
            )
            beside = self._register(now, target, state)
        except VopubError:
            self._go_back(now, before)
            raise
        record = target.record.model_copy(update={"services": services})
        new = Publication(state, target.description, target.build, record, target.products)
        self._restore_products(new)
        succeed(self.site, new, old=now, beside=beside)
        if older:
            self._withdraw_older(older)
        return RolledBack(before, state)

    def _publications(self) -> tuple[Publication, Publication, str]:
        """Return what is served, what to go back to, and under which name that is served now."""
        archive = archive_of(self.site, self.identifier)
        older = older_versions(self.identifier, states(self.site.state))[-1:]
        target, name = archive.kept, ""
        if target is None and older:
            target, name = archive_of(self.site, older[0]).current, older[0]
        if archive.current is None or target is None:
            raise VopubError(
                "nothing is kept of a publication before the one that is served",
                where=self.identifier,
                hint="change its description back and publish it",
            )
        return archive.current, target, name

    def _descriptor(self, target: Publication) -> str:
        return descriptor_of(self.site, self.authority, target.description, target.build)

    def _serve(self, now: Publication, target: Publication) -> tuple[ServiceReference, ...]:
        """Let the services give what they gave before; prove it."""
        dachs, known = self.site.dachs, target.build.known
        if not target.in_vo or known is None:
            if now.in_vo:
                remove(dachs, self.identifier)
            return ()
        text = self._descriptor(target)
        if bring_back(dachs, self.identifier):
            self._tell(text)
        else:
            self._load(target, text, known)
        services = prove(dachs, target.build.metadata, known, authority=self.authority)
        return services + prove_datalinks(self.site, target.description, target.build)

    def _tell(self, text: str) -> None:
        if text != (self.site.dachs.inputs / self.identifier / "q.rd").read_text(encoding="utf-8"):
            redescribe(self.site.dachs, self.identifier, text)

    def _load(self, target: Publication, text: str, known: KnownEvents) -> None:
        metadata = target.build.metadata
        load(
            self.site.dachs, self.identifier, descriptor=text, csv=target.csv, rows=metadata.rows,
            check=lambda name: prove_candidate(self.site.dachs, metadata, known, name),
        )  # fmt: skip

    def _register(
        self, now: Publication, target: Publication, state: PublicationState
    ) -> PublicationState | None:
        """Bring the Open Data Center in line; returns the version that goes beside, if one does."""
        beside = None
        if state.services and goes_beside(now, target.description):
            beside = serve_beside(self.site, self.authority, now)
        with connect(self.site.odc) as client:
            written = [register_again(client, target, state)]
            if beside is not None:
                written.append(register_again(client, now, beside))
            elif now.state.kid != state.kid and client.get_resource(now.state.kid) is not None:
                reason = f"version {now.state.version} was rolled back to {state.version}"
                client.delete_resource(now.state.kid, reason=reason)
            for record in written:
                check_crosslinks(self.site, client, record)
        return beside

    def _go_back(self, now: Publication, before: PublicationState) -> None:
        """Serve again what was served before this failed."""
        if not is_settled(self.site.dachs, self.identifier):
            restore(self.site.dachs, self.identifier)
        elif not now.in_vo:
            remove(self.site.dachs, self.identifier)
        else:
            return  # taken out of the VO, or never changed: 'vopub publish' sees which
        write_state(self.site.state, before)

    def _restore_products(self, new: Publication) -> None:
        """Let the products be those that are served, as if they had been made now."""
        directory: Path = self.site.products / self.identifier
        staging = staging_path(directory)
        try:
            shutil.rmtree(staging, ignore_errors=True)
            link_tree(new.products, staging)
            swap_in(directory)
        except OSError as error:
            raise cannot("restore", directory, error) from error
        record = self.site.state / f"{self.identifier}.build"
        write_text(record, new.build.model_dump_json(indent=1) + "\n")

    def _withdraw_older(self, name: str) -> None:
        """Remove the services under the name of an older version, which is the newest again."""
        remove(self.site.dachs, name)
        archive_of(self.site, name).remove()
        forget_state(self.site.state, name)
