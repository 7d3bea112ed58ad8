"""The view of the sky in Chromium: overlays are drawn, nothing is loaded from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import matplotlib.image
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from vopub.odc.client import OdcClient

from ...unit.odc import conftest as odc  # noqa: TID252 - the same records
from .conftest import CHROMIUM

pytestmark = pytest.mark.web

SOFTWARE_GL = [
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]  # fmt: skip


@pytest.fixture(scope="module")
def drawing_browser() -> Iterator[Browser]:
    """Give a browser that draws WebGL without a graphics card."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        arguments = [*SOFTWARE_GL, *sandbox]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def sky_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the view of a resource with two hundred events."""
    work = tmp_path_factory.mktemp("sky")
    server = odc.start(work / "odc")
    random = np.random.default_rng(3)
    rows = [f"km3.{n},{ra},{dec}" for n, (ra, dec) in enumerate(
        zip(random.uniform(0, 360, 200), random.uniform(-80, 30, 200), strict=True)
    )]  # fmt: skip
    content = "\n".join(["event_id,ra,dec", *rows, '"km3,quoted",12.5,-3.25']).encode()
    files = [odc.product("evts21_01.csv", content, "text/csv; charset=utf-8")]
    with OdcClient(server.url, odc.TOKEN) as client:
        record = odc.make_record(files=files)
        odc.upload(client, record.kid, files, work)
        client.put_resource(record)
    yield f"{server.url}/resources/{record.kid}/sky"
    server.stop()


def coloured(path: Path, *, red: bool) -> int:
    """Return how many points of a picture have the colour of events, or of the coverage."""
    picture = matplotlib.image.imread(path)[..., :3]
    r, g, b = np.moveaxis(picture, -1, 0)
    events, coverage = (r > 0.75) & (g < 0.35) & (b < 0.35), (b > r + 0.1) & (b > g + 0.05)
    return int((events if red else coverage).sum())


@pytest.mark.parametrize("width", [1200, 390])
def test_events_and_coverage_are_shown_without_any_other_server(
    drawing_browser: Browser, sky_url: str, tmp_path: Path, width: int
) -> None:
    context = drawing_browser.new_context(viewport={"width": width, "height": 900})
    notes: list[str] = []
    base, _, path = sky_url.partition("/resources")
    page = context.new_page()
    elsewhere: list[str] = []
    mine = (base, f"blob:{base}")
    page.on("request", lambda r: None if r.url.startswith(mine) else elsewhere.append(r.url))
    page.on("console", lambda message: notes.append(message.text))
    page.goto(base + "/resources" + path)
    page.get_by_text("201 events.").wait_for(timeout=90_000)
    page.wait_for_timeout(1500)
    place = page.locator("#sky")
    place.screenshot(path=tmp_path / "sky.png")
    assert coloured(tmp_path / "sky.png", red=True) > 300
    assert coloured(tmp_path / "sky.png", red=False) > 300
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()
    assert elsewhere == []
    assert [note for note in notes if "Content Security Policy" in note] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_the_view_can_be_used_by_anybody(
    drawing_browser: Browser, sky_url: str, scheme: Literal["light", "dark"]
) -> None:
    page = drawing_browser.new_page(color_scheme=scheme, bypass_csp=True)  # axe is put into it
    page.goto(sky_url)
    page.get_by_text("201 events.").wait_for(timeout=90_000)
    found = Axe().run(page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in grave] == []
    for name in ("zoom in", "zoom out", "Full-screen"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1, name
    page.close()


def test_without_javascript_the_page_says_where_the_picture_is(
    drawing_browser: Browser, sky_url: str
) -> None:
    context = drawing_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(sky_url)
    assert page.get_by_text("This view needs JavaScript.").is_visible()
    page.get_by_role("link", name="page of the resource").click()
    assert page.get_by_role("link", name="Open the sky view").is_visible()
    context.close()
