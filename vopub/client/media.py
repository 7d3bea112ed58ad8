"""Sounds, pictures and alerts: what is in their files."""

from __future__ import annotations

import wave
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from vopub.client.display import plain
from vopub.client.objects import KM3Object
from vopub.client.records import FileEntry, RemoteEntry
from vopub.errors import FileError, UsageError
from vopub.files import cannot
from vopub.foreign_xml import local, parse

WAVES = frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"})
PNG = "image/png"
PICTURES = frozenset({PNG, "image/svg+xml", "image/jpeg", "image/gif", "image/webp"})
"""Pictures that every browser has."""
MOST_SHOWN = 20 << 20
"""Bytes of a picture that goes into a notebook."""
Samples = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, slots=True)
class Sound:
    """What a WAV file holds."""

    sampling_rate: int
    samples: Samples


class AcousticWAV(KM3Object):
    """A recording of a hydrophone as WAV."""

    @property
    def data(self) -> Samples:
        """The samples as integers, as they stand in the file.

        One row for each sample if there are several channels. Samples of 8 bits, which are
        unsigned in the file, are around zero, too.
        """
        return self._sound.samples.copy()

    @property
    def sampling_rate(self) -> int:
        """Samples per second."""
        return self._sound.sampling_rate

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self._sound.samples) / self._sound.sampling_rate

    @cached_property
    def _sound(self) -> Sound:
        return read_wave(self.path(_file(self, WAVES, ".wav").name))


class VOEvent(KM3Object):
    """An alert."""

    @property
    def data(self) -> ET.Element:
        """The packet: the root of its XML."""
        return self._packet

    @property
    def ivorn(self) -> str:
        """Identifier of the alert, as its packet says."""
        return self._packet.get("ivorn", "")

    @property
    def role(self) -> str:
        """Whether the alert is real: ``observation``, ``prediction``, ``utility`` or ``test``."""
        return self._packet.get("role", "observation")

    @property
    def params(self) -> dict[str, str]:
        """What is said in ``What``: values by name, those in a group as ``group.name``."""
        what = self._packet.find("{*}What")
        parts = [] if what is None else [("", what), *_groups(what)]
        return {
            f"{group}{param.get('name', '')}": param.get("value", "")
            for group, part in parts
            for param in part.findall("{*}Param")
        }

    @cached_property
    def _packet(self) -> ET.Element:
        path = self.path(_file(self, {"application/xml", "text/xml"}, ".xml").name)
        root = parse(path)
        if local(root.tag) != "VOEvent":
            what = f"is no VOEvent, but {plain(local(root.tag))[:60]!r}"
            raise FileError(what, where=path, hint="tell the publisher")
        return root


class Plot(KM3Object):
    """A figure, which a notebook shows."""

    def _repr_html_(self) -> str:
        """Return what it is, with the picture: a notebook prefers HTML to a picture alone.

        It is an image of the page, so that nothing runs that an SVG may hold.
        """
        about, kind = super()._repr_html_(), self._kind
        content = self._content(PICTURES)
        if content is None:
            return about
        alt = escape(plain(self.record.publication.title))
        return f'{about}<img alt="{alt}" src="data:{kind};base64,{b64encode(content).decode()}">'

    def _repr_png_(self) -> bytes | None:
        return self._content({PNG})

    @property
    def _kind(self) -> str:
        return next((file.kind for file in self.every_file if file.role == "data"), "")

    def _content(self, kinds: Collection[str]) -> bytes | None:
        """Return its first file if that is such a picture, and no larger than sensible."""
        path = self.data if self._kind in kinds else None
        if path is None:
            return None
        try:
            return path.read_bytes() if path.stat().st_size <= MOST_SHOWN else None
        except OSError as error:
            raise cannot("read", path, error) from error


def read_wave(path: Path) -> Sound:
    """Read a WAV file of whole numbers.

    Raises
    ------
    FileError
        If it is none; samples of floating-point numbers are not read either.
    """
    try:
        with path.open("rb") as stream, wave.open(stream, "rb") as sound:
            width, channels = sound.getsampwidth(), sound.getnchannels()
            rate, content = sound.getframerate(), sound.readframes(sound.getnframes())
    except OSError as error:
        raise cannot("read", path, error) from error
    except (wave.Error, EOFError) as error:
        what = f"is no WAV file of whole numbers: {error or 'it ends too early'}"
        raise FileError(
            what, where=path, hint="path() is where it lies, for other programs"
        ) from error
    if width > 4 or not rate or len(content) % (width * channels):
        what = f"has broken samples: {len(content)} bytes of {8 * width} bits, {rate} per second"
        raise FileError(what, where=path, hint="tell the publisher")
    samples = _numbers(content, width)
    return Sound(rate, samples.reshape(-1, channels) if channels > 1 else samples)


def _numbers(content: bytes, width: int) -> Samples:
    if width == 1:
        return np.frombuffer(content, "u1").astype(np.int16) - 128
    if width == 3:
        # numpy has none of three bytes: the lowest of four is left empty, then shifted out.
        four = np.zeros((len(content) // 3, 4), "u1")
        four[:, 1:] = np.frombuffer(content, "u1").reshape(-1, 3)
        return four.view("<i4")[:, 0] >> 8
    return np.frombuffer(content, f"<i{width}")


def _groups(what: ET.Element) -> list[tuple[str, ET.Element]]:
    return [(f"{group.get('name', '')}.", group) for group in what.findall("{*}Group")]


def _file(resource: KM3Object, kinds: Collection[str], ending: str) -> FileEntry | RemoteEntry:
    """Return the first file of data of such a kind; else the first whose name ends so."""
    data = [file for file in resource.every_file if file.role == "data"]
    found = [f for f in data if f.kind in kinds] or [f for f in data if f.name.endswith(ending)]
    if not found:
        raise UsageError(f"{resource.identifier} has no file of data that can be read")
    return found[0]
