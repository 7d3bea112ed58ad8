"""Lost updates are refused, over HTTP as two people would cause them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from vopub.model.resource import KM3OpenResource, KM3ResourceStream
from vopub.odc.conditions import Condition, is_known, tag_of, tags_in
from vopub.odc.faults import ChangedError

from .conftest import TOKEN, Centre, Server, make_collection, make_record

OTHER = f'"{"0" * 64}"'


@pytest.fixture
def bare() -> KM3OpenResource:
    return make_record(files=[])


def put(http: httpx.Client, record: KM3OpenResource, rows: int, **headers: str) -> httpx.Response:
    body = record.model_copy(update={"rows": rows}).model_dump_json()
    return http.put(f"/api/resources/{record.kid}", content=body, headers=headers)


def test_the_second_of_two_changes_to_the_same_record_is_refused(
    centre: Centre, bare: KM3OpenResource
) -> None:
    put(centre.http, bare, 1)
    read = centre.http.get(f"/api/resources/{bare.kid}").headers["etag"]
    first = put(centre.http, bare, 2, **{"If-Match": read})
    second = put(centre.http, bare, 3, **{"If-Match": read})
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["status"] == 412
    assert centre.store.get_resource(bare.kid).rows == 2
    again = put(centre.http, bare, 3, **{"If-Match": first.json()["etag"]})
    assert again.status_code == 200


def test_the_tag_that_writing_tells_is_that_of_reading(
    centre: Centre, bare: KM3OpenResource
) -> None:
    centre.http.headers["Accept-Encoding"] = "identity"
    told = put(centre.http, bare, 5).json()["etag"]
    assert centre.http.get(f"/api/resources/{bare.kid}").headers["etag"] == told
    told = centre.http.put(
        "/api/collections/samples26_01", content=make_collection().model_dump_json()
    ).json()["etag"]
    assert centre.http.get("/api/collections/samples26_01").headers["etag"] == told


def test_only_what_is_not_there_is_written_if_asked_so(
    centre: Centre, bare: KM3OpenResource
) -> None:
    statuses = [
        put(centre.http, bare, rows, **{"If-None-Match": "*"}).status_code for rows in (1, 2)
    ]
    assert statuses == [201, 412]
    assert centre.store.get_resource(bare.kid).rows == 1


def test_a_change_of_what_is_not_there_is_refused(centre: Centre, bare: KM3OpenResource) -> None:
    for tag in ("*", OTHER):
        assert put(centre.http, bare, 1, **{"If-Match": tag}).status_code == 412
    put(centre.http, bare, 1)
    centre.store.withdraw(bare.kid, "")
    assert put(centre.http, bare, 2, **{"If-Match": "*"}).status_code == 412


def test_withdrawing_has_conditions_too(centre: Centre, bare: KM3OpenResource) -> None:
    tag = put(centre.http, bare, 1).json()["etag"]
    address = f"/api/resources/{bare.kid}?reason=wrong"
    assert centre.http.delete(address, headers={"If-Match": OTHER}).status_code == 412
    assert centre.http.delete(address, headers={"If-Match": f"{OTHER}, {tag}"}).status_code == 204


def test_streams_and_collections_have_conditions_too(centre: Centre) -> None:
    stream = KM3ResourceStream(
        identifier="acoustic20_01_psd", title="Spectra", ktype="acoustic-psd",
        description="Spectral statistics of one hydrophone.",
    )  # fmt: skip
    for kind, record in (("streams", stream), ("collections", make_collection())):
        address, body = f"/api/{kind}/{record.identifier}", record.model_dump_json()
        assert centre.http.put(address, content=body).status_code == 201
        for headers in ({"If-Match": OTHER}, {"If-None-Match": "*"}):
            answer = centre.http.put(address, content=body, headers=headers)
            assert answer.status_code == 412


def test_of_many_writers_at_once_exactly_one_wins(
    kept_server: Server, bare: KM3OpenResource
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=kept_server.url, headers=headers) as http:
        read = put(http, bare, 0).json()["etag"]
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda n: put(http, bare, n, **{"If-Match": read}), range(1, 17))
            statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [412] * 15


def test_tags_of_packed_answers_are_those_of_the_record() -> None:
    tag = tag_of(b"{}")
    packed = tag.removesuffix('"') + '-gzip"'
    assert tags_in(f'{packed}, W/"a, b",*') == (tag, 'W/"a, b"', "*")
    assert is_known(packed, tag)
    assert is_known(f'"x", W/{tag}', tag)
    assert not is_known("", tag)
    Condition(match=packed).check("{}")
    with pytest.raises(ChangedError):  # a weak tag does not say that bytes are equal
        Condition(match=f"W/{tag}").check("{}")


def test_a_header_without_any_tag_does_not_let_a_change_pass() -> None:
    with pytest.raises(ChangedError):
        Condition(match="nonsense").check("{}")
