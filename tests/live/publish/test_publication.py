"""What a publisher does, and what an astronomer then gets."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import httpx
import numpy as np
import pandas as pd
import pytest
import pyvo
from astropy.table import Table

from vopub.vo.database import query

from .conftest import CHECKOUT, Desk

pytestmark = pytest.mark.live

WHOLE_SKY = {"RA": "0", "DEC": "0", "SR": "180", "VERB": "3", "MAXREC": "10000"}


def rows_of(desk: Desk, identifier: str = "evts21_01") -> pd.DataFrame:
    table: pd.DataFrame = pd.read_csv(desk.products / identifier / f"{identifier}.csv")
    return table.sort_values("event_id", ignore_index=True)


def served_rows(table: Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    frame["event_id"] = frame["event_id"].astype(str)
    return frame.sort_values("event_id", ignore_index=True)


def assert_same(served: pd.DataFrame, product: pd.DataFrame) -> None:
    """Compare every value of every column, to the last bit."""
    for name in product.columns:
        equal_nan = product[name].dtype.kind == "f"
        ours, theirs = product[name].to_numpy(), served[name].to_numpy()
        assert np.array_equal(ours, theirs.astype(ours.dtype), equal_nan=equal_nan), name


def cone_url(desk: Desk) -> str:
    return f"{desk.settings.site.dachs_url}/evts21_01/q/cone/scs.xml"


def cone_ids(desk: Desk) -> set[str]:
    found = pyvo.dal.SCSService(cone_url(desk)).search((0, 0), 180.0)
    return {str(row["event_id"]) for row in found}


def record(desk: Desk, identifier: str) -> dict[str, Any]:
    answer = httpx.get(f"{desk.settings.site.odc_url}/api/resources", params={"q": identifier})
    (summary,) = answer.json()["resources"]
    return httpx.get(f"{desk.settings.site.odc_url}/api/resources/{summary['kid']}").json()  # type: ignore[no-any-return]


def table_writes(desk: Desk) -> list[list[str]]:
    """Return what changes if anything is written to any table of DaCHS, or one is made anew.

    Without the jobs of astronomers, such as those of other tests: what idle connections of the
    server wrote is counted up to ten seconds later.
    """
    query(desk.site.dachs.database, "SELECT pg_stat_force_next_flush()")
    return query(
        desk.site.dachs.database,
        "SELECT s.schemaname, s.relname, c.relfilenode, c.xmin, s.n_tup_ins, s.n_tup_upd,"
        " s.n_tup_del FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid"
        " WHERE s.relname <> 'tapjobs' ORDER BY 1, 2",
    )


def lines_of_readme(desk: Desk) -> list[str]:
    """Return the Python in the README, with the addresses of this site."""
    blocks: list[str] = re.findall(
        r"```python\n(.*?)```", (CHECKOUT / "README.md").read_text(), re.DOTALL
    )
    url = desk.settings.site.dachs_url
    return [block.replace("http://127.0.0.1:8080", url) for block in blocks]


def test_the_python_of_the_readme_runs(published: Desk) -> None:
    services, store = lines_of_readme(published)
    product = rows_of(published)
    said = []
    for lines in (services, store):
        done = subprocess.run(
            [sys.executable, "-c", lines], cwd=published.directory, env=published.environ(),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    energetic = product[product["energy"] > 50]["event_id"]
    assert len(energetic) > 0
    assert all(name in said[0] for name in energetic)
    assert "km3.49.9505." in said[0]
    assert "230 rows" in said[1]


def test_the_cone_search_returns_the_rows_of_the_csv(published: Desk) -> None:
    product = rows_of(published)
    assert len(product) == 230
    found = pyvo.dal.SCSService(cone_url(published)).search((0, 0), 180.0, verbosity=3)
    assert_same(served_rows(found.to_table()), product)


def test_tap_returns_the_rows_of_the_csv(published: Desk) -> None:
    service = pyvo.dal.TAPService(f"{published.settings.site.dachs_url}/tap")
    found = service.search("SELECT * FROM evts21_01.events")
    assert_same(served_rows(found.to_table()), rows_of(published))


def test_a_client_of_another_family_gets_the_same_rows(published: Desk, tmp_path: Path) -> None:
    target = tmp_path / "all.csv"
    done = subprocess.run(
        ["stilts", "tapquery", f"tapurl={published.settings.site.dachs_url}/tap",
         "adql=SELECT * FROM evts21_01.events", f"out={target}", "ofmt=csv"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert_same(pd.read_csv(target).sort_values("event_id", ignore_index=True), rows_of(published))


def test_units_and_ucds_arrive_with_the_rows(published: Desk) -> None:
    described = {p["name"]: p for p in record(published, "evts21_01")["parameters"]}
    service = pyvo.dal.TAPService(f"{published.settings.site.dachs_url}/tap")
    fields = service.search("SELECT TOP 1 * FROM evts21_01.events").fielddescs
    assert [f.name for f in fields] == list(described)
    for field in fields:
        assert (str(field.unit) if field.unit else "") == described[field.name]["unit"]
        assert field.ucd == described[field.name]["ucd"]
        assert " ".join(field.description.split()) == described[field.name]["description"]


def test_csv_and_hdf5_hold_the_same(published: Desk) -> None:
    for identifier, count in (("evts21_01", 230), ("evts20_01", 2498)):
        product = rows_of(published, identifier)
        assert len(product) == count
        with h5py.File(published.products / identifier / f"{identifier}.h5") as file:
            events = pd.DataFrame(file["events"][:])
        events["event_id"] = events["event_id"].str.decode("utf-8")
        assert_same(events.sort_values("event_id", ignore_index=True), product)


def test_the_record_points_at_the_services_and_every_file_can_be_had(published: Desk) -> None:
    found = record(published, "evts21_01")
    services = {service["kind"]: service for service in found["services"]}
    assert services["scs"]["url"] == cone_url(published)
    assert services["tap"]["table"] == "evts21_01.events"
    odc = published.settings.site.odc_url
    for file in found["files"]:
        content = httpx.get(f"{odc}/files/{found['kid']}/{file['name']}").content
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    csv = next(file for file in found["files"] if file["name"].endswith(".csv"))
    text = httpx.get(f"{odc}/files/{found['kid']}/{csv['name']}").text
    assert len(pd.read_csv(io.StringIO(text))) == found["rows"] == 230


def test_data_taking_comes_from_the_file(published: Desk) -> None:
    (run,) = record(published, "evts21_01")["data_taking"]["runs"]
    assert run["source"] == "headerTree"
    assert (run["detector_id"], run["run"], run["livetime"]) == (49, 9505, 21593.2)
    assert run["start"] == "2021-02-24T12:00:05Z"
    assert run["stop"] == "2021-02-24T17:59:58Z"


def test_what_is_not_for_the_vo_is_in_the_odc_only(published: Desk) -> None:
    assert record(published, "evts20_01")["services"] == []
    tables = pyvo.dal.TAPService(f"{published.settings.site.dachs_url}/tap").tables.keys()
    assert "evts21_01.events" in tables
    assert not [name for name in tables if "evts20" in name]
    dachs = published.settings.site.dachs_url
    assert httpx.get(f"{dachs}/evts20_01/q/cone/scs.xml", params=WHOLE_SKY).status_code == 404


def test_both_are_members_of_their_collection(published: Desk) -> None:
    odc = published.settings.site.odc_url
    members = httpx.get(f"{odc}/api/collections/samples26_01").json()["resources"]
    kids = {record(published, identifier)["kid"] for identifier in ("evts20_01", "evts21_01")}
    assert kids <= set(members)


def test_publishing_again_changes_nothing_and_writes_nothing(published: Desk) -> None:
    files = {p: p.stat().st_mtime_ns for p in published.products.rglob("*")}
    writes = table_writes(published)
    outcomes = published.publish()
    assert {o["change"] for o in outcomes} == {"unchanged"}
    assert table_writes(published) == writes
    assert {p: p.stat().st_mtime_ns for p in published.products.rglob("*")} == files


def test_status_lists_every_resource(published: Desk) -> None:
    done = published.run("status", "--json")
    status = json.loads(done.stdout)
    assert {s["state"] for s in status["services"]} == {"up"}
    listed = {r["id"]: r for r in status["resources"]}
    assert listed["evts21_01"]["kid"] == record(published, "evts21_01")["kid"]
    assert listed["evts21_01"]["rows"] == 230
    assert listed["evts21_01"]["endpoints"]["scs"] == cone_url(published)
    assert listed["evts21_01"]["last_proof"]
    assert listed["evts20_01"]["endpoints"].keys() == {"page"}


def test_a_dry_run_says_what_would_change_and_changes_nothing(published: Desk) -> None:
    published.edit("evts21_01", 'keep = "zenith > 90 deg"', 'keep = "zenith > 120 deg"')
    before = table_writes(published), rows_of(published)
    (outcome,) = published.publish("evts21_01", "--dry-run")
    assert outcome["change"].startswith("would replace 230 rows by ")
    assert table_writes(published) == before[0]
    assert rows_of(published).equals(before[1])
    assert published.publish("evts20_01", "--dry-run")[0]["change"] == "unchanged"


def test_a_changed_selection_replaces_the_table_under_the_same_kid(served: Desk) -> None:
    kid = record(served, "evts21_01")["kid"]
    before, chosen = served.select_other()
    assert len(cone_ids(served)) == before
    (outcome,) = served.publish("evts21_01")
    product = rows_of(served)
    assert len(product) == chosen
    assert not product.query(f"not {served.selection().removesuffix(' deg')}").size
    assert cone_ids(served) == set(product["event_id"])
    assert (outcome["kid"], outcome["rows"]) == (kid, len(product))


def test_what_was_loaded_only_is_proved_and_registered_by_the_next_publication(
    served: Desk,
) -> None:
    before, chosen = served.select_other()
    (outcome,) = served.publish("evts21_01", "--until", "load")
    assert outcome["change"] == "done until load"
    assert record(served, "evts21_01")["rows"] == before
    (outcome,) = served.publish("evts21_01")
    assert record(served, "evts21_01")["rows"] == outcome["rows"] == len(rows_of(served)) == chosen


def test_a_new_version_gets_a_new_kid_and_a_link_to_the_old(published: Desk) -> None:
    old = record(published, "evts20_01")["kid"]
    published.edit("evts20_01", 'version = "1.0"', 'version = "1.1"')
    (outcome,) = published.publish("evts20_01")
    assert outcome["kid"] != old
    odc = published.settings.site.odc_url
    newest = httpx.get(f"{odc}/api/resources/{outcome['kid']}").json()
    assert newest["replaces"] == old
    assert httpx.get(f"{odc}/api/resources/{old}").status_code == 200
    httpx.delete(
        f"{odc}/api/resources/{outcome['kid']}",
        params={"reason": "test"},
        headers={"Authorization": f"Bearer {published.site.odc.token_file.read_text().strip()}"},
    ).raise_for_status()


def test_a_resource_taken_out_of_the_vo_is_gone_there_and_stays_in_the_odc(
    published: Desk,
) -> None:
    published.edit("evts21_01", r"publish = true", "publish = false")
    (outcome,) = published.publish("evts21_01")
    assert outcome["endpoints"] == {}
    assert httpx.get(cone_url(published), params=WHOLE_SKY).status_code == 404
    assert record(published, "evts21_01")["services"] == []
    published.restore("evts21_01")
    published.publish("evts21_01")
    assert len(cone_ids(published)) == 230


HOSTILE = (
    r"""Energy <of> "the" particle & 'its' error; 5 < 6 ]]> \alpha \schema ${x} {{ y }} 中微子 é"""
)


def test_hostile_text_comes_out_as_it_went_in(published: Desk) -> None:
    quoted = json.dumps(HOSTILE, ensure_ascii=False)
    overrides = f"[events.overrides.energy]\ndescription = {quoted}\n\n[vo]"
    published.edit("evts21_01", r"\[vo\]", overrides)
    published.edit("evts21_01", r"title = \"[^\"]*\"", f"title = {quoted}")
    published.publish("evts21_01")
    service = pyvo.dal.TAPService(f"{published.settings.site.dachs_url}/tap")
    found = service.search("SELECT TOP 1 energy FROM evts21_01.events").fielddescs[0]
    assert found.description == HOSTILE
    entry = record(published, "evts21_01")
    assert entry["publication"]["title"] == HOSTILE
    assert HOSTILE in [p["description"] for p in entry["parameters"]]
    with h5py.File(published.products / "evts21_01" / "evts21_01.h5") as file:
        assert json.loads(file.attrs["publication"])["title"] == HOSTILE
