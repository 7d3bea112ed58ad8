"""The service as its own process: starting, stopping, and being killed in the middle of work."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import UUID

import h5py
import httpx
import pytest

from vopub import __version__
from vopub.errors import ServiceError
from vopub.model.resource import KM3OpenResource
from vopub.odc.client import OdcClient

from .conftest import (
    ROOT,
    TOKEN,
    Product,
    Server,
    make_record,
    parse_page,
    product,
    products,
    start,
    upload,
    wait_until,
)


def connect(server: Server) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def numbered(number: int) -> tuple[KM3OpenResource, Product]:
    """Return a record with a file of its own, different for every number."""
    content = f"event_id\nkm3.49.9505.{number}.1\n".encode() * (number + 1)
    file = product("events.csv", content, "text/csv")
    return make_record(version=f"{number}", files=[file]), file


def check_whole(client: OdcClient, record: KM3OpenResource, url: str) -> None:
    """The record is there and equal, and each of its files has the bytes it names."""
    assert client.get_resource(record.kid) == record
    for file in record.files:
        content = httpx.get(f"{url}/files/{record.kid}/{file.name}", trust_env=False).content
        assert hashlib.sha256(content).hexdigest() == file.sha256


def test_it_serves_and_stops_when_asked(server: Server) -> None:
    with OdcClient(server.url) as client:
        assert client.health().version == __version__
    assert server.stop() == 0
    with OdcClient(server.url) as client, pytest.raises(ServiceError, match="does not answer"):
        client.health()


def test_it_lets_an_upload_finish_before_it_stops(server: Server, tmp_path: Path) -> None:
    content = b"x" * 5_000_000
    kid = make_record().kid
    with connect(server) as sock:
        sock.sendall(upload_head(kid, content) + content[:1_000_000])
        wait_until(lambda: parts(server) != [], "the upload has begun")
        server.process.terminate()
        time.sleep(0.2)
        sock.sendall(content[1_000_000:])
        answer = sock.makefile("rb").readline()
    assert b" 201 " in answer
    server.process.communicate(timeout=20)
    assert server.process.returncode == 0


def upload_head(kid: UUID, content: bytes) -> bytes:
    lines = [
        f"PUT /files/{kid}/events.h5 HTTP/1.1", "Host: odc.test",
        f"Authorization: Bearer {TOKEN}", f"Content-Length: {len(content)}",
        f"X-Checksum-SHA256: {hashlib.sha256(content).hexdigest()}", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def parts(server: Server) -> list[Path]:
    return list((server.directory / "files").rglob(".*.part"))


def test_killed_in_an_upload_it_keeps_what_was_there_and_shows_nothing_half(
    server: Server, tmp_path: Path
) -> None:
    record = make_record()
    content = os.urandom(8_000_000)
    with OdcClient(server.url, TOKEN) as client:
        upload(client, record.kid, products(), tmp_path)
        client.put_resource(record)
    with connect(server) as sock:
        sock.sendall(upload_head(record.kid, content) + content[:5_000_000])
        wait_until(lambda: any(p.stat().st_size > 1_000_000 for p in parts(server)), "half is in")
        server.kill()
    assert parts(server) != []
    again = start(server.directory)
    try:
        assert parts(again) == []
        digest = hashlib.sha256(content).hexdigest()
        url = f"{again.url}/files/{record.kid}/events.h5"
        for address in (url, f"{url}?sha256={digest}"):
            assert httpx.get(address, trust_env=False).status_code == 404
        with OdcClient(again.url, TOKEN) as client:
            check_whole(client, record, again.url)
            assert upload(client, record.kid, products(), tmp_path) == [False] * 4
    finally:
        again.stop()


def test_killed_while_records_are_written_it_keeps_every_acknowledged_one_whole(
    server: Server, tmp_path: Path
) -> None:
    acknowledged: list[int] = []

    def write() -> None:
        with OdcClient(server.url, TOKEN) as client:
            for number in range(10_000):
                record, file = numbered(number)
                try:
                    upload(client, record.kid, [file], tmp_path)
                    client.put_resource(record)
                except ServiceError:
                    return
                acknowledged.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: len(acknowledged) >= 10, "ten records are written")
    server.kill()
    writer.join()
    again = start(server.directory)
    try:
        with OdcClient(again.url, TOKEN) as client:
            listed = {found.kid for found in client.find()}
            for number in acknowledged:
                check_whole(client, numbered(number)[0], again.url)
            # The one that was under way is there whole, or not at all.
            last = numbered(len(acknowledged))[0]
            known = {numbered(number)[0].kid for number in acknowledged}
            assert listed - known <= {last.kid}
            if last.kid in listed:
                check_whole(client, last, again.url)
    finally:
        again.stop()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vopub.odc", *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_what_keeps_it_from_starting_is_one_line(kept_server: Server, tmp_path: Path) -> None:
    token, short = kept_server.directory.parent / "token", tmp_path / "short"
    short.write_text("abc\n")
    port = kept_server.url.rsplit(":", 1)[1]
    fresh = str(tmp_path / "other")
    for options, said in (
        (["--directory", fresh, "--port", port, "--token-file", str(token)], "cannot listen on"),
        (["--directory", str(kept_server.directory), "--port", "0", "--token-file", str(token)],
         "another Open Data Center serves it"),
        (["--directory", fresh, "--port", "0", "--token-file", str(tmp_path / "none")],
         "cannot read: No such file"),
        (["--directory", fresh, "--port", "0", "--token-file", str(short)], "has 3 characters"),
    ):  # fmt: skip
        done = run(*options)
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert "Traceback" not in done.stderr


def test_a_number_of_processes_that_is_none_is_refused(tmp_path: Path) -> None:
    options = ["--directory", str(tmp_path), "--token-file", str(tmp_path / "token")]
    done = run(*options, "--processes", "0")
    assert done.returncode == 2
    assert "'0' is not a number from 1 to 64" in done.stderr


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/files/../../odc.db", "/static/..%2f..%2f..%2f..%2fetc/passwd",
        "//etc/passwd", "/files/1da4d63c-fc6a-5e1c-a749-8d7a3efd9196/../../../odc.db", "/..",
        "/%", "/static//etc/passwd", "/static/\\..\\app.py", "/resources/%00",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_store(kept_server: Server, path: str) -> None:
    with connect(kept_server) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = sock.makefile("rb").read()
    status = int(answer.split(maxsplit=2)[1])
    assert status in (400, 404, 422)
    assert b"root:" not in answer
    assert b"import" not in answer


def test_bytes_that_are_no_request_do_not_harm(kept_server: Server) -> None:
    for garbage in (b"\x00\xff\x16\x03\x01" * 50, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 50_000):
        with connect(kept_server) as sock:
            try:
                sock.sendall(garbage)
                sock.shutdown(socket.SHUT_WR)
                sock.recv(1 << 16)
            except OSError:
                pass  # the server may hang up first
    with OdcClient(kept_server.url) as client:
        assert client.health().status == "ok"


@pytest.mark.parametrize("piece", [b"a" * 10_000, b"X-Many: headers\r\n" * 1000])
def test_a_head_without_end_is_refused_before_it_fills_the_memory(
    kept_server: Server, piece: bytes
) -> None:
    sent = 0
    with connect(kept_server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
        try:
            while sent < 50_000_000:
                sock.sendall(piece)
                sent += len(piece)
        except OSError:
            pass  # the server hung up
    assert sent < 20_000_000  # what the system keeps of both ends included
    with OdcClient(kept_server.url) as client:
        assert client.health().status == "ok"


def test_a_head_may_come_in_pieces_and_several_requests_at_once(kept_server: Server) -> None:
    with connect(kept_server) as sock:
        answers = sock.makefile("rb")
        for piece in (b"GET /api/hea", b"lth HTTP/1.1\r\nHo", b"st: x\r\n\r\nGET /api/he"):
            sock.sendall(piece)
            time.sleep(0.05)
        sock.sendall(b"alth HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answers.read().count(b"HTTP/1.1 200") == 2


def test_a_sender_that_goes_away_leaves_nothing(server: Server) -> None:
    content = os.urandom(4_000_000)
    with connect(server) as sock:
        sock.sendall(upload_head(make_record().kid, content) + content[:3_000_000])
        wait_until(lambda: parts(server) != [], "the upload has begun")
    wait_until(lambda: parts(server) == [], "the half is removed")
    with OdcClient(server.url) as client:
        assert client.health().status == "ok"
    assert server.stop() == 0
    log = (server.directory.parent / "odc.log").read_text()
    assert "Traceback" not in log
    assert TOKEN not in log


def test_a_refused_upload_is_answered_before_its_bytes_are_read(kept_server: Server) -> None:
    head = upload_head(make_record().kid, b"").replace(
        b"Content-Length: 0", b"Content-Length: 99999999999"
    )
    for request, status in ((head, 413), (head.replace(TOKEN.encode(), b"wrong"), 401)):
        with connect(kept_server) as sock:
            sock.sendall(request)
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            assert answer.status == json.loads(answer.read())["status"] == status


def test_the_lines_on_a_page_read_the_files(kept_server: Server, tmp_path: Path) -> None:
    hdf5 = tmp_path / "evts20_01.h5"
    with h5py.File(hdf5, "w") as file:
        file["events"] = [1.0, 2.0]
    files = [
        products("evts20_01")[0],
        product("evts20_01.h5", hdf5.read_bytes(), "application/x-hdf5"),
    ]
    record = make_record("evts20_01", files=files)
    with OdcClient(kept_server.url, TOKEN) as client:
        upload(client, record.kid, files, tmp_path)
        client.put_resource(record)
    page = parse_page(httpx.get(f"{kept_server.url}/resources/evts20_01", trust_env=False).text)
    blocks = [block.text_content() for block in page.xpath('//*[@id="files"]//pre')]
    lines = "\n".join(block for block in blocks if block.startswith("import"))
    run_in = [sys.executable, "-c", f"{lines}\nprint(len(table))"]
    done = subprocess.run(
        run_in, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert "events" in done.stdout
    assert done.stdout.endswith("2\n")


def test_several_publishers_and_readers_at_once_lose_nothing(
    kept_server: Server, tmp_path: Path
) -> None:
    failures: list[BaseException] = []

    def publish(first: int) -> None:
        work = tmp_path / f"{first}"
        work.mkdir()
        try:
            with OdcClient(kept_server.url, TOKEN) as client:
                for number in range(first, first + 5):
                    record, file = numbered(number)
                    upload(client, record.kid, [file], work)
                    client.put_resource(record)
                    client.find("ORCA")
        except (ServiceError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=publish, args=(first,)) for first in (0, 5, 10, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with OdcClient(kept_server.url) as client:
        assert len(client.find(identifier="evts21_01")) == 20
        for number in range(20):
            check_whole(client, numbered(number)[0], kept_server.url)


def test_what_readers_would_wait_for_is_loaded_at_the_start() -> None:
    program = (
        "import gc, sys\n"
        "from vopub.odc import __main__ as service, rendering\n"
        "assert 'mocpy' not in sys.modules\n"
        "service._warm_up()\n"
        "assert 'mocpy' in sys.modules and gc.get_freeze_count() > 0\n"
        "names = {name for _, name in rendering._TEMPLATES.cache.keys()}\n"
        "print(*sorted(names))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert {"front.html", "list.html", "stream.html", "resource.html"} <= set(done.stdout.split())
