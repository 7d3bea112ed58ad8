"""What the validators of others say about a site with everything published."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pyvo
from lxml import etree

from vopub.settings import Settings
from vopub.vo.candidate import is_candidate
from vopub.vo.dachs import Dachs
from vopub.vo.ready import ready

from .conftest import CHECKOUT, Desk

pytestmark = pytest.mark.live

PAGE = CHECKOUT / "docs" / "services.md"
LEAST_REPORTS = 100
"""Of a run of taplint that got to the end of its stages."""


@dataclass(frozen=True)
class Kept:
    """A complaint that the documentation gives a reason for."""

    validator: str
    code: str
    about: str
    reason: str

    def covers(self, line: str) -> bool:
        return line.startswith(f"{self.code}-") and self.about in line


def kept_complaints(validator: str) -> list[Kept]:
    section = PAGE.read_text(encoding="utf-8").partition("## What validators still say")[2]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    entries = [Kept(*(cell.strip().strip("`") for cell in row)) for row in rows[1:]]
    return [entry for entry in entries if entry.validator == validator]


@pytest.fixture(scope="module")
def shop(reachable_directory: Path, make_settings: Callable[..., Settings]) -> Iterator[Desk]:
    """A site with everything published as it is shipped; no test here changes anything."""
    directory = reachable_directory / "everything"
    directory.mkdir()
    shutil.copy(CHECKOUT / "vopub.toml", directory)
    for shipped in ("resources", "simulated"):
        shutil.copytree(CHECKOUT / shipped, directory / "resources", dirs_exist_ok=True)
    made = Desk(directory, make_settings("everything/site", resources=directory / "resources"))
    try:
        made.publish()
        yield made
    finally:
        made.site.down()


def test_every_complaint_that_is_kept_has_a_reason() -> None:
    entries = kept_complaints("taplint")
    assert entries
    assert all(len(entry.reason) > len("The same.") - 1 for entry in entries)
    assert [entry.code for entry in entries if entry.code.startswith("E-")] == []
    failures = [entry.about for entry in entries if entry.code.startswith("F-")]
    assert failures == ["ivoa.obsplan"]


def test_taplint_finds_nothing_but_what_is_kept(shop: Desk) -> None:
    done = subprocess.run(
        ["stilts", "taplint", f"tapurl={shop.settings.site.dachs_url}/tap"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert sum(bool(re.match(r"[EFWIS]-", line)) for line in lines) > LEAST_REPORTS, done.stderr
    complaints = [line for line in lines if re.match(r"[EFW]-", line)]
    entries = kept_complaints("taplint")
    assert [line for line in complaints if not any(e.covers(line) for e in entries)] == []
    idle = [e.code for e in entries if not any(e.covers(line) for line in complaints)]
    assert idle == [], "the documentation keeps what nobody complains about any more"


def descriptors(shop: Desk) -> list[str]:
    folders = [path.parent.name for path in Path(shop.site.dachs.inputs).glob("*/q.rd")]
    return [f"{name}/q" for name in sorted(folders) if not is_candidate(name)]


def test_dachs_validates_and_tests_every_descriptor(shop: Desk) -> None:
    dachs = Dachs(shop.site.dachs)
    found = descriptors(shop)
    assert {"evts21_01/q", "samples26_01/q", "antsim26_01/q", "datasets/q"} <= set(found)
    with ready(shop.site.dachs):
        for name in found:
            assert dachs.validate(name, compare=True) == (), name
            assert dachs.test(name) > 0, name


@pytest.mark.parametrize(("declination", "is_seen"), [(-80, True), (40, True), (60, False)])
def test_data_are_found_as_far_as_the_detector_sees(
    shop: Desk, declination: float, is_seen: bool
) -> None:
    """ORCA sees declinations below 47.2 degrees; ObsCore's s_fov is a diameter."""
    service = pyvo.dal.TAPService(f"{shop.settings.site.dachs_url}/tap")
    found = service.search(
        "SELECT obs_id FROM ivoa.obscore WHERE 1 = CONTAINS("
        f"POINT('ICRS', 120, {declination}), CIRCLE('ICRS', s_ra, s_dec, s_fov/2))"
    ).to_table()
    assert ("evts21_01" in set(found["obs_id"])) is is_seen


