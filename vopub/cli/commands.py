"""The commands, each imported when it is called: starting one does not wait for the others."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from vopub.errors import UsageError

COMMANDS = {
    "get": ("get", "get", "Download the files of a resource, checked."),
    "list": ("list", "list_contents", "List what an Open Data Center has."),
    "search": ("search", "search", "Find resources by words."),
    "verify": ("verify", "verify", "Compare a directory with what is published."),
    "check": ("check", "check", "Look for what is wrong with descriptions."),
    "publish": ("publish", "publish", "Publish resources; does only what is missing."),
    "rollback": ("rollback", "rollback", "Go back to the publication before."),
    "unpublish": ("unpublish", "unpublish", "Take published resources back, with a reason."),
    "deposit": ("deposit", "deposit", "Put a publication into Dataverse or InvenioRDM."),
    "convert": ("convert", "convert", "Make a table of files, without publishing it."),
    "inspect": ("inspect", "inspect_files", "Say what event files hold."),
    "up": ("up", "up", "Start the site; heal what is broken."),
    "down": ("down", "down", "Stop the site."),
    "status": ("status", "status", "Say what runs and what is published."),
    "odc": ("odc", "app", "Care for the Open Data Center: tokens, files, backups."),
    "diff": ("diff", "diff", "Compare two event tables."),
    "doctor": ("doctor", "doctor", "Look for what could be wrong."),
}
"""By name: module in this room, function in it, and a line for the help."""


def needs_more(error: ModuleNotFoundError) -> UsageError:
    """Return what to do about a package that 'pip install vopub' alone does not bring.

    Raises
    ------
    ModuleNotFoundError
        The same, if it is a part of vopub that is missing, which is a defect.
    """
    if (error.name or "").partition(".")[0] == "vopub":
        raise error
    return UsageError(f"this needs {error.name}", hint="pip install 'vopub[publish]'")


class Commands(TyperGroup):
    """Finds the commands by their names."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, function, line = COMMANDS[cmd_name]
        try:
            run = getattr(import_module(f"vopub.cli.{module}"), function)
        except ModuleNotFoundError as error:
            run = _refuse(needs_more(error))
        if isinstance(run, typer.Typer):
            return get_command(run)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(cmd_name, short_help=line)(run)
        return get_command(alone)


def _refuse(error: UsageError) -> Callable[[], None]:
    """Return what stands for a command that this installation cannot run."""

    def refuse() -> None:
        raise error

    return refuse
