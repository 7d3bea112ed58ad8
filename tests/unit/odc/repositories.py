"""Small servers that speak the documented REST of Dataverse and of InvenioRDM, for tests only.

They are not Dataverse and not InvenioRDM: they hold what they are given, check what the
documentation says has to be there, and answer in the documented form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from email.parser import BytesParser
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response

TOKEN = "a-token-of-a-user-for-tests"
MUST = {"title", "author", "datasetContact", "dsDescription", "subject"}


class Repository:
    """What both have: an application, and a moment at which it goes away."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.requests = 0
        self.fails_at = -1
        self.before = True

        @self.app.middleware("http")
        async def count(request: Request, proceed: Any) -> Response:
            self.requests += 1
            now = self.requests == self.fails_at
            if now and self.before:
                return Response(status_code=503)
            answer: Response = await proceed(request)
            return Response(status_code=504) if now else answer

    def serve(self, *routes: tuple[str, str, Callable[..., Any], int]) -> None:
        """Answer requests: by method and path, with what, and under which status."""
        for method, path, answer, status in routes:
            self.app.add_api_route(path, answer, methods=[method], status_code=status)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def told(version: dict[str, Any]) -> dict[str, Any]:
    """Return a version as Dataverse hands it out: with fields of its own, and their types."""
    fields = version["metadataBlocks"]["citation"]["fields"]
    own = {"typeName": "depositor", "multiple": False, "typeClass": "primitive", "value": "Doe"}
    return {**version, "metadataBlocks": {"citation": {"fields": [*fields, own]}}}


def refuse(why: str, status: int = 400) -> HTTPException:
    return HTTPException(status, {"status": "ERROR", "message": why})


class DataverseLike(Repository):
    """Datasets by persistent identifier; each has metadata and files by number."""

    def __init__(self) -> None:
        super().__init__()
        self.datasets: dict[str, dict[str, Any]] = {}
        self.numbers = 100
        self.serve(
            ("POST", "/api/dataverses/{alias}/datasets", self.make, 201),
            ("PUT", "/api/datasets/:persistentId/versions/:draft", self.change, 200),
            ("GET", "/api/datasets/:persistentId/versions/:latest", self.latest, 200),
            ("POST", "/api/datasets/:persistentId/add", self.add, 200),
            ("DELETE", "/api/files/{number}", self.remove, 200),
            ("POST", "/api/datasets/:persistentId/actions/:publish", self.publish, 200),
            ("GET", "/api/search", self.search, 200),
        )

    async def make(self, alias: str, request: Request) -> dict[str, Any]:
        self.check(request)
        body = await request.json()
        key = f"doi:10.5072/FK2/T{len(self.datasets):05}"
        version = self.version(body["datasetVersion"])
        self.datasets[key] = {"alias": alias, "version": version, "files": {}, "state": "DRAFT"}
        return {"status": "OK", "data": {"id": self.number(), "persistentId": key}}

    async def change(self, persistentId: str, request: Request) -> dict[str, Any]:  # noqa: N803
        self.check(request)
        dataset = self.dataset(persistentId)
        dataset["version"] = self.version(await request.json())
        dataset["state"] = "DRAFT"
        return {"status": "OK", "data": {}}

    async def latest(self, persistentId: str, request: Request) -> dict[str, Any]:  # noqa: N803
        self.check(request)
        files = [
            {"label": f["name"], "dataFile": {"id": n, "filename": f["name"],
             "md5": md5(f["content"])}}
            for n, f in self.dataset(persistentId)["files"].items()
        ]  # fmt: skip
        dataset = self.dataset(persistentId)
        said = {"versionState": dataset["state"], **told(dataset["version"])}
        return {"status": "OK", "data": {"files": files, **said}}

    async def add(self, persistentId: str, request: Request) -> dict[str, Any]:  # noqa: N803
        self.check(request)
        name, content, about = parts(request, await request.body())
        files = self.dataset(persistentId)["files"]
        self.dataset(persistentId)["state"] = "DRAFT"
        if any(file["name"] == name for file in files.values()):
            raise refuse(f"there is a file {name} already")
        number = self.number()
        files[number] = {"name": name, "content": content, "about": about}
        data = {"dataFile": {"id": number, "filename": name, "md5": md5(content)}}
        return {"status": "OK", "data": {"files": [data]}}

    async def remove(self, number: int, request: Request) -> dict[str, Any]:
        self.check(request)
        for dataset in self.datasets.values():
            if dataset["files"].pop(number, None):
                dataset["state"] = "DRAFT"
        return {"status": "OK", "data": {}}

    async def publish(self, persistentId: str, type: str, request: Request) -> dict[str, Any]:  # noqa: A002, N803
        self.check(request)
        assert type == "major"
        dataset = self.dataset(persistentId)
        dataset["state"] = "RELEASED"
        dataset["majors"] = dataset.get("majors", 0) + 1
        return {"status": "OK", "data": {}}

    async def search(self, q: str, request: Request) -> dict[str, Any]:
        self.check(request)
        field, _, wanted = q.partition(":")
        assert field == "otherIdValue"
        items = [
            {"global_id": key}
            for key, dataset in self.datasets.items()
            if wanted.strip('"') in json.dumps(dataset["version"])
        ]
        return {"status": "OK", "data": {"items": items}}

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def check(self, request: Request) -> None:
        if request.headers.get("x-dataverse-key") != TOKEN:
            raise refuse("Bad api key", 401)

    def dataset(self, key: str) -> dict[str, Any]:
        if key not in self.datasets:
            raise refuse(f"Dataset with ID {key} not found", 404)
        return self.datasets[key]

    def version(self, version: dict[str, Any]) -> dict[str, Any]:
        fields = {f["typeName"]: f for f in version["metadataBlocks"]["citation"]["fields"]}
        if missing := MUST - set(fields):
            raise refuse(f"Validation failed: {sorted(missing)} is required")
        for field in fields.values():
            if field["multiple"] != isinstance(field["value"], list):
                raise refuse(f"incorrect multiple for field {field['typeName']}")
        return version


