"""What is said about a table as rows that people read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from vopub.model.data_taking import Run
from vopub.model.dataset import TableMetadata
from vopub.model.event_table import Excluded
from vopub.model.parameter import Parameter
from vopub.model.provenance import ProcessingStep


class HeaderRow(NamedTuple):
    """One thing said about a table."""

    block: str
    """``publication``, ``data taking``, ``parameters``, ``provenance`` or ``account``."""
    entry: str
    value: str
    unit: str = ""
    description: str = ""


def header_rows(metadata: TableMetadata) -> list[HeaderRow]:
    """Return the four blocks and the account of a table; what is not known has no row."""
    rows = chain(
        _publication(metadata),
        _data_taking(metadata),
        map(_parameter, metadata.parameters),
        _provenance(metadata),
        _account(metadata),
    )
    return [row for row in rows if row.value]


def metadata_json(metadata: TableMetadata) -> str:
    """Return everything said about a table as JSON of ASCII characters only.

    Formats that hold only some characters (FITS, XML) hold all of these.
    """
    return json.dumps(metadata.model_dump(mode="json"), allow_nan=False, separators=(",", ":"))


def _publication(metadata: TableMetadata) -> Iterator[HeaderRow]:
    block, p = "publication", metadata.publication
    yield HeaderRow(block, "title", p.title)
    yield HeaderRow(block, "note", p.note, "", "What to know before using the data")
    yield HeaderRow(block, "simulated", _yes(metadata.simulated), "", "Or measured")
    yield HeaderRow(block, "description", p.description)
    yield HeaderRow(block, "identifier", metadata.identifier, "", "Identifier of the resource")
    yield HeaderRow(block, "kid", str(metadata.kid), "", "Identifier of this version")
    yield HeaderRow(block, "version", p.version)
    yield HeaderRow(block, "created", p.created.isoformat(), "", "Date of this version")
    for person in p.creators:
        about = ", ".join(part for part in (person.orcid, person.affiliation) if part)
        yield HeaderRow(block, "creator", person.name, "", about)
    for helper in p.contributors:
        parts = (helper.role.value, helper.orcid, helper.affiliation)
        about = ", ".join(part for part in parts if part)
        yield HeaderRow(block, "contributor", helper.name, "", about)
    yield HeaderRow(block, "publisher", p.publisher)
    yield HeaderRow(block, "owner", p.owner, "", "Who holds the rights")
    yield HeaderRow(block, "contact", f"{p.contact.name} <{p.contact.email}>", "", "Whom to ask")
    yield HeaderRow(block, "licence", p.licence, "", p.licence_url)
    yield HeaderRow(block, "subjects", ", ".join(p.subjects), "", "Terms of the UAT")
    yield HeaderRow(block, "facility", p.facility)
    yield HeaderRow(block, "instrument", p.instrument)
    yield HeaderRow(block, "messenger", p.messenger.value)
    yield HeaderRow(block, "reference", p.reference_url or "", "", "A page about the data")
    yield HeaderRow(block, "doi", p.doi or "")
    yield HeaderRow(block, "source", p.source, "", "The paper that describes the data")
    for other in p.related:
        yield HeaderRow(block, other.relation, other.identifier, "", other.title)


def _data_taking(metadata: TableMetadata) -> Iterator[HeaderRow]:
    block, d, covered = "data taking", metadata.data_taking, metadata.coverage
    yield HeaderRow(block, "detector", d.detector)
    yield HeaderRow(block, "reconstruction", d.reconstruction)
    for cut in d.selection:
        yield HeaderRow(block, "selection", cut, "", "Events for which this holds are in the table")
    yield HeaderRow(block, "start", _time(d.start), "", "UTC")
    yield HeaderRow(block, "stop", _time(d.stop), "", "UTC")
    yield HeaderRow(block, "livetime", _number(d.livetime), "s", "Sum over all runs")
    yield HeaderRow(block, "first event", _time(d.first_event), "", "UTC")
    yield HeaderRow(block, "last event", _time(d.last_event), "", "UTC")
    for run in d.runs:
        yield from _run(run)
    yield HeaderRow(block, "sky coverage", covered.spatial, "", "MOC of the events, ICRS")
    if covered.energy:
        yield HeaderRow(block, "smallest energy", _number(covered.energy[0]), "GeV")
        yield HeaderRow(block, "largest energy", _number(covered.energy[1]), "GeV")


def _run(run: Run) -> Iterator[HeaderRow]:
    block, source = "data taking", f"from {run.source}"
    yield HeaderRow(block, f"run {run.run} detector", str(run.detector_id), "", source)
    yield HeaderRow(block, f"run {run.run} start", _time(run.start), "", f"UTC, {source}")
    yield HeaderRow(block, f"run {run.run} stop", _time(run.stop), "", f"UTC, {source}")
    yield HeaderRow(block, f"run {run.run} livetime", _number(run.livetime), "s", source)
    yield HeaderRow(block, f"run {run.run} triggers", ", ".join(run.triggers), "", source)


def _parameter(parameter: Parameter) -> HeaderRow:
    value = f"{parameter.dtype}, UCD {parameter.ucd}"
    missing = f" Not available: {parameter.null}" if parameter.null else ""
    description = parameter.description + missing
    return HeaderRow("parameters", parameter.name, value, parameter.unit, description)


def _provenance(metadata: TableMetadata) -> Iterator[HeaderRow]:
    for step in metadata.provenance.steps:
        yield HeaderRow("provenance", str(step.identifier), step.name, "", _told(step))
    for entity in metadata.provenance.entities:
        about = entity.description or "A file used or made"
        yield HeaderRow("provenance", entity.name, entity.identifier, "", about)


def _told(step: ProcessingStep) -> str:
    settings = ", ".join(f"{key} = {value}" for key, value in step.configuration.items())
    parts = {
        "Software": step.software,
        "Configuration": settings,
        "Events": ", ".join(f"{reason} {events}" for reason, events in step.counts.items()),
        "Used": ", ".join(step.inputs),
        "Made": ", ".join(step.outputs),
        "Started": _time(step.started),
        "Ended": _time(step.ended),
    }
    told = [f"{name}: {text}." for name, text in parts.items() if text]
    return " ".join([step.description, *told])


def _account(metadata: TableMetadata) -> Iterator[HeaderRow]:
    block, account = "account", metadata.account
    yield HeaderRow(block, "rows", str(metadata.rows), "", "Rows of the table")
    yield HeaderRow(block, "read", str(account.read), "", "Events read")
    yield HeaderRow(block, "kept", str(account.kept), "", "Events in the table")
    yield _excluded("not reconstructed", account.not_reconstructed)
    for cut in account.cuts:
        yield _excluded("cut", cut)
    for defect in account.malformed:
        yield _excluded("malformed", defect)
    if account.repeated.events:
        yield _excluded("repeated", account.repeated)


def _excluded(entry: str, gone: Excluded) -> HeaderRow:
    first = f"; first: {', '.join(gone.first)}" if gone.first else ""
    return HeaderRow("account", entry, str(gone.events), "", gone.reason + first)


def _time(time: datetime | None) -> str:
    return time.isoformat() if time else ""


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
