"""Putting together what is said about a table: publication, provenance, record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from vopub import __version__
from vopub.formats.registry import formats
from vopub.model.dataset import Manifest, TableMetadata
from vopub.model.description import ResourceDescription
from vopub.model.event_table import NOT_IN_LIST, EventAccount, Excluded
from vopub.model.provenance import Entity, ProcessingStep, Provenance
from vopub.model.publication import Publication
from vopub.model.resource import (
    KM3OpenResource,
    ServiceReference,
)
from vopub.publish.history import beginning
from vopub.settings import PublisherSettings

SOFTWARE = f"vopub {__version__}"


def publication_of(description: ResourceDescription, publisher: PublisherSettings) -> Publication:
    """Complete a resource's publication metadata with what the site's settings say."""
    section = description.publication
    return Publication.model_validate(
        {
            **section.model_dump(),
            "publisher": section.publisher or publisher.publisher,
            "owner": section.owner or publisher.owner,
            "contact": (section.contact or publisher.contact).model_dump(),
        }
    )


def provenance_of(
    description: ResourceDescription,
    kid: UUID,
    key: str,
    inputs: tuple[Entity, ...],
    times: tuple[datetime, datetime],
    *,
    account: EventAccount | None = None,
) -> Provenance:
    """Return the list of steps that made a table of its inputs, from the inputs' own records on.

    Parameters
    ----------
    description
        The resource.
    kid
        Identifier of the version that is made.
    key
        Digest of everything it is made from: the same key gives the same step identifiers.
    inputs
        The files that were read, with their histories.
    times
        When the reduction started and ended.
    account
        Where every event went; None if it is not known.
    """
    start = beginning(inputs)
    making = _Making(description, kid, key, times, account)
    steps = (*start.steps, making.reduce(start.inputs), making.select(), making.write())
    return Provenance(steps=steps, entities=start.entities)


@dataclass(frozen=True, slots=True)
class _Making:
    """The steps of our own; arguments as of `provenance_of`."""

    description: ResourceDescription
    kid: UUID
    key: str
    times: tuple[datetime, datetime]
    account: EventAccount | None

    def reduce(self, inputs: tuple[str, ...]) -> ProcessingStep:
        section = self.description.events
        return ProcessingStep(
            identifier=self._identifier("reduce"),
            name="reduce",
            description="Take the best reconstruction of each event and compute its sky position, "
            "time and further quantities.",
            software=SOFTWARE,
            configuration={
                "detector": section.detector,
                "reconstruction": section.reconstruction,
                **{name: derived.formula for name, derived in section.derived.items()},
            },
            counts=_reduced(self.account) if self.account else {},
            inputs=inputs,
            outputs=(self._name("reduced"),),
            started=self.times[0],
            ended=self.times[1],
        )

    def select(self) -> ProcessingStep:
        cuts = {cut.name: cut.keep for cut in self.description.events.selection}
        return ProcessingStep(
            identifier=self._identifier("select"),
            name="select",
            description="Apply the cuts of the selection one after the other; keep one row per "
            "event.",
            software=SOFTWARE,
            configuration={**(cuts or {"selection": "none"})},
            counts=_selected(self.account) if self.account else {},
            inputs=(self._name("reduced"),),
            outputs=(self._name("events"),),
            started=self.times[0],
            ended=self.times[1],
        )

    def write(self) -> ProcessingStep:
        return ProcessingStep(
            identifier=self._identifier("write"),
            name="write",
            description="Write the table with its metadata.",
            software=SOFTWARE,
            inputs=(self._name("events"),),
            outputs=tuple(
                f"{self.description.id}{product.suffix}"
                for form in formats(self.description.formats)
                for product in form.writer.products
            ),
            started=self.times[1],
        )

    def _identifier(self, step: str) -> UUID:
        return uuid5(self.kid, f"{step} {self.key}")

    def _name(self, what: str) -> str:
        return f"{self.description.id}.{what}"


def _reduced(account: EventAccount) -> dict[str, int]:
    """Return how many events were read, lost before the selection, and left for it."""
    chosen = _chosen(account)
    gone = {entry.reason: entry.events for entry in account.excluded if entry not in chosen}
    return {"read": account.read, **gone, "reduced": account.read - sum(gone.values())}


def _selected(account: EventAccount) -> dict[str, int]:
    """Return how many events entered the selection, were left out by each cut, and are left."""
    gone = {entry.reason: entry.events for entry in _chosen(account)}
    return {"entered": account.kept + sum(gone.values()), **gone, "kept": account.kept}


def _chosen(account: EventAccount) -> list[Excluded]:
    """Return the entries of events that were left out after they were reduced."""
    cuts = [cut for cut in account.cuts if cut.reason != NOT_IN_LIST]
    return [*cuts, account.repeated]


def record_of(
    description: ResourceDescription,
    metadata: TableMetadata,
    manifest: Manifest,
    services: tuple[ServiceReference, ...],
) -> KM3OpenResource:
    """Return the record that the Open Data Center keeps of a published table."""
    return KM3OpenResource(
        kid=metadata.kid,
        identifier=description.id,
        ktype=description.ktype,
        simulated=description.simulated,
        publication=metadata.publication,
        data_taking=metadata.data_taking,
        parameters=metadata.parameters,
        provenance=metadata.provenance,
        account=metadata.account,
        rows=metadata.rows,
        coverage=metadata.coverage,
        files=manifest.files,
        services=services,
        collection=description.collection,
    )