def parts(request: Request, body: bytes) -> tuple[str, bytes, dict[str, Any]]:
    """Return name and content of the file, and what is said about it, of a form."""
    heading = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    name, content, about = "", b"", {}
    for part in BytesParser().parsebytes(heading + body).walk():
        given = part.get_filename()
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            if given:
                name, content = given, payload
            elif part.get_param("name", header="content-disposition") == "jsonData":
                about = json.loads(payload)
    return name, content, about


class InvenioLike(Repository):
    """Records by key; each has a draft or is published, and has files by name."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict[str, Any]] = {}
        self.serve(
            ("POST", "/api/records", self.make, 201),
            ("PUT", "/api/records/{key}/draft", self.change, 200),
            ("GET", "/api/records/{key}/draft", self.draft, 200),
            ("POST", "/api/records/{key}/draft", self.edit, 201),
            ("POST", "/api/records/{key}/versions", self.version, 201),
            ("POST", "/api/records/{key}/draft/actions/publish", self.publish, 202),
            ("GET", "/api/records/{key}/draft/files", self.files, 200),
            ("POST", "/api/records/{key}/draft/files", self.announce, 201),
            ("PUT", "/api/records/{key}/draft/files/{name}/content", self.send, 200),
            ("POST", "/api/records/{key}/draft/files/{name}/commit", self.commit, 200),
            ("DELETE", "/api/records/{key}/draft/files/{name}", self.remove, 204),
            ("GET", "/api/user/records", self.mine, 200),
        )

    async def make(self, request: Request) -> dict[str, Any]:
        self.check(request)
        key = f"abc{len(self.records):02}-xyz00"
        content = self.metadata(await request.json())
        self.records[key] = {**content, "entries": {}, "is_published": False, "parent": key}
        return self.shown(key)

    async def change(self, key: str, request: Request) -> dict[str, Any]:
        self.check(request)
        self.record(key).update(self.metadata(await request.json()))
        return self.shown(key)

    async def draft(self, key: str, request: Request) -> dict[str, Any]:
        self.check(request)
        return self.shown(key)

    async def edit(self, key: str, request: Request) -> dict[str, Any]:
        self.check(request)
        return self.shown(key)

    async def version(self, key: str, request: Request) -> dict[str, Any]:
        self.check(request)
        new = f"abc{len(self.records):02}-xyz00"
        old = self.record(key)
        self.records[new] = {**old, "entries": {}, "is_published": False}
        return self.shown(new)

    async def publish(self, key: str, request: Request) -> dict[str, Any]:
        self.check(request)
        if any(e["status"] != "completed" for e in self.record(key)["entries"].values()):
            raise refuse("One or more files have not completed their transfer")
        self.record(key)["is_published"] = True
        return {**self.shown(key), "pids": {"doi": {"identifier": f"10.5072/{key}"}}}

    async def files(self, key: str, request: Request) -> dict[str, Any]:
        self.check(request)
        entries = self.record(key)["entries"].items()
        return {"entries": [self.entry(name, entry) for name, entry in entries]}

    async def announce(self, key: str, request: Request) -> dict[str, Any]:
        self.check(request)
        entries = self.record(key)["entries"]
        for each in await request.json():
            if each["key"] in entries:
                raise refuse(f"File with key {each['key']} already exists")
            entries[each["key"]] = {"content": b"", "status": "pending"}
        return {"entries": []}

    async def send(self, key: str, name: str, request: Request) -> dict[str, Any]:
        self.check(request)
        self.record(key)["entries"][name]["content"] = await request.body()
        return {}

    async def commit(self, key: str, name: str, request: Request) -> dict[str, Any]:
        self.check(request)
        entry = self.record(key)["entries"][name]
        entry["status"] = "completed"
        return self.entry(name, entry)

    async def remove(self, key: str, name: str, request: Request) -> Response:
        self.check(request)
        del self.record(key)["entries"][name]
        return Response(status_code=204)

    async def mine(self, q: str, request: Request) -> dict[str, Any]:
        self.check(request)
        field, _, wanted = q.partition(":")
        hits = [
            self.shown(key)
            for key, record in self.records.items()
            if (key == wanted if field == "id" else wanted.strip('"') in json.dumps(
                record["metadata"]))
        ]  # fmt: skip
        return {"hits": {"hits": hits, "total": len(hits)}}

    def check(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise refuse("Permission denied.", 403)

    def record(self, key: str) -> dict[str, Any]:
        if key not in self.records:
            raise refuse("The persistent identifier does not exist.", 404)
        return self.records[key]

    def shown(self, key: str) -> dict[str, Any]:
        record = self.record(key)
        kept = {name: record[name] for name in ("metadata", "is_published")}
        return {"id": key, "pids": {}, **kept}

    def entry(self, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        done = entry["status"] == "completed"
        checksum = {"checksum": f"md5:{md5(entry['content'])}"} if done else {}
        return {"key": name, "status": entry["status"], **checksum}

    def metadata(self, content: dict[str, Any]) -> dict[str, Any]:
        must = {"resource_type", "title", "publication_date", "creators"}
        if missing := must - set(content["metadata"]):
            raise refuse(f"Missing data for required field: {sorted(missing)}")
        return {"metadata": content["metadata"]}
