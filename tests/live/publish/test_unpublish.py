"""Taking back what was published."""

from __future__ import annotations

import httpx
import pytest
from lxml import etree

from vopub.vo.database import query

from .conftest import Desk, reader, wait_for

pytestmark = pytest.mark.live
OAI = "{http://www.openarchives.org/OAI/2.0/}"


CONE = "ivo://samples.km3net.invalid/evts21_01/q/cone"
COLLECTION = "ivo://samples.km3net.invalid/samples26_01/q/collection"


def oai_header(desk: Desk, verb: str, name: str = CONE) -> etree._Element | None:
    question = {"verb": verb, "metadataPrefix": "ivo_vor"}
    if verb == "GetRecord":
        question["identifier"] = name
    answer = httpx.get(f"{desk.settings.site.dachs_url}/oai.xml", params=question)
    headers = etree.fromstring(answer.content).iter(f"{OAI}header")
    return next((h for h in headers if h.findtext(f"{OAI}identifier") == name), None)


def test_who_is_reading_finishes_while_others_are_told_at_once(published: Desk) -> None:
    cone = f"{published.settings.site.dachs_url}/evts21_01/q/cone/scs.xml"
    with reader(published) as fetch:
        first = fetch("10")
        with published.start("unpublish", "evts21_01", "--reason", "wrong") as process:
            where = {"RA": 0, "DEC": 0, "SR": 1}
            wait_for(lambda: httpx.get(cone, params=where).status_code == httpx.codes.NOT_FOUND)
            assert process.poll() is None
            rest = fetch("ALL")
            fetch("0; COMMIT; SELECT")
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert len(set(first + rest)) == 230
    sql = "SELECT 1 FROM information_schema.schemata WHERE schema_name LIKE 'evts21_01%'"
    assert query(published.site.dachs.database, sql) == []


def observations(desk: Desk) -> list[str]:
    """Return the data sets of the resource in the table of observations."""
    sql = (
        "SELECT obs_publisher_did FROM ivoa.obscore NATURAL JOIN ivoa.obscore_hea"
        " WHERE obs_id = 'evts21_01'"
    )
    question = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": sql}
    answer = httpx.get(f"{desk.settings.site.dachs_url}/tap/sync", params=question)
    return sorted(answer.raise_for_status().text.split()[1:])


def test_what_is_taken_back_is_gone_and_says_why(published: Desk) -> None:
    before = published.publish()
    outcome = next(o for o in before if o["id"] == "evts21_01")
    cone, site = outcome["endpoints"]["scs"], published.settings.site
    name = "ivo://samples.km3net.invalid/evts21_01/q/cone"
    datasets = [f"{name}?bundle", f"{name}?events"]
    assert observations(published) == datasets
    done = published.run("unpublish", "evts21_01", "--reason", "calibration <was> wrong")
    assert done.returncode == 0, done.stderr
    assert outcome["kid"] in done.stderr

    assert httpx.get(cone, params={"RA": 0, "DEC": 0, "SR": 1}).status_code == 404
    sql = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": "SELECT * FROM evts21_01.events"}
    answer = httpx.get(f"{site.dachs_url}/tap/sync", params=sql).text
    assert "Could not locate table 'evts21_01.events'" in answer
    assert "evts21_01" not in httpx.get(f"{site.dachs_url}/tap/examples").text
    assert observations(published) == []
    for verb in ("GetRecord", "ListIdentifiers"):
        for name in (CONE, COLLECTION):  # which has nothing else in the VO
            header = oai_header(published, verb, name)
            assert header is not None
            assert header.get("status") == "deleted"

    record = httpx.get(f"{site.odc_url}/api/resources/{outcome['kid']}")
    assert record.status_code == 410
    assert "calibration <was> wrong" in record.text
    html = {"Accept": "text/html"}
    page = httpx.get(f"{site.odc_url}/resources/{outcome['kid']}", headers=html)
    assert page.status_code == 410
    assert "calibration &lt;was&gt; wrong" in page.text
    assert not (published.products / "evts21_01").exists()
    assert "evts21_01" not in published.run("status").stdout

    again = next(o for o in published.publish() if o["id"] == "evts21_01")
    assert (again["change"], again["kid"]) == ("published", outcome["kid"])
    for name in (CONE, COLLECTION):
        header = oai_header(published, "GetRecord", name)
        assert header is not None
        assert header.get("status") is None
    assert httpx.get(f"{site.odc_url}/api/resources/{outcome['kid']}").status_code == 200
    assert observations(published) == datasets


def test_what_is_not_published_is_not_taken_back(published: Desk) -> None:
    done = published.run("unpublish", "evts20_01", "evts21_1", "--reason", "wrong")
    assert done.returncode == 2
    assert "'evts21_1' is not published" in done.stderr
    assert "did you mean evts21_01" in done.stderr
    assert published.run("unpublish", "evts21_01", "--reason", " ").returncode == 2
    assert {o["change"] for o in published.publish()} == {"unchanged"}
