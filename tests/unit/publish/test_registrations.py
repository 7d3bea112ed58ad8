from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from tests.unit.odc.conftest import (
    ROOT,
    TOKEN,
    Server,
    make_record,
    product,
    products,
)
from vopub.errors import FileError, ProofError, ServiceError, UnreachableError
from vopub.model.resource import KM3OpenResource, ServiceKind, ServiceReference
from vopub.odc.answers import Outcome
from vopub.odc.client import OdcClient
from vopub.odc.targets.base import Deposit
from vopub.publish.registrations import (
    OpenDataCenter,
    Pending,
    Registration,
    deliver,
    deliver_pending,
    deposit_or_queue,
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Give the directory of a resource's products."""
    place = tmp_path / "evts21_01"
    place.mkdir()
    for file in products():
        (place / file.reference.name).write_bytes(file.content)
    return place


@pytest.fixture
def pending(tmp_path: Path) -> Pending:
    return Pending(tmp_path / "state" / "pending")


def absent() -> OdcClient:
    """Return a connection to an Open Data Center that does not answer."""
    return OdcClient("http://127.0.0.1:9", TOKEN)


def without_bulk(record: KM3OpenResource | None) -> KM3OpenResource:
    """Return a record as it was before bulk access was proved and added."""
    assert record is not None
    proved = [service for service in record.services if service.kind is not ServiceKind.BULK]
    return record.model_copy(update={"services": tuple(proved)})


def current(_waiting: Registration) -> bool:
    return True


def waiting_for(record: KM3OpenResource, directory: Path) -> Registration:
    moment = datetime.now(UTC)
    return Registration(record=record, products=directory, queued=moment, reason="does not answer")


def queued(
    client: OdcClient, pending: Pending, record: KM3OpenResource, directory: Path
) -> KM3OpenResource:
    """Return the record that had to wait."""
    made = deposit_or_queue(OpenDataCenter(client), pending, record, directory)
    assert isinstance(made, Registration)
    return made.record


def deliver_to(
    client: OdcClient, pending: Pending, note: Callable[[str], None],
    is_current: Callable[[Registration], bool | None] = current,
) -> list[KM3OpenResource]:  # fmt: skip
    """Deliver what waits; return what was delivered."""
    found = deliver_pending(pending, lambda _: OpenDataCenter(client), is_current, note)
    return [each.record for each in found if each.is_registered]


def test_an_outage_leaves_a_registration_that_the_next_run_delivers(
    server: Server, directory: Path, pending: Pending
) -> None:
    record, notes = make_record(version="0.1"), list[str]()
    with absent() as client:
        assert queued(client, pending, record, directory) == record
        assert deliver_to(client, pending, notes.append) == []
    assert [waiting.record for waiting in pending] == [record]
    assert "what waits for the Open Data Center stays queued" in notes[0]
    with OdcClient(server.url, TOKEN) as client:
        (delivered,) = deliver_to(client, pending, notes.append)
        assert client.get_resource(record.kid) == delivered
    assert without_bulk(delivered) == record
    assert list(pending) == []
    assert "was delivered, record created" in notes[1]


def test_a_queued_version_is_linked_to_the_one_before_when_it_is_delivered(
    server: Server, directory: Path, pending: Pending
) -> None:
    old, new = make_record(version="1.1"), make_record(version="1.2")
    with absent() as client:
        for record in (old, new):
            queued(client, pending, record, directory)
    with OdcClient(server.url, TOKEN) as client:
        deliver_to(client, pending, lambda _: None)
        written = client.get_resource(new.kid)
    assert written is not None
    assert written.replaces == old.kid


def test_what_was_overtaken_is_dropped_and_what_is_uncertain_waits(
    server: Server, directory: Path, pending: Pending
) -> None:
    overtaken, uncertain = make_record(version="3.1"), make_record(version="3.2")
    for record in (overtaken, uncertain):
        pending.add(waiting_for(record, directory))
    told = {overtaken.kid: False, uncertain.kid: None}
    notes = list[str]()
    with OdcClient(server.url, TOKEN) as client:
        deliver_to(client, pending, notes.append, lambda each: told[each.record.kid])
        assert client.get_resource(overtaken.kid) is None
    assert [waiting.record.kid for waiting in pending] == [uncertain.kid]
    assert notes == ["evts21_01: the queued registration was overtaken"]


def test_a_refusal_is_an_error_and_a_later_success_takes_the_waiting_one_along(
    server: Server, directory: Path, pending: Pending
) -> None:
    record = make_record(version="4.1")
    pending.add(waiting_for(record, directory))
    with OdcClient(server.url, "not-the-right-token-at-all") as client:
        with pytest.raises(ServiceError, match="check the token") as refused:
            queued(client, pending, record, directory)
        assert not isinstance(refused.value, UnreachableError)
        (delivery,) = deliver_pending(pending, lambda _: OpenDataCenter(client), current, print)
        assert not delivery.is_registered
        assert "check the token" in str(delivery.error)
        assert [each.record for each in pending] == [delivery.record] == [record]
    with OdcClient(server.url, TOKEN) as client:
        made = deposit_or_queue(OpenDataCenter(client), pending, record, directory)
        assert isinstance(made, Deposit)
        assert (made.outcome, made.published) == (Outcome.CREATED, True)
        assert made.address == f"{server.url}/resources/{made.key}"
        assert httpx.get(made.address).status_code == 200
    assert list(pending) == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_cannot_now_is_asked_later(
    status: int, directory: Path, pending: Pending
) -> None:
    busy = httpx.MockTransport(lambda _request: httpx.Response(status))
    with OdcClient("http://odc.test", TOKEN, busy) as client:
        queued(client, pending, make_record(), directory)


def test_a_registration_that_an_earlier_version_left_is_delivered(
    server: Server, directory: Path, pending: Pending
) -> None:
    record = make_record(version="5.1")
    left = {
        "record": record.model_dump(mode="json"), "products": str(directory),
        "queued": "2026-11-20T08:00:00Z", "reason": "does not answer",
    }  # fmt: skip
    pending.directory.mkdir(parents=True)
    (pending.directory / f"{record.kid}.json").write_text(json.dumps(left))
    with OdcClient(server.url, TOKEN) as client:
        (delivered,) = deliver_to(client, pending, lambda _: None)
    assert without_bulk(delivered) == record.model_copy(update={"replaces": delivered.replaces})
    assert list(pending.directory.iterdir()) == []


def test_what_cannot_be_delivered_keeps_nothing_else_waiting(
    server: Server, directory: Path, pending: Pending, tmp_path: Path
) -> None:
    lost, good = make_record("evts20_01", version="6.1"), make_record(version="6.2")
    pending.add(waiting_for(lost, tmp_path / "nowhere"))
    pending.add(waiting_for(good, directory))
    with OdcClient(server.url, TOKEN) as client:
        refused, delivered = deliver_pending(
            pending, lambda _: OpenDataCenter(client), current, lambda _: None
        )
    assert (refused.record.kid, delivered.record.kid) == (lost.kid, good.kid)
    assert isinstance(refused.error, FileError)
    assert (refused.is_registered, delivered.is_registered) == (False, True)
    assert [each.record.kid for each in pending] == [lost.kid]


def test_a_file_that_is_no_registration_is_left_alone(pending: Pending) -> None:
    pending.directory.mkdir(parents=True)
    (pending.directory / f"{UUID(int=1)}.json").write_text('{"record": 1}')
    assert list(pending) == []
    assert len(list(pending.directory.iterdir())) == 1


DELIVER = """
import sys
from pathlib import Path
from vopub.odc.client import OdcClient
from vopub.publish.registrations import OpenDataCenter, Pending, deliver_pending
with OdcClient(sys.argv[1], sys.argv[2]) as client:
    target, pending = OpenDataCenter(client), Pending(Path(sys.argv[3]))
    print("ready", flush=True)
    deliver_pending(pending, lambda _: target, lambda _: True, lambda _: None)
"""


def test_a_delivery_that_is_killed_at_any_moment_is_finished_by_the_next(
    server: Server, tmp_path: Path, pending: Pending
) -> None:
    records = []
    for number in range(12):
        content = products()[0].content + b"x" * number * 40_000
        file = product("evts21_01.csv", content, "text/csv; charset=utf-8")
        place = tmp_path / str(number)
        place.mkdir()
        (place / file.reference.name).write_bytes(content)
        records.append(make_record(version=f"9.{number}", files=[file]))
        pending.add(waiting_for(records[-1], place))
    chance = random.Random(20)  # noqa: S311
    killed = 0
    while list(pending):
        left = len(list(pending))
        command = [sys.executable, "-c", DELIVER, server.url, TOKEN, str(pending.directory)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.08) * (1 + killed / 4))  # a busy machine needs longer
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert len(list(pending)) <= left
    assert killed > 1
    with OdcClient(server.url, TOKEN) as client:
        for number, record in enumerate(records):
            written = client.get_resource(record.kid)
            assert written is not None
            expected = records[number - 1].kid if number else written.replaces
            assert without_bulk(written) == record.model_copy(update={"replaces": expected})
            content = httpx.get(f"{server.url}/files/{record.kid}/evts21_01.csv").content
            assert len(content) == record.files[0].size
            kinds = [change.kind.value for change in client.history(record.kid).changes]
            assert kinds[0] == "created"
            assert set(kinds[1:]) <= {"replaced"}


