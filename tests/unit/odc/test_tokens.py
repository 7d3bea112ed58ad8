from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from vopub.errors import UsageError
from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceStream, make_kid
from vopub.odc.faults import ForbiddenError, NotFoundError
from vopub.odc.store import Store
from vopub.odc.tokens import Grant, Scope

from . import conftest
from .conftest import AUTHORITY, TOKEN, Centre, make_collection, opened

STREAM = "samples26_07"


def make_record(identifier: str = "evts21_01", **changes: Any) -> KM3OpenResource:
    """Make a record that is in no collection unless it is said."""
    return conftest.make_record(identifier, **{"collection": "", **changes})


def scoped(centre: Centre, scope: str, name: str = "somebody") -> httpx.Client:
    token = centre.store.tokens.create(name, Scope.parse(scope))
    client = centre.anonymous()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def put(http: httpx.Client, record: KM3OpenResource) -> int:
    body = record.model_dump_json()
    return http.put(f"/api/resources/{record.kid}", content=body).status_code


def test_a_token_writes_what_its_scope_includes(centre: Centre) -> None:
    ours = make_record("evts21_01", files=[])
    other = make_record("evts20_01", files=[])
    with scoped(centre, "resource:evts21") as http:
        assert put(http, ours) == 201
        assert put(http, other) == 403
        both = {"resources": [r.model_dump(mode="json") for r in (ours, other)]}
        answer = http.put("/api/resources", json=both)
        assert answer.status_code == 403
        assert "'evts20_01'" in answer.json()["error"]
        collection = make_collection()
        address = f"/api/collections/{collection.identifier}"
        assert http.put(address, content=collection.model_dump_json()).status_code == 403
        assert http.delete(f"/api/resources/{ours.kid}?reason=wrong").status_code == 204
        assert http.post(f"/api/resources/{ours.kid}/restore").status_code == 403
    assert centre.client.find(identifier="evts20_01") == []
    with scoped(centre, "admin", "another") as http:
        assert put(http, other) == 201


def named(identifier: str, version: str = "1.0", **changes: Any) -> KM3OpenResource:
    """Make a record for which there is no folder."""
    kid = make_kid(AUTHORITY, identifier, version)
    record = make_record(files=[], version=version, **changes)
    return record.model_copy(update={"identifier": identifier, "kid": kid})


def test_a_token_of_a_stream_writes_its_elements_only(centre: Centre) -> None:
    element = named(f"{STREAM}_n1", stream=STREAM)
    stream = KM3ResourceStream(
        identifier=STREAM, title="A stream", ktype=Ktype.EVENTS,
        description="Event tables that follow each other.",
    )  # fmt: skip
    with scoped(centre, f"stream:{STREAM}") as http:
        body = stream.model_dump_json()
        assert http.put(f"/api/streams/{STREAM}", content=body).status_code == 201
        assert http.put("/api/streams/samples26_08", content=body).status_code == 403
        assert put(http, element) == 201
        assert put(http, named(f"{STREAM}_n1", "1.1", stream=STREAM)) == 201
        assert put(http, named(f"{STREAM}_n2")) == 403
        assert put(http, make_record("evts20_01", files=[])) == 403
        assert put(http, named("evts22_01", stream=STREAM)) == 403  # nobody's yet, but not its own


def test_a_token_of_a_stream_takes_no_identifier_over(centre: Centre) -> None:
    theirs = make_record("evts20_01", files=[])
    foreign = named(f"{STREAM}_n5")
    moved = make_record("evts21_01", files=[], stream=STREAM)
    for record in (theirs, foreign, moved):
        centre.client.put_resource(record)
    centre.client.delete_resource(foreign.kid, reason="somebody else's")
    with scoped(centre, f"stream:{STREAM}") as http:
        assert put(http, named("evts20_01", "99.0", stream=STREAM)) == 403
        assert put(http, named(f"{STREAM}_n5", "2.0", stream=STREAM)) == 403
        assert put(http, named("evts21_01", "2.0", stream=STREAM)) == 201  # it is in the stream
        many = (named(f"{STREAM}_n1", stream=STREAM), named("evts20_01", "99.0", stream=STREAM))
        sent = {"resources": [record.model_dump(mode="json") for record in many]}
        answer = http.put("/api/resources", json=sent)
        assert answer.status_code == 403
        assert "'evts20_01'" in answer.json()["error"]
        new = named("evts22_01", stream=STREAM)
        answer = http.put(f"/api/resources/{new.kid}", content=new.model_dump_json())
        assert f"begin with '{STREAM}_'" in answer.json()["error"]
    assert centre.store.latest("evts20_01") == theirs
    assert centre.http.get(f"/api/resources/{named(f'{STREAM}_n1').kid}").status_code == 404


