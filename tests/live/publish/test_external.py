"""Publishing to a DaCHS and a PostgreSQL that somebody else started: here, those of the desk."""

from __future__ import annotations

import configparser
import csv
import io
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from vopub.process import service_account
from vopub.settings import load_settings

from .conftest import Desk

pytestmark = pytest.mark.live
ID = "evts21_02"


def passwords(host: Desk, place: Path) -> Path:
    """Write what DaCHS knows of its role's password as PostgreSQL's programs read it."""
    profile = configparser.ConfigParser(allow_no_value=True, strict=False, interpolation=None)
    text = (host.site.dachs.root / "etc" / "feed").read_text()
    profile.read_string("[feed]\n" + text)
    path = place / "passwords"
    path.write_text(f"*:*:gavo:gavoadmin:{profile['feed']['password']}\n")
    path.chmod(0o600)
    service_account().own(path)
    return path


@pytest.fixture(scope="module")
def guest(desk: Desk, reachable_directory: Path) -> Iterator[Desk]:
    """A second desk, without servers of its own but for the Open Data Center."""
    desk.publish("evts20_01")
    place = reachable_directory / "guest"
    folder = place / "resources" / ID
    shutil.copytree(desk.directory / "resources" / "evts21_01", folder)
    description = (folder / "resource.toml").read_text()
    description = description.replace('"evts21_01"', f'"{ID}"')
    (folder / "resource.toml").write_text(description.replace('collection = "samples26_01"\n', ""))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = desk.site.dachs
    external = f"""
[external]
dachs_url = "{server.url}"
dachs_root = "{server.root}"
dachs_settings = "{server.settings_file}"
database_host = "{server.database.host}"
database_user = "gavoadmin"
database_passwords = "{passwords(desk, place)}"
"""
    toml = (
        (desk.directory / "vopub.toml").read_text().replace("odc_port = 8000", f"odc_port={port}")
    )
    (place / "vopub.toml").write_text(toml + external)
    settings = load_settings({}, environ={}, directory=place)
    made = GuestDesk(place, settings)
    try:
        yield made
    finally:
        made.site.down()


class GuestDesk(Desk):
    """A desk with a ``vopub.toml`` that says everything."""

    def environ(self) -> dict[str, str]:
        kept = super().environ()
        return {name: kept[name] for name in ("PATH", "HOME", "PYTHONPATH")}


def rows(desk: Desk, identifier: str) -> int:
    wanted = {"RA": "0", "DEC": "0", "SR": "180", "RESPONSEFORMAT": "csv"}
    answer = httpx.get(f"{desk.site.dachs.url}/{identifier}/q/cone/scs.xml", params=wanted)
    return len(list(csv.DictReader(io.StringIO(answer.raise_for_status().text))))


def test_the_same_commands_publish_to_servers_of_others(guest: Desk, desk: Desk) -> None:
    (outcome,) = guest.publish(ID)
    assert outcome["endpoints"]["scs"].startswith(desk.settings.site.dachs_url)
    assert rows(guest, ID) == outcome["rows"] == 230
    assert guest.publish(ID)[0]["change"] == "unchanged"
    services = {s["name"]: s for s in json.loads(guest.run("status", "--json").stdout)["services"]}
    assert set(services) == {"PostgreSQL (external)", "DaCHS (external)", "ODC"}
    assert {s["state"] for s in services.values()} == {"up"}
    site = guest.settings.site.directory
    assert not (site / "pg").exists()
    assert not list((site / "dachs").iterdir())
    secret = (guest.directory / "passwords").read_text().strip().rpartition(":")[2]
    for path in site.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_nothing_is_gone_back_to_if_nothing_is_kept(guest: Desk) -> None:
    done = guest.run("rollback", ID)
    assert done.returncode == 1
    assert f"{ID}: nothing is kept of a publication before" in done.stderr
    assert rows(guest, ID) == 230


def test_taking_back_and_going_down_leave_the_servers_of_others_alone(
    guest: Desk, desk: Desk
) -> None:
    done = guest.run("unpublish", ID, "--reason", "only a guest")
    assert done.returncode == 0, done.stderr
    assert guest.run("down").returncode == 0
    assert {s.state.value for s in desk.site.status()} == {"up"}
    cone = f"{desk.site.dachs.url}/{ID}/q/cone/scs.xml"
    assert httpx.get(cone, params={"RA": 0, "DEC": 0, "SR": 1}).status_code == 404


def complaint(guest: Desk, old: str, new: str) -> str:
    """Return what ``vopub up`` says with another setting."""
    toml = guest.directory / "vopub.toml"
    text = toml.read_text()
    assert old in text
    toml.write_text(text.replace(old, new))
    try:
        done: subprocess.CompletedProcess[str] = guest.run("up")
    finally:
        toml.write_text(text)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_keeps_servers_of_others_from_being_used_is_said(guest: Desk) -> None:
    assert "the publisher 'other.invalid'" in complaint(
        guest, 'authority = "samples.km3net.invalid"', 'authority = "other.invalid"'
    )
    assert "does not let role 'nobody' in" in complaint(guest, '"gavoadmin"', '"nobody"')
    root = str(guest.settings.external.dachs_root)
    assert f"{root}/nowhere" in complaint(guest, f'root = "{root}"', f'root = "{root}/nowhere"')
