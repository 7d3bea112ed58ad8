"""``vopub search``."""

from __future__ import annotations

from typing import Annotated

import typer

from vopub.cli.options import JsonOption
from vopub.cli.reader import CacheOption, OdcOption, OfflineOption, open_store, show_listing

Words = Annotated[list[str], typer.Argument(help="Words that all occur.", show_default=False)]


def search(
    words: Words,
    odc: OdcOption = None,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the resources in whose title, description or parameters all the words occur."""
    with open_store(odc, cache, offline=offline) as store:
        show_listing(store.search(" ".join(words)), as_json=as_json)
