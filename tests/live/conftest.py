"""What live tests share: a site of their own, running, on free ports."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from vopub.settings import Settings, load_settings
from vopub.site import Site

CHECKOUT = Path(__file__).resolve().parents[2]


PORTS = range(20_000, 32_000)
"""Below those that connections that go out are given, so that none takes one meanwhile."""


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on, all different."""
    free: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            free.append(port)
        if len(free) == count:
            break
    return free


@pytest.fixture(scope="session")
def make_settings(reachable_directory: Path) -> Callable[..., Settings]:
    """Give what makes settings of a site: its directory's name, and options by dotted key."""

    def make(name: str, **options: object) -> Settings:
        dachs_port, odc_port = free_ports(2)
        given = {key.replace("__", "."): value for key, value in options.items()}
        return load_settings(
            {
                "site.directory": reachable_directory / name,
                "site.dachs_port": dachs_port,
                "site.odc_port": odc_port,
                **given,
            },
            environ={},
            directory=CHECKOUT,
        )

    return make


@pytest.fixture(scope="session")
def site(make_settings: Callable[..., Settings]) -> Iterator[Site]:
    """Give a running site that all tests of the session share; leave it as it was found."""
    running = Site(make_settings("site"))
    try:
        running.up(print)
        yield running
    finally:
        running.down()
