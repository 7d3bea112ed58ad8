"""What people write reaches DaCHS's settings as they wrote it."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from vopub.settings import load_settings
from vopub.site.templates import item, meta, render

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("text", ["100 % of %(x)s", "a: b = c # d ; e", "Größe <&\"'>", "$HOME"])
def test_items_are_read_back_as_they_were(text: str) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(f"[web]\nsitename: {item(text)}\n")
    assert parser["web"]["sitename"] == text


def test_items_cannot_bring_lines_of_their_own() -> None:
    assert item("a\n[web]\nadminpasswd: x") == "a [web] adminpasswd: x"


def test_metadata_cannot_call_macros() -> None:
    assert meta("\\getConfig{web}{adminpasswd} ends in \\") == (
        "\N{FULLWIDTH REVERSE SOLIDUS}getConfig{web}{adminpasswd} ends in "
        "\N{FULLWIDTH REVERSE SOLIDUS}"
    )


@pytest.mark.parametrize("text", ["rst:", "literal:", "raw:"])
def test_metadata_cannot_name_a_format(text: str) -> None:
    assert meta(f"{text} text") == f"{text[:-1]} : text"


def test_name_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="user"):
        render("pg_hba.conf")


def test_settings_file_holds_what_is_set() -> None:
    settings = load_settings({"site.dachs_port": 8123}, environ={}, directory=CHECKOUT)
    text = render(
        "gavo.rc", root="/s/dachs", log="/s/log", group="g", site=settings.site,
        publisher=settings.publisher, email="a@b.c", admin_password="secret",
    )  # fmt: skip
    parser = configparser.ConfigParser()
    parser.read_string(text)
    assert parser["web"]["serverPort"] == "8123"
    assert parser["web"]["serverURL"] == "http://127.0.0.1:8123"
    assert parser["web"]["bindAddress"] == "127.0.0.1"
    assert parser["ivoa"]["authority"] == settings.publisher.authority
