"""``vopub rollback``."""

from __future__ import annotations

from typing import Annotated

import typer

from vopub.cli.options import DachsPortOption, OdcPortOption, SiteOption, say, settings_of

Published = Annotated[list[str], typer.Argument(help="Published resources by id.")]


def rollback(
    resources: Published,
    site: SiteOption = None,
    dachs_port: DachsPortOption = None,
    odc_port: OdcPortOption = None,
) -> None:
    """Go back to the publication before; doing it again returns to the one that is served now.

    The description in 'resources' stays as it is: change it, too, or the next 'vopub publish'
    publishes what it says.
    """
    # Imported here, so that the other commands start without it.
    from vopub.publish import rollback as room  # noqa: PLC0415

    for done in room.rollback(settings_of(site, dachs_port, odc_port), resources):
        before, now = done.before, done.now
        say(
            f"{now.id} {now.version} ({now.rows} rows, kid {now.kid}) is served again"
            f" instead of {before.version} ({before.rows} rows, kid {before.kid})"
        )