def test_registering_again_changes_nothing(server: Server, directory: Path) -> None:
    record: KM3OpenResource = make_record(version="0.2")
    with OdcClient(server.url, TOKEN) as client:
        written, outcome = deliver(client, record, directory)
        assert outcome == "created"
        assert deliver(client, record, directory) == (written, "unchanged")
        assert client.history(record.kid).changes[0].when <= datetime.now(UTC)


def bulk_of(record: KM3OpenResource) -> dict[str, ServiceReference]:
    bulk = [service for service in record.services if service.kind is ServiceKind.BULK]
    return {service.url.rpartition("/")[2]: service for service in bulk}


def test_a_record_points_at_the_whole_tables_that_answer(server: Server, directory: Path) -> None:
    with OdcClient(server.url, TOKEN) as client:
        written, _ = deliver(client, make_record(version="0.3"), directory)
    found = bulk_of(written)
    assert set(found) == {"evts21_01.csv", "evts21_01.h5"}
    for name, service in found.items():
        assert service.url == f"{server.url}/files/{written.kid}/{name}"
        assert service.ivoid == written.services[0].ivoid
        part = httpx.get(service.url, headers={"Range": "bytes=0-3"})
        assert (part.status_code, len(part.content)) == (206, 4)


def test_what_is_not_in_the_vo_has_no_bulk_service(server: Server, directory: Path) -> None:
    with OdcClient(server.url, TOKEN) as client:
        written, _ = deliver(client, make_record(version="0.4", services=()), directory)
    assert written.services == ()


