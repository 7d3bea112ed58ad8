from __future__ import annotations

import os
from pathlib import Path

import pytest

from vopub.errors import DescriptionError
from vopub.settings import (
    PORTS_NAME,
    ROOT_SITE,
    default_site_directory,
    load_client_settings,
    load_settings,
)

SITE_HERE = {"VOPUB_SITE": "site"}
CONFIG = Path(__file__).parents[2] / "vopub.toml"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "vopub.toml").write_text(CONFIG.read_text())
    return tmp_path


def test_option_before_environment_before_file_before_default(here: Path) -> None:
    environ = {"VOPUB_DACHS_PORT": "8081", "VOPUB_ODC_PORT": "8001", "VOPUB_SITE": "site"}
    settings = load_settings({"site.odc_port": 8002}, environ=environ, directory=here)
    assert settings.site.dachs_port == 8081
    assert settings.site.odc_port == 8002
    assert load_settings(environ=SITE_HERE, directory=here).site.dachs_port == 8080


def test_ports_that_the_site_runs_with_come_after_the_file(here: Path) -> None:
    (here / "site").mkdir()
    ports = here / "site" / PORTS_NAME
    ports.write_text('{"dachs_port": 9080, "odc_port": 9000}')
    found = load_settings(environ=SITE_HERE, directory=here).site
    assert (found.dachs_port, found.odc_port) == (9080, 9000)
    assert (
        load_client_settings(environ=SITE_HERE, directory=here).odc_url == "http://127.0.0.1:9000"
    )
    file = here / "vopub.toml"
    file.write_text(file.read_text().replace("# dachs_port = 8080", "dachs_port = 8090"))
    found = load_settings({"site.odc_port": 8002}, environ=SITE_HERE, directory=here).site
    assert (found.dachs_port, found.odc_port) == (8090, 8002)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"dachs_port": null, "odc_port": 1}', "\xff"])
def test_damaged_notes_of_ports_count_as_none(here: Path, text: str) -> None:
    (here / "site").mkdir()
    (here / "site" / PORTS_NAME).write_text(text, encoding="latin-1")
    found = load_settings(environ=SITE_HERE, directory=here).site
    assert (found.dachs_port, found.odc_port) == (8080, 8000)


def test_addresses_of_ipv6_have_brackets(here: Path) -> None:
    found = load_settings({"site.host": "::1"}, environ=SITE_HERE, directory=here).site
    assert (found.dachs_url, found.odc_url) == ("http://[::1]:8080", "http://[::1]:8000")


def test_an_option_that_was_not_given_does_not_count(here: Path) -> None:
    settings = load_settings({"site.odc_port": None}, environ=SITE_HERE, directory=here)
    assert settings.site.odc_port == 8000


def test_relative_places_start_at_the_configuration(here: Path) -> None:
    settings = load_settings(environ={"VOPUB_SITE": "elsewhere"}, directory=here)
    assert settings.site.directory == here / "elsewhere"
    assert settings.resources == here / "resources"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[site]\nport = 1", "site.port: unknown key; did you mean"),
        ("[site]\ndachs_port = 99999", "site.dachs_port: "),
        ("[site]\nodc_proxies = ['10.0.0.1/8']", "site.odc_proxies.0: "),
        ("[publisher]\nauthority = 'x'", "publisher.authority: "),
        ("[sites]", "sites: unknown key; did you mean site?"),
        ("site = 3", "site: "),
        ("not toml", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "vopub.toml").write_text(text)
    with pytest.raises(DescriptionError) as caught:
        load_settings(environ={}, directory=tmp_path)
    assert said in str(caught.value)
    assert str(tmp_path / "vopub.toml") in str(caught.value)


def test_servers_of_others_are_named_by_file_or_environment(here: Path) -> None:
    assert not load_settings(environ={}, directory=here).external.used
    file = here / "vopub.toml"
    external = '[external]\ndachs_url = "http://vo.example.org"\ndachs_root = "gavo"\n'
    file.write_text(CONFIG.read_text() + external)
    environ = {"VOPUB_DATABASE_HOST": "db.example.org", "VOPUB_DATABASE_PASSWORDS": "pass"}
    found = load_settings(environ=environ, directory=here).external
    assert found.used
    assert (found.dachs_root, found.database_passwords) == (here / "gavo", here / "pass")
    assert (found.database_host, found.database_user) == ("db.example.org", "gavoadmin")