def test_collection_and_its_members_refer_to_each_other(shop: Desk) -> None:
    authority = shop.settings.publisher.authority
    names = {"collection": f"ivo://{authority}/samples26_01/q/collection",
             "member": f"ivo://{authority}/evts21_01/q/cone"}  # fmt: skip
    for own, relation, other in (
        ("collection", "HasPart", "member"),
        ("member", "IsPartOf", "collection"),
    ):
        question = {"verb": "GetRecord", "metadataPrefix": "ivo_vor", "identifier": names[own]}
        answer = httpx.get(f"{shop.settings.site.dachs_url}/oai.xml", params=question)
        record = etree.fromstring(answer.content)
        found = record.findall(f".//relationship[relationshipType='{relation}']/relatedResource")
        assert [resource.get("ivo-id") for resource in found] == [names[other]]


def test_links_of_several_resources_name_the_creators_of_none(shop: Desk) -> None:
    url = f"{shop.settings.site.dachs_url}/datasets/q/links/dlmeta"
    authority = shop.settings.publisher.authority
    names = [f"ivo://{authority}/{name}/q/cone?bundle" for name in ("evts21_01", "antsim26_01")]
    for asked, creators in ((names[:1], 1), (names, 0)):
        document = etree.fromstring(httpx.get(url, params={"ID": asked}, timeout=60).content)
        assert len(document.findall(".//{*}INFO[@name='creator']")) == creators
        assert len(document.findall(".//{*}INFO[@name='publisher']")) == 1


def test_examples_are_xhtml_and_run_as_a_client_reads_them(shop: Desk) -> None:
    page = httpx.get(f"{shop.settings.site.dachs_url}/tap/examples")
    tree = etree.fromstring(page.content)  # XHTML is XML
    body = tree.find("{*}body")
    assert body is not None
    assert body.get("vocab", "").startswith("ivo://ivoa.net/std/DALI-examples")
    service = pyvo.dal.TAPService(f"{shop.settings.site.dachs_url}/tap")
    examples = service.examples
    assert len(examples) == len(body.findall(".//*[@typeof='example']"))
    ours = [example for example in examples if "evts21_01" in example["QUERY"]]
    assert len(ours) >= 3
    for example in ours:
        assert len(service.search(example["QUERY"])) > 0, example["QUERY"]


def test_keys_and_groups_are_in_the_schema(shop: Desk) -> None:
    service = pyvo.dal.TAPService(f"{shop.settings.site.dachs_url}/tap")
    keys = service.search(
        "SELECT from_table, target_table, from_column, target_column"
        " FROM tap_schema.keys JOIN tap_schema.key_columns USING (key_id)"
        " WHERE from_table = 'evts21_01.events' ORDER BY from_column"
    ).to_table()
    assert [tuple(row) for row in keys] == [
        ("evts21_01.events", "evts21_01.runs", "detector_id", "detector_id"),
        ("evts21_01.events", "evts21_01.runs", "run_id", "run_id"),
    ]
    joined = service.search(
        "SELECT livetime, COUNT(*) AS events FROM evts21_01.events"
        " JOIN evts21_01.runs USING (detector_id, run_id) GROUP BY livetime"
    ).to_table()
    assert [tuple(row) for row in joined] == [(21593.2, 230)]
    groups = service.search(
        "SELECT group_name FROM tap_schema.groups WHERE table_name = 'evts21_01.events'"
    ).to_table()
    names = {str(name) for name in groups["group_name"]}
    assert names == {"position", "direction", "time", "identification"}
