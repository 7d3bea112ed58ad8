from __future__ import annotations

import hashlib
import io
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request
from pypdf import PdfReader

pytestmark = pytest.mark.web

PAGES = [
    "/", "/resources", "/resources?q=ORCA&ktype=events&from=2021-02-24", "/resources?q=nothing",
    "/resources/evts21_01", "/resources/evts20_01", "/collections", "/collections/samples26_01",
    "/streams", "/streams/events21_01", "/ktypes", "/fields",
    "/resources/ana20_01_bkg", "/resources/ana20_01_acc", "/resources/acoustic20_01_raw",
    "/resources/ana20_01_evts",
]  # fmt: skip


class Watched:
    """A page, and everything that went wrong on it."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.page: Page = context.new_page()
        self.base = base
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._check)

    def _check(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.base).netloc:
            self.wrong.append(f"elsewhere: {request.url}")

    def _failed(self, request: Request) -> None:
        # A navigation that turns into a download counts as aborted.
        if not (request.failure == "net::ERR_ABORTED" and "/files/" in request.url):
            self.wrong.append(f"failed: {request.url}: {request.failure}")

    def open(self, path: str) -> Page:
        answer = self.page.goto(self.base + path, wait_until="networkidle")
        assert answer is not None
        assert answer.ok
        return self.page


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def watched(request: pytest.FixtureRequest, browser: Browser, odc_url: str) -> Iterator[Watched]:
    context = browser.new_context(java_script_enabled=request.param == "with JavaScript")
    watched = Watched(context, odc_url)
    yield watched
    context.close()
    assert watched.wrong == []


@pytest.fixture
def scripted(browser: Browser, odc_url: str) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 375, "height": 720})
    watched = Watched(context, odc_url)
    yield watched
    context.close()
    assert watched.wrong == []


def test_a_reader_searches_opens_and_downloads(watched: Watched) -> None:
    page = watched.open("/")
    page.get_by_label("Words").fill("up-going")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("Narrow the list").get_by_role("link", name="Event list").click()
    assert page.get_by_role("heading", name="1 resource found").is_visible()
    page.get_by_role("link", name="Up-going track candidates").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Up-going track")
    assert page.get_by_text("not an official release").is_visible()
    for heading in (
        "Services of the Virtual Observatory", "Files", "How to cite", "Data taking",
        "Where every event went", "Parameters", "Provenance",
    ):  # fmt: skip
        assert page.get_by_role("heading", name=heading).is_visible()
    with page.expect_download() as waiting:
        page.locator("#files").get_by_role("link", name="evts21_01.csv").click()
    download = waiting.value
    assert download.suggested_filename == "evts21_01.csv"
    digest = hashlib.sha256(download.path().read_bytes()).hexdigest()
    assert page.get_by_text(digest).first.is_visible()


def test_simulated_data_cannot_be_taken_for_observed(watched: Watched) -> None:
    page = watched.open("/resources?collection=samples26_01")
    badges = page.get_by_text("simulated", exact=True)
    assert badges.count() == 1
    card = page.get_by_role("listitem").filter(has=badges)
    assert "run 6370" in card.inner_text()
    page = watched.open("/resources/evts20_01")
    assert page.get_by_text("Simulated data.").is_visible()


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_a_phone(scripted: Watched, path: str) -> None:
    page = scripted.open(path)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    small = page.evaluate(
        "[...document.querySelectorAll('main input:not([type=hidden]), main button, main select')]"
        ".filter(e => e.getBoundingClientRect().height < 24).length"
    )
    assert small == 0


def test_the_sky_map_is_drawn(scripted: Watched) -> None:
    page = scripted.open("/resources/evts21_01")
    picture = page.get_by_role("img", name="Sky map of the 226 events")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 300")


def test_how_it_was_made_is_drawn_and_can_be_moved_on_a_phone(scripted: Watched) -> None:
    page = scripted.open("/resources/evts21_01")
    region = page.get_by_role("region", name="Drawing of the provenance")
    region.scroll_into_view_if_needed()
    picture = region.get_by_role("img")
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 600", arg=picture.element_handle()
    )
    assert (picture.get_attribute("alt") or "").startswith("How it was made, from left to right")
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] > 600  # as large as it is drawn, so that it can be read
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("region => region.scrollLeft > 0", arg=region.element_handle())


def test_lines_are_copied_with_one_press(browser: Browser, odc_url: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    watched = Watched(context, odc_url)
    page = watched.open("/resources/evts21_01")
    page.get_by_role("button", name="Copy: Lines for pyvo").first.click()
    page.get_by_text("Copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#services pre").first.text_content()
    context.close()
    assert watched.wrong == []


def test_without_the_right_to_the_clipboard_the_lines_are_selected(scripted: Watched) -> None:
    page = scripted.open("/resources/evts21_01")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')); }")
    page.get_by_role("button", name="Copy: Lines for pyvo").first.click()
    page.get_by_text("Selected", exact=True).wait_for()
    selected = page.evaluate("getSelection().toString()")
    assert selected.startswith("import pyvo")


def test_the_search_can_be_used_with_the_keyboard_alone(scripted: Watched) -> None:
    page = scripted.open("/resources")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("muons 6370")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="1 resource found").wait_for()


CONTRAST = """() => {
  const parse = text => {
    const [r, g, b, a = 1] = text.match(/[0-9.]+/g).map(Number); return {rgb: [r, g, b], a};
  };
  const light = rgb => rgb.map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const style = getComputedStyle(node);
      if (style.backgroundImage !== "none") return null;
      const back = parse(style.backgroundColor);
      if (back.a > 0) return back.rgb;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes].some(c => c.nodeType === 3 && c.textContent.trim());
    const back = text && behind(node);
    if (!back) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color).rgb), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(node.textContent.trim().slice(0, 40) + " " + ratio.toFixed(2));
  }
  return low;
}"""
"""Contrast of every text against its background; formula and 4.5 from WCAG 2.1, 1.4.3."""


@pytest.mark.parametrize("path", PAGES)
def test_every_text_stands_out_from_its_background(scripted: Watched, path: str) -> None:
    assert scripted.open(path).evaluate(CONTRAST) == []


@pytest.fixture(scope="module", params=["light", "dark"])
def coloured(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(color_scheme=request.param, bypass_csp=True)  # axe is put into it
    yield page
    page.close()


@pytest.mark.parametrize("path", [*PAGES, "/resources/evts99_99"])
def test_nothing_keeps_anybody_from_using_a_page(coloured: Page, odc_url: str, path: str) -> None:
    coloured.goto(odc_url + path, wait_until="networkidle")
    coloured.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = Axe().run(coloured).response["violations"]
    grave = [
        f"{each['id']} ({each['impact']}): {node['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert grave == []


def test_the_bars_of_a_stream_can_be_followed_with_the_keyboard(scripted: Watched) -> None:
    page = scripted.open("/streams/events21_01")
    bar = page.get_by_role("link", name="1 element from 2021-02-24 03:59").first
    bar.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/resources?stream=events21_01&from=*")
    assert page.get_by_role("link", name="What ORCA saw in hour 0").is_visible()
    page.get_by_role("link", name="Remove: from").click()
    page.get_by_role("link", name="Remove: until").click()
    assert page.get_by_role("heading", name="6 resources found").is_visible()


def test_a_page_that_is_not_there_is_explained(browser: Browser, odc_url: str) -> None:
    page = browser.new_page()
    answer = page.goto(f"{odc_url}/resources/evts99_99")
    assert answer is not None
    assert answer.status == 404
    assert page.get_by_role("heading", name="Not found").is_visible()
    page.get_by_role("link", name="All resources").click()
    assert page.get_by_role("heading", name="12 resources").is_visible()
    page.close()


def test_a_printed_page_is_whole(browser: Browser, odc_url: str) -> None:
    page = browser.new_page()
    page.goto(f"{odc_url}/resources/evts21_01", wait_until="networkidle")
    places = ("table.parameters tbody", "#files tbody", "#cite p.cite", "#about .text:not(.box)")
    told = {place: words_of(page.locator(place).first.inner_text()) for place in places}
    entry = as_typed(page.locator("#cite pre").text_content() or "")
    assert entry.startswith("@misc")
    document = PdfReader(io.BytesIO(page.pdf(format="A4")))
    printed = as_typed("".join(sheet.extract_text() for sheet in document.pages))
    for place, words in told.items():
        assert [word for word in words if word not in printed] == [], place
    assert entry in printed  # also what has to be opened on the screen
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Main").is_visible()
    page.close()


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text that a page shows; at least ten."""
    found = re.findall(r"\w+", as_typed(text, between=" "))
    assert len(found) >= 10
    return found


def as_typed(text: str, between: str = "") -> str:
    """Return a text with letters for ligatures, and what is to stand between its words."""
    return between.join(unicodedata.normalize("NFKC", text).split())


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("ana20_01_bkg", "Curve of bkg.json"), ("ana20_01_acc", "Chart of acceptance.json"),
        ("acoustic20_01_raw", "Spectrogram of DOM_808956920"),
    ],
)  # fmt: skip
def test_a_picture_is_drawn_of_what_is_in_the_file(watched: Watched, path: str, about: str) -> None:
    picture = watched.open(f"/resources/{path}").get_by_role("img", name=about)
    assert picture.evaluate("image => image.complete && image.naturalWidth > 300")
