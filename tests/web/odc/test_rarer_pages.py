"""Pages that are seen less often: of what is gone, of errors, of very many elements."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

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
from .test_odc_in_browser import CONTRAST, as_typed, words_of

pytestmark = pytest.mark.web

MANY, GONE = "events22_01", "events22_02"
REASON = "The calibration was wrong; see https://example.org/why"
PAGES = {
    "/resources/evts21_01": 200,  # of an older version
    "/resources/evts20_01": 410,
    f"/streams/{GONE}": 410,
    "/collections/samples99_01": 404,
    "/resources?from=yesterday": 422,
    f"/streams/{MANY}": 200,
    f"/resources?stream={MANY}&sort=latest-data": 200,
    "/streams?collection=samples26_01": 200,
}


def stream(identifier: str) -> KM3ResourceStream:
    return KM3ResourceStream(
        identifier=identifier, title="Events of ORCA, day by day", ktype=Ktype.EVENTS,
        description="What ORCA recorded, a table for every day.",
    )  # fmt: skip


def day(number: int) -> KM3OpenResource:
    """Return an element of the stream."""
    begin = odc.START + timedelta(days=number)
    identifier = f"{MANY}_day{number}"
    return odc.make_record(
        files=[], collection="", stream=MANY, provenance=None, account=None,
        coverage=Coverage(temporal=TimeSpan(start=begin, stop=begin + timedelta(days=1))),
    ).model_copy(
        update={"identifier": identifier, "kid": make_kid(odc.AUTHORITY, identifier, "1.0")}
    )  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real service with a stream of many, an older version, and what is withdrawn."""
    server = odc.start(tmp_path_factory.mktemp("odc") / "odc")
    headers = {"Authorization": f"Bearer {odc.TOKEN}"}
    with (
        OdcClient(server.url, odc.TOKEN) as client,
        httpx.Client(base_url=server.url, headers=headers, trust_env=False) as http,
    ):
        elements = [day(number).model_dump(mode="json") for number in range(700)]
        http.put("/api/resources", json={"resources": elements}).raise_for_status()
        for identifier in (MANY, GONE):
            client.put_stream(stream(identifier))
        client.put_collection(odc.make_collection(streams=[MANY]))
        first = odc.make_record(files=[])
        client.put_resource(first)
        newer = odc.make_record(version="1.1", files=[])
        client.put_resource(newer.model_copy(update={"replaces": first.kid}))
        withdrawn = odc.make_record("evts20_01", files=[])
        client.put_resource(withdrawn)
        client.delete_resource(withdrawn.kid, reason=REASON)
        http.delete(f"/api/streams/{GONE}", params={"reason": REASON}).raise_for_status()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 375, "height": 720}, bypass_csp=True)
    yield page
    page.close()


@pytest.mark.parametrize(("path", "status"), PAGES.items())
def test_anybody_can_use_it_on_a_phone_in_light_and_in_dark(
    page: Page, url: str, path: str, status: int
) -> None:
    page.emulate_media(media="screen", color_scheme="light")
    answer = page.goto(url + path)
    assert answer is not None
    assert answer.status == status
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == [], scheme
        found = Axe().run(page).response["violations"]
        grave = [each for each in found if each["impact"] in ("serious", "critical")]
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in grave] == [], scheme


def test_pages_of_a_long_list_are_turned_with_the_keyboard(page: Page, url: str) -> None:
    page.goto(f"{url}/streams/{MANY}")
    page.get_by_role("link", name="All 700 elements").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="700 resources found").wait_for()
    assert page.get_by_text(f"{MANY}_day680", exact=True).is_visible()
    page.get_by_role("link", name="Further in the list").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**cursor=**")
    assert page.get_by_text(f"{MANY}_day679", exact=True).is_visible()


def test_facets_are_reached_and_chosen_with_the_keyboard(page: Page, url: str) -> None:
    page.goto(f"{url}/resources")
    choices = page.get_by_label("Narrow the list").get_by_role("link")
    wanted = choices.first.get_attribute("href")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href')") == wanted:
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{wanted}")
    assert page.get_by_label("Chosen").get_by_role("link").count() == 1


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/ktypes", "main"), ("/fields", "main"), ("/resources/evts20_01", "main"),
        # Descriptions are cut short in lists, on the screen as well.
        (f"/streams/{MANY}", "main h1, main .lead, #newest h3, #newest code"),
    ],
)  # fmt: skip
def test_what_is_printed_is_whole(page: Page, url: str, path: str, what: str) -> None:
    page.emulate_media(media="screen")
    page.goto(url + path)
    told = words_of(" ".join(page.locator(what).all_inner_texts()))
    page.emulate_media(media="print")
    document = PdfReader(io.BytesIO(page.pdf(format="A4")))
    printed = as_typed("".join(sheet.extract_text() for sheet in document.pages))
    assert [word for word in told if word not in printed] == []
    assert not page.get_by_role("navigation", name="Main").is_visible()
