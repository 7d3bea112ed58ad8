from __future__ import annotations

from uuid import UUID

from vopub.model.resource import KM3OpenResource

from .conftest import Centre, make_record


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
