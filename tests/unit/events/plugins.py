"""Packages that bring a reader, installed for a test as pip would install them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vopub.events import readers

READER = '''
"""Reads files that name another one, and does first what they say."""

import os
import signal
import time
from pathlib import Path

from vopub.errors import InputError
from vopub.events.readers.root import RootReader


class OddReader(RootReader):
    def __init__(self, path):
        _, what, other = path.read_text().split(maxsplit=2)
        getattr(self, f"_{what}")(path)
        super().__init__(Path(other))

    @staticmethod
    def recognises(path, beginning):
        return beginning.startswith(b"odd")

    def _slow(self, path):
        time.sleep(0.2)

    def _slow_chunks(self, path):
        def chunks(rows):
            for chunk in RootReader.chunks(self, 500):
                time.sleep(0.6)
                yield chunk

        self.chunks = chunks

    def _puzzle(self, path):
        raise ZeroDivisionError("what nobody foresaw")

    def _puzzle_later(self, path):
        self.chunks = lambda rows: iter([None])

    def _fail_once(self, path):
        marker = path.with_suffix(".failed")
        if not marker.exists():
            marker.touch()
            raise InputError("the disk did not answer", where=path)

    def _die_once(self, path):
        marker = path.with_suffix(".dead")
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def _die(self, path):
        os.kill(os.getpid(), signal.SIGKILL)
'''


def write_package(place: Path, name: str, reader: str, source: str) -> Path:
    """Write an installed package; its reader is a class in a module of the package's name."""
    (place / f"{name}.py").write_text(source)
    about = place / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[vopub.readers]\n{name} = {name}:{reader}\n")
    return place


@contextmanager
def packages_of(place: Path) -> Iterator[None]:
    """Have the packages in a directory installed: here and in processes that are started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(place))
        readers._in_order.cache_clear()
        yield
    readers._in_order.cache_clear()


def odd(place: Path, name: str, what: str, other: Path) -> Path:
    """Write a file for the odd reader, which does something and then reads the other."""
    path = place / f"{name}.odd"
    path.write_text(f"odd {what} {other}")
    return path
