"""An Open Data Center with two resources, and a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright

from vopub.figures.skymap import draw_skymap
from vopub.model.ktype import Ktype
from vopub.model.resource import (
    Coverage,
    KM3OpenResource,
    KM3ResourceStream,
    TimeSpan,
    make_kid,
)
from vopub.odc.client import OdcClient

from ...unit.odc import conftest as odc  # noqa: TID252 - the same records
from ...unit.odc import pictured  # noqa: TID252

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


STREAM = KM3ResourceStream(
    identifier="events21_01", title="Events of ORCA, hour by hour", ktype=Ktype.EVENTS,
    description="What ORCA recorded, a table for every hour.",
)  # fmt: skip


def _hour(number: int) -> KM3OpenResource:
    """Return an element of the stream."""
    begin = odc.START + timedelta(hours=number)
    span = TimeSpan(start=begin, stop=begin + timedelta(hours=1))
    element = odc.make_record(
        files=[], collection="", stream=STREAM.identifier, provenance=None, account=None,
        coverage=Coverage(temporal=span),
        publication={
            "title": f"What ORCA saw in hour {number}",
            "description": "Events of one hour, as a table with a row for each.",
        },
    )  # fmt: skip
    identifier = f"{STREAM.identifier}_hour{number}"
    kid = make_kid(odc.AUTHORITY, identifier, "1.0")
    return element.model_copy(update={"identifier": identifier, "kid": kid})


@pytest.fixture(scope="module")
def odc_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real service with resources of several kinds, a simulated one, and a stream."""
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
        for make in (
            pictured.function, pictured.lookup_table, pictured.raw_recording, pictured.events,
        ):  # fmt: skip
            record, file = make()
            odc.upload(client, record.kid, [file], work)
            client.put_resource(record)
            # Drawn before a page waits for it, as it may take long on a busy machine.
            httpx.get(f"{server.url}/pictures/{record.kid}.svg", timeout=120).raise_for_status()
        for hour in range(6):
            client.put_resource(_hour(hour))
        client.put_stream(STREAM)
        client.put_collection(odc.make_collection(streams=[STREAM.identifier]))
    yield server.url
    server.stop()
