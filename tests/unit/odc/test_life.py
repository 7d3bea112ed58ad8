from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vopub.model.resource import KM3OpenResource
from vopub.odc.answers import ChangeKind, Difference
from vopub.odc.changes import differences
from vopub.odc.faults import GoneError, NotFoundError, RefusedError
from vopub.odc.search import Query
from vopub.odc.store import Store

from .conftest import Centre, make_record, parse_page, products
from .databases import go_back

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


def applied(document: Any, changes: list[Difference]) -> Any:
    """Return a document with what differed put in its place."""
    for change in changes:
        if not change.path:
            return change.after
        *outer, last = change.path.split(".")
        node = document
        for key in outer:
            node = node[int(key)] if isinstance(node, list) else node[key]
        if isinstance(node, list):
            node[int(last)] = change.after
        else:
            node[last] = change.after
    return document


@given(JSON, JSON)
def test_what_differed_leads_from_one_document_to_the_other(before: Any, after: Any) -> None:
    found = list(differences(before, after))
    assert bool(found) == (without_none(before) != without_none(after))
    made = applied(json.loads(json.dumps(before)), found)
    assert without_none(made) == without_none(after)


def without_none(document: Any) -> Any:
    """Leave out keys without a value: a record has all its fields, so none comes or goes."""
    if isinstance(document, dict):
        return {k: without_none(v) for k, v in document.items() if v is not None}
    return [without_none(v) for v in document] if isinstance(document, list) else document


def test_every_change_is_kept_with_who_when_and_what(centre: Centre) -> None:
    record = make_record()
    centre.put(record, products())
    renamed = make_record(publication={"title": "Another title of these events"}, rows=225)
    centre.client.put_resource(renamed)
    centre.client.put_resource(renamed)
    centre.client.delete_resource(record.kid, reason="wrong calibration")
    centre.http.post(f"/api/resources/{record.kid}/restore?reason=it+was+right").raise_for_status()
    told = centre.http.get(f"/api/resources/{record.kid}/history").json()
    changes = told["changes"]
    assert [change["kind"] for change in changes] == [
        "created", "replaced", "withdrawn", "restored",
    ]  # fmt: skip
    assert {change["who"] for change in changes} == {"publisher"}
    assert [change["when"] for change in changes] == sorted(change["when"] for change in changes)
    title = record.publication.title
    assert changes[1]["differences"] == [
        {"path": "publication.title", "before": title, "after": renamed.publication.title},
        {"path": "rows", "before": 226, "after": 225},
    ]
    assert [change["reason"] for change in changes[2:]] == ["wrong calibration", "it was right"]
    assert centre.client.get_resource(record.kid) == renamed
    for file in products():
        answer = centre.http.get(f"/files/{record.kid}/{file.reference.name}")
        assert answer.content == file.content


def test_writing_a_withdrawn_record_again_is_a_restoration(centre: Centre) -> None:
    record = make_record(files=[])
    centre.put(record, [])
    centre.store.withdraw(record.kid, "", who="somebody")
    centre.put(record, [])
    kinds = [(change.kind, change.who) for change in centre.store.life.history(record.kid).changes]
    assert kinds == [
        (ChangeKind.CREATED, "publisher"), (ChangeKind.WITHDRAWN, "somebody"),
        (ChangeKind.RESTORED, "publisher"),
    ]  # fmt: skip


def put_versions(centre: Centre, *versions: str) -> list[KM3OpenResource]:
    records = [make_record(version=version, files=[]) for version in versions]
    for record in records:
        centre.put(record, [])
    return records


