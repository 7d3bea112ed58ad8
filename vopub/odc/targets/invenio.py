"""Depositing in an InvenioRDM, of which Zenodo is one, by its REST API.

Source: InvenioRDM documentation, "Drafts and records" and "Metadata reference",
https://inveniordm.docs.cern.ch/reference/.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from vopub.errors import ServiceError
from vopub.files import cannot
from vopub.model.publication import Creator
from vopub.model.resource import FileReference, KM3OpenResource
from vopub.odc.answers import Outcome
from vopub.odc.mappings.identifiers import Scheme, is_person, scheme_of
from vopub.odc.targets.base import Connection, Deposit, md5_of

TYPES = {"Dataset": "dataset", "Service": "dataset", "Software": "software", "Image": "image",
         "Sound": "video", "Text": "publication"}  # fmt: skip
"""Its words for types of resources, by that of DataCite; sound is of the type video/audio there."""
SCHEMES = {
    Scheme.DOI: "doi", Scheme.URL: "url", Scheme.ARXIV: "arxiv", Scheme.BIBCODE: "ads",
}  # fmt: skip


class InvenioRdm:
    """An InvenioRDM.

    Parameters
    ----------
    url
        Its address, e.g. ``https://zenodo.org``.
    token
        Token of a user.
    transport
        How requests travel; for a server in the same process.
    """

    name = "invenio"

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"}
        self._server = Connection("InvenioRDM", url, headers, transport)

    def deposit(
        self, record: KM3OpenResource, products: Path, *, key: str = "", publish: bool = False
    ) -> Deposit:
        """Put a resource there; as ``Target.deposit``."""
        content = {
            "access": {"record": "public", "files": "public"},
            "files": {"enabled": bool(record.files)},
            "metadata": metadata_of(record),
        }
        known = key or self._found(record)
        if known:
            key = self._draft_of(known, record.publication.version)
            self._server.call("PUT", f"/api/records/{key}/draft", json=content)
        else:
            key = str(self._server.call("POST", "/api/records", json=content)["id"])
        self._send_files(key, record, products)
        draft = self._server.call("GET", f"/api/records/{key}/draft")
        if publish:
            draft = self._server.call("POST", f"/api/records/{key}/draft/actions/publish")
        doi = str(draft.get("pids", {}).get("doi", {}).get("identifier", ""))
        page = f"{self._url}/{'records' if publish else 'uploads'}/{key}"
        outcome = Outcome.REPLACED if known else Outcome.CREATED
        return Deposit(key, page, record, outcome, doi=doi, published=publish)

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _found(self, record: KM3OpenResource) -> str:
        """Return the record of a resource, if the user has one already."""
        question = {"q": f'metadata.identifiers.identifier:"urn:uuid:{record.kid}"'}
        found = self._server.call("GET", "/api/user/records", params=question)["hits"]["hits"]
        return str(found[0]["id"]) if found else ""

    def _draft_of(self, key: str, version: str) -> str:
        """Return the draft to change: of the record itself, or of a new version of it."""
        question = {"q": f"id:{key}"}
        found = self._server.call("GET", "/api/user/records", params=question)["hits"]["hits"]
        if not found:
            raise ServiceError(f"InvenioRDM has no record {key} of this user")
        there = found[0]
        if there["is_published"] and there["metadata"].get("version") != version:
            return str(self._server.call("POST", f"/api/records/{key}/versions")["id"])
        if there["is_published"]:
            self._server.call("POST", f"/api/records/{key}/draft")
        return key

    def _send_files(self, key: str, record: KM3OpenResource, products: Path) -> None:
        """Add what is missing, replace what differs, remove what is no longer there."""
        path = f"/api/records/{key}/draft/files"
        there = {str(e["key"]): e for e in self._server.call("GET", path).get("entries", ())}
        for file in record.files:
            digest = f"md5:{md5_of(products, file)}"
            known = there.pop(file.name, None)
            if known is not None and known.get("checksum") == digest:
                continue
            if known is not None:
                self._server.call("DELETE", f"{path}/{file.name}")
            self._add(path, file, products / file.name, digest)
        for name in there:
            self._server.call("DELETE", f"{path}/{name}")

    def _add(self, path: str, file: FileReference, source: Path, digest: str) -> None:
        self._server.call("POST", path, json=[{"key": file.name}])
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.size)}
        try:
            with source.open("rb") as stream:
                address = f"{path}/{file.name}/content"
                self._server.call("PUT", address, content=stream, headers=headers)
        except OSError as error:
            raise cannot("read", source, error) from error
        got = self._server.call("POST", f"{path}/{file.name}/commit").get("checksum")
        if got != digest:
            raise ServiceError(f"InvenioRDM has other bytes of {file.name} than were sent: {got}")


def metadata_of(record: KM3OpenResource) -> dict[str, Any]:
    """Return what is said about a resource, in the words of InvenioRDM."""
    publication = record.publication
    span = record.coverage.temporal
    metadata: dict[str, Any] = {
        "resource_type": {"id": TYPES[record.ktype.entry.datacite]},
        "title": publication.title,
        "description": publication.description,
        "publication_date": publication.created.isoformat(),
        "version": publication.version,
        "publisher": publication.publisher,
        "creators": [_agent(creator) for creator in publication.creators],
        "contributors": [
            {**_agent(each), "role": {"id": each.role.value.lower()}}
            for each in publication.contributors
        ],
        "rights": [{"id": publication.licence.lower()}],
        "subjects": [{"subject": subject} for subject in publication.subjects],
        "languages": [{"id": "eng"}],
        "identifiers": [{"identifier": f"urn:uuid:{record.kid}", "scheme": "urn"}],
        "related_identifiers": list(_related(record)),
    }
    if publication.note:
        metadata["additional_descriptions"] = [
            {"description": publication.note, "type": {"id": "notes"}}
        ]
    if span is not None:
        dates = f"{span.start.date()}/{span.stop.date()}"
        metadata["dates"] = [{"date": dates, "type": {"id": "collected"}}]
    return {name: value for name, value in metadata.items() if value}


def _agent(agent: Creator) -> dict[str, Any]:
    person: dict[str, Any] = {"type": "organizational", "name": agent.name}
    if is_person(agent.name, agent.orcid):
        family, _, given = agent.name.partition(", ")
        person = {"type": "personal", "family_name": family, "given_name": given}
    if agent.orcid:
        person["identifiers"] = [{"scheme": "orcid", "identifier": agent.orcid}]
    known = [{"name": agent.affiliation}] if agent.affiliation else []
    return {"person_or_org": person, **({"affiliations": known} if known else {})}


def _related(record: KM3OpenResource) -> Iterator[dict[str, Any]]:
    publication = record.publication
    found = [(each.relation.value, each.identifier) for each in publication.related]
    if publication.reference_url:
        found.append(("IsDescribedBy", publication.reference_url))
    if publication.source:
        found.append(("IsDocumentedBy", publication.source))
    found += [("IsOriginalFormOf", service.url) for service in record.services]
    for relation, identifier in found:
        if scheme := SCHEMES.get(scheme_of(identifier)):
            yield {
                "identifier": identifier, "scheme": scheme,
                "relation_type": {"id": relation.lower()},
            }  # fmt: skip
