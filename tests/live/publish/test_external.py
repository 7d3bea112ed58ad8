"""Publishing to a DaCHS and a PostgreSQL that somebody else made and started.

The tests follow each other: what one leaves is what the next begins with.
"""

from __future__ import annotations

import configparser
import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import pyvo

from tests.live.conftest import free_ports
from vopub.process import service_account
from vopub.settings import load_settings

from .conftest import CHECKOUT, Desk
from .foreign import Foreign, password, running

pytestmark = pytest.mark.live
ID, OLD = "evts21_01", "evts21_01_v1_0"
FEW, ALL = 127, 230
"""Events below 120 degrees from the zenith, and below the horizon."""


@pytest.fixture(scope="module")
def host(reachable_directory: Path) -> Iterator[Foreign]:
    database_port, dachs_port = free_ports(2)
    place = reachable_directory / "host"
    foreign = Foreign(place, "samples.km3net.invalid", database_port, dachs_port, password())
    with running(foreign):
        yield foreign


def passwords(host: Foreign, place: Path) -> Path:
    """Write what DaCHS knows of its role's password as PostgreSQL's programs read it."""
    profile = configparser.ConfigParser(allow_no_value=True, strict=False, interpolation=None)
    profile.read_string("[feed]\n" + (host.root / "etc" / "feed").read_text())
    path = place / "passwords"
    secret = profile["feed"]["password"]
    path.write_text(f"127.0.0.1:{host.database_port}:gavo:gavoadmin:{secret}\n")
    path.chmod(0o600)
    service_account().own(path)
    return path


@pytest.fixture(scope="module")
def guest(host: Foreign, reachable_directory: Path) -> Iterator[Desk]:
    """A desk without servers of its own but for the Open Data Center."""
    place = reachable_directory / "guest"
    for name in (ID, "samples26_01"):
        shutil.copytree(CHECKOUT / "resources" / name, place / "resources" / name)
    (port,) = free_ports(1)
    external = f"""
[external]
dachs_url = "{host.url}"
dachs_root = "{host.root}"
dachs_settings = "{host.settings_file}"
database_host = "127.0.0.1"
database_port = {host.database_port}
database_user = "gavoadmin"
database_passwords = "{passwords(host, place)}"
"""
    shipped = (CHECKOUT / "vopub.toml").read_text()
    toml = re.sub(r"^(# *)?odc_port = \d+", f"odc_port = {port}", shipped, flags=re.MULTILINE)
    assert f"\nodc_port = {port}\n" in toml
    (place / "vopub.toml").write_text(toml + external)
    made = GuestDesk(place, load_settings({}, environ={}, directory=place))
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


def test_the_same_commands_publish_to_servers_of_others(guest: Desk, host: Foreign) -> None:
    (outcome,) = guest.publish(ID)
    assert outcome["endpoints"]["scs"].startswith(host.url)
    assert rows(guest, ID) == outcome["rows"] == ALL
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


def test_observations_and_collection_are_there(guest: Desk, host: Foreign) -> None:
    service = pyvo.dal.TAPService(f"{host.url}/tap")
    found = service.search("SELECT * FROM ivoa.obscore NATURAL JOIN ivoa.obscore_hea").to_table()
    assert set(found["obs_id"]) == {ID}
    assert f"{ID}.events" in set(found["event_table"])
    assert [int(number) for number in found["ev_xel"]] == [ALL, ALL]  # the bundle and its events
    question = {"verb": "GetRecord", "metadataPrefix": "ivo_vor",
                "identifier": f"ivo://{host.authority}/samples26_01/q/collection"}  # fmt: skip
    record = httpx.get(f"{host.url}/oai.xml", params=question).text
    assert f"ivo://{host.authority}/{ID}/q/cone" in record


def test_nothing_is_gone_back_to_if_nothing_is_kept(guest: Desk) -> None:
    done = guest.run("rollback", ID)
    assert done.returncode == 1
    assert f"{ID}: nothing is kept of a publication before" in done.stderr
    assert rows(guest, ID) == ALL


def test_a_table_is_replaced_and_comes_back(guest: Desk) -> None:
    guest.edit(ID, 'keep = "zenith > 90 deg"', 'keep = "zenith > 120 deg"')
    (outcome,) = guest.publish(ID)
    assert rows(guest, ID) == outcome["rows"] == FEW
    done = guest.run("rollback", ID)
    assert done.returncode == 0, done.stderr
    assert rows(guest, ID) == ALL


def test_a_new_version_is_served_beside_the_old_one(guest: Desk) -> None:
    guest.edit(ID, 'version = "1.0"', 'version = "2.0"')
    guest.publish(ID)
    assert (rows(guest, ID), rows(guest, OLD)) == (FEW, ALL)


def test_synchronous_queries_are_bounded_by_the_copied_descriptor(host: Foreign) -> None:
    """One of them runs here and one waits."""
    heavy = f"SELECT COUNT(*) FROM {ID}.events a, {ID}.events b, {ID}.events c, {ID}.events d"
    question = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": heavy}
    with ThreadPoolExecutor(4) as crowd:
        asked = [
            crowd.submit(httpx.get, f"{host.url}/tap/sync", params=question, timeout=120)
            for _ in range(4)
        ]
        cone = {"RA": "0", "DEC": "0", "SR": "180", "MAXREC": "5"}
        answer = httpx.get(f"{host.url}/{ID}/q/cone/scs.xml", params=cone, timeout=60)
        assert not all(each.done() for each in asked)
        answers = [each.result() for each in asked]
    assert answer.status_code == 200
    refused = [each for each in answers if each.status_code == 503]
    assert len(refused) == 2
    assert {each.headers["retry-after"] for each in refused} == {"20"}


def test_taking_back_and_going_down_leave_the_servers_of_others_alone(
    guest: Desk, host: Foreign
) -> None:
    done = guest.run("unpublish", ID, "--reason", "only a guest")
    assert done.returncode == 0, done.stderr
    assert guest.run("down").returncode == 0
    assert host.is_available()
    assert host.answers_sql()
    cone = f"{host.url}/{ID}/q/cone/scs.xml"
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
