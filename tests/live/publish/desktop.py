"""The desktop programs of astronomers, on a screen that nobody sees and without the Internet."""

from __future__ import annotations

import io
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from astropy.table import Table
from pyvo.samp import SAMPHubServer, SAMPIntegratedClient, SAMPProxyError

from .conftest import wait_for

PULL = "table.get.stil"
"""The message that TOPCAT answers with the table it shows."""
PATIENCE = 60
AT_ONCE = "5"
"""Seconds within which a program that listens answers."""
ALADIN = ["aladin", "-nogui", "-nonetworktest", "-noreleasetest", "-nolog"]
DICTIONARY = """
%ActionName Http
%Description Any address
%DistribDomain ALADIN
%Owner test
%Url $1

%ActionName Nowhere
%Description A server of images
%Aladin.Label Nowhere
%DistribDomain ALADIN
%Owner test
%Url http://127.0.0.1:9/?ra=$1&dec=$2
%Param.Description $1=Right Ascension
%Param.Description $2=Declination
%Param.DataType $1=Target(RA)
%Param.DataType $2=Target(DE)
%ResultDataType Mime(image/fits)
"""
"""What Aladin otherwise asks the CDS for when it starts: how an address is fetched, and a server,
as it does not get ready without one."""


def alone(home: Path) -> dict[str, str]:
    """Return variables with which a program in Java finds no host by name, and no earlier state."""
    (home / "hosts").write_text("127.0.0.1 localhost\n")
    options = f"-Duser.home={home} -Djdk.net.hosts.file={home / 'hosts'}"
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "JAVA_TOOL_OPTIONS": options}


@contextmanager
def screen() -> Iterator[str]:
    """Give the name of a screen in memory."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.terminate()


@contextmanager
def hub(home: Path) -> Iterator[tuple[SAMPIntegratedClient, dict[str, str]]]:
    """Give somebody whom programs can tell what they show, and variables that lead there (SAMP)."""
    lock = home / "samp.lock"
    running = SAMPHubServer(
        lockfile=str(lock), mode="multiple", web_profile=False, addr="127.0.0.1"
    )
    running.start()
    client = SAMPIntegratedClient(name="reader", addr="127.0.0.1")
    try:
        client.connect(hub=running)
        yield client, {"SAMP_HUB": f"std-lockurl:file://{lock}"}
        client.disconnect()
    finally:
        running.stop()


def shown_by_topcat(line: str, home: Path) -> Table:
    """Type a line in a shell, and return what the TOPCAT shows that it starts."""
    with screen() as display, hub(home) as (client, where):
        environ = alone(home) | where | {"DISPLAY": display}
        with subprocess.Popen(
            ["sh", "-c", line], env=environ, cwd=home, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as shell:  # fmt: skip
            try:
                wait_for(lambda: bool(client.get_subscribed_clients(PULL)), seconds=PATIENCE)
                (topcat,) = client.get_subscribed_clients(PULL)
                return _pull(client, topcat)
            finally:
                os.killpg(shell.pid, signal.SIGTERM)  # of which it tells the hub
                wait_for(lambda: not client.get_subscribed_clients(PULL), seconds=PATIENCE)


def _pull(client: SAMPIntegratedClient, topcat: str) -> Table:
    message = {"samp.mtype": PULL, "samp.params": {"format": "votable"}}
    urls: list[str] = []

    def has_a_table() -> bool:
        # Who asks while it is about to register may get no answer at all.
        with suppress(SAMPProxyError):
            answer = client.call_and_wait(topcat, message, AT_ONCE)
            if answer["samp.status"] == "samp.ok":
                urls.append(answer["samp.result"]["url"])
        return bool(urls)

    wait_for(has_a_table, seconds=PATIENCE)
    return Table.read(io.BytesIO(httpx.get(urls[0], timeout=PATIENCE).content), format="votable")


def shown_by_aladin(line: str, home: Path) -> Table:
    """Type a line at the console of Aladin Desktop, and return what its first plane shows."""
    (home / "dictionary").write_text(DICTIONARY)
    exported = home / "plane.vot"
    typed = [line, "sync", f"export -votable 1 {exported}", "sync", "quit"]
    with screen() as display:
        done = subprocess.run(
            [*ALADIN, f"-glufile={home / 'dictionary'}"], env=alone(home) | {"DISPLAY": display},
            input="\n".join([*typed, ""]), capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
    assert exported.exists(), done.stdout + done.stderr
    return Table.read(exported, format="votable")
