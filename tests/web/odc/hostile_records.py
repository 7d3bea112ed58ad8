"""Records with hostile strings in every field of text, and harmless twins of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

from vopub.model.resource import make_kid

from ...unit.odc import conftest as odc  # noqa: TID252 - the same records
from .hostile_strings import harmless, sendable

UUIDS = tuple(str(uuid5(NAMESPACE_URL, f"step {number}")) for number in range(3))
KEY = "(key)"
"""Stands in a path for the name of a value, which is a text of its own."""
LONG = "; text that is as long as a description has to be."
"""After a string that alone would be refused for being short."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a string goes, and what stands around it."""

    path: tuple[str | int, ...]
    before: str = ""
    after: str = ""
    calm: str = ""
    """What a harmless twin begins with, to be of the same form as a string that is taken."""

    def put(self, record: dict[str, Any], text: str) -> None:
        """Write a string into a record."""
        *way, last = self.path
        node: Any = record
        for step in way:
            node = node[step]
        if last == KEY:
            node[text] = 1
        elif isinstance(node, list) and last == len(node):
            node.append(f"{self.before}{text}{self.after}")
        else:
            node[last] = f"{self.before}{text}{self.after}"

    def is_meant(self, complaint: dict[str, str]) -> bool:
        """Tell whether a complaint is about this place."""
        dotted = complaint.get("place", "")
        if not dotted:  # about the record as a whole, which names the detail
            return self.path[0] == "details" and str(self.path[-1]) in complaint["what"]
        here = ".".join(str(step) for step in self.path if step != KEY)
        return dotted == here or dotted.startswith(f"{here}.")


def _places(text: str, before: str = "", after: str = "", calm: str = "") -> list[Place]:
    """Return the places of dotted names that stand in lines."""
    paths = [
        tuple(int(step) if step.isdigit() else step for step in name.split("."))
        for name in text.split()
    ]
    return [Place(path, before, after, calm) for path in paths]


def _named_parameters(*names: str) -> list[dict[str, Any]]:
    """Return parameters of which the first are so called."""
    record: dict[str, Any] = json.loads(odc.make_record().model_dump_json())
    found: list[dict[str, Any]] = record["parameters"]
    for parameter, name in zip(found, names, strict=False):
        parameter["name"] = name
    return found


PLACES = (
    *_places("publication.title publication.description", after=LONG),
    *_places(
        """publication.creators.0.name publication.creators.0.affiliation
        publication.contributors.0.name publication.contributors.0.affiliation
        publication.publisher publication.owner publication.contact.name publication.licence
        publication.subjects.0 publication.subjects.1 publication.facility publication.instrument
        publication.source publication.note publication.related.0.identifier
        publication.related.0.title publication.related.1.identifier data_taking.detector
        data_taking.reconstruction data_taking.selection.0 data_taking.runs.0.source
        data_taking.runs.0.quality data_taking.runs.0.triggers.0 account.not_reconstructed.reason
        account.not_reconstructed.first.0 account.cuts.0.reason account.cuts.0.first.0
        account.malformed.0.reason account.malformed.0.first.0 account.repeated.reason
        account.repeated.first.0 provenance.steps.0.name
        provenance.steps.0.description provenance.steps.0.software provenance.steps.0.inputs.0
        provenance.steps.0.outputs.0 provenance.steps.0.configuration.cut
        provenance.steps.0.configuration.(key) provenance.steps.0.counts.(key)
        provenance.entities.0.name provenance.entities.0.description
        provenance.entities.1.identifier provenance.entities.1.members.0
        provenance.entities.0.history.0.configuration.cut
        provenance.entities.0.history.0.configuration.(key) elsewhere.0.description coverage.spatial
        files.0.description files.1.description
        files.2.description files.3.description services.0.ivoid services.0.table services.1.table
        services.1.ivoid services.2.ivoid collection stream parameters.3.null parameters.5.null
        parameters.0.symbol parameters.1.symbol parameters.2.symbol"""
    ),
    *_places(
        "parameters.0.description parameters.1.description parameters.2.description", after=LONG
    ),
    *_places("publication.licence_url publication.reference_url services.0.url elsewhere.0.url",
             before="https://example.org/"),
    *_places("publication.doi", before="10.1234/"),
    *_places("publication.contact.email", before="a@"),
    *_places("files.0.media_type elsewhere.0.media_type", before="text/csv;a="),
    *_places("services.1.url", calm="https://"),
    *_places(
        """publication.version publication.created publication.creators.0.orcid
        publication.messenger identifier ktype schema_version
        files.0.name files.1.sha256 files.2.role parameters.0.name parameters.1.unit
        parameters.2.ucd parameters.3.dtype services.0.kind services.1.proved
        coverage.temporal.start coverage.temporal.stop kid replaces publication.contributors.0.orcid
        elsewhere.0.name elsewhere.0.sha256 data_taking.first_event data_taking.last_event
        data_taking.runs.0.start data_taking.runs.0.stop provenance.steps.0.identifier
        provenance.steps.0.after.0 provenance.steps.0.recorded_as.0 provenance.steps.0.started
        provenance.steps.0.ended provenance.entities.0.uuid provenance.entities.0.history.0.name
        provenance.entities.0.history.0.software provenance.entities.0.history.0.identifier
        provenance.entities.0.history.0.used.0 provenance.entities.0.history.0.started
        provenance.entities.0.history.0.ended"""
    ),
)  # fmt: skip
"""Every field of text; the last ones take few strings or none."""
KINDS: Sequence[tuple[dict[str, Any], Sequence[Place]]] = (
    ({"ktype": "events"}, PLACES),
    (
        {"ktype": "voevent", "details": {
            "ivorn": "ivo://samples.invalid/a#1", "event_time": "2026-01-01T00:00:00Z",
            "role": "test",
        }},
        (*PLACES, *_places("details.ivorn details.role details.event_time")),
    ),
    (
        {"ktype": "response-function", "details": {"response": "background"}},
        (*PLACES, *_places("details.data_format details.response")),
    ),
    (
        {"ktype": "acoustic-psd",
         "details": {"dom_id": 1, "channel": 1, "start": "2026-01-01T00:00:00Z"}},
        (*PLACES, *_places("details.start")),
    ),
    ({"ktype": "binned-data", "details": {"content": "counts"}},
     (*PLACES, *_places("details.content"))),
    ({"ktype": "publication", "details": {"document": "article"}},
     (*PLACES, *_places("details.document"))),
    (
        {"ktype": "function", "details": {"functiontype": "polynomial"},
         "parameters": _named_parameters("xvalue", "returnvalue")},
        (*PLACES, *_places("details.functiontype")),
    ),
    (
        {"ktype": "software", "details": {"programming_language": "Python"}},
        (*PLACES, *_places("details.programming_language"),
         *_places("details.code_repository", before="https://example.org/")),
    ),
)  # fmt: skip
"""Kinds of content in turn, each with the details that are its own."""


