"""Proxies that the environment names are about the rest of the world, not about our own servers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .conftest import Desk

pytestmark = pytest.mark.live

READER = """
import sys
from vopub import KM3Store
resource = KM3Store(sys.argv[1], cache=sys.argv[2]).get("evts21_01")
print(len(resource.get_scs().search((0, 0), 180.0)))
print(resource.get_tap().search("SELECT COUNT(*) AS n FROM evts21_01.events")[0]["n"])
"""


@pytest.fixture
def proxy() -> Iterator[socket.socket]:
    """Give what listens where the environment says that a proxy is, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def variables_of(proxy: socket.socket) -> dict[str, str]:
    address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    names = ("http_proxy", "https_proxy", "all_proxy")
    return {each: address for name in names for each in (name, name.upper())}


def assert_asked_nothing(proxy: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        proxy.accept()


def test_a_publication_asks_no_proxy(served: Desk, proxy: socket.socket) -> None:
    served.select_other()
    done = served.run("publish", "evts21_01", **variables_of(proxy))
    assert done.returncode == 0, done.stderr
    assert_asked_nothing(proxy)


def test_services_that_the_client_gives_ask_no_proxy(served: Desk, proxy: socket.socket) -> None:
    url, cache = served.settings.site.odc_url, str(served.directory / "cache")
    done = subprocess.run(
        [sys.executable, "-c", READER, url, cache], capture_output=True, text=True, check=False,
        env=os.environ | variables_of(proxy), timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == 2 * [str(served.rows)], done.stderr
    assert_asked_nothing(proxy)
