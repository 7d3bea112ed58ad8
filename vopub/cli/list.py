"""``vopub list``."""

from __future__ import annotations

from typing import Annotated

import typer

from vopub.cli.options import JsonOption
from vopub.cli.reader import CacheOption, OdcOption, OfflineOption, open_store, show_listing

Identifier = Annotated[
    str | None,
    typer.Argument(help="Collection, stream or resource; everything if none is named."),
]


def list_contents(
    identifier: Identifier = None,
    odc: OdcOption = None,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what there is: collections, what is in one, elements of a stream, versions."""
    with open_store(odc, cache, offline=offline) as store:
        show_listing(store.list(identifier), as_json=as_json)
