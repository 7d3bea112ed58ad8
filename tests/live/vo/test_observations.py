"""Data sets of descriptors in the tables of observations of a real DaCHS."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import pyvo
from astropy.io import votable
from astropy.io.votable.ucd import parse_ucd
from astropy.units import Unit

from vopub.model.server import DachsServer
from vopub.vo.database import query
from vopub.vo.datalinks import DATALINK, Link
from vopub.vo.datasets import Dataset, Datasets, with_datasets
from vopub.vo.observations import links_url, refresh_observations, wrong_observations

pytestmark = pytest.mark.live
RESOURCE = '<resource schema="obst26">\n</resource>\n'


def dataset(identifier: str, title: str = "It's a \\title & :'more'") -> Dataset:
    did = f"ivo://samples.km3net.invalid/{identifier}/q/cone?bundle"
    link = Link(
        access_url="http://odc.invalid/a.vot", semantics="#this", description="\"1\" 'file'",
        content_type="application/x-votable+xml", content_length=3_000_000_000,
        content_qualifier="hea-event-list",
    )  # fmt: skip
    page = Link(
        access_url="http://odc.invalid/", semantics="#documentation", description="A page",
        content_type="text/html",
    )  # fmt: skip
    obscore = {
        "dataproduct_type": "event", "calib_level": 2, "obs_id": identifier, "obs_title": title,
        "obs_collection": "TEST", "t_min": 59269.25, "em_min": 1.23984e-22, "em_max": 1.2e-15,
        "s_ra": 10.0, "s_dec": -30.0, "s_fov": 2.0, "s_region": "{(9d,-31d),(11d,-31d),(10d,-29d)}",
    }  # fmt: skip
    hea = {"ev_xel": 230, "energy_max": 1e16, "messenger_name": "neutrino", "simulated": 0}
    return Dataset(did=did, obscore=obscore, hea=hea, links=(link, page))


class Descriptors:
    """Descriptors among the inputs of a server, without tables."""

    def __init__(self, server: DachsServer) -> None:
        self.server = server
        self.names: set[str] = set()

    def put(self, name: str, *datasets: Dataset) -> None:
        self.names.add(name)
        path = self._path(name)
        path.mkdir(exist_ok=True)
        text = with_datasets(RESOURCE, Datasets(datasets=datasets))
        (path / "q.rd").write_text(text, encoding="utf-8")
        refresh_observations(self.server)

    def remove(self, name: str) -> None:
        shutil.rmtree(self._path(name))
        self.names.remove(name)
        refresh_observations(self.server)

    def _path(self, name: str) -> Path:
        return self.server.inputs / name


@pytest.fixture
def descriptors(server: DachsServer) -> Iterator[Descriptors]:
    given = Descriptors(server)
    yield given
    for name in list(given.names):
        given.remove(name)


def joined(server: DachsServer, condition: str) -> pyvo.dal.TAPResults:
    tap = pyvo.dal.TAPService(f"{server.url}/tap")
    return tap.search(f"SELECT * FROM ivoa.obscore NATURAL JOIN ivoa.obscore_hea WHERE {condition}")


def titles(server: DachsServer) -> dict[str, str]:
    found = joined(server, "obs_collection = 'TEST'").to_table()
    return {str(row["obs_id"]): str(row["obs_title"]) for row in found}


def test_rows_come_change_and_go_with_the_descriptors(
    server: DachsServer, descriptors: Descriptors
) -> None:
    first, second = dataset("obst26_01"), dataset("obst26_02", "Second")
    descriptors.put("obst26_01", first)
    descriptors.put("obst26_02", second)
    descriptors.put("obst26_01__next", dataset("obst26_01", "A candidate"))
    expected = {"obst26_01": first.obscore["obs_title"], "obst26_02": "Second"}
    assert titles(server) == expected
    assert wrong_observations(server, "obst26_01") == ""
    descriptors.put("obst26_02", dataset("obst26_02", "Replaced"))
    assert titles(server)["obst26_02"] == "Replaced"
    descriptors.remove("obst26_02")
    assert list(titles(server)) == ["obst26_01"]


def test_rows_that_are_not_as_the_descriptor_says_are_noticed(
    server: DachsServer, descriptors: Descriptors
) -> None:
    descriptors.put("obst26_01", dataset("obst26_01"))
    query(server.database, "DELETE FROM ivoa.obscore_hea")
    assert "has none instead of ivo://" in wrong_observations(server, "obst26_01")


def test_numbers_and_regions_arrive_as_they_were(
    server: DachsServer, descriptors: Descriptors
) -> None:
    descriptors.put("obst26_01", dataset("obst26_01"))
    inside = "1 = CONTAINS(POINT('ICRS', 10, -30), s_region) AND energy_max > 1e15"
    found = joined(server, f"obs_collection = 'TEST' AND {inside}").to_table()
    assert len(found) == 1
    row = found[0]
    assert row["ev_xel"] == 230
    assert row["t_min"] == 59269.25
    assert row["em_min"] == pytest.approx(1.23984e-22, rel=1e-6)
    assert row["simulated"] == 0
    assert row["source_table"] == "ivoa.datasets"
    outside = inside.replace("-30)", "-40)")
    assert len(joined(server, f"obs_collection = 'TEST' AND {outside}")) == 0


def test_every_column_of_the_extension_is_described(
    server: DachsServer, descriptors: Descriptors
) -> None:
    descriptors.put("obst26_01", dataset("obst26_01"))
    tap = pyvo.dal.TAPService(f"{server.url}/tap")
    columns = tap.search(
        "SELECT column_name, unit, ucd, utype, description FROM tap_schema.columns"
        " WHERE table_name = 'ivoa.obscore_hea'"
    ).to_table()
    units = {str(row["column_name"]): str(row["unit"]) for row in columns}
    asked = {
        "ev_xel", "s_ref_energy", "em_ref_energy", "s_ref_oaa", "em_ref_oaa", "t_intervals",
        "energy_min", "energy_max", "obs_mode", "tracking_mode", "scan_mode", "pointing_mode",
        "analysis_mode", "event_type", "messenger_name", "messenger_pdgid", "obs_publisher_did",
    }  # fmt: skip
    assert asked <= set(units)
    for row in columns:
        parse_ucd(str(row["ucd"]), check_controlled_vocabulary=True)
        assert str(row["utype"])
        assert len(str(row["description"])) > 10
        Unit(str(row["unit"]) if row["unit"] else "", format="vounit", parse_strict="raise")
    energies = [name for name in asked if "energy" in name]
    assert {units[name] for name in energies} == {"eV"}
    assert units["s_ref_oaa"] == units["em_ref_oaa"] == "deg"


def test_links_are_given_as_datalink_and_by_tap(
    server: DachsServer, descriptors: Descriptors
) -> None:
    given = dataset("obst26_01")
    descriptors.put("obst26_01", given)
    answer = httpx.get(links_url(server), params={"ID": given.did})
    assert answer.headers["content-type"] == DATALINK, answer.text
    links = pyvo.dal.adhoc.DatalinkResults.from_result_url(str(answer.url)).to_table()
    assert [str(v) for v in links["semantics"]] == ["#this", "#documentation"]
    assert links["content_length"][0] == 3_000_000_000
    assert links["content_length"].mask[1]
    assert str(links["local_semantics"][0]) == "hea-event-list"
    assert str(links["description"][0]) == given.links[0].description
    tap = pyvo.dal.TAPService(f"{server.url}/tap")
    rows = tap.search(
        "SELECT semantics, content_qualifier FROM ivoa.obscore JOIN ivoa.datalinks"
        f" ON obs_publisher_did = id WHERE id = '{given.did}' ORDER BY link_number"
    ).to_table()
    assert [str(v) for v in rows["semantics"]] == ["#this", "#documentation"]
    assert str(rows["content_qualifier"][0]) == "hea-event-list"


def test_answers_about_observations_name_the_datalink_service(
    server: DachsServer, descriptors: Descriptors
) -> None:
    given = dataset("obst26_01")
    descriptors.put("obst26_01", given)
    result = joined(server, "obs_collection = 'TEST'")
    (links,) = result.iter_datalinks()
    assert {str(v) for v in links.to_table()["semantics"]} == {"#this", "#documentation"}


def test_unknown_data_set_is_told_to_be_unknown(
    server: DachsServer, descriptors: Descriptors, tmp_path: Path
) -> None:
    descriptors.put("obst26_01", dataset("obst26_01"))
    for name in ("ivo://nowhere.invalid/x", "'; DROP TABLE ivoa.datalinks; --", "%00", ""):
        answer = httpx.get(f"{links_url(server)}?ID={quote(name)}")
        assert answer.status_code < 500
        assert "http://odc.invalid" not in answer.text
    path = tmp_path / "answer.vot"
    path.write_text(httpx.get(links_url(server), params={"ID": "ivo://nowhere.invalid/x"}).text)
    (row,) = votable.parse_single_table(path).to_table()
    assert str(row["error_message"]).startswith("NotFoundFault")
    assert titles(server)
