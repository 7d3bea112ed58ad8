"""The command line: each command parses, calls one thing and prints."""

from __future__ import annotations

import sys

import typer

from vopub.cli import diff, doctor, down, publish, status, up
from vopub.cli.options import common_options
from vopub.errors import VopubError

app = typer.Typer(
    name="vopub",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    callback=common_options,
    help="Publish neutrino-telescope data to the Virtual Observatory and an Open Data Center.",
    epilog="Exit codes: 0 done; 1 error; 2 wrong usage; 3 another program or server failed; "
    "4 finished, but the proof failed.",
)
app.command("publish", short_help="Publish resources; does only what is missing.")(publish.publish)
app.command("up", short_help="Start the site; heal what is broken.")(up.up)
app.command("down", short_help="Stop the site.")(down.down)
app.command("status", short_help="Say what runs and what is published.")(status.status)
app.command("diff", short_help="Compare two event tables.")(diff.diff)
app.command("doctor", short_help="Look for what could be wrong.")(doctor.doctor)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the one place where errors become messages and exit codes."""
    try:
        app(args=arguments)
    except VopubError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"vopub: {line}\n")
        sys.exit(error.exit_code)
