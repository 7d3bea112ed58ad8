"""The view of the sky: what it is given, and what its page may do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mocpy import MOC

from vopub.odc.app import OdcConfig
from vopub.odc.guard import PAGE_POLICY
from vopub.odc.sky_view import PROGRAM, moc_json, policy_of, view_of

from . import pictured
from .conftest import Centre, make_record, parse_page, products, services


@pytest.fixture
def aladin(centre: Centre, tmp_path: Path) -> Path:
    """Put something in the place of Aladin Lite."""
    centre.app.state.aladin_lite = tmp_path / "aladin"
    (tmp_path / "aladin").mkdir()
    (tmp_path / "aladin" / PROGRAM).write_text("export default {};")
    return tmp_path / "aladin"


@pytest.mark.parametrize("text", ["3/1-5 17", "0/0-11", "1/3 2/0-3 29/1152921504606846976"])
def test_the_coverage_stays_what_it_is(text: str) -> None:
    written = moc_json(text)
    assert MOC.from_json(json.loads(written)) == MOC.from_string(text, "ascii")


def test_a_large_range_is_told_in_few_cells() -> None:
    assert moc_json("") == moc_json("5/") == ""
    assert moc_json("29/0-3458764513820540927") == json.dumps({"0": list(range(12))})


def test_events_come_from_the_table_and_from_the_cone_search() -> None:
    record = make_record()
    view = view_of(record)
    assert view is not None
    assert view.table.startswith(f"/files/{record.kid}/evts21_01.csv?sha256=")
    assert view.cone == "http://127.0.0.1:8080/evts21_01/q/cone/scs.xml?RA=0&DEC=0&SR=180"
    elsewhere = view_of(record.model_copy(update={"files": ()}))
    assert elsewhere is not None
    assert (elsewhere.table, elsewhere.cone) == ("", view.cone)


def test_without_positions_or_events_there_is_no_view() -> None:
    assert view_of(pictured.function()[0]) is None
    assert view_of(make_record(files=[], services=())) is None


def test_a_page_of_events_leads_to_its_view(centre: Centre, aladin: Path) -> None:
    record = make_record()
    centre.put(record, products())
    address = f"/resources/{record.kid}/sky"
    page = parse_page(centre.http.get(f"/resources/{record.kid}").text)
    assert page.xpath("//a[text()='Open the sky view']/@href") == [address]
    answer = centre.http.get(address)
    assert answer.status_code == 200
    place = parse_page(answer.text).get_element_by_id("sky")
    assert centre.http.get(str(place.get("data-table"))).status_code == 200
    assert json.loads(str(place.get("data-moc"))) == {"3": [1, 2, 3, 4, 5, 17]}
    assert centre.http.get(f"/aladin-lite/{PROGRAM}").text == "export default {};"


def test_only_this_page_may_do_what_the_viewer_needs(centre: Centre, aladin: Path) -> None:
    record = make_record()
    centre.put(record, products())
    policy = centre.http.get(f"/resources/{record.kid}/sky").headers["content-security-policy"]
    assert "'wasm-unsafe-eval'" in policy
    assert "connect-src 'self' data: blob: http://127.0.0.1:8080;" in policy
    assert "unistra" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    asked = centre.http.get(f"/resources/{record.kid}/sky?survey=true")
    assert "https://*.unistra.fr" in asked.headers["content-security-policy"]
    assert 'data-survey="CDS/P/DSS2/color"' in asked.text
    elsewhere = centre.http.get(f"/resources/{record.kid}").headers["content-security-policy"]
    assert elsewhere == PAGE_POLICY


def test_an_address_cannot_add_to_the_policy() -> None:
    service = services("evts21_01")[0]
    for host in ("a;script-src *", "a b", "*", "a'b"):
        hostile = service.model_copy(update={"url": f"http://{host}/scs?"})
        view = view_of(make_record(files=[], services=(hostile,)))
        assert view is not None
        assert f"http://{host}" not in policy_of(view, survey=False)


def test_without_the_viewer_nothing_leads_there_and_the_page_says_so(centre: Centre) -> None:
    centre.app.state.aladin_lite = Path("/nowhere")
    record = make_record()
    centre.put(record, products())
    page = centre.http.get(f"/resources/{record.kid}").text
    assert "sky view" not in page
    answer = centre.http.get(f"/resources/{record.kid}/sky")
    assert answer.status_code == 200
    assert "not installed" in answer.text
    assert centre.http.get(f"/aladin-lite/{PROGRAM}").status_code == 404


def test_what_has_no_positions_has_no_page(centre: Centre, aladin: Path) -> None:
    record, file = pictured.function()
    centre.put(record, [file])
    assert centre.http.get(f"/resources/{record.kid}/sky").status_code == 404


def test_the_viewer_is_looked_for_where_setup_puts_it(tmp_path: Path) -> None:
    config = OdcConfig(directory=tmp_path, token_digest=b"")
    assert (config.aladin_lite / PROGRAM).is_file()
