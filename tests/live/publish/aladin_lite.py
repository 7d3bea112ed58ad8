"""A page with Aladin Lite on another origin than the data, and a browser that draws it."""

from __future__ import annotations

import functools
import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

SCRIPT = Path(sys.prefix) / "share" / "aladin-lite" / "aladin.js"
FRAME = """<!doctype html><meta charset="utf-8"><title>sky</title>
<style>body {{ margin: 0 }} #sky {{ width: 900px; height: 600px }}</style><div id="sky"></div>
<script type="module">
import A from "./aladin.js";
await A.init;
const aladin = A.aladin("#sky", {{survey: new URL("hips", location).href, fov: 360,
                                  target: "180 0", projection: "AIT", cooFrame: "ICRS"}});
{script}
</script>"""
SURVEY = """creator_did = ivo://samples.km3net.invalid/blank
obs_title = blank
dataproduct_type = image
hips_version = 1.4
hips_order = 3
hips_tile_width = 512
hips_tile_format = png
hips_frame = equatorial
"""
SOFTWARE_GL = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]  # fmt: skip


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without saying so."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path, script: str) -> Iterator[str]:
    """Serve a page whose map is called ``aladin``; give its address."""
    (folder / "index.html").write_text(FRAME.format(script=script))
    (folder / "aladin.js").write_bytes(SCRIPT.read_bytes())
    (folder / "hips").mkdir()
    (folder / "hips" / "properties").write_text(SURVEY)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


@contextmanager
def opened(url: str) -> Iterator[Page]:
    """Open a page in a browser that draws WebGL without a graphics card."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=SOFTWARE_GL)
        page = browser.new_page(viewport={"width": 900, "height": 600})
        page.goto(url)
        yield page
        browser.close()
