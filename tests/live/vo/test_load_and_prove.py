"""A table on its way into a real DaCHS, asked for by clients that know nothing of vopub."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
import pyvo
from lxml import etree, html

from vopub.errors import ProofError
from vopub.model.dataset import EventDataset
from vopub.model.publication import Contributor, Creator, Related, RelationType
from vopub.model.resource import ServiceKind
from vopub.model.server import DachsServer
from vopub.vo.dachs import TABLE, Dachs
from vopub.vo.database import query, row_count
from vopub.vo.descriptor import ivoid
from vopub.vo.examples import refresh_examples
from vopub.vo.known_events import known_events
from vopub.vo.load import remove
from vopub.vo.prove import cone_url, prove, quick_check, tap_url

pytestmark = pytest.mark.live

HOSTILE = r"""# <&>"' ]]> \schema \\ {x} %s __init__ *a* `b` |c| é 日本 --and-- ;: !z"""


@pytest.fixture
def dataset(samples: ModuleType) -> EventDataset:
    """A data set with every kind of number: not available, infinite, tiny, the largest."""
    energy = samples.columns(samples.ROWS)["energy"]
    energy[:3] = [np.inf, -0.0, 5e-324]
    mask = np.full(samples.ROWS, 2**62 + 1)
    table = samples.table(energy=energy, trigger_mask=mask)
    return EventDataset(samples.metadata(identifier="evts30_01"), table)


@pytest.fixture
def published(loader: Any, dataset: EventDataset) -> Iterator[EventDataset]:
    loader(dataset)
    yield dataset
    remove(loader.server, dataset.metadata.identifier)


def cone(server: DachsServer, dataset: EventDataset, **more: Any) -> Any:
    service = pyvo.dal.SCSService(cone_url(server, dataset.metadata.identifier))
    return service.search((0.0, 0.0), 180.0, verbosity=3, **more).to_table()


def oai(server: DachsServer, name: str) -> Any:
    question = {"verb": "GetRecord", "metadataPrefix": "ivo_vor", "identifier": name}
    return etree.fromstring(httpx.get(f"{server.url}/oai.xml", params=question).content)


def texts_in(tree: Any) -> set[str]:
    """Return the text of every element, white space apart."""
    return {" ".join("".join(element.itertext()).split()) for element in tree.iter()}


def votable(server: DachsServer, dataset: EventDataset) -> bytes:
    event = known_events(dataset.table).first
    question = {"RA": event.ra, "DEC": event.dec, "SR": 0.1, "VERB": 3}
    return httpx.get(cone_url(server, dataset.metadata.identifier), params=question).content


def test_published_table_is_proved_and_is_the_one_that_was_given(
    server: DachsServer, samples: ModuleType, published: EventDataset
) -> None:
    metadata, table, known = published.metadata, published.table, known_events(published.table)
    references = prove(server, metadata, known, authority=samples.AUTHORITY)
    assert [r.kind for r in references] == [ServiceKind.SCS, ServiceKind.TAP, ServiceKind.FORM]
    assert references[0].ivoid == ivoid(samples.AUTHORITY, metadata.identifier)
    assert references[1].table == "evts30_01.events"
    assert quick_check(server, metadata, known)
    assert Dachs(server).validate("evts30_01/q", compare=True) == ()

    served = pyvo.dal.TAPService(tap_url(server)).search("SELECT * FROM evts30_01.events")
    row_of = {name: i for i, name in enumerate(served.to_table()["event_id"])}
    order = [row_of[name] for name in table["event_id"]]
    for parameter in table.parameters[1:]:
        column: Any = np.ma.asarray(served.to_table()[parameter.name])[order]
        expected = table[parameter.name]
        if parameter.dtype.is_float:
            column = np.ma.filled(column, np.nan)
        assert np.array_equal(column, expected, equal_nan=parameter.dtype.is_float), parameter.name
        field = served.getdesc(parameter.name)
        assert (str(field.unit or ""), field.ucd) == (parameter.unit, parameter.ucd)
        assert field.description == " ".join(parameter.description.split())
    frames = {system.ID: system for r in served.votable.resources for system in r.time_systems}
    assert {f.timeorigin for f in frames.values()} == {"MJD-origin", 2440587.5}
    assert {(f.timescale, f.refposition) for f in frames.values()} == {("UTC", "TOPOCENTER")}
    assert frames[served.getdesc("mjd").ref].timeorigin == "MJD-origin"

    everything = cone(server, published)
    assert sorted(everything["event_id"]) == sorted(table["event_id"])
    nearby = cone(server, published, mjd="59269.001 59269.002", energy="100 1000")
    with np.errstate(invalid="ignore"):
        inside = (table["mjd"] >= 59269.001) & (table["mjd"] <= 59269.002)
        inside &= (table["energy"] >= 100) & (table["energy"] <= 1000)
    assert inside.any()
    assert sorted(nearby["event_id"]) == sorted(table["event_id"][inside])


