"""Asking links, with real servers on this machine."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from vopub.public_web import is_loopback
from vopub.publish.checks.links import Asker
from vopub.publish.checks.publisher import is_reserved
from vopub.publish.checks.run import check
from vopub.settings import Settings, load_settings

ROOT = Path(__file__).parents[3]


class Pages(BaseHTTPRequestHandler):
    """Pages by their first word; whatever is asked is remembered."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.asked.append(f"{self.command} {self.path} {self.headers['Host']}")
        if self.path.startswith("/away?"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
        elif self.path == "/get" and self.command == "HEAD":
            self.send_response(405)
        else:
            self.send_response({"/gone": 410, "/broken": 500}.get(self.path, 200))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    pages = type("PagesOfOne", (Pages,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), pages) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def url(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def settings(**site: object) -> Settings:
    options = {f"site.{key}": value for key, value in site.items()}
    return load_settings(options, environ={}, directory=ROOT)


def code(url: str, **site: object) -> str:
    asker = Asker(settings(**site), patience=2.0)
    complaint = asker.complaint(url)
    asker.close()
    return complaint.rule.code if complaint else ""


def asked(server: ThreadingHTTPServer) -> list[str]:
    return list(server.RequestHandlerClass.asked)  # type: ignore[attr-defined]


def test_a_page_that_answers_is_not_complained_of(server: ThreadingHTTPServer, url: str) -> None:
    assert code(f"{url}/there") == ""
    assert asked(server) == [f"HEAD /there 127.0.0.1:{server.server_port}"]


def test_a_server_that_does_not_know_head_is_asked_by_get(
    server: ThreadingHTTPServer, url: str
) -> None:
    assert code(f"{url}/get") == ""
    assert [line.split()[0] for line in asked(server)] == ["HEAD", "GET"]


@pytest.mark.parametrize("page", ["/gone", "/broken", "/away?/gone"])
def test_a_page_that_is_not_there_is_complained_of(url: str, page: str) -> None:
    assert code(url + page) == "VP801"


def test_redirections_are_followed(url: str) -> None:
    assert code(f"{url}/away?/away?/there") == ""


def test_redirections_in_a_circle_end(server: ThreadingHTTPServer, url: str) -> None:
    page = "/away?" * 8 + "/there"
    assert code(url + page) == "VP801"
    assert len(asked(server)) == 6


def test_a_port_at_which_nothing_listens_is_complained_of() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert code(f"http://127.0.0.1:{port}/") == "VP801"


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert code(f"http://127.0.0.1:{silent.getsockname()[1]}/") == "VP801"


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",  # noqa: S104
        "224.0.0.1", "[fe80::1]", "[fc00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]",
        "[2002:a00:1::]", "[::]", "167772161", "0x0a000001",
    ],
)  # fmt: skip
def test_private_addresses_are_never_asked(host: str) -> None:
    assert code(f"http://{host}/") == "VP802"


@pytest.mark.parametrize("onward", ["http://10.0.0.1/", "//192.168.0.1/", "file:///etc/passwd"])
def test_nobody_is_sent_on_to_private_places(url: str, onward: str) -> None:
    assert code(f"{url}/away?{onward}") == "VP802"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1"])
def test_this_machine_is_not_asked_from_a_public_site(
    server: ThreadingHTTPServer, host: str
) -> None:
    address = f"http://{host}:{server.server_port}/"
    assert code(address, public_host="vo.km3net.org") == "VP802"
    assert asked(server) == []


def test_a_name_that_changes_its_address_after_it_was_looked_at_leads_nowhere_else(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns a name can answer first with a public address, and then with ours."""
    resolve, name = socket.getaddrinfo, "changes.example.org"
    answers = iter(["192.88.99.1"])  # public, and of no use to anybody since RFC 7526
    looked_for: list[object] = []

    def changing(host: object, *arguments: Any, **options: Any) -> Any:
        looked_for.append(host)
        address = next(answers, "127.0.0.1") if host in (name, name.encode()) else host
        return resolve(address, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    asker = Asker(settings(public_host="vo.km3net.org"), patience=0.3)
    asker.complaint(f"http://{name}:{server.server_port}/")
    asker.close()
    assert looked_for[:2] == [name, "192.88.99.1"]
    assert asked(server) == []


def test_links_are_asked_once(server: ThreadingHTTPServer, url: str) -> None:
    asker = Asker(settings())
    complaints = {asker.complaint(f"{url}/gone") for _ in range(3)}
    asker.close()
    assert len(complaints) == 1
    assert len(asked(server)) == 2


def test_links_of_resources_are_found_in_their_places(
    server: ThreadingHTTPServer, url: str, tmp_path: Path
) -> None:
    text = (ROOT / "resources/evts20_01/resource.toml").read_text()
    text = text.replace('"https://pypi.org/project/km3net-testdata/"', f'"{url}/gone"')
    related = f'related = [{{ relation = "Cites", identifier = "{url}/there" }}]'
    text = text.replace('instrument = "ORCA4"', f'instrument = "ORCA4"\n{related}')
    text = text.replace('collection = "samples26_01"', "")
    folder = tmp_path / "resources" / "evts20_01"
    folder.mkdir(parents=True)
    (folder / "resource.toml").write_text(text)
    settings_text = (ROOT / "vopub.toml").read_text().replace("https://www.km3net.org", url)
    (tmp_path / "vopub.toml").write_text(settings_text)
    (found,) = check(
        load_settings({"site.directory": tmp_path / "site"}, environ={}, directory=tmp_path),
        today=date(2026, 11, 24),
        links=True,
    )
    assert (found.code, found.place) == ("VP801", "publication.reference_url")
    assert found.value == f"{url}/gone"
    assert [line.split()[1] for line in asked(server)] == ["/", "/gone", "/gone", "/there"]


def test_links_of_a_collection_are_asked_once_for_all_its_members(
    server: ThreadingHTTPServer, url: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "resources", tmp_path / "resources")
    for file in (tmp_path / "resources").glob("*/resource.toml"):
        text = file.read_text()
        file.write_text(text.replace("https://pypi.org/project/km3net-testdata/", f"{url}/there"))
    file = tmp_path / "resources" / "samples26_01" / "collection.toml"
    file.write_text(f'{file.read_text()}reference_url = "{url}/gone"\n')
    settings_text = (ROOT / "vopub.toml").read_text().replace("https://www.km3net.org", url)
    (tmp_path / "vopub.toml").write_text(settings_text)
    (found,) = check(
        load_settings({"site.directory": tmp_path / "site"}, environ={}, directory=tmp_path),
        today=date(2026, 11, 24),
        links=True,
    )
    assert (found.code, found.file, found.place) == ("VP801", file, "reference_url")
    assert found.value == f"{url}/gone"


@pytest.mark.parametrize(
    ("name", "reserved"),
    [
        ("samples.km3net.invalid", True), ("invalid", True), ("Example.ORG.", True),
        ("vo.example.org", True), ("km3net.org", False), ("invalid.km3net.org", False),
        ("myexample.org", False),
    ],
)  # fmt: skip
def test_reserved_names(name: str, reserved: bool) -> None:
    assert is_reserved(name) is reserved


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost", True),
     ("0.0.0.0", False),  # noqa: S104
     ("vo.km3net.org", False), ("localhost.km3net.org", False)],
)  # fmt: skip
def test_loopback_hosts(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
