"""Whom wrong tokens are counted for where a proxy stands before the service."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from vopub.odc.addresses import before_proxies

from .conftest import Server, make_record, start
from .test_tokens import put

TRUSTED = [ip_network("10.0.0.0/24"), ip_network("192.0.2.1/32"), ip_network("2001:db8::/64")]
GUESS = {"Authorization": "Bearer guessed"}


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.5", [], "203.0.113.5"),
        ("203.0.113.5", ["198.51.100.7"], "203.0.113.5"),  # who is no proxy is not believed
        ("10.0.0.9", ["198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.9", [" 198.51.100.7 "], "198.51.100.7"),
        ("10.0.0.9", ["1.1.1.1", "198.51.100.7"], "198.51.100.7"),  # the first is its own claim
        ("10.0.0.9", ["1.1.1.1", "198.51.100.7", "192.0.2.1"], "198.51.100.7"),
        ("2001:db8::1", ["2001:db8:1::7"], "2001:db8:1::7"),
        ("10.0.0.9", ["198.51.100.7", "unknown"], "10.0.0.9"),
        ("10.0.0.9", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.9", [], "10.0.0.9"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_the_last_before_trusted_proxies_is_who_asks(
    peer: str, forwarded: list[str], found: str
) -> None:
    assert before_proxies(peer, forwarded, TRUSTED) == found


def guesses(server: Server, *forwarded: str) -> list[int]:
    """Send wrong tokens, each for one of several readers; return the statuses."""
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        return [
            http.put("/api/resources", headers={**GUESS, "X-Forwarded-For": who}).status_code
            for who in forwarded
        ]


def test_a_trusted_proxy_tells_who_guesses(tmp_path: Path) -> None:
    server = start(tmp_path / "odc", "--proxy", "127.0.0.1", "--processes", "1")
    try:
        many = [f"198.51.100.{number}" for number in range(30)]
        assert guesses(server, *many) == [401] * 30
        claimed = [f"192.0.2.{number}, 203.0.113.7" for number in range(22)]
        assert guesses(server, *claimed) == [401] * 20 + [429] * 2
    finally:
        server.stop()


def test_nobody_else_is_believed(tmp_path: Path) -> None:
    options = ("--proxy", "10.0.0.0/8", "--most-writes", "3", "--processes", "1")
    server = start(tmp_path / "odc", *options)
    try:
        many = [f"198.51.100.{number}" for number in range(22)]
        assert guesses(server, *many) == [401] * 20 + [429] * 2
        token = (tmp_path / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as http:
            record = make_record(files=[])
            assert [put(http, record) for _ in range(4)] == [201, 200, 200, 429]
    finally:
        server.stop()
