"""Records of collections and tables of functions, in a real DaCHS."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
import pyvo
from astropy.units import Unit
from lxml import etree

from vopub.errors import ServiceError
from vopub.model.server import DachsServer
from vopub.process import service_account
from vopub.vo.announce import announce, withdraw
from vopub.vo.collection import render_collection
from vopub.vo.dachs import Dachs
from vopub.vo.function_table import FunctionTable, render_function_table
from vopub.vo.prove import tap_url
from vopub.vo.registry import collection_ivoid

pytestmark = pytest.mark.live

COLLECTION = "samples27_01"


def oai(server: DachsServer, name: str) -> Any:
    question = {"verb": "GetRecord", "metadataPrefix": "ivo_vor", "identifier": name}
    return etree.fromstring(httpx.get(f"{server.url}/oai.xml", params=question).content)


def test_collection_is_one_record_that_changes_and_goes(
    server: DachsServer, samples: ModuleType
) -> None:
    def text(**said: Any) -> str:
        described = samples.collection(id=COLLECTION, **said)
        return render_collection(described, samples.members(), authority=samples.AUTHORITY)

    name = collection_ivoid(samples.AUTHORITY, COLLECTION)
    assert announce(server, COLLECTION, text())
    assert not announce(server, COLLECTION, text())
    record = oai(server, name)
    kind = record.find(".//{*}Resource").get("{http://www.w3.org/2001/XMLSchema-instance}type")
    assert kind == "vs:CatalogResource"
    parts = record.findall(".//relationship[relationshipType='HasPart']/relatedResource")
    assert [part.get("ivo-id").split("/")[3] for part in parts] == ["evts21_01", "evts20_01"]
    assert [e.text for e in record.iterfind(".//coverage/waveband")] == ["Neutrino"]

    with pytest.raises(ServiceError, match="finds the descriptor invalid"):
        announce(server, COLLECTION, text().replace("<coverage>", "<coverege>", 1))
    assert announce(server, COLLECTION, text(title="Another title of the collection"))
    assert oai(server, name).findtext(".//title") == "Another title of the collection"

    withdraw(server, COLLECTION)
    withdraw(server, COLLECTION)
    assert oai(server, name).find(".//{*}header").get("status") == "deleted"


@pytest.fixture
def functions(server: DachsServer, samples: ModuleType) -> Iterator[FunctionTable]:
    described: FunctionTable = samples.function_table()
    folder, rd_id = server.inputs / described.identifier, f"{described.identifier}/q"
    samples.write_function_csv(described, folder / "data" / "aeff.csv")
    text = render_function_table(described, authority=samples.AUTHORITY, data_file="data/aeff.csv")
    (folder / "q.rd").write_text(text, encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        service_account().own(path)
    dachs = Dachs(server)
    dachs.import_(rd_id)
    dachs.limits(rd_id)
    dachs.publish(rd_id)
    dachs.reload(rd_id)
    yield described
    dachs.drop(rd_id)
    shutil.rmtree(folder)
    dachs.reload(rd_id)


def test_table_of_functions_is_valid_found_and_queried(
    server: DachsServer, samples: ModuleType, functions: FunctionTable
) -> None:
    dachs = Dachs(server)
    assert dachs.validate("aeff21_01/q", compare=True) == ()
    assert dachs.test("aeff21_01/q") == 2
    served = pyvo.dal.TAPService(tap_url(server)).search(
        "SELECT * FROM aeff21_01.response WHERE energy_lower >= 10 ORDER BY energy_lower"
    )
    for parameter in functions.parameters:
        field = served.getdesc(parameter.name)
        assert field.unit == (Unit(parameter.unit) if parameter.unit else None)
        assert field.ucd == parameter.ucd
        assert field.description == parameter.description
    area = np.ma.filled(served.to_table()["effective_area"], np.nan)
    assert np.count_nonzero(np.isnan(area)) == 1
    assert np.nanmax(area) == 1e-5
    record = oai(server, f"ivo://{samples.AUTHORITY}/aeff21_01/q/response")
    assert (
        record.findtext(".//title")
        == "Effective area of ORCA6 for muon neutrinos (made up) (simulated)"
    )
    (relation,) = record.findall(".//relationship[relationshipType='IsSupplementTo']")
    related = relation.find("relatedResource")
    assert related.get("ivo-id").endswith("/evts21_01/q/cone")
    assert record.findtext(".//table/nrows") == "6"
