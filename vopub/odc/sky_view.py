"""The sky in the browser: the events of a resource in Aladin Lite, if that program is there.

Aladin Lite is under the GPL-3, a program beside vopub: ``scripts/fetch_aladin_lite.py`` puts it
into a directory, from which it is served. Only this page lets a script do what that needs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from vopub.model.resource import KM3OpenResource, ServiceKind
from vopub.odc.downloads import TheStore
from vopub.odc.faults import NotFoundError
from vopub.odc.recipes import WHOLE_SKY, cone_url
from vopub.odc.rendering import render
from vopub.odc.sky import ORDER, ranges_of

PROGRAM = "aladin.js"
DEFAULT_DIRECTORY = Path(sys.prefix) / "share" / "aladin-lite"
"""Where ``scripts/setup`` puts Aladin Lite."""
SURVEY = "CDS/P/DSS2/color"
"""Picture of the sky, by its name at the CDS."""
SURVEYS = " https://*.unistra.fr"
"""Where it comes from when a reader asks for it; other pages may not ask there."""
MOST_BYTES = 16 << 20
"""Largest table that is drawn in the browser."""
POSITION = ("ra", "dec")

router = APIRouter(include_in_schema=False)
GET = ["GET", "HEAD"]


@dataclass(frozen=True, slots=True)
class SkyView:
    """What the page shows of a resource."""

    table: str = ""
    """Address of the events as CSV, here; empty if there is none."""
    cone: str = ""
    """Address of a cone search for the whole sky; empty if there is none."""
    moc: str = ""
    """The coverage as JSON; empty if none is stated. Source: MOC 1.1, section 2.3.2."""


def view_of(record: KM3OpenResource) -> SkyView | None:
    """Return what can be shown of a resource on the sky; None if nothing has a position."""
    names = {parameter.name for parameter in record.parameters}
    if not names.issuperset(POSITION):
        return None
    cones = [s.url for s in record.services if s.kind is ServiceKind.SCS]
    tables = [
        f"/files/{record.kid}/{file.name}?sha256={file.sha256}" for file in record.files
        if file.media_type.startswith("text/csv") and file.size <= MOST_BYTES
    ]  # fmt: skip
    if not cones and not tables:
        return None
    return SkyView(
        table=next(iter(tables), ""), moc=moc_json(record.coverage.spatial),
        cone=cone_url(cones[0], WHOLE_SKY) if cones else "",
    )  # fmt: skip


def moc_json(text: str) -> str:
    """Return a MOC in ASCII form as JSON: the largest cells that fill what it covers."""
    cells: dict[str, list[int]] = {}
    for first, stop in ranges_of(text) if text else ():
        for order, cell in _cells(first, stop):
            cells.setdefault(str(order), []).append(cell)
    return json.dumps(cells) if cells else ""


def _cells(first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield order and number of the largest cells that fill a range of the finest."""
    while first < stop:
        order = next(n for n in range(ORDER + 1) if _fits(first, stop, 4 ** (ORDER - n)))
        size = 4 ** (ORDER - order)
        yield order, first // size
        first += size


def _fits(first: int, stop: int, size: int) -> bool:
    return first % size == 0 and first + size <= stop


def policy_of(view: SkyView, *, survey: bool) -> str:
    """Return what the page may load and do: Aladin Lite is WebAssembly and draws with workers."""
    cone = urlsplit(view.cone)
    service = (
        f" {cone.scheme}://{cone.netloc}" if re.fullmatch(r"[\w.:\[\]-]+", cone.netloc) else ""
    )
    surveys = SURVEYS if survey else ""
    return "; ".join(
        [
            "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self' 'unsafe-inline'", f"img-src 'self' data: blob:{surveys}",
            f"connect-src 'self' data: blob:{surveys}{service}", "font-src 'self' data:",
            "worker-src 'self' blob:", "form-action 'self'", "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )  # fmt: skip


def program_of(request: Request) -> Path | None:
    """Return the file of Aladin Lite; None if it was not fetched."""
    directory: Path = request.app.state.aladin_lite
    path = directory / PROGRAM
    return path if path.is_file() else None


@router.api_route("/resources/{kid}/sky", methods=GET)
def sky(kid: UUID, request: Request, store: TheStore, survey: bool = False) -> Response:
    """Show the events of a resource on the sky."""
    record = store.get_resource(kid)
    view = view_of(record)
    if view is None:
        raise NotFoundError(f"resource {kid} has no positions to show")
    page = render(
        "sky.html", record=record, view=view, there=program_of(request) is not None,
        survey=SURVEY if survey else "",
    )  # fmt: skip
    headers = {"Content-Security-Policy": policy_of(view, survey=survey)}
    return HTMLResponse(page, headers=headers)


@router.api_route(f"/aladin-lite/{PROGRAM}", methods=GET)
def program(request: Request) -> Response:
    """Return Aladin Lite."""
    path = program_of(request)
    if path is None:
        raise NotFoundError("Aladin Lite is not installed here")
    return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "no-cache"})
