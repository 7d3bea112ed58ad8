"""``vopub verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vopub.cli.options import JsonOption, show_json, show_table
from vopub.cli.reader import CacheOption, OdcOption, OfflineOption, open_store

Directory = Annotated[
    Path, typer.Argument(help="Directory with a manifest.json.", show_default=False)
]


def verify(
    directory: Directory,
    odc: OdcOption = None,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a directory with what the Open Data Center says, byte for byte.

    Ends with 0 if all files are right, else with 10 if one is another, 11 if the Open Data Center
    does not have one, 12 if one is not here; with the first of these that holds.
    """
    with open_store(odc, cache, offline=offline) as store:
        report = store.verify(directory)
    if as_json:
        about = {"identifier": report.identifier, "version": report.version, "kid": report.kid}
        show_json({**about, "files": {file.name: file.verdict for file in report.files}})
    else:
        rows = [(file.name, file.verdict.value) for file in report.files]
        show_table(f"{report.identifier} {report.version}", ("file", ""), rows)
    error = report.error(directory)
    if error is not None:
        raise error