def test_a_token_of_identifiers_writes_into_no_other_stream(centre: Centre) -> None:
    with scoped(centre, "resource:evts21") as http:
        assert put(http, make_record("evts21_01", files=[], stream=STREAM)) == 403
        assert put(http, make_record("evts21_01", files=[], stream="evts21_02")) == 201
    centre.client.put_resource(named("evts21_05", stream=STREAM))
    with scoped(centre, "resource:evts21", "another") as http:
        assert put(http, named("evts21_05", "2.0")) == 403  # it is an element of another's stream
        assert http.delete(f"/api/resources/{named('evts21_05').kid}?reason=x").status_code == 403


def test_what_is_there_cannot_be_taken_over(centre: Centre) -> None:
    theirs = make_record("evts20_01", files=[])
    centre.client.put_resource(theirs)
    moved = make_record("evts21_01", files=[]).model_copy(update={"kid": theirs.kid})
    content = b"x"
    headers = {"X-Checksum-SHA256": hashlib.sha256(content).hexdigest()}
    with scoped(centre, "resource:evts21") as http:
        assert put(http, moved) == 403
        assert http.delete(f"/api/resources/{theirs.kid}?reason=x").status_code == 403
        file = http.put(f"/files/{theirs.kid}/a.csv", content=content, headers=headers)
        assert file.status_code == 403
        file = http.put(f"/files/{moved.model_copy(update={'kid': make_record().kid}).kid}/a.csv",
                        content=content, headers=headers)  # fmt: skip
        assert file.status_code == 201
    assert centre.client.get_resource(theirs.kid) == theirs


def test_a_revoked_token_is_of_no_use_and_only_digests_are_kept(centre: Centre) -> None:
    with scoped(centre, "admin") as http:
        assert put(http, make_record(files=[])) == 201
        centre.store.tokens.revoke("somebody")
        assert put(http, make_record("evts20_01", files=[])) == 401
        secret = http.headers["Authorization"].split()[1].encode()
    for path in centre.directory.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes()
    (known,) = centre.store.tokens.all()
    assert (known.name, known.scope) == ("somebody", "admin")
    assert known.revoked is not None


def test_changes_carry_the_name_of_the_token(centre: Centre) -> None:
    record = make_record(files=[])
    with scoped(centre, "admin", "shift-crew") as http:
        assert put(http, record) == 201
    assert [change.who for change in centre.store.life.history(record.kid).changes] == [
        "shift-crew"
    ]


def test_wrong_tokens_are_slowed_down(centre: Centre) -> None:
    record = make_record(files=[])
    with centre.anonymous() as http:
        http.headers["Authorization"] = "Bearer guessed"
        statuses = [put(http, record) for _ in range(22)]
        assert statuses == [401] * 20 + [429] * 2
        answer = http.put(f"/api/resources/{record.kid}", content=b"{}")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert http.get("/api/resources").status_code == 200
        http.headers["Authorization"] = f"Bearer {TOKEN}"  # whoever is right goes on writing
        assert put(http, record) == 201
        http.headers["Authorization"] = "Bearer guessed"
        assert put(http, record) == 429


def test_a_token_writes_only_so_often(tmp_path: Path) -> None:
    with opened(tmp_path, most_writes=3) as centre:
        record = make_record(files=[])
        assert [put(centre.http, record) for _ in range(4)] == [201, 200, 200, 429]
        answer = centre.http.delete(f"/api/resources/{record.kid}?reason=x")
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert "more than 3 in a minute" in answer.json()["error"]
        with scoped(centre, "admin") as http:  # another token has its own limit
            assert put(http, record) == 200
        assert centre.http.get(f"/api/resources/{record.kid}").status_code == 200


