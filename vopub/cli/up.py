"""``vopub up``."""

from __future__ import annotations

from vopub.cli.options import (
    DachsPortOption,
    JsonOption,
    OdcPortOption,
    SiteOption,
    say,
    settings_of,
)
from vopub.cli.status import show_services
from vopub.site import Site


def up(
    site: SiteOption = None,
    dachs_port: DachsPortOption = None,
    odc_port: OdcPortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start the site: PostgreSQL, DaCHS and the Open Data Center; heal what is broken."""
    running = Site(settings_of(site, dachs_port, odc_port))
    running.up(say)
    show_services(running, running.status(), as_json=as_json)
