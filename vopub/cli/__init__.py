"""The command line: each command parses, calls one thing and prints."""

from __future__ import annotations

import sys

import typer

from vopub.cli.commands import Commands, needs_more
from vopub.cli.options import common_options
from vopub.errors import VopubError

app = typer.Typer(
    name="vopub",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    callback=common_options,
    help="Publish neutrino-telescope data to the Virtual Observatory and an Open Data Center.",
    epilog="Exit codes: 0 done; 1 error; 2 wrong usage; 3 another program or server failed; "
    "4 finished, but the proof failed; 10 a file is another than the published one; "
    "11 the Open Data Center does not have it; 12 it is not here.",
)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the one place where errors become messages and exit codes."""
    try:
        try:
            app(args=arguments)
        except ModuleNotFoundError as error:
            raise needs_more(error) from error
    except VopubError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"vopub: {line}\n")
        sys.exit(error.exit_code)
