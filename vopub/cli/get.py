"""``vopub get``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from vopub.cli.options import JsonOption, show_json
from vopub.cli.reader import CacheOption, OdcOption, OfflineOption, open_store
from vopub.client.objects import KM3Object
from vopub.errors import UsageError

Identifier = Annotated[
    str,
    typer.Argument(help="Resource: <id>, <id>@<version> or <kid>.", show_default=False),
]
Directory = Annotated[
    Path | None,
    typer.Option("--to", help="Directory for the files; by default named like the resource."),
]


def get(
    identifier: Identifier,
    directory: Directory = None,
    odc: OdcOption = None,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download the files of a resource, checked, and a manifest that 'vopub verify' reads.

    What is there already is not fetched again; another file under the same name is left alone and
    ends the command with 10. Broken downloads are taken up where they ended.
    """
    with open_store(odc, cache, offline=offline) as store:
        found = store.get(identifier)
        if not isinstance(found, KM3Object):
            hint = f"'vopub list {identifier}' shows what is in it"
            raise UsageError(f"{identifier} has no files of its own", hint=hint)
        paths = found.download(directory)
    if as_json:
        show_json([str(path) for path in paths])
    else:
        sys.stdout.writelines(f"{path}\n" for path in paths)