def test_other_clients_and_validators_find_no_fault(
    server: DachsServer, published: EventDataset, tmp_path: Path
) -> None:
    path = tmp_path / "cone.vot"
    path.write_bytes(votable(server, published))
    lint = subprocess.run(["stilts", "votlint", path], capture_output=True, text=True, check=True)
    assert "ERROR" not in lint.stdout + lint.stderr
    first = known_events(published.table).first
    found = subprocess.run(
        ["stilts", "cone", f"serviceurl={cone_url(server, 'evts30_01')}", f"lon={first.ra}",
         f"lat={first.dec}", "radius=0.01", "ofmt=csv"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert first.event_id in found.stdout
    lint = subprocess.run(
        ["stilts", "taplint", f"tapurl={tap_url(server)}", "stages=EXA QGE"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [line for line in lint.stdout.splitlines() if line.startswith("E-")] == []
    # Other tables of this site may have examples, too; the three of this one are the least.
    executed = re.findall(r"Execution success/attempt: (\d+)/(\d+)", lint.stdout)
    assert all(int(good) == int(tried) >= 3 for good, tried in executed), lint.stdout
    assert executed, lint.stdout


def test_registry_record_says_what_was_given(
    server: DachsServer, samples: ModuleType, published: EventDataset
) -> None:
    record = oai(server, ivoid(samples.AUTHORITY, "evts30_01"))

    def texts(path: str) -> list[str]:
        return ["".join(e.itertext()) for e in record.iterfind(f".//{path}")]

    said = published.metadata.publication
    assert said.title in texts("title")
    assert texts("creator/name") == [creator.name for creator in said.creators]
    assert texts("creator/altIdentifier") == ["orcid:0000-0002-1825-0097"]
    assert texts("facility") + texts("instrument") == [said.facility, said.instrument]
    assert texts("spatial") == [published.metadata.coverage.spatial]
    assert [float(x) for x in texts("spectral")[0].split()] == pytest.approx(
        [1.602176634e-10, 1.602176634e-6]
    )
    assert texts("temporal") == ["59269.00081 59269.2508"]
    rights = record.find(".//rights")
    assert rights.get("rightsURI") == said.licence_url
    standards = {c.get("standardID") for c in record.iter("capability")}
    assert {"ivo://ivoa.net/std/ConeSearch", "ivo://ivoa.net/std/TAP#aux"} <= standards
    assert texts("table/nrows") == ["230"]
    of_columns = "SELECT tablename FROM dc.simple_col_stats"  # not in VODataService
    assert query(server.database, of_columns) == []


def test_registry_record_holds_every_field(
    loader: Any, server: DachsServer, samples: ModuleType
) -> None:
    words = {RelationType.IS_DERIVED_FROM, RelationType.IS_SUPPLEMENT_TO, RelationType.CITES}
    said = samples.publication(
        version="2.3",
        contributors=(
            Contributor(name="Some Helper", role="DataCurator", orcid="0000-0002-1825-0097"),
        ),
        doi="10.5072/events",
        source="2016JPhG...43h4001A",
        related=tuple(
            Related(relation=word, identifier=f"10.5072/{word.lower()}", title=f"What it {word}")
            for word in words
        ),
    )
    dataset = EventDataset(samples.metadata(3, said=said, identifier="evts30_03"), samples.table(3))
    loader(dataset)
    record = oai(server, ivoid(samples.AUTHORITY, "evts30_03"))
    remove(server, "evts30_03")

    def texts(path: str) -> list[str]:
        return [" ".join("".join(e.itertext()).split()) for e in record.iterfind(f".//{path}")]

    assert texts("identifier")[-1] == ivoid(samples.AUTHORITY, "evts30_03")
    assert "doi:10.5072/events" in texts("altIdentifier")
    assert texts("contributor") == ["Some Helper (DataCurator, orcid:0000-0002-1825-0097)"]
    assert texts("curation/version") == ["2.3"]
    dates = {(date.get("role"), date.text) for date in record.iterfind(".//curation/date")}
    assert ("Created", "2026-11-22") in dates
    assert texts("curation/publisher") == [said.publisher]
    assert texts("contact/name") == [said.contact.name]
    assert texts("contact/email") == [said.contact.email]
    assert texts("content/subject") == list(said.subjects)
    (source,) = record.iterfind(".//content/source")
    assert (source.get("format"), source.text) == ("bibcode", "2016JPhG...43h4001A")
    assert texts("coverage/waveband") == ["Neutrino"]
    assert texts("content/type") == ["Catalog"]
    assert texts("content/contentLevel") == ["Research"]
    relations = {
        (relation.findtext("relationshipType"), " ".join(other.text.split()))
        for relation in record.iterfind(".//relationship")
        for other in relation.iterfind("relatedResource")
    }
    assert {(w.value, f"What it {w} (doi:10.5072/{w.lower()})") for w in words} <= relations


def test_hostile_text_comes_out_intact(
    loader: Any, server: DachsServer, samples: ModuleType
) -> None:
    name = HOSTILE.replace(";", ",")  # a semicolon separates creators
    said = samples.publication(
        title=f"Title {HOSTILE}",
        description=f"First {HOSTILE}\n   indented, of several words.\n\n\n# Second {HOSTILE}",
        creators=(Creator(name=name),),
        publisher=HOSTILE,
        owner=HOSTILE,
        facility=HOSTILE,
        note=HOSTILE,
        related=(Related(relation=RelationType.CITES, identifier="10.5072/x", title=HOSTILE),),
    )
    ps = tuple(
        p.model_copy(update={"description": f"Energy {HOSTILE}", "null": HOSTILE})
        if p.name == "energy"
        else p
        for p in samples.parameters()
    )
    table = samples.table(3)
    strange = table["event_id"].copy()
    strange[:] = [ascii(HOSTILE), "'; DROP TABLE x; --", "plain"]
    columns = {**table.columns, "event_id": strange}
    metadata = samples.metadata(3, said=said, parameters=ps, identifier="evts30_02")
    dataset = EventDataset(metadata, type(table)(ps, columns))
    loader(dataset)
    prove(server, metadata, known_events(dataset.table), authority=samples.AUTHORITY)

    record = oai(server, ivoid(samples.AUTHORITY, "evts30_02"))
    texts = texts_in(record)
    description = (
        f"First {HOSTILE} indented, of several words. # Second {HOSTILE}"
        f" Note: Sample from a public package: do not compute rates from it."
    )
    assert f"Title {HOSTILE}" in texts
    assert description.split(" Note:", maxsplit=1)[0] + f" Note: {HOSTILE}" in texts
    assert {name, HOSTILE, f"{HOSTILE} (doi:10.5072/x)", f"Energy {HOSTILE}"} <= texts
    answer = etree.fromstring(votable(server, dataset))
    told = texts_in(answer)
    assert {HOSTILE, f"Energy {HOSTILE}"} <= told
    assert any(f"First {HOSTILE}" in text for text in told)
    page: Any = html.fromstring(
        httpx.get(cone_url(server, "evts30_02").replace("scs.xml", "info")).text
    )
    assert f"Title {HOSTILE}" in " ".join(page.text_content().split())
    remove(server, "evts30_02")


def test_proof_names_every_check_that_failed(
    server: DachsServer, samples: ModuleType, published: EventDataset
) -> None:
    known = known_events(published.table)
    first, last = known.events[0].event_id, known.events[-1].event_id
    sql = "UPDATE evts30_01.events SET energy = 1 WHERE event_id = :'first';"
    sql += " DELETE FROM evts30_01.events WHERE event_id = :'last'"
    query(server.database, sql, {"first": first, "last": last})
    assert not quick_check(server, published.metadata, known)
    with pytest.raises(ProofError) as caught:
        prove(server, published.metadata, known, authority=samples.AUTHORITY)
    message = str(caught.value)
    assert message.startswith("evts30_01: 5 of")
    assert "rows in the table: 229 instead of 230" in message
    assert f"cone search at {first}: energy is 1.0 instead of inf" in message
    assert f"cone search at {last}: returned it 0 times" in message
    assert "TAP: counts 229 instead of 230" in message
    assert "DaCHS saw 2 of 5 tests fail of evts30_01/q" in message
    assert "TAP counts all events" in message


def test_proof_of_what_was_never_published_fails(
    server: DachsServer, samples: ModuleType, dataset: EventDataset
) -> None:
    known = known_events(dataset.table)
    assert not quick_check(server, dataset.metadata, known)
    with pytest.raises(ProofError, match=r"rows in the table: None instead of 230"):
        prove(server, dataset.metadata, known, authority=samples.AUTHORITY)


def test_removed_resource_is_gone(loader: Any, server: DachsServer, dataset: EventDataset) -> None:
    loader(dataset)
    remove(server, "evts30_01")
    assert row_count(server.database, "evts30_01", TABLE) is None
    assert Dachs(server).published("evts30_01/q") == []
    assert not (server.inputs / "evts30_01").exists()
    assert httpx.get(cone_url(server, "evts30_01")).status_code == 404
    remove(server, "evts30_01")


def test_examples_of_a_person_are_left_alone(server: DachsServer) -> None:
    path = server.root / "etc" / "userconfig.rd"
    made = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text("<resource schema='__system'/>", encoding="utf-8")
    assert not refresh_examples(server)
    assert path.read_text(encoding="utf-8") == "<resource schema='__system'/>"
    path.unlink()
    if made is not None:
        path.write_text(made, encoding="utf-8")
