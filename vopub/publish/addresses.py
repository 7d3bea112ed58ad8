"""Where the files of a publication are to be had."""

from __future__ import annotations

from vopub.model.resource import FileReference
from vopub.model.server import OdcServer
from vopub.publish.build import Build


def file_addresses(server: OdcServer, build: Build) -> dict[str, FileReference]:
    """Return the files by their addresses in the Open Data Center, which stay with a version."""
    place = f"{server.url}/files/{build.metadata.kid}"
    return {f"{place}/{file.name}": file for file in build.manifest.files}
