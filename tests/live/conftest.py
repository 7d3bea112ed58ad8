"""What live tests share: a site of their own, running, on free ports."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vopub.settings import Settings, load_settings
from vopub.site import Site

CHECKOUT = Path(__file__).resolve().parents[2]


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


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