def test_half_of_what_servers_of_others_need_is_refused(here: Path) -> None:
    with pytest.raises(DescriptionError) as caught:
        load_settings(environ={"VOPUB_DATABASE_HOST": "db.example.org"}, directory=here)
    assert "external" in str(caught.value)
    assert "dachs_url and dachs_root is needed, too" in str(caught.value)


def test_an_unknown_variable_is_refused(here: Path) -> None:
    with pytest.raises(DescriptionError, match="did you mean dachs_port"):
        load_settings(environ={"VOPUB_DACHSPORT": "1"}, directory=here)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="VOPUB_CONFIG"):
        load_settings(environ={}, directory=tmp_path)


def test_root_keeps_the_site_where_its_services_can_reach_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    expected = ROOT_SITE if os.geteuid() == 0 else closed / "site"
    assert default_site_directory(closed) == expected


def test_a_reader_needs_no_file(tmp_path: Path) -> None:
    settings = load_client_settings(environ={"XDG_CACHE_HOME": "/c"}, directory=tmp_path)
    assert settings.odc_url == "http://127.0.0.1:8000"
    assert (settings.cache, settings.offline, settings.mirrors) == (Path("/c/vopub"), False, ())


def test_a_reader_uses_the_site_of_the_file_unless_told_otherwise(here: Path) -> None:
    config = here / "vopub.toml"
    config.write_text(config.read_text() + "\n[client]\nmirrors = ['https://a.example']\n")
    settings = load_client_settings(environ={"VOPUB_ODC_PORT": "8123"}, directory=here)
    assert settings.odc_url == "http://127.0.0.1:8123"
    assert settings.mirrors == ("https://a.example",)
    environ = {
        "VOPUB_ODC_URL": "https://odc.example",
        "VOPUB_MIRRORS": "https://b.example https://c.example",
        "VOPUB_CACHE": "kept",
        "VOPUB_OFFLINE": "1",
        "VOPUB_ODC_ACCEPTS": "dat=application/x-dat tsf=application/x-tsf",
        "VOPUB_ODC_PROXIES": "127.0.0.1 10.0.0.0/24",
        "VOPUB_ODC_MOST_WRITES": "500",
    }
    accepts = load_settings(environ=environ, directory=here).site.odc_accepts
    assert accepts == ("dat=application/x-dat", "tsf=application/x-tsf")
    site = load_settings(environ=environ, directory=here).site
    assert [str(each) for each in site.odc_proxies] == ["127.0.0.1/32", "10.0.0.0/24"]
    assert site.odc_most_writes == 500
    settings = load_client_settings(
        {"client.odc_url": None, "client.proxy": "http://p:1"}, environ=environ, directory=here
    )
    assert settings.odc_url == "https://odc.example"
    assert settings.mirrors == ("https://b.example", "https://c.example")
    assert (settings.cache, settings.offline) == (here / "kept", True)
    assert settings.proxy == "http://p:1"
    assert load_settings(environ=environ, directory=here).client.odc_url == "https://odc.example"


@pytest.mark.parametrize(
    ("options", "environ", "said"),
    [
        ({"client.odc_url": "nowhere"}, {}, "'nowhere' is not an http"),
        ({}, {"VOPUB_OFFLINE": "perhaps"}, "offline"),
        ({}, {"VOPUB_MIRROR": "x"}, "did you mean mirrors"),
        ({}, {"VOPUB_CONFIG": "/nowhere.toml"}, "no such file"),
        ({"client.timeout": 3}, {}, "client.timeout: unknown key"),
    ],
)
def test_what_is_wrong_for_a_reader_is_said(
    tmp_path: Path, options: dict[str, object], environ: dict[str, str], said: str
) -> None:
    with pytest.raises(DescriptionError, match=said):
        load_client_settings(options, environ=environ, directory=tmp_path)


def test_a_wrong_value_of_the_environment_is_named_with_its_variable(here: Path) -> None:
    environ = {**SITE_HERE, "VOPUB_ODC_PORT": "abc", "VOPUB_ODC_PROXIES": "10.0.0.1 nowhere"}
    with pytest.raises(DescriptionError) as caught:
        load_settings(environ=environ, directory=here)
    places = [problem.place for problem in caught.value.problems]
    assert places == [
        "site.odc_port, set by VOPUB_ODC_PORT", "site.odc_proxies.1, set by VOPUB_ODC_PROXIES",
    ]  # fmt: skip
    with pytest.raises(DescriptionError) as caught:
        load_settings({"site.odc_port": 0}, environ=environ, directory=here)
    assert caught.value.problems[0].place == "site.odc_port"
