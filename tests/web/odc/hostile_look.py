"""Hostile strings through every field and every page of a service, looked at in Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
from lxml import etree
from playwright.sync_api import Browser

from vopub.model.ktype import Ktype
from vopub.odc.client import OdcClient

from ...unit.odc import conftest as odc  # noqa: TID252 - the same server
from .hostile_pages import Looker, Seen, differences
from .hostile_records import FILES, Planted, planted
from .hostile_strings import harmless, hostile_strings, in_address, sendable

OVERVIEWS = ("/", "/resources", "/resources?sort=newest", "/collections", "/streams")
ADDRESSES = (
    "/resources?q={}", "/resources?ktype={}", "/resources?collection={}", "/resources?stream={}",
    "/resources?from={}", "/resources?until={}", "/resources?ra={}&dec=1", "/resources?ra=1&dec={}",
    "/resources?sort={}", "/resources?cursor={}", "/resources?{}=1", "/resources/{}",
    "/resources/{kid}?format={}", "/collections/{}", "/streams/{}", "/?q={}", "/?ktype={}", "/{}",
    "/files/{kid}/{}", "/files/{kid}/a.csv?sha256={}", "/schemas/{}", "/api/resources?q={}",
    "/api/resources?cursor={}", "/api/resources/{}", "/static/{}", "/ktypes?{}", "/fields?q={}",
    "/resources/{}/sky", "/resources/{kid}/sky?survey={}", "/pictures/{}.svg",
    "/pictures/{kid}.svg?{}", "/aladin-lite/{}",
)  # fmt: skip
HARVESTS = (
    "/oai?verb={}", "/oai?verb=GetRecord&metadataPrefix=oai_dc&identifier={}",
    "/oai?verb=ListRecords&metadataPrefix={}", "/oai?verb=ListRecords&resumptionToken={}",
    "/oai?verb=ListRecords&metadataPrefix=oai_dc&set={}", "/oai?{}",
)  # fmt: skip
HEADERS = ("Accept", "If-None-Match", "If-Modified-Since", "Range", "X-Forwarded-Host", "Referer")
CONTROLS = bytes(range(32)) + b"\x7f"
"""What no client of HTTP sends in a header."""
RELATED = {
    "relatedIdentifiers", "relatedIdentifier", "relation", "relatedItemIdentifier", "number",
}  # fmt: skip
"""Elements that are there only if a text has the form of an identifier."""
XML_FORMS = (
    "/api/resources/{}?format=datacite",
    "/oai?verb=ListRecords&metadataPrefix=oai_dc",
    "/oai?verb=ListRecords&metadataPrefix=oai_datacite",
)  # fmt: skip


@dataclass
class Outcome:
    """What became of the strings."""

    strings: int = 0
    refused: int = 0
    """Strings that the service did not take, with a status below 500."""
    pages: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Look:
    """A service that is given hostile strings, and a browser that looks at it."""

    server: odc.Server
    browser: Browser
    work: Path

    def __post_init__(self) -> None:
        self.outcome = Outcome()
        self.looker = Looker(self.browser, self.server.url)
        headers = {"Authorization": f"Bearer {odc.TOKEN}"}
        self.http = httpx.Client(
            base_url=self.server.url, headers=headers, trust_env=False, timeout=60
        )
        self.shapes: set[str] = set()

    def run(self, number: int) -> Outcome:
        """Use so many strings."""
        strings = hostile_strings(number)
        addresses, groupings, reasons = number // 20, number // 50, number // 100
        cuts = (addresses, addresses + groupings, addresses + groupings + reasons)
        self.outcome.strings = number
        try:
            self._everything(strings[cuts[2] :], strings[cuts[0] : cuts[1]])
            self._tombstones(strings[cuts[1] : cuts[2]])
            self._addresses(strings[: cuts[0]])
        finally:
            self.looker.close()
            self.http.close()
        self.outcome.pages = self.looker.looked
        self.outcome.wrong += self.looker.wrong
        return self.outcome

    def _everything(self, strings: Sequence[str], titles: Sequence[str]) -> None:
        """Look at all pages of records and groupings, with the strings and with their twins."""
        self._refuses_what_utf_8_has_not(strings)
        records = list(planted(strings))
        groups = list(self._groups([text for text in titles if sendable(text)], len(strings)))
        with OdcClient(self.server.url, odc.TOKEN) as client:
            for record in records:
                odc.upload(client, UUID(record.kid), FILES, self.work)
                record.put(self.http)
        self.outcome.refused += sum(len(record.refused) for record in records)
        self.outcome.refused += sum(not group.put(self.http) for group in groups)
        groups = [group for group in groups if group.taken]
        paths = [*OVERVIEWS, *(f"/resources/{each.kid}" for each in records),
                 *(group.path for group in groups)]  # fmt: skip
        hostile = [self.looker.open(path) for path in paths]
        forms = {path: self._elements(path) for path in self._forms(records)}
        for record in records:
            self._put(f"/api/resources/{record.kid}", record.body(hostile=False))
        for group in groups:
            self._put(f"/api{group.path}", group.body(hostile=False))
        twins = _merged([*(record.twins for record in records), *(group.twins for group in groups)])
        self._compare(hostile, twins)
        calm = RELATED.union(*(self._elements(path) for path in forms))
        self.outcome.wrong += [f"{p}: {found - calm}" for p, found in forms.items() if found - calm]

    def _compare(self, hostile: Sequence[Seen], twins: Mapping[str, str]) -> None:
        for seen in hostile:
            twin = self.looker.open(seen.path)
            self.shapes |= set(twin.shape)
            self.outcome.wrong += differences(seen, twin, twins)

    def _groups(self, titles: Sequence[str], first: int) -> Iterator[Group]:
        for number in range(0, len(titles) - 1, 2):
            kind = ("collections", "streams")[number // 2 % 2]
            pair = {n: titles[n - first] for n in (first + number, first + number + 1)}
            yield Group(f"/{kind}/hostile26_99_g{number}", pair)

    def _tombstones(self, reasons: Sequence[str]) -> None:
        """Look at what is left of withdrawn records, with each string as the reason."""
        for number, reason in enumerate(reasons):
            record = odc.make_record(version=f"9.{number}", files=[], services=())
            path = f"/api/resources/{record.kid}"
            self._put(path, record.model_dump_json().encode())
            answer = self.http.delete(f"{path}?reason={in_address(reason)}")
            if answer.status_code != 204:
                self._not_broken(f"withdrawn because of {reason!r}", answer.status_code)
                continue
            seen = self.looker.open(f"/resources/{record.kid}")
            assert seen.status == 410
            twin = harmless(reason, number)
            assert self.http.post(f"{path}/restore").status_code == 204
            assert self.http.delete(path, params={"reason": twin}).status_code == 204
            self._compare([seen], {twin: reason})

    def _addresses(self, strings: Sequence[str]) -> None:
        """Ask for pages by hostile addresses: none is made of anything but what others are."""
        kid = str(odc.make_record().kid)
        for address in ADDRESSES:
            calm = self.looker.open(address.replace("{kid}", kid).replace("{}", "q1"))
            self.shapes |= set(calm.shape)
        for number, text in enumerate(strings):
            address = ADDRESSES[number % len(ADDRESSES)].replace("{kid}", kid)
            seen = self.looker.open(address.replace("{}", in_address(text)))
            self._not_broken(seen.path, seen.status)
            if more := set(seen.shape) - self.shapes:
                self.outcome.wrong.append(f"{seen.path[:200]}: has {sorted(more)[:3]}")
            self._harvest(HARVESTS[number % len(HARVESTS)].replace("{}", in_address(text)))
            self._header(HEADERS[number % len(HEADERS)], text)

    def _harvest(self, address: str) -> None:
        answer = self.http.get(address)
        self._not_broken(address, answer.status_code)
        if "xml" in answer.headers.get("content-type", ""):
            etree.fromstring(answer.content)

    def _header(self, name: str, text: str) -> None:
        """Send a string in a header, as far as HTTP has it."""
        value = text.encode("utf-8", "surrogatepass").translate(None, CONTROLS).strip()
        answer = self.http.get("/resources", headers=[(name.encode(), value)])
        self._not_broken(f"{name}: {text[:100]!r}", answer.status_code)
        if "x-hostile" in answer.headers or text in answer.text:
            self.outcome.wrong.append(f"{name}: {text[:100]!r} came back")

    def _not_broken(self, what: str, status: int) -> None:
        self.outcome.refused += 400 <= status < 500
        if status >= 500:
            self.outcome.wrong.append(f"{what[:200]}: answered with {status}")

    def _refuses_what_utf_8_has_not(self, strings: Sequence[str]) -> None:
        """Send strings alone that would make a whole document unreadable."""
        for text in strings:
            if sendable(text):
                continue
            (record,) = planted(["harmless"])
            place = next(iter(record.strings))
            record.strings[place] = (0, text)
            answer = self.http.put(
                f"/api/resources/{record.kid}", content=record.body(hostile=True)
            )
            assert answer.status_code == 422, answer.text
            self.outcome.refused += 1

    def _forms(self, records: Sequence[Planted]) -> list[str]:
        forms, *harvests = XML_FORMS
        return [*(forms.format(record.kid) for record in records), *harvests]

    def _elements(self, path: str) -> set[str]:
        """Return which elements an XML document has, which has to be well-formed."""
        root = etree.fromstring(self.http.get(path).content)
        return {etree.QName(each).localname for each in root.iter()}

    def _put(self, path: str, body: bytes) -> None:
        answer = self.http.put(path, content=body)
        assert answer.is_success, answer.text


@dataclass
class Group:
    """A stream or a collection with a string as title and one as description."""

    path: str
    strings: Mapping[int, str]
    taken: bool = True

    @property
    def twins(self) -> dict[str, str]:
        """The hostile string for each harmless one."""
        return {harmless(text, number): text for number, text in self.strings.items()}

    def body(self, *, hostile: bool) -> bytes:
        """Return it as JSON, with the strings or with their harmless twins."""
        title, about = (
            text if hostile else harmless(text, number) for number, text in self.strings.items()
        )
        said = {"identifier": self.path.rpartition("/")[2], "title": f"{title} title",
                "description": f"{about}; and a text of some length"}  # fmt: skip
        if self.path.startswith("/streams"):
            said["ktype"] = Ktype.EVENTS.value
        return json.dumps(said).encode()

    def put(self, http: httpx.Client) -> bool:
        """Write it; tell whether the service took it."""
        answer = http.put(f"/api{self.path}", content=self.body(hostile=True))
        assert answer.is_success or answer.status_code == 422, answer.text
        self.taken = answer.is_success
        return self.taken


def _merged(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {twin: text for part in parts for twin, text in part.items()}
