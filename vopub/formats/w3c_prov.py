"""Provenance as W3C PROV, in its JSON form and in its notation for people (PROV-N).

Files that exist are named by the SHA-256 of their bytes (RFC 6920, ``nih:``), steps and collections
by their UUID, the table and the products of this version by its ``kid`` and their name. The same
metadata always give the same text.

Sources: W3C PROV-DM, PROV-N (Recommendations of 2013-04-30), PROV-JSON (Submission of 2013-04-24).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from vopub.model.dataset import TableMetadata
from vopub.model.event_table import EventAccount
from vopub.model.provenance import Entity, ProcessingStep

if TYPE_CHECKING:
    from prov.model import ProvDocument

JSON_SUFFIX, NOTATION_SUFFIX = ".prov.json", ".provn"
TERMS = "urn:vopub:terms:"
NAMESPACES = {
    "vopub": TERMS,
    "setting": f"{TERMS}setting:",
    "events": f"{TERMS}events:",
    "software": "urn:vopub:software:",
    "organisation": "urn:vopub:organisation:",
    "uuid": "urn:uuid:",
    "sha256": "nih:sha-256;",
    "dcterms": "http://purl.org/dc/terms/",
}
"""Prefixes of every document; ``product`` is the namespace of one version of a resource."""
Attributes = list[tuple[str, Any]]


def prov_document(metadata: TableMetadata) -> ProvDocument:
    """Return how a table was made as a document of W3C PROV.

    Files, collections and products are entities; steps are activities, with the numbers of events
    that entered and left; programs and the publisher are agents.
    """
    from prov.model import ProvDocument  # noqa: PLC0415  # slow to load, and seldom needed

    document = ProvDocument(namespaces={**NAMESPACES, "product": f"urn:uuid:{metadata.kid}#"})
    publisher = _add_publisher(document, metadata)
    accounts = {entry.identifier: entry.account for entry in metadata.cut_flow}
    for entity in metadata.provenance.entities:
        _add_entity(document, entity, accounts.get(entity.identifier))
    steps = metadata.provenance.steps
    for name in _products(steps, metadata):
        document.entity(_entity_name(name), _product(name, simulated=metadata.simulated))
    for step in steps:
        _add_step(document, step, publisher)
    return document


def prov_json(metadata: TableMetadata) -> str:
    """Return how a table was made as PROV-JSON; ends with a new line."""
    return str(prov_document(metadata).serialize(format="json", indent=1)) + "\n"


def prov_n(metadata: TableMetadata) -> str:
    """Return how a table was made in the notation PROV-N; ends with a new line."""
    return prov_document(metadata).get_provn() + "\n"


def _add_publisher(document: ProvDocument, metadata: TableMetadata) -> str:
    name = metadata.publication.publisher
    identifier = f"organisation:{_local(name)}"
    document.agent(identifier, [("prov:type", _term("prov:Organization")), ("prov:label", name)])
    return identifier


def _add_entity(document: ProvDocument, entity: Entity, account: EventAccount | None) -> None:
    about: Attributes = [("prov:label", entity.name)]
    if entity.description:
        about.append(("dcterms:description", entity.description))
    if entity.uuid:
        about.append(("vopub:uuid", str(entity.uuid)))
    if account is not None:
        about += _counted(_flow(account))
    identifier = _entity_name(entity.identifier)
    if not entity.members:
        document.entity(identifier, about)
        return
    document.collection(identifier, about)
    for member in entity.members:
        document.hadMember(identifier, _entity_name(member))


def _add_step(document: ProvDocument, step: ProcessingStep, publisher: str) -> None:
    about: Attributes = [("prov:label", step.name), ("dcterms:description", step.description)]
    about += [(f"setting:{_local(k)}", v) for k, v in step.configuration.items() if v is not None]
    about += _counted(step.counts.items())
    about += [("vopub:recordedAs", str(identifier)) for identifier in step.recorded_as]
    activity = f"uuid:{step.identifier}"
    document.activity(activity, step.started, step.ended, about)
    if step.software:
        agent = _add_software(document, step.software)
        document.wasAssociatedWith(activity, agent)
        if step.software.startswith("vopub "):
            document.actedOnBehalfOf(agent, publisher, activity)
    for before in step.after:
        document.wasInformedBy(activity, f"uuid:{before}")
    for used in step.inputs:
        document.used(activity, _entity_name(used))
    for made in step.outputs:
        document.wasGeneratedBy(_entity_name(made), activity)
        for used in step.inputs:
            document.wasDerivedFrom(_entity_name(made), _entity_name(used), activity)


def _add_software(document: ProvDocument, software: str) -> str:
    name, _, version = software.partition(" ")
    identifier = f"software:{_local(software)}"
    about: Attributes = [("prov:type", _term("prov:SoftwareAgent")), ("prov:label", software)]
    if not document.get_record(identifier):
        about += [("vopub:program", name)] + ([("vopub:version", version)] if version else [])
        document.agent(identifier, about)
    return identifier


def _products(steps: Iterable[ProcessingStep], metadata: TableMetadata) -> Iterator[str]:
    """Yield what steps made or used that is no entity of its own, each once."""
    known = {entity.identifier for entity in metadata.provenance.entities}
    names = (name for step in steps for name in (*step.inputs, *step.outputs))
    yield from dict.fromkeys(name for name in names if name not in known)


def _product(name: str, *, simulated: bool) -> Attributes:
    about: Attributes = [("prov:label", name), ("prov:type", _term("vopub:Product"))]
    said = [("dcterms:description", "Simulated, not observed"), ("vopub:simulated", True)]
    return about + said * simulated


def _flow(account: EventAccount) -> Iterator[tuple[str, int]]:
    yield "read", account.read
    for gone in account.excluded:
        yield f"left out: {gone.reason}", gone.events
    yield "kept", account.kept


def _counted(counts: Iterable[tuple[str, int]]) -> Attributes:
    return [(f"events:{_local(reason)}", events) for reason, events in counts]


def _entity_name(identifier: str) -> str:
    kind, _, name = identifier.partition(":")
    if kind == "sha256":
        return identifier
    if kind in ("uuid", "collection"):
        return f"uuid:{UUID(name)}"
    return f"product:{_local(identifier)}"


def _local(text: str) -> str:
    """Return a text as the local part of a name, in letters, digits and ``_.-``."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.-")
    return plain or hashlib.sha256(text.encode()).hexdigest()[:8]


def _term(name: str) -> Any:
    """Return a name of our terms or of PROV as a value, not as a text."""
    from prov.constants import PROV  # noqa: PLC0415
    from prov.identifier import Namespace  # noqa: PLC0415

    prefix, _, local = name.partition(":")
    return PROV[local] if prefix == "prov" else Namespace("vopub", TERMS)[local]
