from __future__ import annotations

import httpx
import pytest

from .conftest import Centre, make_record


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [found["version"] for found in answer.json()["resources"]]


def test_pages_follow_each_other_by_cursor_while_records_are_added(centre: Centre) -> None:
    centre.store.put_resources([make_record(version=f"{n}", files=[]) for n in range(1, 8)])
    found, cursor = [], ""
    for _ in range(10):
        params: dict[str, str | int] = {"sort": "newest", "limit": 3, "cursor": cursor}
        answer = centre.http.get("/api/resources", params=params)
        found += names(answer)
        if not (cursor := answer.json()["later"]):
            break
        centre.client.put_resource(make_record(version=f"{100 + len(found)}", files=[]))
    assert found == ["7", "6", "5", "4", "3", "2", "1"]
    assert answer.json()["earlier"]
    assert (answer.json()["total"], answer.json()["exact"]) == (9, True)


def test_lists_are_narrowed_by_time_and_position(centre: Centre) -> None:
    centre.store.put_resources([make_record(files=[])])  # 2021-02-24, MOC 3/1-5 17
    for params, number in (
        ({"since": "2021-02-24T09:00:00Z"}, 1),
        ({"since": "2021-02-24T11:00:00Z"}, 0),
        ({"since": "2021-02-24T11:00:00+02:00"}, 1),
        ({"until": "2021-02-24T03:00:00Z"}, 0),
        ({"ra": "61.875", "dec": "19.4712"}, 1),
        ({"ra": "61.875", "dec": "-80"}, 0),
    ):
        assert len(names(centre.http.get("/api/resources", params=params))) == number, params


@pytest.mark.parametrize(
    "params",
    [{"ra": "5"}, {"dec": "5"}, {"ra": "nan", "dec": "1"}, {"since": "2021-02-24T09:00:00"},
     {"sort": "x"}, {"cursor": "x"}, {"cursor": "W10"}, {"cursor": "x" * 999}],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_listed_is_refused(centre: Centre, params: dict[str, str]) -> None:
    assert centre.http.get("/api/resources", params=params).status_code == 422
