"""Putting together what is said about a table: publication, provenance, record."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from vopub import __version__
from vopub.model.dataset import Manifest, TableMetadata
from vopub.model.description import ResourceDescription
from vopub.model.provenance import Entity, ProcessingStep, Provenance
from vopub.model.publication import Publication
from vopub.model.resource import (
    KM3OpenResource,
    ServiceReference,
)
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
) -> Provenance:
    """Return the list of steps that made a table of its inputs.

    Parameters
    ----------
    description
        The resource.
    kid
        Identifier of the version that is made.
    key
        Digest of everything it is made from: the same key gives the same step identifiers.
    inputs
        The files that were read.
    times
        When the step started and ended.
    """
    events = description.events
    reduce = ProcessingStep(
        identifier=uuid5(kid, f"reduce {key}"),
        name="reduce",
        description="Take the best reconstruction of each event, compute its sky position and "
        "time, apply the selection and keep one row per event.",
        software=SOFTWARE,
        configuration={
            "detector": events.detector,
            "reconstruction": events.reconstruction,
            "selection": " and ".join(cut.keep for cut in events.selection) or "none",
        },
        inputs=tuple(entity.identifier for entity in inputs),
        outputs=(f"{description.id}.events",),
        started=times[0],
        ended=times[1],
    )
    write = ProcessingStep(
        identifier=uuid5(kid, f"write {key}"),
        name="write",
        description="Write the table with its metadata as CSV and HDF5.",
        software=SOFTWARE,
        inputs=reduce.outputs,
        outputs=(f"{description.id}.csv", f"{description.id}.h5"),
        started=times[1],
    )
    return Provenance(steps=(reduce, write), entities=inputs)


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
