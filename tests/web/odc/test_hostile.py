from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ...unit.odc import conftest as odc  # noqa: TID252 - the same server
from .hostile_look import Look

pytestmark = pytest.mark.web


def test_hostile_strings_are_texts_on_every_page(browser: Browser, tmp_path: Path) -> None:
    server = odc.start(tmp_path / "odc")
    try:
        outcome = Look(server, browser, tmp_path).run(1150)
    finally:
        server.stop()
    assert outcome.wrong == []
    assert outcome.refused > 100
    assert outcome.pages > 80
