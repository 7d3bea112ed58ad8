"""Requests that are generated from what the OpenAPI document says, and many that break it.

Each that schemathesis makes is sent as it is, and then with what is really there in the places of
some of its values, so that it also gets past the door.
"""

from __future__ import annotations

import random
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok

from .conftest import InProcess
from .seeded import HEADERS, Seeded

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
VARIANTS = 6
"""Requests with real values for each that is generated."""
PAGES = (
    "/", "/?q", "/resources", "/resources?q&ktype&collection&stream&from&until&ra&dec&sort&cursor",
    "/resources/{resource}?format", "/resources/{kid}/sky?survey", "/pictures/{kid}.svg",
    "/collections", "/collections/{collection}", "/streams",
    "/streams/{stream}", "/ktypes", "/fields", "/schemas", "/robots.txt", "/sitemap.xml",
    "/sitemap/{part}.xml", "/oai?verb=Identify", "/oai?verb=ListSets",
    "/oai?verb=ListMetadataFormats", "/oai?verb=ListRecords&metadataPrefix=oai_dc&from&until",
    "/oai?verb=ListIdentifiers&metadataPrefix=oai_datacite", "/oai?verb&resumptionToken&set",
)  # fmt: skip
"""What the OpenAPI document leaves out, with its parameters."""
ODD = ("\u202e<b>", "9" * 400, "-1", "nan", "'; DROP TABLE resources", "%", "\U0001ffff", "a b", "")


@dataclass
class Sent:
    """What was sent to each operation, and what came of it."""

    requests: Counter[str] = field(default_factory=Counter)
    successes: Counter[str] = field(default_factory=Counter)
    """Answered with 2xx."""
    failures: list[str] = field(default_factory=list)
    """Answered with 5xx, or otherwise than the OpenAPI document says."""
    generated: int = 0
    """Requests that were sent as schemathesis made them."""

    def __add__(self, other: Sent) -> Sent:
        return Sent(
            self.requests + other.requests, self.successes + other.successes,
            self.failures + other.failures, self.generated + other.generated,
        )  # fmt: skip

    def note(self, label: str, answer: Any, what: object) -> None:
        """Count an answer."""
        self.requests[label] += 1
        self.successes[label] += 200 <= answer.status_code < 300
        if answer.status_code >= 500:
            self.failures.append(f"{answer.status_code} {label} {str(what)[:300]}")

    @property
    def never(self) -> list[str]:
        """Operations of which no request succeeded."""
        return sorted(label for label in self.requests if not self.successes[label])


class _Failing(InProcess):
    """Answers with 500 where the service fails, as a server does."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(app)
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)


class Sender:
    """Sends generated requests to a service that holds something.

    Parameters
    ----------
    app
        The service.
    turn
        Other requests are sent in each turn, the same ones in the same turn.
    variants
        Requests with real values for each that is generated.
    """

    def __init__(self, app: FastAPI, turn: int = 0, variants: int = VARIANTS) -> None:
        app.state.writes._most = 10**9  # all come from one token
        self.app = app
        self.turn = turn
        self.variants = variants
        self.sent = Sent()
        self.dice = random.Random(turn)  # noqa: S311 - not for secrets
        self.http = httpx.Client(transport=_Failing(app), base_url="http://odc.test")
        self.seeded = Seeded(self.http, self.dice)

    def send(self, examples: int) -> Sent:
        """Send so many generated requests to each operation, and variants of each; once."""
        try:
            return self._send(examples)
        finally:
            self.http.close()

    def _send(self, examples: int) -> Sent:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it generates, not of what it tests
            schema = schemathesis.openapi.from_asgi("/api/openapi.json", self.app)
            for result in schema.get_all_operations():
                assert isinstance(result, Ok)
                operation = result.ok()
                self.seeded.fill()
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    self._generated(operation, mode, max(1, examples // 2))
        self.seeded.fill()
        for page in PAGES:
            for _ in range(examples * (1 + self.variants)):
                self._page(page)
        return self.sent

    def _generated(self, operation: Any, mode: GenerationMode, examples: int) -> None:
        @settings(
            max_examples=examples, deadline=None, database=None, suppress_health_check=QUIET,
            phases=[Phase.generate],
        )  # fmt: skip
        @seed(self.turn)
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            answer = case.call(headers=HEADERS)
            self.sent.note(operation.label, answer, (case.path_parameters, case.query, case.body))
            self.sent.generated += 1
            self._check(operation, answer)
            for _ in range(self.variants):
                self._variant(operation, case)

        with suppress(Unsatisfiable):  # nothing about this operation can be wrong
            send()

    def _variant(self, operation: Any, case: Any) -> None:
        """Send a case with real values in the places of most of its own."""
        path, method = operation.path, operation.method.upper()
        names = self.seeded.names(path)
        given = {name: self._value(names, name, odd=0.1) for name in (case.path_parameters or {})}
        asked = [p.name for p in operation.query if self.dice.random() < 0.3]
        query = {name: self._value(names, name, odd=0.2) for name in asked}
        real = given.get("kid", self.seeded.kids[0]) in self.seeded.kids
        body: Any = None
        if operation.body and real:
            body = self.seeded.body(path, given)
        answer = self._request(method, path, given, query, body)
        self.sent.note(operation.label, answer, (given, query, body))
        self._check(operation, answer)

    def _request(
        self, method: str, path: str, given: Mapping[str, str], query: Mapping[str, str], body: Any
    ) -> httpx.Response:
        address = path.format_map({name: quote(text, safe="") for name, text in given.items()})
        headers = dict(HEADERS)
        content = None
        if method == "PUT" and path.startswith("/files"):
            content = self.seeded.file.content
            headers["X-Checksum-SHA256"] = self.seeded.file.reference.sha256
        answer = self.http.request(
            method, address, params=query, headers=headers, json=body, content=content
        )
        answer.elapsed = timedelta()  # which nothing in this process measures
        return answer

    def _value(self, names: Mapping[str, Any], name: str, odd: float) -> str:
        if self.dice.random() < odd:
            return self.dice.choice(ODD)
        return self.seeded.good(names, name)

    def _page(self, page: str) -> None:
        """Ask for a page with some of its parameters, mostly by what is there."""
        path, _, asked = page.partition("?")
        names = self.seeded.names(path)
        given = {name: self._value(names, name, odd=0.2) for name in re.findall(r"{(\w+)}", path)}
        query = {}
        for part in filter(None, asked.split("&")):
            name, fixed, value = part.partition("=")
            if fixed or self.dice.random() < 0.3:
                query[name] = value if fixed else self._value(names, name, odd=0.2)
        answer = self._request("GET", path, given, query, None)
        self.sent.note(f"GET {page}", answer, (given, query))

    def _check(self, operation: Any, answer: Any) -> None:
        """Compare an answer with what the OpenAPI document says."""
        try:
            operation.validate_response(answer)
        except (Failure, FailureGroup) as failure:
            self.sent.failures.append(f"{operation.label}: {str(failure)[:300]}")
