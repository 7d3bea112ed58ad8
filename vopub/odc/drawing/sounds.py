"""From recordings of hydrophones to spectrograms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from vopub.odc.drawing.charts import Area, Areas, Chart, Floats, UndrawableError
from vopub.odc.drawing.subject import Task

WINDOW = 1024
"""Samples that a column of a spectrogram is made from."""
MOST_COLUMNS = 600
FLOOR = 1e-20
"""Power that silence is drawn as, so that it has a logarithm."""

MOST_SAMPLES = 100_000_000
"""Of a channel: an MP3 file of few bytes can hold hours."""
BLOCK = 1 << 20
"""Samples that are decoded together."""

FRAME_RATE = 195_312.5
"""Samples per second of a hydrophone."""
FRAME_LENGTH = 131_072 - 7_812
"""Samples of a frame: the window of the analysis without what overlaps with the next."""
CYCLE = 16e-9
"""Seconds."""
FRAME = np.dtype(
    [("seconds", "<u4"), ("cycles", "<u4"), ("samples", "<u4"), ("pcm", "<f4", FRAME_LENGTH)]
)
"""A frame of a raw recording. Source: KM3NeT's dump of the acoustic data filter, as km3io reads it;
``samples`` counts the whole window, of which fewer follow."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples without a gap."""

    start: float
    """In seconds from the beginning of the recording."""
    rate: float
    """Samples per second."""
    samples: Floats


def raw_chart(path: Path, _task: Task) -> Chart:
    """Draw the spectrogram of a recording in the detector's raw format."""
    return _spectrogram(raw_pieces(path))


def sound_chart(path: Path, _task: Task) -> Chart:
    """Draw the spectrogram of the first channel of a sound: WAV, MP3 and what libsndfile reads."""
    return _spectrogram([_first_channel(path)])


def raw_pieces(path: Path) -> list[Piece]:
    """Read the frames of a raw recording, each of which tells when it began.

    Raises
    ------
    UndrawableError
        If the file does not consist of whole frames in the order of time.
    """
    size = path.stat().st_size
    if not size or size % FRAME.itemsize:
        raise UndrawableError(f"{size} bytes are not whole frames of {FRAME.itemsize}")
    frames = np.fromfile(path, FRAME)
    seconds = frames["seconds"].astype(np.int64) - int(frames["seconds"][0])
    starts = seconds + frames["cycles"] * CYCLE
    if np.any(np.diff(starts) <= 0):
        raise UndrawableError("its frames are not in the order of time")
    pieces = zip(starts - starts[0], frames["pcm"], strict=True)
    return [Piece(float(start), FRAME_RATE, pcm.astype(float)) for start, pcm in pieces]


def _first_channel(path: Path) -> Piece:
    try:
        with soundfile.SoundFile(path) as sound:
            if sound.frames > MOST_SAMPLES:
                raise UndrawableError(f"it has more than {MOST_SAMPLES} samples")
            blocks = sound.blocks(BLOCK, dtype="float32", always_2d=True)
            samples = np.concatenate([np.empty(0, "f4"), *(block[:, 0] for block in blocks)])
            return Piece(0.0, float(sound.samplerate), samples)
    except soundfile.SoundFileError as error:
        raise UndrawableError("it is not a sound in its format, or it is damaged") from error


def _spectrogram(pieces: list[Piece]) -> Chart:
    columns = max(MOST_COLUMNS // len(pieces), 1)
    areas = [_area(piece, columns) for piece in pieces[:MOST_COLUMNS]]
    return Areas(
        "Time since the beginning [s]", "Frequency [kHz]", "Power density [dB re 1/Hz]", areas
    )


def _area(piece: Piece, columns: int) -> Area:
    """Return the power density over time and frequency, each column the mean of its windows."""
    number = len(piece.samples) // WINDOW
    if not number:
        raise UndrawableError(f"it has less than {WINDOW} samples in a row")
    windows = piece.samples[: number * WINDOW].reshape(number, WINDOW)
    groups = np.array_split(windows, min(columns, number))
    power = np.array([_power(group, piece.rate) for group in groups])
    ends = np.cumsum([0, *(len(group) for group in groups)]) * WINDOW / piece.rate
    frequencies = np.linspace(0, piece.rate / 2, WINDOW // 2 + 2) / 1000
    return Area(piece.start + ends, frequencies, 10 * np.log10(np.maximum(power.T, FLOOR)))


def _power(windows: Floats, rate: float) -> Floats:
    """Return the mean power density of windows (n, WINDOW), without what is constant, per hertz."""
    taper = np.hanning(WINDOW)
    still = windows - windows.mean(axis=1, keepdims=True)
    spectra = np.abs(np.fft.rfft(still * taper, axis=1)) ** 2
    density: Floats = 2 * spectra.mean(axis=0) / (rate * np.sum(taper**2))
    return density
