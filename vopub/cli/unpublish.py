"""``vopub unpublish``."""

from __future__ import annotations

from typing import Annotated

import typer

from vopub.cli.options import DachsPortOption, OdcPortOption, SiteOption, say, settings_of

Published = Annotated[list[str], typer.Argument(help="Published resources by id.")]
Reason = Annotated[
    str, typer.Option("--reason", help="Why; shown to everyone who asks for the data.")
]


def unpublish(
    resources: Published,
    reason: Reason,
    site: SiteOption = None,
    dachs_port: DachsPortOption = None,
    odc_port: OdcPortOption = None,
) -> None:
    """Take published resources back; their records go on saying why.

    The registry of the VO keeps a deleted record, the Open Data Center a page with the reason.
    The description in 'resources' stays: 'vopub publish' publishes it again.
    """
    # Imported here, so that the other commands start without it.
    from vopub.publish import unpublish as room  # noqa: PLC0415

    for state in room.unpublish(settings_of(site, dachs_port, odc_port), resources, reason):
        say(f"{state.id} {state.version} ({state.rows} rows, kid {state.kid}) is withdrawn")
