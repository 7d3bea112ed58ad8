"""What the settings say of the Open Data Center is what it is started with."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from vopub.odc.__main__ import parser
from vopub.odc.app import MOST_WRITES
from vopub.settings import load_settings
from vopub.site.layout import Layout
from vopub.site.odc import OpenDataCenter


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, {"database": "", "accept": [], "proxy": [], "most_writes": MOST_WRITES}),
        ({"odc_processes": 7}, {"processes": 7}),
        ({"odc_database": "postgresql://odc@/odc"}, {"database": "postgresql://odc@/odc"}),
        ({"odc_accepts": ("a=text/a", "b=text/b")}, {"accept": ["a=text/a", "b=text/b"]}),
        ({"odc_most_writes": 500}, {"most_writes": 500}),
        (
            {"odc_proxies": ("10.1.2.3", "2001:db8::/32")},
            {"proxy": [ip_network("10.1.2.3/32"), ip_network("2001:db8::/32")]},
        ),
        ({"host": "127.0.0.3", "odc_port": 8123}, {"host": "127.0.0.3", "port": 8123}),
    ],
)
def test_settings_arrive(
    layout: Layout, settings: dict[str, object], wanted: dict[str, object]
) -> None:
    given = {f"site.{name}": value for name, value in settings.items()}
    centre = OpenDataCenter(layout, load_settings(given, environ={}))
    started = vars(parser().parse_args(list(centre.service.command())[3:]))
    assert {name: started[name] for name in wanted} == wanted
    assert started["directory"] == centre.directory