def test_an_old_version_stays_and_says_what_replaced_it(centre: Centre) -> None:
    first, third, second = put_versions(centre, "1.9", "2.0", "1.10")
    kids = [str(record.kid) for record in (third, second, first)]
    for record in (first, second, third):
        assert centre.client.get_resource(record.kid) == record
        told = centre.http.get(f"/api/resources/{record.kid}/versions").json()
        assert told["identifier"] == "evts21_01"
        assert [entry["kid"] for entry in told["versions"]] == kids
        assert [entry["replaced_by"] for entry in told["versions"]] == [None, *kids[:2]]
    centre.store.withdraw(second.kid, "too few events")
    told = centre.http.get(f"/api/resources/{first.kid}/versions").json()["versions"]
    assert [entry["replaced_by"] for entry in told] == [None, kids[0], kids[0]]
    assert [entry["reason"] for entry in told] == ["", "too few events", ""]
    assert centre.store.life.replaced_by(first.kid) == third.kid
    assert centre.store.life.replaced_by(third.kid) is None


def test_a_tombstone_says_what_was_there_why_it_went_and_what_replaced_it(centre: Centre) -> None:
    old, new = put_versions(centre, "1.0", "1.1")
    centre.client.delete_resource(old.kid, reason="<b>wrong</b> calibration")
    answer = centre.http.get(f"/api/resources/{old.kid}")
    assert answer.status_code == 410
    left = answer.json()["tombstone"]
    assert left["title"] == old.publication.title
    assert left["creators"] == ["KM3NeT Collaboration"]
    assert (left["version"], left["replaced_by"]) == ("1.0", str(new.kid))
    for path in (f"/resources/{old.kid}", f"/files/{old.kid}/evts21_01.csv"):
        shown = centre.http.get(path, headers={"Accept": "text/html"})
        assert shown.status_code == 410
        page = parse_page(shown.text)
        said = " ".join(page.text_content().split())
        assert old.publication.title in said
        assert "because: <b>wrong</b> calibration." in said
        assert page.xpath(f'//a[@href="/resources/{new.kid}"]')


def test_a_resource_of_which_all_was_withdrawn_is_gone_not_unknown(centre: Centre) -> None:
    (old,) = put_versions(centre, "1.0")
    centre.store.withdraw(old.kid, "all of it")
    with pytest.raises(GoneError, match="all of it"):
        centre.store.latest("evts21_01")
    assert centre.http.get("/resources/evts21_01").status_code == 410
    assert centre.http.get("/resources/evts21_02").status_code == 404


def test_only_what_was_withdrawn_is_restored_and_only_with_a_token(centre: Centre) -> None:
    (record,) = put_versions(centre, "1.0")
    address = f"/api/resources/{record.kid}/restore"
    with centre.anonymous() as stranger:
        assert stranger.post(address).status_code == 401
    assert centre.http.post(address).status_code == 422
    with pytest.raises(RefusedError):
        centre.store.life.restore(record.kid, "")
    for path in ("history", "versions"):
        assert centre.http.get(f"/api/resources/{uuid4()}/{path}").status_code == 404
    with pytest.raises(NotFoundError):
        centre.store.life.restore(uuid4(), "")
    assert centre.store.life.replaced_by(uuid4()) is None


def test_lists_know_of_the_return(centre: Centre) -> None:
    (record,) = put_versions(centre, "1.0")
    centre.store.withdraw(record.kid, "")
    assert centre.store.find(Query(q="ORCA")).total == 0
    centre.store.life.restore(record.kid, "")
    assert centre.store.find(Query(q="ORCA", latest=True)).total == 1
    assert centre.store.count_by_ktype() == {record.ktype: 1}


def test_history_begins_with_the_next_change_in_a_store_from_before_it_was_kept(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "odc")
    record = make_record(files=[])
    store.put_resource(record)
    store.close()
    go_back(tmp_path / "odc" / "odc.db", "0003")
    store = Store(tmp_path / "odc")
    assert store.get_resource(record.kid) == record
    assert store.life.history(record.kid).changes == ()
    store.withdraw(record.kid, "why")
    kinds = [change.kind for change in store.life.history(record.kid).changes]
    assert kinds == [ChangeKind.WITHDRAWN]
    store.close()
