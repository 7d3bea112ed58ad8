"""What the settings say of the Open Data Center is what it is started with."""

from __future__ import annotations

import pytest

from vopub.odc.__main__ import parser
from vopub.settings import load_settings
from vopub.site.layout import Layout
from vopub.site.odc import OpenDataCenter


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, {"database": "", "accept": []}),
        ({"odc_processes": 7}, {"processes": 7}),
        ({"odc_database": "postgresql://odc@/odc"}, {"database": "postgresql://odc@/odc"}),
        ({"odc_accepts": ("a=text/a", "b=text/b")}, {"accept": ["a=text/a", "b=text/b"]}),
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
