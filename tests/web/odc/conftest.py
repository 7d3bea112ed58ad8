"""An Open Data Center with two resources, and a browser."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright

from vopub.odc.client import OdcClient
from vopub.odc.skymap import draw_skymap

if TYPE_CHECKING:
    from tests.unit.odc import conftest as odc
else:  # the same records as the tests of the modules have, which may not be collected here
    _path = Path(__file__).parents[2] / "unit" / "odc" / "conftest.py"
    _spec = importlib.util.spec_from_file_location("odc_records", _path)
    odc = importlib.util.module_from_spec(_spec)
    sys.modules[_spec.name] = odc
    _spec.loader.exec_module(odc)

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *sandbox])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def odc_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real service with one resource in the VO, and a simulated one that is not."""
    work = tmp_path_factory.mktemp("odc")
    server = odc.start(work / "odc")
    random = np.random.default_rng(3)
    ra, dec = random.uniform(0, 360, 226), random.uniform(-80, 30, 226)
    picture = draw_skymap(ra, dec, title="Up-going track candidates of ORCA run 9505 (sample)")
    with OdcClient(server.url, odc.TOKEN) as client:
        for identifier, simulated in (("evts21_01", False), ("evts20_01", True)):
            files = odc.products(identifier, picture)
            record = odc.make_record(identifier, files=files, simulated=simulated)
            odc.upload(client, record.kid, files, work)
            client.put_resource(record)
        client.put_collection(odc.make_collection())
    yield server.url
    server.stop()
