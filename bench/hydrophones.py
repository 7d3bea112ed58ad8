"""Records as two years of hydrophones make them: streams of spectra, one record per snippet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.described import described
from vopub.model.ktype import Ktype
from vopub.model.resource import (
    Coverage,
    KM3OpenResource,
    KM3ResourceCollection,
    KM3ResourceStream,
    TimeSpan,
    make_kid,
)

COLLECTION = "acoustic26_01"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(minutes=35)
"""Between two snippets of a hydrophone: 500 in twelve days."""
PLACES = ("arca", "orca")


def stream_name(number: int) -> str:
    return f"{COLLECTION}_h{number:04}"


def collection() -> KM3ResourceCollection:
    return KM3ResourceCollection(
        identifier=COLLECTION,
        title="Spectra of hydrophones to measure with",
        description="Nothing that anybody ever heard.",
    )


def stream(number: int) -> KM3ResourceStream:
    return KM3ResourceStream(
        identifier=stream_name(number),
        title=f"Hydrophone {number} of {PLACES[number % 2]}",
        description="Spectral statistics of one hydrophone, one record per recording.",
        ktype=Ktype.ACOUSTIC_PSD,
        collection=COLLECTION,
    )


def record(number: int, streams: int) -> dict[str, Any]:
    """Return a record as JSON has it; a stream gets every ``streams``-th."""
    where = number % streams
    place = PLACES[where % 2]
    start = BEGIN + EVERY * (number // streams)
    identifier = f"{stream_name(where)}_n{number // streams:06}"
    content = dict(_TEMPLATE)
    content["kid"] = str(make_kid("bench.invalid", identifier, "1.0"))
    content["identifier"] = identifier
    content["stream"] = stream_name(where)
    about = dict(content["publication"])
    about["title"] = f"Spectrum of hydrophone {where} of {place}, recording {number // streams}"
    about["instrument"] = place.upper()
    content["publication"] = about
    stop = start + timedelta(seconds=10)
    span = {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "stop": f"{stop:%Y-%m-%dT%H:%M:%SZ}"}
    content["coverage"] = {**content["coverage"], "temporal": span}
    details = {"dom_id": 808000000 + where, "channel": 1, "start": span["start"]}
    content["details"] = {**content["details"], **details}
    return content


def bodies(first: int, stop: int, streams: int, size: int) -> Iterator[bytes]:
    """Yield requests that write the records of a range, ``size`` in each."""
    for start in range(first, stop, size):
        some = [record(number, streams) for number in range(start, min(start + size, stop))]
        yield json.dumps({"resources": some}, separators=(",", ":")).encode()


def _template() -> dict[str, Any]:
    publication = described(
        title="Spectrum of a hydrophone",
        description="Levels of the sound in the deep sea in third-octave bands, mean and "
        "percentiles over ten seconds; made to measure the Open Data Center with.",
        subject="acoustics",
        reference_url="https://example.org/hydrophones",
    )
    made = KM3OpenResource(
        kid=make_kid("bench.invalid", COLLECTION, "1.0"),
        identifier=COLLECTION,
        ktype=Ktype.ACOUSTIC_PSD,
        simulated=True,
        publication=publication,
        coverage=Coverage(temporal=TimeSpan(start=BEGIN, stop=BEGIN + timedelta(seconds=10))),
        collection=COLLECTION,
        details={"dom_id": 808000000, "channel": 1, "start": BEGIN.isoformat()},
    )
    return made.model_dump(mode="json")


_TEMPLATE = _template()