@pytest.mark.parametrize(
    "text", ["", "all", "admin:x", "resource:", "resource:E", "resource:%", "stream:x", "stream:"]
)
def test_scopes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a scope"):
        Scope.parse(text)


@pytest.mark.parametrize("text", ["admin", "resource:evts21", "stream:acoustic20_01_psd"])
def test_scopes_are_written_as_they_are_read(text: str) -> None:
    assert str(Scope.parse(text)) == text


def test_names_are_used_once(tmp_path: Path, database: str) -> None:
    store = Store(tmp_path / "odc", database)
    token = store.tokens.create("one", Scope.parse("admin"))
    assert store.tokens.grant_of(token) == Grant("one", Scope.parse("admin"))
    assert store.tokens.grant_of(TOKEN) is None
    for name, said in (("one", "already"), ("", "cannot be"), ("a b", "cannot be")):
        with pytest.raises(UsageError, match=said):
            store.tokens.create(name, Scope.parse("admin"))
    with pytest.raises(UsageError, match="no token 'two'"):
        store.tokens.revoke("two")
    store.close()


def test_a_grant_says_what_it_may_not() -> None:
    with pytest.raises(ForbiddenError, match=r"'one' \(stream:samples26_07\).*'evts20_01'"):
        Grant("one", Scope.parse("stream:samples26_07")).check_resource("evts20_01", "")


def test_a_token_puts_nothing_into_a_collection_of_others(centre: Centre) -> None:
    ours = make_record(files=[], collection="evts21_09")
    theirs = ours.model_copy(update={"collection": "samples26_01"})
    many = f'{{"resources": [{theirs.model_dump_json()}]}}'
    with scoped(centre, "resource:evts21") as http:
        assert put(http, theirs) == 403
        assert http.put("/api/resources", content=many).status_code == 403
        assert put(http, ours) == 201
        assert put(http, theirs) == 403
        centre.client.put_resource(theirs)  # who keeps the collection names it
        newer = make_record(version="2.0", files=[], collection="samples26_01")
        assert put(http, newer) == 201


def test_elements_go_into_the_collection_of_their_stream(centre: Centre) -> None:
    fields = {"identifier": STREAM, "title": "A stream", "ktype": "events",
              "description": "Event tables that follow each other."}  # fmt: skip
    inside = {**fields, "collection": "samples26_01"}
    element = named(f"{STREAM}_n1", stream=STREAM).model_copy(update={"collection": "samples26_01"})
    with scoped(centre, f"stream:{STREAM}") as http:
        address = f"/api/streams/{STREAM}"
        assert http.put(address, json=inside).status_code == 403
        assert http.put(address, json=fields).status_code == 201
        assert http.put(address, json=inside).status_code == 403
        assert put(http, element) == 403
        assert centre.http.put(address, json=inside).status_code == 200
        renamed = {**inside, "title": "Another title"}
        assert http.put(address, json=renamed).status_code == 200
        assert put(http, element) == 201
        elsewhere = element.model_copy(update={"collection": "samples26_02"})
        assert put(http, elsewhere) == 403


def test_whose_a_resource_is_counts_when_it_is_changed_not_before(tmp_path: Path) -> None:
    store = Store(tmp_path / "odc")
    grant = Grant("one", Scope.parse("resource:evts21"))
    theirs = make_record("evts20_01", files=[])
    content = b"x"

    def pieces() -> Iterator[bytes]:
        store.put_resource(theirs)  # while the bytes are on their way
        yield content

    store.check_grant(theirs.kid, grant)
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(ForbiddenError):
        store.put_file(theirs.kid, "a.csv", digest, pieces(), most=9, grant=grant)
    with pytest.raises(NotFoundError):
        store.get_file(theirs.kid, "a.csv", digest)
    with pytest.raises(ForbiddenError):
        store.withdraw(theirs.kid, "why", grant=grant)
    assert store.get_resource(theirs.kid) == theirs
    store.close()
