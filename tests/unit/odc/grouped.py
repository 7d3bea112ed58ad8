"""A stream and a collection with what belongs to them."""

from __future__ import annotations

from uuid import UUID

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceStream, make_kid

from .conftest import AUTHORITY, Centre, make_collection, make_record

STREAM, COLLECTION = "acoustic26_01", "samples26_01"
PLACES = (f"streams/{STREAM}", f"collections/{COLLECTION}")
HOSTILE = "Words with </script><b>&amp; more"


def member(number: int, version: str = "1.0", **changes: object) -> KM3OpenResource:
    name = f"{STREAM}_{number:03}"
    known = {"identifier": name, "kid": make_kid(AUTHORITY, name, version)}
    record = make_record(version=version, files=[], collection="")
    return record.model_copy(update={**known, **changes})


def fill(centre: Centre) -> None:
    """Register a stream of five, in a collection that has two versions of another resource.

    The collection also names one that does not name it, and one that is not there.
    """
    stream = KM3ResourceStream(
        identifier=STREAM, title=HOSTILE, ktype=Ktype.EVENTS, collection=COLLECTION,
        description="What one hydrophone recorded, minute by minute.",
    )  # fmt: skip
    centre.client.put_stream(stream)
    alone = member(900)
    centre.client.put_collection(make_collection(title=HOSTILE, resources=[alone.kid, UUID(int=5)]))
    for number in range(5):
        centre.client.put_resource(member(number, stream=STREAM))
    for version in ("1.0", "1.1"):
        centre.client.put_resource(member(800, version, collection=COLLECTION))
    centre.client.put_resource(alone)
