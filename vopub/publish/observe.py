"""What a published resource is to the VO's table of observations."""

from __future__ import annotations

from vopub.model.description import ResourceDescription
from vopub.publish.build import Build
from vopub.site import Site
from vopub.vo.datalinks import Addresses
from vopub.vo.datasets import Datasets, datasets_of
from vopub.vo.observations import links_url


def datasets_for(site: Site, description: ResourceDescription, build: Build) -> Datasets:
    """Return the data sets of a resource that is published on a site.

    Parameters
    ----------
    site
        Where it is published.
    description
        The resource.
    build
        Its products.
    """
    odc, kid = site.odc.url, build.metadata.kid
    addresses = Addresses(
        links=links_url(site.dachs),
        files=f"{odc}/files/{kid}",
        page=f"{odc}/resources/{kid}",
        record=f"{odc}/api/resources/{kid}",
    )
    publisher = site.settings.publisher
    return datasets_of(
        description,
        build.metadata,
        build.manifest.files,
        addresses,
        authority=publisher.authority,
        types=publisher.product_types,
        functions=[table.name for table in build.functions or ()],
    )
