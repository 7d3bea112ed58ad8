"""``vopub down``."""

from __future__ import annotations

from vopub.cli.options import SiteOption, say, settings_of
from vopub.site import Site


def down(site: SiteOption = None) -> None:
    """Stop the site; everything published is there again after the next 'vopub up'."""
    settings = settings_of(site, None, None)
    Site(settings).down()
    say(f"the site in {settings.site.directory} is down")
