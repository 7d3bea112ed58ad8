"""A service that holds something, and requests for exactly that: names, cursors, digests, records.

Requests made from a schema alone name what is not there; these go on to where the work is done.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from vopub.model.resource import KM3OpenResource
from vopub.odc.schemas import published

from . import pictured
from .conftest import CSV, TOKEN, Product, make_record, product

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
VERSIONS = ("1.0", "1.1", "2.0")
COLLECTION, STREAM = "samples26_01", "events26_01"
WRONG: Sequence[Any] = (
    None, True, -1, 1 << 70, 1.5e308, "", "\x01", "x" * 3000, [], {}, [[]], "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+23:59", "10.1234/x", "../..", "' OR 1=1 --", "<b>\u202e</b>", {"a": None},
)  # fmt: skip
"""What no field expects, or not here."""


@dataclass
class Seeded:
    """What is in a service, to ask for it again."""

    http: httpx.Client
    dice: random.Random

    def __post_init__(self) -> None:
        self.examples: dict[str, dict[str, Any]] = {
            kind: json.loads(published("1.1", f"{kind}.example") or "")
            for kind in ("stream", "collection")
        }
        self.file = product("events.csv", CSV, "text/csv")
        self.records = [
            make_record(version=version, files=[self.file], services=()) for version in VERSIONS
        ]
        self.kids = [str(record.kid) for record in self.records]
        self.drawn, self.shape = pictured.function()
        self.cursors: list[str] = []

    def fill(self) -> None:
        """Write everything, again if it was changed or withdrawn; one is withdrawn at the end."""
        for kind, name in (("collections", COLLECTION), ("streams", STREAM)):
            self._put(f"/api/{kind}/{name}", self.grouping(kind, name))
        for record in self.records:
            self.http.post(f"/api/resources/{record.kid}/restore", headers=HEADERS)
            self._put_file(record, self.file)
            self._put(f"/api/resources/{record.kid}", json.loads(record.model_dump_json()))
        self._put_file(self.drawn, self.shape)
        self._put(f"/api/resources/{self.drawn.kid}", json.loads(self.drawn.model_dump_json()))
        path = f"/api/resources/{self.kids[-1]}"
        self.http.delete(path, params={"reason": "there is a better one"}, headers=HEADERS)
        self.cursors = [
            str(self.http.get("/api/resources", params={"limit": 1, "sort": order}).json()["later"])
            for order in ("identifier", "newest", "latest-data")
        ]

    def grouping(self, kind: str, name: str) -> dict[str, Any]:
        """Return a stream or a collection as JSON."""
        return {**self.examples[kind.removesuffix("s")], "identifier": name}

    def names(self, path: str) -> dict[str, Sequence[str]]:
        """Return what each parameter of an address may be."""
        identifier = COLLECTION if "collections" in path else STREAM
        return {
            "kid": [str(self.drawn.kid)] if path.startswith("/pictures") else self.kids,
            "identifier": [identifier], "version": ["1.0", "1.1", "1"],
            "name": ["resource.json", "stream.example.json"] if "schemas" in path
            else [self.file.reference.name],
            "resource": [*self.kids, "evts21_01"], "collection": [COLLECTION], "stream": [STREAM],
            "part": ["0a", "other"], "sha256": [self.file.reference.sha256], "cursor": self.cursors,
            "format": ["json", "jsonld", "dcat", "datacite", "bibtex", "citation"],
            "q": ["ORCA", "up-going", "or*"], "ktype": ["events"], "sort": ["identifier", "newest"],
            "since": ["2021-01-01T00:00:00Z"], "until": ["2026-01-01T00:00:00Z"],
            "from": ["2021-01-01"], "ra": ["10.5"], "dec": ["-20.25"], "limit": ["1", "200"],
            "offset": ["0", "1"], "latest": ["true"], "reason": ["because"],
        }  # fmt: skip

    def good(self, names: Mapping[str, Sequence[str]], name: str) -> str:
        """Return a value that makes sense for a parameter; any text for one that is not known."""
        return self.dice.choice(names.get(name) or [""])

    def body(self, path: str, given: Mapping[str, str]) -> Any:
        """Return a record that fits an address, mostly with one thing changed."""
        if path == "/api/resources":
            some = self.dice.sample(self.records, 2)
            record: Any = {"resources": [json.loads(r.model_dump_json()) for r in some]}
        elif "kid" in given:
            known = {str(r.kid): r for r in self.records}
            record = json.loads(known[given["kid"]].model_dump_json())
        else:
            record = self.grouping(path.split("/")[2], given["identifier"])
        return record if self.dice.random() < 0.3 else self._changed(record)

    def _changed(self, record: Any) -> Any:
        """Return a record with a value at any depth replaced, taken away or doubled."""
        record = copy.deepcopy(record)
        node = record
        while True:
            key = self.dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
            deeper = isinstance(node[key], dict | list) and node[key]
            if not deeper or self.dice.random() < 0.2:
                break
            node = node[key]
        if self.dice.random() < 0.2:
            del node[key]
        elif isinstance(node, list) and self.dice.random() < 0.3:
            node.append(node[key])
        else:
            node[key] = self.dice.choice(WRONG)
        return record

    def _put(self, path: str, record: Any) -> None:
        answer = self.http.put(path, json=record, headers=HEADERS)
        assert answer.is_success, answer.text

    def _put_file(self, record: KM3OpenResource, file: Product) -> None:
        headers = {**HEADERS, "X-Checksum-SHA256": file.reference.sha256}
        path = f"/files/{record.kid}/{file.reference.name}"
        answer = self.http.put(path, content=file.content, headers=headers)
        assert answer.is_success, answer.text
