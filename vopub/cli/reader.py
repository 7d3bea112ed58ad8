"""What the commands share that only read from an Open Data Center."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from vopub.cli.options import show_json
from vopub.client.catalog import Listing
from vopub.client.store import KM3Store

OdcOption = Annotated[
    str | None,
    typer.Option("--odc", help="Address of the Open Data Center.", show_default=False),
]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", help="Directory that keeps what was fetched.", show_default=False),
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Use only what was fetched before.")]


def open_store(odc: str | None, cache: Path | None, *, offline: bool) -> KM3Store:
    """Return the store that the options name; what is not given is left to the settings."""
    return KM3Store(odc, cache=cache, offline=offline or None)


def show_listing(listing: Listing, *, as_json: bool) -> None:
    """Print all lines of a list."""
    if as_json:
        show_json(listing.as_json())
    else:
        sys.stdout.write(f"{listing.sheet(len(listing))}\n")
