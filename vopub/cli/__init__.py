"""The command line: each command parses, calls one thing and prints."""

from __future__ import annotations

import sys

import typer

from vopub.cli import doctor, down, publish, status, up
from vopub.cli.options import set_version
from vopub.errors import VopubError

app = typer.Typer(
    name="vopub",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    callback=set_version,
    help="Publish neutrino-telescope data to the Virtual Observatory and an Open Data Center.",
    epilog="Exit codes: 0 done; 1 error; 2 wrong usage; 3 another program or server failed; "
    "4 finished, but the proof failed.",
)
app.command("publish")(publish.publish)
app.command("up")(up.up)
app.command("down")(down.down)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the one place where errors become messages and exit codes."""
    try:
        app(args=arguments)
    except VopubError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"vopub: {line}\n")
        sys.exit(error.exit_code)
