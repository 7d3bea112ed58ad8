"""OAI-PMH 2.0: how catalogues of others harvest the records.

Source: https://www.openarchives.org/OAI/openarchivesprotocol.html (sections 3 and 4). What a
harvester needs next is all in the resumption token, so that nothing is kept here and a token is
good at any time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from vopub.errors import VopubError
from vopub.odc import harvest
from vopub.odc.addresses import base_url
from vopub.odc.blobs import too_large
from vopub.odc.downloads import TheStore
from vopub.odc.harvest import Changed, Wanted
from vopub.odc.oai_xml import (
    FORMATS,
    add,
    add_header,
    add_record,
    envelope,
    identifier_of,
    stamp,
    written,
)

PER_PAGE = 100
"""Records in one answer; who wants more follows the resumption token."""
MOST_BODY = 10_000
"""Bytes of a request by POST."""
_PAGED = ("from", "until", "metadataPrefix", "set", "resumptionToken")
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "Identify": (),
    "ListMetadataFormats": ("identifier",),
    "ListSets": ("resumptionToken",),
    "GetRecord": ("identifier", "metadataPrefix"),
    "ListIdentifiers": _PAGED,
    "ListRecords": _PAGED,
}

router = APIRouter(include_in_schema=False)


class OaiError(VopubError):
    """A request that OAI-PMH has an error for; it is answered inside an answer with status 200.

    Parameters
    ----------
    code
        One of the protocol's, e.g. ``badArgument``.
    text
        What is wrong, for people.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Page:
    """What a list is asked for, at its beginning or further on."""

    prefix: str
    wanted: Wanted
    seen: int = 0
    """How many records the pages before had."""

    def token(self, last: Changed, number: int) -> str:
        """Return the token that asks for what comes after ``number`` more records."""
        since, before = (_iso(moment) for moment in (self.wanted.since, self.wanted.before))
        content = [
            self.prefix, since, before, self.wanted.group, last.when.isoformat(), last.kid,
            self.seen + number,
        ]  # fmt: skip
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Question:
    """A request whose arguments are possible, and where to look."""

    session: Session
    given: Mapping[str, str]
    """The arguments."""
    base: str
    """Address of the service."""


