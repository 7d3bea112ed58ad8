"""What search engines ask for: ``/robots.txt`` and ``/sitemap.xml``.

Source: https://www.sitemaps.org/protocol.html. A sitemap has at most 50,000 addresses; with more
records than that it lists parts, one for each beginning of a ``kid``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vopub.odc.addresses import base_url
from vopub.odc.downloads import TheStore
from vopub.odc.schema import CollectionRow, ResourceRow, StreamRow

MOST = 40_000
"""Records in a sitemap that has no parts."""
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"

router = APIRouter(include_in_schema=False)


@router.api_route("/robots.txt", methods=["GET", "HEAD"])
def robots(request: Request) -> Response:
    """Let everybody in, but not into the harvest, and tell where the sitemap is."""
    lines = ["User-agent: *", "Disallow: /oai", f"Sitemap: {base_url(request)}/sitemap.xml", ""]
    return Response("\n".join(lines), media_type="text/plain")


@router.api_route("/sitemap.xml", methods=["GET", "HEAD"])
def sitemap(request: Request, store: TheStore) -> Response:
    """Return the addresses of all pages, or of the parts of the sitemap."""
    base = base_url(request)
    with store.reading() as session:
        if _number(session) > MOST:
            parts = (f"{base}/sitemap/{part:02x}.xml" for part in range(256))
            rest = f"{base}/sitemap/other.xml"
            return _document("sitemapindex", "sitemap", ((part, "") for part in [rest, *parts]))
        return _document("urlset", "url", [*_others(session, base), *_records(session, base, "")])


@router.api_route("/sitemap/{part}.xml", methods=["GET", "HEAD"])
def sitemap_part(
    part: Annotated[str, Path(pattern="^([0-9a-f]{2}|other)$")], request: Request, store: TheStore
) -> Response:
    """Return the addresses of one part."""
    base = base_url(request)
    with store.reading() as session:
        found = _others(session, base) if part == "other" else _records(session, base, part)
        return _document("urlset", "url", found)


def _number(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ResourceRow)) or 0


def _records(session: Session, base: str, beginning: str) -> Iterator[tuple[str, str]]:
    """Yield address and day of the last change of the records whose ``kid`` begins so."""
    rows = select(ResourceRow.kid, ResourceRow.written).where(ResourceRow.withdrawn.is_(None))
    if beginning:
        rows = rows.where(ResourceRow.kid >= beginning, ResourceRow.kid < f"{beginning}g")
    for kid, written in session.execute(rows.order_by(ResourceRow.kid)):
        yield f"{base}/resources/{kid}", f"{written:%Y-%m-%d}"


def _others(session: Session, base: str) -> Iterator[tuple[str, str]]:
    yield f"{base}/", ""
    for table in (CollectionRow, StreamRow):
        rows = select(table.identifier, table.written).where(table.withdrawn.is_(None))
        for identifier, written in session.execute(rows.order_by(table.identifier)):
            yield f"{base}/{table.__tablename__}/{identifier}", f"{written:%Y-%m-%d}"


def _document(root: str, child: str, entries: Iterable[tuple[str, str]]) -> Response:
    document = ET.Element(root, xmlns=_NAMESPACE)
    for address, day in entries:
        entry = ET.SubElement(document, child)
        ET.SubElement(entry, "loc").text = address
        if day:
            ET.SubElement(entry, "lastmod").text = day
    text = "<?xml version='1.0' encoding='UTF-8'?>\n" + ET.tostring(document, "unicode")
    return Response(text, media_type="application/xml")
