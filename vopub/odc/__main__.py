"""``python -m vopub.odc``: serve one directory until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import socket
import sys
from ipaddress import ip_network
from pathlib import Path

import uvicorn

from vopub.errors import BusyError, VopubError
from vopub.odc import rendering, sky
from vopub.odc.app import LARGEST_UPLOAD, MOST_WRITES, OdcConfig, Shared, create_app
from vopub.odc.crew import Crew
from vopub.odc.file_types import USUAL
from vopub.odc.guard import read_token_digest
from vopub.odc.protocol import BoundedHead
from vopub.odc.sky_view import DEFAULT_DIRECTORY

GRACE_SECONDS = 10
"""How long requests may take to end after the service was asked to stop."""


GARBAGE = 50_000
"""How many objects there are to be more before garbage is looked for: records sent by thousands are
hundreds of thousands, which were looked through many times."""


MOST_COUNTED = 1_000_000
"""The largest number of writes in a minute that can be allowed."""
USUAL_PROCESSES = 4
MOST_PROCESSES = 64
"""How many processes serve at most unless told otherwise, and at all."""


def usual_processes() -> int:
    """Return how many processes serve unless told otherwise: one for each core that we may use."""
    return min(len(os.sched_getaffinity(0)), USUAL_PROCESSES)


def main(arguments: list[str] | None = None) -> int:
    """Run the service; return the exit code."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel("WARNING")
    # What a line does not say is not looked up for each (logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    try:
        serve(options)
    except VopubError as error:
        sys.stderr.write(f"vopub.odc: {error}\n")
        return error.exit_code
    return 0


def serve(options: argparse.Namespace) -> None:
    """Listen and serve until asked to stop.

    Raises
    ------
    BusyError, FileError, ServiceError, UsageError
        If the port or the directory is in use, or one of the files or the database cannot be used.
    """
    sockets = _listen(options.host, options.port, options.processes)
    config = OdcConfig(
        directory=options.directory, token_digest=read_token_digest(options.token_file),
        largest_upload=options.largest_upload, public_url=options.public_url,
        database=options.database, aladin_lite=options.aladin_lite,
        accepted=USUAL.with_more(options.accept), most_writes=options.most_writes,
        proxies=tuple(options.proxy),
    )  # fmt: skip
    shared = Shared.prepare(config, options.processes)

    def work(number: int) -> None:
        _serve(config, shared.by(number), sockets[number])

    def lost(_number: int) -> None:
        # It may have written something that it did not come to count.
        in_its_name = shared.owned.by(options.processes)
        in_its_name.count_write()
        in_its_name.count_grouping()

    _warm_up()
    crew = Crew(options.processes, work, lost)
    crew.start()
    host, port = sockets[0].getsockname()[:2]
    sys.stdout.write(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}\n")
    sys.stdout.flush()
    crew.look_after()


def _serve(config: OdcConfig, shared: Shared, listening: socket.socket) -> None:
    """Serve what one of the processes is asked for."""
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config, shared), loop="uvloop", http=BoundedHead, log_config=None,
            server_header=False, proxy_headers=False, timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )  # fmt: skip
    # It stops gracefully when it gets a signal, and raises that again for whoever started it.
    server.run(sockets=[listening])


def _warm_up() -> None:
    """Load now what the first readers would wait for, once for all processes."""
    sky.cell_of(0.0, 0.0)
    rendering.load_templates()
    # What is there now stays, in memory that the processes share: looking through it for garbage
    # would hold up everybody, and give each a copy of its own.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _listen(host: str, port: int, number: int) -> list[socket.socket]:
    """Return sockets that listen on one port, of which the system chooses one for each reader.

    One for each process: of one for all, the first process that looks takes all who wait.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        # Shares the port with nobody, as those after it do with every process of this user.
        with socket.create_server((host, port), family=family) as alone:
            place = (host, port or alone.getsockname()[1])
        for _ in range(number):
            sockets.append(  # noqa: PERF401 - those before one that fails are closed
                socket.create_server(place, family=family, backlog=1024, reuse_port=True)
            )
    except (OSError, OverflowError) as error:
        what = f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}"
        raise BusyError(what, hint="choose another address or port") from error
    for each in sockets:
        # Connections inherit this; without it every answer waits 40 ms for an acknowledgement.
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sockets


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser("python -m vopub.odc", description="Open Data Center")
    made.add_argument("--directory", type=Path, required=True, help="where everything is kept")
    made.add_argument("--host", default="127.0.0.1", help="address to listen on")
    made.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    made.add_argument("--token-file", type=Path, required=True, help="holds the writing token")
    made.add_argument(
        "--largest-upload", type=int, default=LARGEST_UPLOAD, metavar="BYTES",
        help="largest file that is accepted",
    )  # fmt: skip
    made.add_argument(
        "--database", default="", metavar="URL",
        help="PostgreSQL to keep the records in, without a password; default: SQLite",
    )  # fmt: skip
    made.add_argument(
        "--aladin-lite", type=Path, default=DEFAULT_DIRECTORY, metavar="DIRECTORY",
        help="where scripts/fetch_aladin_lite.py has put Aladin Lite",
    )  # fmt: skip
    made.add_argument(
        "--accept", action="append", default=[], metavar="ENDING=MEDIA/TYPE",
        help="another type of files that is accepted; may be given more than once",
    )  # fmt: skip
    made.add_argument(
        "--processes", type=_processes, default=usual_processes(), metavar="NUMBER",
        help=f"how many serve; default: one for each core, at most {USUAL_PROCESSES}",
    )  # fmt: skip
    made.add_argument(
        "--most-writes", type=_writes, default=MOST_WRITES, metavar="NUMBER",
        help=f"how often a token may write in a minute; default: {MOST_WRITES}",
    )  # fmt: skip
    made.add_argument(
        "--proxy", type=ip_network, action="append", default=[], metavar="ADDRESS",
        help="a proxy, or a network of such, whose X-Forwarded-For is believed; may be given more "
        "than once",
    )  # fmt: skip
    made.add_argument("--public-url", default="", help="address that readers use")
    return made


def _processes(text: str) -> int:
    return _number(text, MOST_PROCESSES)


def _writes(text: str) -> int:
    return _number(text, MOST_COUNTED)


def _number(text: str, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {most}")
    return number


if __name__ == "__main__":
    sys.exit(main())
