"""``ktype``: the content descriptor that says how the data of a resource are to be read.

The attribute is KM3NeT's; the literal strings below are vopub's own, versioned with the schema.
"""

from __future__ import annotations

from enum import StrEnum


class Ktype(StrEnum):
    """What the data of a resource are."""

    EVENTS = "events"
    RUN_LIST = "run-list"
    LOOKUP_TABLE = "lookup-table"
    FUNCTION = "function"
    BINNED_DATA = "binned-data"
    RESPONSE_FUNCTION = "response-function"
    VO_SERVICE = "vo-service"
    VOEVENT = "voevent"
    ACOUSTIC_RAW = "acoustic-raw"
    ACOUSTIC_MP3 = "acoustic-mp3"
    ACOUSTIC_WAV = "acoustic-wav"
    ACOUSTIC_PSD = "acoustic-psd"
    PUBLICATION = "publication"
    PLOT = "plot"
    SOFTWARE = "software"

    @property
    def description(self) -> str:
        """One sentence about the kind of content."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS: dict[Ktype, str] = {
    Ktype.EVENTS: "A table with one row per particle event.",
    Ktype.RUN_LIST: "A table with one row per data-taking run: start, stop, livetime.",
    Ktype.LOOKUP_TABLE: "Values on a grid of one or two parameters, to be looked up.",
    Ktype.FUNCTION: "A function of one parameter, given by its coefficients.",
    Ktype.BINNED_DATA: "Counts or rates in bins.",
    Ktype.RESPONSE_FUNCTION: "A response of the detector: effective area, resolution, background.",
    Ktype.VO_SERVICE: "Data behind a service of the Virtual Observatory.",
    Ktype.VOEVENT: "An alert in VOEvent format.",
    Ktype.ACOUSTIC_RAW: "A hydrophone recording in the detector's raw format.",
    Ktype.ACOUSTIC_MP3: "A hydrophone recording as MP3.",
    Ktype.ACOUSTIC_WAV: "A hydrophone recording as WAV.",
    Ktype.ACOUSTIC_PSD: "Spectral statistics of a hydrophone recording.",
    Ktype.PUBLICATION: "A paper or document.",
    Ktype.PLOT: "A figure.",
    Ktype.SOFTWARE: "Software.",
}
