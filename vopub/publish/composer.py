"""Publishing resources: each stage does what is missing; a failure leaves the last good one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vopub.errors import ServiceError, UnreachableError, VopubError
from vopub.model.resource import ServiceReference
from vopub.odc.client import OdcClient
from vopub.publish.collections import announce_collections
from vopub.publish.crosslinks import check_crosslinks
from vopub.publish.deposit import Destinations
from vopub.publish.passage import Passage
from vopub.publish.reading import AS_DESCRIBED, Reading
from vopub.publish.register import (
    connect,
    register_collections,
    withhold_dead,
)
from vopub.publish.registrations import Delivery, deliver_pending, pending_of
from vopub.publish.stages import Progress, Stage
from vopub.publish.state import PublicationState, doubt
from vopub.resources import ResourceFolder
from vopub.settings import Settings
from vopub.site import Site, State
from vopub.vo.ready import ready


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a publication came to."""

    id: str
    version: str
    change: str
    """What happened, in a few words."""
    rows: int | None = None
    kid: UUID | None = None
    services: tuple[ServiceReference, ...] = ()
    page: str = ""
    error: VopubError | None = None

    @property
    def urls(self) -> list[str]:
        """Addresses that the data are served at."""
        return [*(service.url for service in self.services), *([self.page] if self.page else [])]

    def as_json(self) -> dict[str, Any]:
        """Return what machines are told."""
        return {
            "id": self.id,
            "kid": None if self.kid is None else str(self.kid),
            "version": self.version,
            "rows": self.rows,
            "change": self.change,
            "endpoints": {service.kind.value: service.url for service in self.services},
            "page": self.page,
            "error": None if self.error is None else str(self.error),
        }


