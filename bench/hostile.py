"""Ten thousand hostile strings through every field and page, looked at in Chromium."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.report import Figure
from tests.unit.odc.conftest import start
from tests.web.odc.conftest import ARGUMENTS, CHROMIUM
from tests.web.odc.hostile_look import Look, Outcome

STRINGS = 10_000


def measure() -> list[Figure]:
    found = _look()
    for what in found.wrong[:20]:
        print(f"  {what}", file=sys.stderr)
    detail = (
        f"{found.strings:,} strings, {found.refused:,} of them refused with 4xx; "
        f"{found.pages:,} pages opened"
    )
    if found.wrong:
        detail += f"; first: {found.wrong[0][:200]}"
    return [
        Figure("ODC: hostile strings that are not texts", len(found.wrong), "", 0, detail=detail)
    ]


def _look() -> Outcome:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    arguments = [*ARGUMENTS, *sandbox]
    with tempfile.TemporaryDirectory(prefix="vopub-bench-", dir="/var/tmp") as place:
        server = start(Path(place) / "odc")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
                return Look(server, browser, Path(place)).run(STRINGS)
        finally:
            server.stop()
