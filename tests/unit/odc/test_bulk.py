from __future__ import annotations

import json
from uuid import UUID

from vopub.model.resource import KM3OpenResource, make_kid
from vopub.odc.bulk import MOST_BYTES, MOST_RECORDS
from vopub.odc.search import Query

from .conftest import AUTHORITY, Centre, make_record


def many(number: int) -> list[KM3OpenResource]:
    return [make_record(version=f"1.{n}", files=[]) for n in range(number)]


def body(records: list[KM3OpenResource]) -> dict[str, object]:
    return {"resources": [record.model_dump(mode="json") for record in records]}


def test_many_records_are_written_in_one_request(centre: Centre) -> None:
    records = many(30)
    answer = centre.http.put("/api/resources", json=body(records[:20]))
    assert answer.json() == {"outcomes": ["created"] * 20}
    answer = centre.http.put("/api/resources", json=body(records))
    assert answer.json() == {"outcomes": ["unchanged"] * 20 + ["created"] * 10}
    assert [centre.client.get_resource(r.kid) for r in records] == records


def test_all_are_written_or_none(centre: Centre) -> None:
    good, bad, lost = *many(2), make_record(version="3.0")
    wrong = body([good, bad])
    wrong["resources"][1]["publication"]["title"] = "short"  # type: ignore[index]
    for sent, place in (
        (wrong, "resources.1.publication.title"),
        (body([good, lost]), f"{lost.kid}.files.0"),
        (body([good, good]), "kid"),
    ):
        answer = centre.http.put("/api/resources", json=sent)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["place"] == place
    assert centre.store.count_by_ktype() == {}


def test_writing_many_needs_the_token_and_records(centre: Centre) -> None:
    with centre.anonymous() as anybody:
        assert anybody.put("/api/resources", json=body(many(1))).status_code == 401
    for sent in (b"", b"[]", b'{"resources": 5}', b'{"resources": [{}], "more": 1}', b"\xff"):
        answer = centre.http.put("/api/resources", content=sent)
        assert answer.status_code == 422
    infinite = body(many(1))
    infinite["resources"][0]["coverage"]["energy"] = [1, UUID(int=0).int]  # type: ignore[index]
    text = centre.http.build_request("PUT", "/api/resources", json=infinite).content
    answer = centre.http.put("/api/resources", content=text.replace(b"[1,0]", b"[1,1e999]"))
    assert answer.status_code == 422


def test_conditions_are_of_each_record(centre: Centre) -> None:
    """A change that somebody else made since is not undone, and then nothing is written."""
    first, second = many(2)
    centre.client.put_resource(first)
    centre.client.put_resource(second)
    tags = {
        str(record.kid): centre.http.get(f"/api/resources/{record.kid}").headers["etag"]
        for record in (first, second)
    }
    sent = {**body([record.model_copy(update={"rows": 7}) for record in (first, second)])}
    centre.client.put_resource(second.model_copy(update={"rows": 3}))
    answer = centre.http.put("/api/resources", json={**sent, "if_match": tags})
    assert answer.status_code == 412
    assert [centre.store.get_resource(r.kid).rows for r in (first, second)] == [226, 3]
    tags[str(second.kid)] = centre.http.get(f"/api/resources/{second.kid}").headers["etag"]
    answer = centre.http.put("/api/resources", json={**sent, "if_match": tags})
    assert answer.json() == {"outcomes": ["replaced", "replaced"]}
    answer = centre.http.put("/api/resources", json={**body([first]), "if_match": tags})
    assert answer.status_code == 422
    assert str(second.kid) in answer.json()["detail"][0]["what"]


def test_conditions_in_headers_are_refused(centre: Centre) -> None:
    for header in ("If-Match", "If-None-Match"):
        answer = centre.http.put("/api/resources", json=body(many(1)), headers={header: "*"})
        assert answer.status_code == 400
        assert f"{header} speaks of one record" in answer.json()["error"]
        assert "if_match" in answer.json()["error"]
    assert centre.store.count_by_ktype() == {}


def test_thousands_of_real_records_fit(centre: Centre) -> None:
    """As many as are documented, each as large as those that events have."""
    one = make_record(files=[]).model_dump(mode="json")
    size = len(json.dumps(one))
    assert size > 7000
    number = 2000
    records = [
        {**one, "kid": str(make_kid(AUTHORITY, f"evts21_01_n{n}", "1.0")),
         "identifier": f"evts21_01_n{n}"}
        for n in range(number)
    ]  # fmt: skip
    assert number * size > 16 << 20
    assert MOST_RECORDS * size < MOST_BYTES
    answer = centre.http.put("/api/resources", json={"resources": records})
    assert answer.json() == {"outcomes": ["created"] * number}
    assert centre.store.count(Query()).number == number