@dataclass(slots=True)
class Planted:
    """A record before the strings are in it, and where each goes."""

    record: dict[str, Any]
    strings: dict[Place, tuple[int, str]]
    """Number and text of the string of each place."""
    refused: list[tuple[Place, str]] = field(default_factory=list)
    """What the service did not take."""

    @property
    def kid(self) -> str:
        """Identifier of the record."""
        return str(self.record["kid"])

    @property
    def identifier(self) -> str:
        """Identifier of the resource."""
        return str(self.record["identifier"])

    @property
    def twins(self) -> dict[str, str]:
        """The hostile string for each harmless one."""
        return {
            f"{place.calm}{harmless(text, number)}": text
            for place, (number, text) in self.strings.items()
        }

    def body(self, *, hostile: bool) -> bytes:
        """Return the record as JSON, with the strings or with their harmless twins."""
        record = json.loads(json.dumps(self.record))
        for place, (number, text) in self.strings.items():
            place.put(record, text if hostile else f"{place.calm}{harmless(text, number)}")
        return json.dumps(record).encode()

    def put(self, http: httpx.Client) -> None:
        """Write the record with all strings that the service takes.

        What it does not take it has to refuse with a status below 500 that names the place.
        """
        while True:
            answer = http.put(f"/api/resources/{self.kid}", content=self.body(hostile=True))
            if answer.is_success:
                return
            assert answer.status_code == 422, answer.text
            complaints = answer.json()["detail"]
            wrong = [p for p in self.strings if any(p.is_meant(each) for each in complaints)]
            assert wrong, answer.text
            self.refused += [(place, self.strings.pop(place)[1]) for place in wrong]


def planted(strings: Sequence[str]) -> Iterator[Planted]:
    """Yield records that hold all these strings that JSON in UTF-8 has."""
    waiting = [(number, text) for number, text in enumerate(strings) if sendable(text)]
    number = 0
    while waiting:
        kind, places = KINDS[number % len(KINDS)]
        some, waiting = waiting[: len(places)], waiting[len(places) :]
        yield Planted(_record(number) | kind, dict(zip(places, some, strict=False)))
        number += 1


def _record(number: int) -> dict[str, Any]:
    """Return a record of which every part is there."""
    record: dict[str, Any] = json.loads(odc.make_record(files=FILES).model_dump_json())
    identifier = f"hostile26_{number // 100:02}_n{number:04}"
    record |= {"identifier": identifier, "kid": str(make_kid(odc.AUTHORITY, identifier, "1.0"))}
    record["publication"] |= {
        "contributors": [{"name": "Somebody", "affiliation": ""}],
        "subjects": ["neutrino-astronomy", "muons"],
        "related": [{"relation": "Cites", "identifier": "10.1234/a"} for _ in range(2)],
    }
    record["account"]["malformed"] = [{"reason": "broken", "events": 0, "first": []}]
    record["data_taking"]["selection"] = ["zenith > 90 deg"]
    step, (entity,) = record["provenance"]["steps"][0], record["provenance"]["entities"]
    step |= {"counts": {"events in": 10}, "after": [UUIDS[0]], "recorded_as": [UUIDS[1]]}
    record["provenance"]["entities"] = [
        {**entity, "history": [{"name": "JMuonGandalf", "configuration": {}, "used": [UUIDS[2]]}]},
        {**entity, "identifier": "collection:00", "members": [entity["identifier"]]},
    ]
    record["elsewhere"] = [json.loads(odc.REMOTE_FILE.model_dump_json())]
    return record


FILES = odc.products()
