"""A server is started once, found again, and stopped wholly."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from vopub.errors import BusyError, FileError, ServiceError
from vopub.site import processes
from vopub.site.layout import Layout
from vopub.site.service import Port, Service, State, http_trouble

Maker = Callable[..., Service]


@pytest.fixture
def make(layout: Layout) -> Iterator[Maker]:
    made: list[Service] = []

    def make_one(port: int, text: str = "", *, code: str = "") -> Service:
        serve = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
        service = Service(
            name="Pages",
            layout=layout,
            command=lambda: [sys.executable, "-c", code] if code else serve,
            trouble=lambda: http_trouble(f"http://127.0.0.1:{port}/", containing="Directory"),
            strays=lambda: [
                pid
                for pid in processes.running(layout.account)
                if processes.command_line(pid)[:-1] == serve
            ],
            address=f"http://127.0.0.1:{port}",
            basis=lambda: text,
            port=Port("127.0.0.1", port, "dachs_port"),
        )
        made.append(service)
        return service

    yield make_one
    for service in made:
        service.stop()


def test_life_of_a_server(make: Maker, free_port: int) -> None:
    service = make(free_port)
    assert service.status().state is State.DOWN
    said: list[str] = []
    service.start(said.append)
    service.wait()
    assert said == ["starting Pages"]
    status = service.status()
    assert (status.state, status.detail) == (State.UP, "")
    assert service.is_well()
    assert status.pid is not None
    assert os.stat(f"/proc/{status.pid}").st_uid == service.layout.account.uid  # noqa: PTH116
    assert service.stop()
    assert processes.find(status.pid) is None
    assert service.status().state is State.DOWN
    assert not service.stop()


def test_crash_is_noticed(make: Maker, free_port: int) -> None:
    service = make(free_port)
    service.start(print)
    service.wait()
    os.kill(service.status().pid or 0, signal.SIGKILL)
    while service.process() is not None:
        pass
    assert service.status().state is State.STALE
    assert not service.is_well()


def test_server_that_hangs_is_failing(make: Maker, free_port: int) -> None:
    service = make(free_port, code="import time; time.sleep(600)")
    service.start(print)
    assert service.status().state is State.FAILING


def test_changed_basis_makes_it_outdated(make: Maker, free_port: int) -> None:
    service = make(free_port, "old")
    service.start(print)
    service.wait()
    assert service.is_current()
    assert make(free_port, "old").is_current()
    assert not make(free_port, "new").is_current()


def test_server_that_ends_is_reported_with_its_last_words(make: Maker, free_port: int) -> None:
    service = make(free_port, code="raise SystemExit('no bread today')")
    with pytest.raises(ServiceError, match="Pages ended: no bread today"):
        service.start(print)
        service.wait()


def test_taken_port_names_its_holder_and_the_settings(make: Maker, free_port: int) -> None:
    make(free_port).start(print)
    make(free_port).wait()
    holder = make(free_port).status().pid
    other = make(free_port, code="pass")
    object.__setattr__(other, "name", "Others")
    object.__setattr__(other, "strays", list)
    with pytest.raises(BusyError) as caught:
        other.start(print)
    text = str(caught.value)
    assert f"port {free_port} of 127.0.0.1, which Others needs, is taken" in text
    assert f"pid {holder}" in text
    assert "--dachs-port, VOPUB_DACHS_PORT or dachs_port in [site] of vopub.toml" in text
    make(free_port).stop()


def test_server_whose_record_is_lost_is_found_and_replaced(make: Maker, free_port: int) -> None:
    service = make(free_port)
    service.start(print)
    service.wait()
    lost = service.status().pid
    service.record_file.unlink()
    assert service.status().state is State.DOWN
    service.start(print)
    service.wait()
    assert service.status().pid != lost
    assert processes.find(lost or 0) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_damaged_record_counts_as_none(make: Maker, free_port: int, text: str) -> None:
    service = make(free_port)
    service.record_file.write_text(text)
    assert service.process() is None


def test_record_that_cannot_be_read_is_an_error(make: Maker, free_port: int) -> None:
    service = make(free_port)
    service.record_file.mkdir()
    with pytest.raises(FileError, match="cannot read"):
        service.status()
    service.record_file.rmdir()


def test_record_of_before_a_reboot_counts_as_none(make: Maker, free_port: int) -> None:
    service = make(free_port)
    service.start(print)
    text = service.record_file.read_text()
    pid = service.status().pid or 0
    service.record_file.write_text(text.replace(processes.boot_id(), "another"))
    assert service.process() is None
    processes.end([pid])


def test_page_with_other_content_is_no_answer(make: Maker, free_port: int) -> None:
    service = make(free_port)
    service.start(print)
    service.wait()
    url = f"http://127.0.0.1:{free_port}"
    assert http_trouble(url) == ""
    assert http_trouble(url, containing="VOTable") == f"{url} answers without 'VOTable'"
    assert http_trouble(f"{url}/none") == f"{url}/none answers with status 404"


def test_server_goes_on_where_it_is_if_the_new_port_is_taken(make: Maker, free_port: int) -> None:
    service = make(free_port)
    service.start(print)
    service.wait()
    service.check_move()
    with socket.create_server(("127.0.0.1", 0)) as other:
        moved = make(other.getsockname()[1])
        with pytest.raises(BusyError, match=f"pid {os.getpid()}"):
            moved.check_move()
    assert service.status().state is State.UP
    moved.check_move()
