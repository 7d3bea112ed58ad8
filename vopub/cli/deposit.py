"""``vopub deposit``."""

from __future__ import annotations

from typing import Annotated

import typer

from vopub.cli.options import SiteOption, say, settings_of
from vopub.publish.deposit import Place
from vopub.publish.deposit import deposit as put
from vopub.publish.registrations import Registration

Resource = Annotated[str, typer.Argument(help="A published resource by id.")]
To = Annotated[Place, typer.Option("--to", help="Where; see [archives] in the settings.")]
Publish = Annotated[
    bool, typer.Option("--publish", help="Make it public there, which cannot be undone.")
]


def deposit(resource: Resource, to: To, publish: Publish = False, site: SiteOption = None) -> None:
    """Put a publication into Dataverse or InvenioRDM; a draft unless --publish is given.

    Doing it again changes only what differs. A DOI that it gets there belongs into the
    resource's description. If the place does not answer, the next 'vopub publish' does it.
    """
    made = put(settings_of(site, None, None), resource, to, publish=publish)
    if isinstance(made, Registration):
        say(f"{resource} is queued: {made.reason}; the next 'vopub publish' delivers it")
        return
    say(f"{resource} is {'published' if made.published else 'a draft'} at {made.address}")
    if made.doi:
        say(f"DOI {made.doi}")
