"""What tests of publishing share: an Open Data Center that runs, and a site that has no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.odc.conftest import TOKEN, Server, start
from vopub.settings import Settings, load_settings
from vopub.site import Site

CHECKOUT = Path(__file__).resolve().parents[3]


def settings(tmp_path: Path, more: Any = None, **given: Any) -> Settings:
    """Return settings of a site, with more by dotted key, and with other archives."""
    options = {"site.directory": tmp_path / "site", **(more or {})}
    return load_settings(
        {**options, **{f"archives.{key}": value for key, value in given.items()}},
        environ={}, directory=CHECKOUT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running Open Data Center."""
    running = start(tmp_path_factory.mktemp("server") / "odc")
    yield running
    running.stop()


@pytest.fixture
def chosen(tmp_path: Path, server: Server) -> Settings:
    """Settings of a site whose Open Data Center runs, and whose DaCHS does not answer."""
    port = int(server.url.rpartition(":")[2])
    made = settings(tmp_path, {"site.odc_port": port, "site.dachs_port": 9})
    (secret := Site(made).odc.token_file).parent.mkdir(parents=True)
    secret.write_text(TOKEN)
    return made
