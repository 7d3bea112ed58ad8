"""Versions beside each other, and the way back: one resource through its whole life.

The tests follow each other: what one leaves is what the next begins with.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from lxml import etree

from vopub.vo.database import query

from .conftest import Desk, reader

pytestmark = pytest.mark.live

ID, OLD, SECOND = "evts21_01", "evts21_01_v1_0", "evts21_01_v2_0"
FEW, ALL = 127, 230
"""Events below 120 degrees from the zenith, and below the horizon."""


@dataclass
class World:
    """What people outside see."""

    desk: Desk

    @property
    def dachs(self) -> str:
        return self.desk.settings.site.dachs_url

    def rows(self, identifier: str) -> int:
        """Ask the cone search for the whole sky; -1 if there is none."""
        wanted = {"RA": "0", "DEC": "0", "SR": "180", "RESPONSEFORMAT": "csv"}
        answer = httpx.get(f"{self.dachs}/{identifier}/q/cone/scs.xml", params=wanted)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return -1
        return len(list(csv.DictReader(io.StringIO(answer.raise_for_status().text))))

    def registered(self, identifier: str) -> etree._Element:
        """Return the record that the registry hands out, without namespaces."""
        name = f"ivo://samples.km3net.invalid/{identifier}/q/cone"
        question = {"verb": "GetRecord", "metadataPrefix": "ivo_vor", "identifier": name}
        root = etree.fromstring(httpx.get(f"{self.dachs}/oai.xml", params=question).content)
        for element in root.iter("{*}*"):
            element.tag = etree.QName(element).localname
        return root

    def relations(self, identifier: str) -> set[tuple[str, str]]:
        return {
            (relation.findtext("relationshipType") or "", related.get("ivo-id") or "")
            for relation in self.registered(identifier).iter("relationship")
            for related in relation.iter("relatedResource")
            if "Version" in (relation.findtext("relationshipType") or "")
        }

    def record(self, kid: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.desk.settings.site.odc_url}/api/resources/{kid}")
        return {"status": answer.status_code, **answer.json()}

    def cone_of(self, kid: str) -> str:
        """Return the cone search that a record of the Open Data Center points at."""
        services = self.record(kid)["services"]
        return next(str(s["url"]) for s in services if s["kind"] == "scs")

    def linked(self, kid: str) -> set[str]:
        """Return the data sets whose links a record of the Open Data Center points at."""
        services = self.record(kid)["services"]
        return {str(s["ivoid"]) for s in services if s["kind"] == "datalink"}

    def schemas(self) -> set[str]:
        sql = "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'evts21%'"
        return {name for (name,) in query(self.desk.site.dachs.database, sql)}


def ivoid(identifier: str) -> str:
    return f"ivo://samples.km3net.invalid/{identifier}/q/cone"


def datasets(identifier: str) -> set[str]:
    """Return the data sets of a resource under a name it is served by."""
    return {f"{ivoid(identifier)}?{part}" for part in ("bundle", "events")}


@contextmanager
def read_meanwhile(desk: Desk) -> Iterator[list[str]]:
    """Read some events before something happens, and all others after it."""
    read: list[str] = []
    with reader(desk) as fetch:
        read += fetch("10")
        yield read
        read += fetch("ALL")
        fetch("0; COMMIT; SELECT")


@pytest.fixture(scope="module")
def world(desk: Desk) -> Iterator[World]:
    desk.restore(ID)
    desk.publish(ID)
    yield World(desk)
    desk.restore(ID)


@pytest.fixture(scope="module")
def kids(world: World) -> dict[str, str]:
    """The kids of the versions, as they come."""
    return {"1.0": world.desk.publish(ID)[0]["kid"]}


def test_what_is_not_published_is_not_rolled_back(world: World) -> None:
    wrong = world.desk.run("rollback", "evts21_1")
    assert wrong.returncode == 2
    assert "'evts21_1' is not published" in wrong.stderr
    assert f"did you mean {ID}" in wrong.stderr


def test_the_publication_before_comes_back_proved_and_registered(
    world: World, kids: dict[str, str]
) -> None:
    desk = world.desk
    desk.edit(ID, 'keep = "zenith > 90 deg"', 'keep = "zenith > 120 deg"')
    with read_meanwhile(desk) as read:
        desk.publish(ID)
    assert len(set(read)) == ALL
    assert world.rows(ID) == world.record(kids["1.0"])["rows"] == FEW
    with read_meanwhile(desk) as read:
        done = desk.run("rollback", ID)
    assert done.returncode == 0, done.stderr
    assert len(set(read)) == FEW
    assert f"({ALL} rows" in done.stderr
    assert world.rows(ID) == world.record(kids["1.0"])["rows"] == ALL
    assert world.linked(kids["1.0"]) == datasets(ID)
    product = desk.products / ID / f"{ID}.csv"
    assert len(product.read_text(encoding="utf-8").splitlines()) == ALL + 1
    assert world.schemas() == {ID, f"{ID}__kept"}
    may = "SELECT has_schema_privilege('untrusted', :'name', 'USAGE')"
    for name, answer in ((ID, "t"), (f"{ID}__kept", "f")):
        assert query(desk.site.dachs.database, may, {"name": name}) == [[answer]], name
    desk.restore(ID)
    assert desk.publish(ID)[0]["change"] == "unchanged"
    assert world.linked(kids["1.0"]) == datasets(ID)


def test_a_new_version_is_served_beside_the_old_with_relations_both_ways(
    world: World, kids: dict[str, str]
) -> None:
    desk = world.desk
    desk.edit(ID, 'keep = "zenith > 90 deg"', 'keep = "zenith > 120 deg"')
    desk.edit(ID, 'version = "1.0"', 'version = "2.0"')
    (outcome,) = desk.publish(ID)
    kids["2.0"] = outcome["kid"]
    assert (world.rows(ID), world.rows(OLD)) == (FEW, ALL)
    assert world.schemas() == {ID, OLD}
    assert world.relations(ID) == {("IsNewVersionOf", ivoid(OLD))}
    assert world.relations(OLD) == {("IsPreviousVersionOf", ivoid(ID))}
    assert world.record(kids["2.0"])["replaces"] == kids["1.0"]
    assert world.cone_of(kids["2.0"]).endswith(f"/{ID}/q/cone/scs.xml")
    assert world.cone_of(kids["1.0"]).endswith(f"/{OLD}/q/cone/scs.xml")
    assert world.linked(kids["2.0"]) == datasets(ID)
    assert world.linked(kids["1.0"]) == datasets(OLD)
    assert {OLD, ID} <= set(desk.run("status").stdout.split())
    assert desk.publish(ID)[0]["change"] == "unchanged"


def test_of_three_versions_the_older_ones_say_what_stays_true(
    world: World, kids: dict[str, str]
) -> None:
    desk = world.desk
    desk.edit(ID, 'version = "2.0"', 'version = "3.0"')
    kids["3.0"] = desk.publish(ID)[0]["kid"]
    assert (world.rows(ID), world.rows(SECOND), world.rows(OLD)) == (FEW, FEW, ALL)
    assert world.schemas() == {ID, OLD, SECOND}
    assert world.relations(ID) == {
        ("IsNewVersionOf", ivoid(OLD)), ("IsNewVersionOf", ivoid(SECOND)),
    }  # fmt: skip
    for name, own, others in ((OLD, "1.0", ("2.0", "3.0")), (SECOND, "2.0", ("1.0", "3.0"))):
        assert world.relations(name) == {("IsPreviousVersionOf", ivoid(ID))}
        said = " ".join("".join(map(str, world.registered(name).itertext())).split())
        assert f"This is version {own}; a newer version has taken its place" in said
        assert [number for number in others if f"version {number}" in said] == []
        assert world.linked(kids[own]) == datasets(name)
    assert world.linked(kids["3.0"]) == datasets(ID)
    assert desk.publish(ID)[0]["change"] == "unchanged"


def test_an_older_version_is_taken_back_alone(world: World, kids: dict[str, str]) -> None:
    done = world.desk.run("unpublish", SECOND, "--reason", "its selection was wrong")
    assert done.returncode == 0, done.stderr
    assert (world.rows(ID), world.rows(SECOND), world.rows(OLD)) == (FEW, -1, ALL)
    assert world.relations(ID) == {("IsNewVersionOf", ivoid(OLD))}
    gone = world.record(kids["2.0"])
    assert gone["status"] == httpx.codes.GONE
    assert "its selection was wrong" in str(gone)
    header = world.registered(SECOND).find(".//header")
    assert header is not None
    assert header.get("status") == "deleted"
    assert world.linked(kids["3.0"]) == datasets(ID)
    assert world.linked(kids["1.0"]) == datasets(OLD)
    world.desk.publish(ID)  # its record names the version before it, which is another one now
    assert world.desk.publish(ID)[0]["change"] == "unchanged"
    assert (world.rows(ID), world.rows(SECOND), world.rows(OLD)) == (FEW, -1, ALL)


def test_a_version_that_is_served_beside_cannot_be_published_anew(world: World) -> None:
    world.desk.edit(ID, 'version = "3.0"', 'version = "1.0"')
    done = world.desk.run("publish", ID)
    assert done.returncode == 1
    assert f"version 1.0 is already served beside a newer one, as {OLD}" in done.stderr


def test_a_new_version_is_rolled_back(world: World, kids: dict[str, str]) -> None:
    done = world.desk.run("rollback", ID)
    assert done.returncode == 0, done.stderr
    assert (world.rows(ID), world.rows(OLD)) == (ALL, -1)
    assert world.schemas() == {ID, f"{ID}__kept"}
    assert world.relations(ID) == set()
    header = world.registered(OLD).find(".//header")
    assert header is not None
    assert header.get("status") == "deleted"
    assert world.record(kids["3.0"])["status"] == httpx.codes.GONE
    assert "rolled back to 1.0" in str(world.record(kids["3.0"]))
    assert world.cone_of(kids["1.0"]).endswith(f"/{ID}/q/cone/scs.xml")
    assert world.linked(kids["1.0"]) == datasets(ID)
    world.desk.restore(ID)
    assert world.desk.publish(ID)[0]["change"] == "unchanged"