@router.api_route("/oai", methods=["GET", "HEAD", "POST"])
async def oai(request: Request, store: TheStore) -> Response:
    """Answer one of the six requests of OAI-PMH, by GET or by POST."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    if request.method == "POST":
        pairs = await _posted(request)
    base = base_url(request)

    def answer() -> bytes:
        with store.reading() as session:
            return written(_answer(session, pairs, base))

    return Response(await run_in_threadpool(answer), media_type="text/xml; charset=utf-8")


async def _posted(request: Request) -> list[tuple[str, str]]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise too_large(MOST_BODY)
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def _answer(session: Session, pairs: list[tuple[str, str]], base: str) -> ET.Element:
    address = f"{base}/oai"
    given = dict(pairs)
    try:
        verb = _check(pairs)
        root = envelope(address, given)
        _VERBS[verb](Question(session, given, base), add(root, verb))
    except OaiError as error:
        known = error.code not in ("badVerb", "badArgument")
        root = envelope(address, given if known else {})
        add(root, "error", error.what).set("code", error.code)
    return root


def _check(pairs: list[tuple[str, str]]) -> str:
    """Return the verb of a request whose arguments are possible."""
    given = dict(pairs)
    verb = given.get("verb", "")
    if verb not in _ARGUMENTS or [name for name, _ in pairs].count("verb") > 1:
        raise OaiError("badVerb", f"the verb has to be one of {', '.join(_ARGUMENTS)}")
    others = [name for name, _ in pairs if name != "verb"]
    possible = _ARGUMENTS[verb]
    if strange := [name for name in others if name not in possible]:
        raise OaiError("badArgument", f"{verb} has no argument {strange[0]!r}")
    if len(others) > len(set(others)):
        raise OaiError("badArgument", "an argument is given more than once")
    if "resumptionToken" in others and len(others) > 1:
        raise OaiError("badArgument", "resumptionToken excludes every other argument")
    if "metadataPrefix" in possible and not {"metadataPrefix", "resumptionToken"} & set(others):
        raise OaiError("badArgument", f"{verb} needs a metadataPrefix")
    return verb


def _identify(question: Question, element: ET.Element) -> None:
    first = harvest.earliest(question.session) or datetime.now(UTC)
    for name, text in (
        ("repositoryName", "Open Data Center"), ("baseURL", f"{question.base}/oai"),
        ("protocolVersion", "2.0"), ("adminEmail", harvest.contact(question.session)),
        ("earliestDatestamp", stamp(first)), ("deletedRecord", "persistent"),
        ("granularity", "YYYY-MM-DDThh:mm:ssZ"), ("compression", "gzip"),
    ):  # fmt: skip
        add(element, name, text)


def _formats(question: Question, element: ET.Element) -> None:
    if "identifier" in question.given:
        _existing(question.session, question.given["identifier"])
    for form in FORMATS.values():
        entry = add(element, "metadataFormat")
        add(entry, "metadataPrefix", form.prefix)
        add(entry, "schema", form.schema)
        add(entry, "metadataNamespace", form.namespace)


def _sets(question: Question, element: ET.Element) -> None:
    if "resumptionToken" in question.given:
        raise OaiError("badResumptionToken", "the list of sets comes in one piece")
    for name, title in harvest.sets(question.session):
        entry = add(element, "set")
        add(entry, "setSpec", name)
        add(entry, "setName", title)
    if not len(element):
        raise OaiError("noSetHierarchy", "there is nothing here yet that sets could be made of")


def _record(question: Question, element: ET.Element) -> None:
    if "identifier" not in question.given:
        raise OaiError("badArgument", "GetRecord needs an identifier")
    form = FORMATS[_prefix(question.given["metadataPrefix"])]
    add_record(
        element, _existing(question.session, question.given["identifier"]), form, question.base
    )


def _identifiers(question: Question, element: ET.Element) -> None:
    page = _page(question.given)
    found = _found(question.session, page)
    for each in found[:PER_PAGE]:
        add_header(element, each)
    _add_token(element, page, found)


def _records(question: Question, element: ET.Element) -> None:
    page = _page(question.given)
    found = _found(question.session, page)
    for each in found[:PER_PAGE]:
        add_record(element, each, FORMATS[page.prefix], question.base)
    _add_token(element, page, found)


_VERBS: Mapping[str, Callable[[Question, ET.Element], None]] = {
    "Identify": _identify, "ListMetadataFormats": _formats, "ListSets": _sets,
    "GetRecord": _record, "ListIdentifiers": _identifiers, "ListRecords": _records,
}  # fmt: skip


def _existing(session: Session, identifier: str) -> Changed:
    try:
        kid = UUID(identifier.removeprefix("urn:uuid:"))
    except ValueError:
        found = None
    else:
        found = harvest.one(session, str(kid))
    if found is None or identifier != identifier_of(found.kid):
        raise OaiError("idDoesNotExist", f"there is no record {identifier!r}")
    return found


def _found(session: Session, page: Page) -> list[Changed]:
    """Return the records of a page, and one more if there are more."""
    found = harvest.changed(session, page.wanted, PER_PAGE + 1)
    if not found:
        raise OaiError("noRecordsMatch", "no record is like that")
    return found


def _add_token(element: ET.Element, page: Page, found: list[Changed]) -> None:
    """Say how to go on; the last of several pages has an empty token."""
    more = len(found) > PER_PAGE
    if more or page.seen:
        text = page.token(found[PER_PAGE - 1], PER_PAGE) if more else ""
        add(element, "resumptionToken", text).set("cursor", str(page.seen))


def _page(given: Mapping[str, str]) -> Page:
    if "resumptionToken" in given:
        return _resumed(given["resumptionToken"])
    texts = [given[name] for name in ("from", "until") if name in given]
    if len({len(text) for text in texts}) > 1:
        raise OaiError("badArgument", "from and until have to be equally exact")
    since, before = given.get("from"), given.get("until")
    wanted = Wanted(
        since=_moment(since) if since is not None else None,
        before=_moment(before) + _step(before) if before is not None else None,
        group=given.get("set", ""),
    )
    if wanted.since and wanted.before and wanted.since >= wanted.before:
        raise OaiError("badArgument", "from is later than until")
    if "set" in given and not harvest.is_set(wanted.group):
        raise OaiError("badArgument", f"{wanted.group!r} is not the name of a set")
    return Page(_prefix(given["metadataPrefix"]), wanted)


def _resumed(token: str) -> Page:
    try:
        padded = token.encode() + b"=" * (-len(token) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        prefix, since, before, group, when, kid, seen = content
        moments = [text and datetime.fromisoformat(text) for text in (since, before, when)]
        _all(isinstance(text, str) for text in (prefix, group, kid))
        _all([prefix in FORMATS, not group or harvest.is_set(group), UUID(kid), seen > 0, when])
        _all(moment is None or moment.tzinfo is None for moment in moments)
    except (ValueError, TypeError, AttributeError) as error:
        raise OaiError("badResumptionToken", "the token is not one of this service") from error
    wanted = Wanted(since=moments[0], before=moments[1], group=group)
    return Page(prefix, replace(wanted, after=(moments[2], kid)), int(seen))


def _all(true: Iterable[Any]) -> None:
    if not all(true):
        raise ValueError("something in the token is impossible")


def _prefix(prefix: str) -> str:
    if prefix not in FORMATS:
        raise OaiError("cannotDisseminateFormat", f"there is no format {prefix!r}")
    return prefix


def _step(text: str) -> timedelta:
    return timedelta(days=1) if len(text) == len("2026-11-22") else timedelta(seconds=1)


def _moment(text: str) -> datetime:
    form = "%Y-%m-%d" if len(text) == len("2026-11-22") else "%Y-%m-%dT%H:%M:%SZ"
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError as error:
        raise OaiError("badArgument", f"{text!r} is not a date or time in UTC") from error
    if moment.year > 9998 or len(text) != len(moment.strftime(form)):
        raise OaiError("badArgument", f"{text!r} is not a date or time in UTC")
    return moment.replace(tzinfo=None)  # as the database has them


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
