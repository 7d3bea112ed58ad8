"""Depositing in a Dataverse, by its native API.

Source: Dataverse guides, "Native API", https://guides.dataverse.org/en/latest/api/native-api.html.
A version of a resource becomes a version of one dataset there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from vopub.errors import ServiceError
from vopub.files import cannot
from vopub.model.publication import Creator
from vopub.model.resource import FileReference, KM3OpenResource
from vopub.odc.answers import Outcome
from vopub.odc.targets.base import Connection, Deposit, md5_of

AGENCY = "KM3NeT identifier"
"""What the identifiers of resources are called there."""
SUBJECT = "Astronomy and Astrophysics"
"""Word of Dataverse's own list of subjects."""

Field = dict[str, Any]


class Dataverse:
    """A collection in a Dataverse.

    Parameters
    ----------
    url
        Address of the Dataverse.
    collection
        Alias of the collection that new datasets are made in.
    token
        API token.
    transport
        How requests travel; for a server in the same process.
    """

    name = "dataverse"

    def __init__(
        self, url: str, collection: str, token: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self._collection = collection
        self._server = Connection("Dataverse", url, {"X-Dataverse-key": token}, transport)

    def deposit(
        self, record: KM3OpenResource, products: Path, *, key: str = "", publish: bool = False
    ) -> Deposit:
        """Put a resource there; as ``Target.deposit``."""
        version = {"metadataBlocks": {"citation": citation_block(record)}, **_terms(record)}
        known = key or self._found(record)
        key = known or self._made(version)
        there = self._call("GET", "/versions/:latest", key)["data"]
        # Whatever is written to a published version begins a new one.
        changed = not _says(there, version)
        if changed:
            self._call("PUT", "/versions/:draft", key, json=version)
        changed |= self._send_files(key, there["files"], record, products)
        public = there["versionState"] == "RELEASED" and not changed
        if publish and not public:
            self._call("POST", "/actions/:publish", key, type="major")
        page = f"{self._url}/dataset.xhtml?persistentId={key}"
        outcome = Outcome.REPLACED if changed else Outcome.UNCHANGED
        return Deposit(
            key, page, record, outcome if known else Outcome.CREATED,
            doi=key.removeprefix("doi:"), published=publish or public,
        )  # fmt: skip

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _made(self, version: dict[str, Any]) -> str:
        path = f"/api/dataverses/{self._collection}/datasets"
        made = self._server.call("POST", path, json={"datasetVersion": version})
        return str(made["data"]["persistentId"])

    def _found(self, record: KM3OpenResource) -> str:
        """Return the dataset of a resource, if the collection has one already."""
        question = {
            "q": f'otherIdValue:"{record.identifier}"', "type": "dataset",
            "subtree": self._collection,
        }  # fmt: skip
        found = self._server.call("GET", "/api/search", params=question)["data"]["items"]
        return str(found[0]["global_id"]) if found else ""

    def _send_files(
        self, key: str, held: list[dict[str, Any]], record: KM3OpenResource, products: Path
    ) -> bool:
        """Add what is missing, replace what differs, remove what is no longer there.

        Returns
        -------
        bool
            Whether anything had to be done.
        """
        there = {str(f["dataFile"]["filename"]): f["dataFile"] for f in held}
        changed = False
        for file in record.files:
            digest = md5_of(products, file)
            known = there.pop(file.name, None)
            if known is not None and known["md5"] == digest:
                continue
            changed = True
            if known is not None:
                self._server.call("DELETE", f"/api/files/{known['id']}")
            self._add(key, file, products / file.name, digest)
        for gone in there.values():
            self._server.call("DELETE", f"/api/files/{gone['id']}")
        return changed or bool(there)

    def _add(self, key: str, file: FileReference, path: Path, digest: str) -> None:
        about = {"description": file.description, "categories": [_CATEGORIES[file.role.value]],
                 "restrict": False, "tabIngest": False}  # fmt: skip
        try:
            with path.open("rb") as stream:
                part = {"file": (file.name, stream, file.media_type.partition(";")[0])}
                added = self._call("POST", "/add", key, data={"jsonData": json.dumps(about)},
                                   files=part)  # fmt: skip
        except OSError as error:
            raise cannot("read", path, error) from error
        got = added["data"]["files"][0]["dataFile"]["md5"]
        if got != digest:
            raise ServiceError(f"Dataverse has other bytes of {file.name} than were sent: {got}")

    def _call(self, method: str, what: str, key: str, **options: Any) -> dict[str, Any]:
        params = {"persistentId": key}
        if kind := options.pop("type", None):
            params["type"] = kind
        path = f"/api/datasets/:persistentId{what}"
        return self._server.call(method, path, params=params, **options)


_CATEGORIES = {
    "data": "Data", "metadata": "Documentation", "provenance": "Documentation",
    "preview": "Documentation", "documentation": "Documentation", "runs": "Data",
}  # fmt: skip


def _says(there: dict[str, Any], version: dict[str, Any]) -> bool:
    """Tell whether a version there says all that another would; it may say more."""
    licence = dict(there.get("license") or {})
    said, wanted = (_values(each["metadataBlocks"]["citation"]["fields"])
                    for each in (there, version))  # fmt: skip
    same = licence.get("name") == version["license"]["name"]
    return same and all(said.get(name) == value for name, value in wanted.items())


def _values(fields: list[Field]) -> dict[str, Any]:
    return {field["typeName"]: _plain(field["value"]) for field in fields}


def _plain(value: Any) -> Any:
    """Return a value without what Dataverse tells about its type."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(part["value"]) for name, part in value.items()}
    return value


def _terms(record: KM3OpenResource) -> dict[str, Any]:
    publication = record.publication
    name = publication.licence.replace("CC-BY-4.0", "CC BY 4.0").replace("CC0-1.0", "CC0 1.0")
    return {"license": {"name": name, "uri": publication.licence_url}}


def citation_block(record: KM3OpenResource) -> dict[str, Any]:
    """Return the block of metadata that every dataset of a Dataverse has."""
    publication = record.publication
    contact = {
        "datasetContactName": publication.contact.name,
        "datasetContactEmail": publication.contact.email,
    }
    texts = [publication.description, publication.note]
    others = [(AGENCY, record.identifier), ("kid", str(record.kid))]
    fields = [
        _one("title", publication.title),
        _several("author", *(_author(creator) for creator in publication.creators)),
        _several("datasetContact", contact),
        _several("dsDescription", *({"dsDescriptionValue": text} for text in texts if text)),
        {"typeName": "subject", "multiple": True, "typeClass": "controlledVocabulary",
         "value": [SUBJECT]},
        _several("keyword", *({"keywordValue": word} for word in publication.subjects)),
        _several("otherId", *({"otherIdAgency": a, "otherIdValue": v} for a, v in others)),
        _several("producer", {"producerName": publication.owner}),
        _one("productionDate", publication.created.isoformat()),
        *_span(record),
    ]  # fmt: skip
    return {"displayName": "Citation Metadata", "fields": fields}


_CONTROLLED = {"authorIdentifierScheme": {"typeClass": "controlledVocabulary"}}


def _one(name: str, value: str) -> Field:
    return {"typeName": name, "multiple": False, "typeClass": "primitive", "value": value}


def _several(name: str, *values: dict[str, str]) -> Field:
    compound = [
        {key: _one(key, text) | _CONTROLLED.get(key, {}) for key, text in value.items()}
        for value in values
    ]
    return {"typeName": name, "multiple": True, "typeClass": "compound", "value": compound}


def _author(creator: Creator) -> dict[str, str]:
    known = {"authorName": creator.name, "authorAffiliation": creator.affiliation}
    if creator.orcid:
        known |= {"authorIdentifierScheme": "ORCID", "authorIdentifier": creator.orcid}
    return {name: value for name, value in known.items() if value}


def _span(record: KM3OpenResource) -> Iterator[Field]:
    if (span := record.coverage.temporal) is not None:
        dates = (span.start.date().isoformat(), span.stop.date().isoformat())
        names = ("dateOfCollectionStart", "dateOfCollectionEnd")
        yield _several("dateOfCollection", dict(zip(names, dates, strict=True)))
