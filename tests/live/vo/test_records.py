"""Records of collections, in a real DaCHS."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import httpx
import pytest
from lxml import etree

from vopub.errors import ServiceError
from vopub.model.server import DachsServer
from vopub.vo.announce import announce, withdraw
from vopub.vo.collection import render_collection
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