def test_other_files_are_proved_anew(server: Server, directory: Path) -> None:
    record = make_record(version="0.5")
    with OdcClient(server.url, TOKEN) as client:
        deliver(client, record, directory)
        before = client.get_resource(record.kid)
        assert before is not None
        long_ago = datetime(2026, 1, 1, tzinfo=UTC)
        aged = [service.model_copy(update={"proved": long_ago}) for service in before.services]
        client.put_resource(before.model_copy(update={"services": tuple(aged)}))
        same, _ = deliver(client, record, directory)
        other, _ = deliver(client, record.model_copy(update={"files": record.files[:2]}), directory)
    assert {service.proved for service in bulk_of(same).values()} == {long_ago}
    assert long_ago not in {service.proved for service in bulk_of(other).values()}


class WithoutRanges(httpx.HTTPTransport):
    """A way to a server on which requests for parts are lost."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers.pop("Range", None)
        return super().handle_request(request)


def test_a_table_that_does_not_come_in_parts_is_not_registered(
    server: Server, directory: Path
) -> None:
    record = make_record(version="0.6")
    with OdcClient(server.url, TOKEN, WithoutRanges()) as client:
        with pytest.raises(ProofError, match=r"evts21_01\.csv does not come in parts"):
            deliver(client, record, directory)
        assert client.get_resource(record.kid) is None