class Publisher:
    """Publishes resources on a site.

    Parameters
    ----------
    settings
        Who publishes, and where.
    progress
        Is told what is done.
    reading
        How the inputs are read.
    """

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        reading: Reading = AS_DESCRIBED,
    ) -> None:
        self.settings = settings
        self.progress = progress
        self.reading = reading
        self.site = Site(settings)

    def publish(
        self, folders: Sequence[ResourceFolder], *, until: Stage = Stage.REGISTER
    ) -> list[Outcome]:
        """Publish resources; a failure of one does not keep the others from being published.

        Parameters
        ----------
        folders
            The resources.
        until
            Last stage to do.

        Raises
        ------
        BusyError
            If another publication is under way, or a port of the site is taken.
        ServiceError
            If the site cannot be started.
        """
        with self.site.lock(), ready(self.site.dachs):
            if until.reaches(Stage.LOAD):
                self.site.up(self.progress.note)
            outcomes = [self._publish(folder, until) for folder in folders]
            if until is Stage.REGISTER:
                outcomes += self._collected(folders, outcomes)
        return outcomes

    def preview(
        self, folders: Iterable[ResourceFolder], *, until: Stage = Stage.REGISTER
    ) -> list[Outcome]:
        """Go the same way without changing anything; say what would change."""
        return [self._preview(folder, until) for folder in folders]

    def _passage(self, folder: ResourceFolder, until: Stage) -> Passage:
        return Passage(
            folder,
            self.settings,
            self.site,
            self.progress,
            until,
            self.reading,
        )

    def _publish(self, folder: ResourceFolder, until: Stage) -> Outcome:
        passage = self._passage(folder, until)
        try:
            state = passage.publish()
        except VopubError as failure:
            served = passage.previous
            error = self._recovered(passage, failure) if until.reaches(Stage.LOAD) else failure
            self._withhold_dead(folder)
            kept = " (the previous publication is still served)" if served else ""
            return _outcome(folder, f"failed{kept}", served, error)
        return _outcome(folder, passage.change, state)

    def _recovered(self, passage: Passage, failure: VopubError) -> VopubError:
        """Let what was served before answer again; return what to say of the failure."""
        gone = [each.name for each in self.site.status() if each.state is not State.UP]
        try:
            if gone:
                self.site.up(self.progress.note)
            passage.recover()
        except VopubError as error:
            self.progress.note(f"{passage.folder.id}: what was served before is not: {error}")
        if not gone:
            return failure
        what = f"{' and '.join(gone)} did not answer any more, so that this failed: {failure.what}"
        return ServiceError(what, where=failure.where, hint="publish again")

    def _withhold_dead(self, folder: ResourceFolder) -> None:
        """Take what is not served any more out of the record of what could not be replaced."""
        try:
            withhold_dead(self.site, folder.id, self.progress.note)
        except VopubError as error:
            self.progress.note(f"{folder.id}: its record could not be looked at: {error}")

    def _preview(self, folder: ResourceFolder, until: Stage) -> Outcome:
        passage = self._passage(folder, until)
        try:
            passage.preview()
        except VopubError as error:
            return _outcome(folder, "would fail", passage.previous, error)
        return _outcome(folder, passage.change, passage.previous)

    def _collected(
        self, folders: Sequence[ResourceFolder], outcomes: Sequence[Outcome]
    ) -> list[Outcome]:
        """Deliver what waits, and tell collections of their members.

        Returns what failed, which undoes nothing else.
        """
        members: dict[str, list[UUID]] = {}
        for folder, outcome in zip(folders, outcomes, strict=True):
            identifier = folder.description.collection
            if identifier and outcome.kid is not None and outcome.error is None:
                members.setdefault(identifier, []).append(outcome.kid)
        failed: list[Outcome] = []
        try:
            for delivery, wrong in self._delivered():
                record = delivery.record
                if wrong is not None:
                    failed.append(_not_done(delivery, wrong))
                elif delivery.is_registered and record.collection:
                    members.setdefault(record.collection, []).append(record.kid)
            self._tell_collections(members)
        except VopubError as error:
            failed.append(Outcome("collections", "", "failed", error=error))
        return failed

    def _delivered(self) -> list[tuple[Delivery, VopubError | None]]:
        """Deliver what waits for any place.

        Returns each with what is wrong: it was refused, or has come to the Open Data Center and its
        links, which could not be followed when it had to wait, do not lead where they should.
        """
        pending, note = pending_of(self.site), self.progress.note
        with (
            connect(self.site.odc) as client,
            Destinations(self.settings, self.site, client) as places,
        ):
            found = deliver_pending(pending, places.target_of, places.is_current, note)
            return [(each, self._wrong(client, each)) for each in found]

    def _wrong(self, client: OdcClient, delivery: Delivery) -> VopubError | None:
        if not delivery.is_registered:
            return delivery.error
        try:
            check_crosslinks(self.site, client, delivery.record)
        except VopubError as error:
            doubt(self.site.state, delivery.record.kid)
            return error
        return None

    def _tell_collections(self, members: dict[str, list[UUID]]) -> None:
        try:
            with connect(self.site.odc) as client:
                register_collections(client, self.settings.resources, members)
        except UnreachableError as error:
            self.progress.note(f"collections are registered by the next run: {error}")
        for identifier in announce_collections(self.settings, self.site, members):
            self.progress.note(f"{identifier}: the registry has a record of the collection")


def _not_done(delivery: Delivery, error: VopubError) -> Outcome:
    """Return what a registration came to that was refused, or does not lead where it should."""
    record, version = delivery.record, delivery.record.publication.version
    change = "failed after its queued registration was delivered"
    if delivery.error is not None:
        change = f"queued registration refused by {delivery.waiting.target}"
    return Outcome(
        record.identifier, version, change, record.rows, record.kid, record.services, error=error
    )


def _outcome(
    folder: ResourceFolder,
    change: str,
    state: PublicationState | None,
    error: VopubError | None = None,
) -> Outcome:
    version = folder.description.publication.version
    if state is None:
        return Outcome(folder.id, version, change, error=error)
    return Outcome(
        folder.id, state.version, change, state.rows, state.kid, state.services, state.page, error
    )
