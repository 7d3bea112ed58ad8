"""``vopub check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vopub.cli.options import JsonOption, SiteOption, say, settings_of, show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vopub.publish.checks import Finding

Resources = Annotated[
    list[str] | None,
    typer.Argument(help="Resources by id; all if none is named.", show_default=False),
]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="For a release: warnings count, and the settings are looked at."),
]
LinksOption = Annotated[
    bool, typer.Option("--links", help="Ask the links, too; nothing else leaves this machine.")
]


def check(
    resources: Resources = None,
    strict: StrictOption = False,
    links: LinksOption = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for what is wrong with descriptions, before anything runs.

    Changes nothing, and needs no server. Every code is explained in docs/checks.md. Exit code 1 if
    there is an error; with --strict also if there is a warning.
    """
    # Imported here, so that the other commands start without it.
    from vopub.publish import checks  # noqa: PLC0415

    settings = settings_of(site, None, None)
    found = checks.check(
        settings, resources or (), today=checks.latest_date(), strict=strict, links=links
    )
    failed = checks.fails(found, strict=strict)
    if as_json:
        show_json({"failed": failed, "findings": [finding.as_json() for finding in found]})
    else:
        show(found)
    if failed:
        raise typer.Exit(1)


def show(found: Sequence[Finding]) -> None:
    """Print the findings, one in a line, and how many there are."""
    here = f"{Path.cwd()}/"
    for finding in found:
        typer.echo(str(finding).removeprefix(here))
    errors = sum(finding.severity == "error" for finding in found)
    say(f"{_number(errors, 'error')}, {_number(len(found) - errors, 'warning')}")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
