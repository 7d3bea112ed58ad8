"""The application: the store, the REST service, the files and the pages under one address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from vopub import __version__
from vopub.odc import (
    api,
    bulk,
    downloads,
    groupings_api,
    life_api,
    listing,
    oai,
    pages,
    pictures,
    sitemap,
    sky_view,
    vocabularies,
)
from vopub.odc.addresses import Network
from vopub.odc.file_types import USUAL, FileTypes
from vopub.odc.guard import HeadLikeGet, SecurityHeaders, handle_errors
from vopub.odc.keeping import keep_tidy
from vopub.odc.limits import Cells, Limit
from vopub.odc.ownership import Owned
from vopub.odc.packing import Packing
from vopub.odc.remembering import Remembering
from vopub.odc.sharing import Sharing, Shelf
from vopub.odc.store import Store, prepare
from vopub.odc.turns import Queue, Turns

LARGEST_UPLOAD = 2 << 30
"""Largest file in bytes unless set otherwise."""
WRONG_TOKENS = 20
"""Wrong tokens that an address may send in a minute."""
MOST_WRITES = 12_000
"""Requests that a token may write with in a minute, unless set otherwise."""


@dataclass(frozen=True, slots=True)
class OdcConfig:
    """What the service needs to know."""

    directory: Path
    """Holds everything it keeps."""
    token_digest: bytes
    """SHA-256 of the token for writing."""
    largest_upload: int = LARGEST_UPLOAD
    most_writes: int = MOST_WRITES
    """Requests that write, in a minute, for each token."""
    database: str = ""
    """Address of a PostgreSQL to keep the records in; SQLite in the directory if empty."""
    public_url: str = ""
    """Address that readers use, if it differs from the one of the request (behind a proxy)."""
    aladin_lite: Path = sky_view.DEFAULT_DIRECTORY
    """Where Aladin Lite lies; without it there is no view of the sky."""
    accepted: FileTypes = USUAL
    """Types of files that are taken."""
    proxies: tuple[Network, ...] = ()
    """Whose word is taken for whom they ask: proxies that stand before the service."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the processes that serve together have in common; made before they are parted."""

    owned: Owned
    wrong_tokens: Limit
    writes: Limit
    answers: Shelf | None
    """None if there is only one."""

    @classmethod
    def prepare(cls, config: OdcConfig, processes: int = 1) -> Shared:
        """Own the store and bring it up to date.

        Raises
        ------
        BusyError, FileError, ServiceError, UsageError
            If the directory is in use, or it or the database cannot be used.
        """
        return cls(
            prepare(config.directory, config.database, processes),
            Limit(WRONG_TOKENS, cells=Cells.of(processes)),
            Limit(config.most_writes, cells=Cells.of(processes)),
            Shelf() if processes > 1 else None,
        )

    def by(self, process: int) -> Shared:
        """Return the same for one of the processes."""
        return Shared(
            self.owned.by(process),
            self.wrong_tokens.by(process),
            self.writes.by(process),
            self.answers,
        )


def create_app(config: OdcConfig, shared: Shared | None = None) -> FastAPI:
    """Open the store and make the application that serves it.

    Parameters
    ----------
    config
        What it needs to know.
    shared
        In one of several processes that serve together, what they have in common.

    Raises
    ------
    BusyError, FileError, ServiceError, UsageError
        As ``Shared.prepare``.
    """
    shared = shared or Shared.prepare(config)
    store = Store(config.directory, config.database, config.accepted, shared.owned)

    @asynccontextmanager
    async def look_after_store(_app: FastAPI) -> AsyncIterator[None]:
        tidying = None
        if shared.owned.is_first:
            tidying = asyncio.create_task(keep_tidy(config.directory, config.database))
        yield
        if tidying is not None:
            tidying.cancel()
        store.close()

    app = FastAPI(
        title="Open Data Center", version=__version__, lifespan=look_after_store,
        description="Records and files of published resources. Reading is open to all.",
        openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    _tell(app, config, shared, store)
    handle_errors(app)
    # They are gone through for each request: what is asked for most comes first.
    for room in (
        pages, listing, api, groupings_api, bulk, downloads, life_api, oai, pictures, sitemap,
        sky_view,
    ):  # fmt: skip
        app.include_router(room.router)
    for router in (vocabularies.pages, vocabularies.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files("vopub.odc") / "static")))
    app.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD"],
        allow_headers=["Range", "If-Range", "If-None-Match"],
        expose_headers=[
            "ETag", "Link", "Content-Range", "Accept-Ranges", "Repr-Digest", "Content-Disposition",
            "Retry-After",
        ],
        max_age=86_400,
    )  # fmt: skip
    if shared.answers is not None:
        app.add_middleware(Sharing, mark=shared.owned.writes.now, shelf=shared.answers)
    queue = Queue()
    app.add_middleware(Turns, queue=queue)
    app.add_middleware(Packing)
    app.add_middleware(HeadLikeGet)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Remembering, mark=shared.owned.writes.now, queue=queue)
    return app


def _tell(app: FastAPI, config: OdcConfig, shared: Shared, store: Store) -> None:
    """Put where requests find it what is needed to answer them."""
    app.state.store = store
    app.state.token_digest = config.token_digest
    app.state.wrong_tokens = shared.wrong_tokens
    app.state.writes = shared.writes
    app.state.largest_upload = config.largest_upload
    app.state.public_url = config.public_url.rstrip("/")
    app.state.proxies = config.proxies
    app.state.aladin_lite = config.aladin_lite
    app.state.pictures = pictures.Pictures(config.directory / "pictures")
