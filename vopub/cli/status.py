"""``vopub status``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vopub.cli.options import JsonOption, SiteOption, settings_of, show_json, show_table
from vopub.errors import ServiceError
from vopub.publish.state import PublicationState, states
from vopub.site import ServiceStatus, Site, State

if TYPE_CHECKING:
    from vopub.publish.registrations import Registration

StrictOption = Annotated[bool, typer.Option("--strict", help="End with 3 unless everything runs.")]


def status(
    site: SiteOption = None, strict: StrictOption = False, as_json: JsonOption = False
) -> None:
    """Say what runs, what is published where, when it was last proved, and what waits."""
    running = Site(settings_of(site, None, None))
    services = running.status()
    show_services(running, services, as_json=as_json)
    away = [f"{each.name} is {each.state}" for each in services if each.state is not State.UP]
    if strict and away:
        raise ServiceError(", ".join(away), where=running.directory, hint="run 'vopub up'")


def show_services(site: Site, services: list[ServiceStatus], *, as_json: bool) -> None:
    """Print the state of the servers, what is published, and what waits for another place."""
    # Imported here, so that the other commands start without it.
    from vopub.publish.registrations import pending_of  # noqa: PLC0415

    published, waiting = states(site.state), list(pending_of(site))
    if as_json:
        show_json(
            {
                "site": str(site.directory),
                "services": [asdict(service) for service in services],
                "resources": [resource_entry(state) for state in published],
                "waiting": [waiting_entry(each) for each in waiting],
            }
        )
        return
    columns = ("service", "state", "address", "detail")
    rows = [(s.name, s.state, s.address, s.detail) for s in services]
    show_table(f"Site in {site.directory}", columns, rows)
    show_resources(published)
    if waiting:
        show_waiting(waiting)


def show_waiting(waiting: list[Registration]) -> None:
    """Print a table of what the next publication delivers."""
    rows = [
        (each.record.identifier, each.record.publication.version, each.target,
         _moment(each.queued), each.reason)
        for each in waiting
    ]  # fmt: skip
    columns = ("resource", "version", "for", "since", "because")
    show_table("Waiting to be delivered by the next 'vopub publish'", columns, rows)


def waiting_entry(waiting: Registration) -> dict[str, Any]:
    """Return what machines are told of a registration that waits."""
    return {
        "id": waiting.record.identifier,
        "kid": str(waiting.record.kid),
        "version": waiting.record.publication.version,
        "target": waiting.target,
        "queued": waiting.queued,
        "reason": waiting.reason,
    }


def show_resources(published: list[PublicationState]) -> None:
    """Print a table of what is published."""
    rows = [
        (
            state.id,
            state.version,
            str(state.rows),
            "\n".join(s.url for s in state.services) or "files only",
            state.page,
            _moment(last_proof(state)),
            "served" if state.complete else "interrupted: publish again",
        )
        for state in published
    ]
    columns = ("resource", "version", "rows", "VO services", "page", "last proof", "state")
    show_table("Published", columns, rows)


def last_proof(state: PublicationState) -> datetime | None:
    """Return when its services last gave what was published; None if it has none."""
    proofs = [service.proved for service in state.services]
    return max([*proofs, *filter(None, [state.checked])]) if proofs else None


def _moment(when: datetime | None) -> str:
    return "" if when is None else when.strftime("%Y-%m-%d %H:%M UTC")


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
        "last_proof": last_proof(state),
        "published": state.published,
    }
