"""``vopub doctor``."""

from __future__ import annotations

from dataclasses import asdict

import typer

from vopub.cli.options import JsonOption, SiteOption, settings_of, show_json, show_table
from vopub.site import Site


def doctor(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Look for what could keep the site from working, and say what to do; ends with 1 if any."""
    findings = Site(settings_of(site, None, None)).doctor()
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        rows = [("ok" if f.ok else "PROBLEM", f.what, f.hint) for f in findings]
        show_table("Doctor", ("", "what", "what to do"), rows)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
