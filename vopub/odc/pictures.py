"""Pictures of what is in the files of a record, drawn once and kept.

A drawing is a process of its own (``odc.drawing``): a file that is damaged, or made to harm whoever
reads it, ends that process and nothing else.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from signal import SIGXCPU
from threading import BoundedSemaphore
from time import time
from uuid import UUID

from fastapi import APIRouter, Request, Response

from vopub import __version__
from vopub.files import digest_of, replacing
from vopub.model.resource import KM3OpenResource
from vopub.odc.conditions import is_known
from vopub.odc.downloads import FILE_POLICY, TheStore
from vopub.odc.drawing.subject import Subject, graph_of, subject_of
from vopub.odc.faults import NotFoundError, TooOftenError
from vopub.odc.store import Store

MOST_PICTURE = 4 << 20
"""Largest picture that is kept, in bytes."""
PATIENCE = 60.0
"""Seconds that a drawing may take, and that others wait for their turn."""
MOST_WAITING = 4
MOST_KEPT = 5_000
"""Pictures on disk; the oldest make room."""
RETRY = 3600.0
"""Seconds after which a file is tried again that could not be drawn: perhaps all was busy."""
LONGEST_REASON = 200
FONTS = "fonts"
UNDRAWABLE = 3
"""Exit code of the process for what cannot be drawn."""

router = APIRouter(prefix="/pictures", include_in_schema=False)


class Pictures:
    """A directory of pictures and of reasons why there is none.

    Parameters
    ----------
    directory
        Made when the first is drawn; it can be thrown away at any time.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._waiting = BoundedSemaphore(MOST_WAITING)
        self._turn = BoundedSemaphore(1)

    def reason(self, subject: Subject) -> str:
        """Return why there is no picture; empty if there is one, or none was asked for yet."""
        if subject.problem:
            return subject.problem
        path = self._path(subject, "txt")
        if not path.is_file() or path.stat().st_mtime < time() - RETRY:
            return ""
        return path.read_text(encoding="utf-8")

    def get(self, subject: Subject, file: Path | None) -> bytes:
        """Return a picture as SVG; it is drawn if there is none yet.

        Raises
        ------
        NotFoundError
            If the file cannot be drawn; the reason is kept, too.
        TooOftenError
            If too many others wait.
        FileError
            If it cannot be kept, e.g. because the disk is full.
        """
        path = self._path(subject, "svg")
        if not path.is_file():
            with self._in_turn():
                if not path.is_file() and not self.reason(subject):
                    self._draw(subject, file)
        if reason := self.reason(subject):
            raise NotFoundError(f"{subject.name} cannot be drawn: {reason}")
        return path.read_bytes()

    def _path(self, subject: Subject, ending: str) -> Path:
        # Equal bytes that are described otherwise, or drawn by another version, look otherwise.
        digest = subject.file.sha256 if subject.file is not None else ""
        drawn = f"{digest} {__version__} {subject.task.model_dump_json()}"
        return self._directory / f"{sha256(drawn.encode()).hexdigest()}.{ending}"

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Let one draw at a time; few may wait, so that threads are left for other requests."""
        if not self._waiting.acquire(blocking=False):
            raise TooOftenError("many pictures are being drawn", seconds=10)
        try:
            if not self._turn.acquire(timeout=PATIENCE):
                raise TooOftenError("many pictures are being drawn", seconds=10)
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._waiting.release()

    def _draw(self, subject: Subject, file: Path | None) -> None:
        picture, reason = drawn(subject, file, self._directory / FONTS)
        self._make_room()
        with replacing(self._path(subject, "txt" if reason else "svg")) as temporary:
            temporary.write_bytes(reason.encode() if reason else picture)

    def _make_room(self) -> None:
        kept = list(self._directory.glob("*.*"))
        if len(kept) >= MOST_KEPT:
            kept.sort(key=lambda path: path.stat().st_mtime)
            for path in kept[: MOST_KEPT // 10]:
                path.unlink(missing_ok=True)


def drawn(subject: Subject, file: Path | None, fonts: Path) -> tuple[bytes, str]:
    """Draw in a process of its own; return the picture, or why there is none.

    Parameters
    ----------
    subject
        What to draw.
    file
        Where its bytes lie; none if what is drawn stands in the record.
    fonts
        Directory in which matplotlib may note what fonts there are.
    """
    command = [sys.executable, "-m", "vopub.odc.drawing", *([] if file is None else [str(file)])]
    # One thread each: numbers of this size need no more, and others serve readers.
    environment = {
        "OPENBLAS_NUM_THREADS": "1", "MPLCONFIGDIR": str(fonts), "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
    }  # fmt: skip
    try:
        done = subprocess.run(
            command, input=subject.task.model_dump_json().encode(), capture_output=True,
            timeout=PATIENCE, env=environment, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return b"", f"it took longer than {PATIENCE:.0f} s"
    if done.returncode == UNDRAWABLE:
        return b"", done.stderr.decode(errors="replace")[:LONGEST_REASON]
    if done.returncode == -SIGXCPU:
        return b"", "it takes too much computing"
    if done.returncode or not done.stdout:
        return b"", "it could not be read"
    too_large = len(done.stdout) > MOST_PICTURE
    return (b"", "the picture would be too large") if too_large else (done.stdout, "")


def pictures_of(request: Request) -> Pictures:
    """Return where the application keeps its pictures."""
    pictures = request.app.state.pictures
    if not isinstance(pictures, Pictures):
        raise TypeError("the application was made without pictures")
    return pictures


@router.api_route("/{kid}.provenance.svg", methods=["GET", "HEAD"])
def get_graph(kid: UUID, request: Request, store: TheStore) -> Response:
    """Return a drawing of how a resource was made, as its record says."""
    subject = graph_of(store.get_resource(kid))
    if subject is None:
        raise NotFoundError(f"resource {kid} says no step of its provenance")
    return _answer(request, pictures_of(request).get(subject, None))


@router.api_route("/{kid}.svg", methods=["GET", "HEAD"])
def get_picture(kid: UUID, request: Request, store: TheStore) -> Response:
    """Return the picture of a resource, made from its own file or of its coverage."""
    subject, file = _subject(store.get_resource(kid), store)
    return _answer(request, pictures_of(request).get(subject, file))


def _answer(request: Request, picture: bytes) -> Response:
    headers = {
        "ETag": f'"{digest_of(picture.decode())}"', "Cache-Control": "public, no-cache",
        "Content-Security-Policy": FILE_POLICY,
    }  # fmt: skip
    if is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type="image/svg+xml", headers=headers)


def _subject(record: KM3OpenResource, store: Store) -> tuple[Subject, Path | None]:
    subject = subject_of(record)
    if subject is None:
        raise NotFoundError(f"nothing of resource {record.kid} can be drawn")
    if subject.file is None:
        return subject, None
    return subject, store.get_file(record.kid, subject.file.name).path
