"""``vopub status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from vopub.cli.options import JsonOption, SiteOption, settings_of, show_json, show_table
from vopub.publish.state import PublicationState, states
from vopub.site import Site


def status(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Say which servers run and which resources are published, where, and when last proved."""
    running = Site(settings_of(site, None, None))
    show_services(running, as_json=as_json)


def show_services(site: Site, *, as_json: bool) -> None:
    """Print the state of the servers and what is published."""
    services, published = site.status(), states(site.state)
    if as_json:
        show_json(
            {
                "site": str(site.directory),
                "services": [asdict(service) for service in services],
                "resources": [resource_entry(state) for state in published],
            }
        )
        return
    columns = ("service", "state", "address", "detail")
    rows = [(s.name, s.state, s.address, s.detail) for s in services]
    show_table(f"Site in {site.directory}", columns, rows)
    show_resources(published)


def show_resources(published: list[PublicationState]) -> None:
    """Print a table of what is published."""
    rows = [
        (
            state.id,
            state.version,
            str(state.rows),
            "\n".join(s.url for s in state.services) or "files only",
            state.page,
            "served" if state.complete else "interrupted: publish again",
        )
        for state in published
    ]
    columns = ("resource", "version", "rows", "VO services", "page", "state")
    show_table("Published", columns, rows)


def resource_entry(state: PublicationState) -> dict[str, Any]:
    """Return what machines are told of a published resource."""
    return {
        "id": state.id,
        "kid": str(state.kid),
        "version": state.version,
        "rows": state.rows,
        "complete": state.complete,
        "endpoints": {
            **{service.kind.value: service.url for service in state.services},
            "page": state.page,
        },
        "last_proof": max((s.proved for s in state.services), default=None),
        "published": state.published,
    }
