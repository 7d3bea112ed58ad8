"""Options that several commands share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from vopub import __version__
from vopub.settings import Settings, load_settings

PIPE_WIDTH = 200
"""Columns to lay tables out for when the output is not a terminal."""

SiteOption = Annotated[
    Path | None,
    typer.Option("--site", help="Directory of the running site.", show_default=False),
]
DachsPortOption = Annotated[
    int | None,
    typer.Option("--dachs-port", min=1, max=65535, help="Port of the VO server."),
]
OdcPortOption = Annotated[
    int | None,
    typer.Option("--odc-port", min=1, max=65535, help="Port of the Open Data Center."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"vopub {__version__}\n")
        raise typer.Exit


def common_options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Take the options of ``vopub`` itself."""
    del version  # handled by its callback


def settings_of(
    site: Path | None, dachs_port: int | None, odc_port: int | None, **others: Any
) -> Settings:
    """Return the settings with what the command line set."""
    return load_settings(
        {
            "site.directory": None if site is None else site.absolute(),
            "site.dachs_port": dachs_port,
            "site.odc_port": odc_port,
            **others,
        }
    )


def say(line: str) -> None:
    """Print a line of progress."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def show_json(content: object) -> None:
    """Print JSON to standard output."""
    sys.stdout.write(json.dumps(content, indent=2, default=str) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output, wide enough not to cut anything in a pipe."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    terminal = sys.stdout.isatty()
    Console(width=None if terminal else PIPE_WIDTH, highlight=False, emoji=False).print(table)


def is_terminal() -> bool:
    """Tell whether progress goes to a person's terminal."""
    return sys.stderr.isatty() and os.isatty(sys.stderr.fileno())
