"""That the VO and the Open Data Center lead to each other."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import unescape

import httpx

from vopub.errors import ProofError
from vopub.model.description import ResourceDescription
from vopub.model.resource import KM3OpenResource, ServiceKind, ServiceReference
from vopub.odc.client import OdcClient
from vopub.odc.mappings.voresource import reference_url
from vopub.publish.build import Build
from vopub.publish.observe import datasets_for
from vopub.site import Site
from vopub.vo.asking import ask
from vopub.vo.observations import links_url


def page_of(site: Site, record: KM3OpenResource) -> str:
    """Return the address of a resource's page in the Open Data Center."""
    return f"{site.odc.url}/resources/{record.kid}"


def prove_datalinks(
    site: Site, description: ResourceDescription, build: Build
) -> tuple[ServiceReference, ...]:
    """Ask the Datalink service for the data sets of a resource.

    Returns
    -------
    tuple of ServiceReference
        Its address for each data set whose document leads to the page in the Open Data Center.

    Raises
    ------
    ProofError
        If it does not answer, or leads elsewhere.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    page = f"{site.odc.url}/resources/{build.metadata.kid}"
    found = []
    for dataset in datasets_for(site, description, build).datasets:
        address = f"{links_url(site.dachs)}?ID={quote(dataset.did, safe='')}"
        what = _lacks(address, page)
        if what:
            hint = "run 'vopub doctor', then publish again"
            raise ProofError(what, where=description.id, hint=hint)
        found.append(
            ServiceReference(
                kind=ServiceKind.DATALINK, url=address, ivoid=dataset.did, proved=now,
            )
        )  # fmt: skip
    return tuple(found)


def check_crosslinks(site: Site, client: OdcClient, record: KM3OpenResource) -> None:
    """Follow the links between a record and its services in both directions.

    Parameters
    ----------
    site
        Where both are.
    client
        The Open Data Center.
    record
        As it was written.

    Raises
    ------
    ProofError
        With every link that does not lead where it should.
    """
    written = client.get_resource(record.kid)
    wrong = [] if written == record else ["the record is not the one that was written"]
    page = page_of(site, record)
    wrong += [_page_problem(page)]
    names = {service.ivoid for service in record.services if service.kind is ServiceKind.SCS}
    wrong += [_registry_problem(site, name, page) for name in sorted(names)]
    found = [what for what in wrong if what]
    if found:
        raise ProofError(
            "the VO and the Open Data Center do not lead to each other: " + "; ".join(found),
            where=record.identifier, hint="run 'vopub doctor', then publish again",
        )  # fmt: skip


def _page_problem(page: str) -> str:
    try:
        answer = ask(page, headers={"Accept": "text/html"})
    except httpx.HTTPError as error:
        return f"{page} does not answer: {error}"
    return "" if answer.is_success else f"{page} answers with status {answer.status_code}"


def _lacks(address: str, page: str) -> str:
    """Say what is wrong with a Datalink document; empty if it leads to the page."""
    try:
        answer = ask(address).raise_for_status()
    except httpx.HTTPError as error:
        return f"Datalink does not answer: {error}"
    return "" if page in unescape(answer.text) else f"{address} does not lead to {page}"


def _registry_problem(site: Site, name: str, page: str) -> str:
    """Say what is wrong with where the registry's record leads people to."""
    question = {"verb": "GetRecord", "metadataPrefix": "ivo_vor", "identifier": name}
    address = f"{site.dachs.url}/oai.xml"
    try:
        answer = ask(address, question).raise_for_status()
        leads = reference_url(answer.content)
    except (httpx.HTTPError, ET.ParseError) as error:
        return f"the registry does not tell of {name}: {error}"
    return "" if leads == page else f"the registry's record of {name} leads to {leads!r}"
