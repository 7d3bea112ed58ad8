"""A site on another address than the usual one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from vopub.settings import Settings
from vopub.site import Site

pytestmark = pytest.mark.live
HOST = "127.0.0.2"


def listening(port: int) -> set[str]:
    """Return the addresses on which somebody listens, as the kernel writes them."""
    tables = [Path("/proc/net", name).read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    sockets = [line.split() for table in tables for line in table]
    return {s[1].split(":")[0] for s in sockets if s[3] == "0A" and s[1].endswith(f":{port:04X}")}


def test_servers_are_on_the_address_that_is_set_and_on_no_other(
    make_settings: Callable[..., Settings],
) -> None:
    settings = make_settings("elsewhere", site__host=HOST)
    site = Site(settings)
    try:
        site.up(print)
        tables = httpx.get(f"http://{HOST}:{settings.site.dachs_port}/tap/tables", timeout=60)
        assert tables.status_code == 200
        assert httpx.get(f"http://{HOST}:{settings.site.odc_port}/", timeout=60).status_code == 200
        assert listening(settings.site.dachs_port) == {"0200007F"}
        assert listening(settings.site.odc_port) == {"0200007F"}
    finally:
        site.down()
