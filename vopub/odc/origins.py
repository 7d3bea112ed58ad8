"""Who made and who publishes a stream or a collection, as what belongs to it says.

Their own records do not say it. So the creators are all those of its resources, in the order in
which they come, and the publisher is the one that most of these name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import select

from vopub.model.publication import Creator
from vopub.model.resource import KM3ResourceStream
from vopub.odc import search
from vopub.odc.answers import ResourceSummary
from vopub.odc.mappings.datacite_groupings import Origin
from vopub.odc.mappings.groupings import Grouping, Parts
from vopub.odc.paging import Sort
from vopub.odc.schema import ResourceRow
from vopub.odc.store import Store

MOST_ASKED = 100
"""Resources that are asked for their creators."""
MOST_STREAMS_ASKED = 20
"""Streams that are, of a collection to which no resource belongs but by them."""


def origin_of(record: Grouping, first: Parts, store: Store) -> Origin:
    """Return who made and who publishes a stream or a collection, and when it was registered.

    Parameters
    ----------
    record, store
        The stream or the collection, and where it is.
    first
        The first page of what belongs to it: at most ``MOST_ASKED`` of these resources are asked,
        or, if there are none, the latest element of each of the first ``MOST_STREAMS_ASKED``
        streams.
    """
    kids = [summary.kid for summary in first.resources]
    kids = kids or list(_newest_of(first.streams[:MOST_STREAMS_ASKED], store))
    publications = _publications(kids[:MOST_ASKED], store)
    creators: dict[tuple[str, str | None], Creator] = {}
    for given in chain.from_iterable(each["creators"] for each in publications):
        creator = Creator.model_validate(given)
        # Once, also if somebody belongs to another institution by now.
        creators.setdefault((creator.name, creator.orcid), creator)
    publishers = Counter(str(each["publisher"]) for each in publications).most_common(1)
    return Origin(
        creators=tuple(creators.values()),
        publisher=publishers[0][0] if publishers else "",
        issued=store.groupings.since(type(record), record.identifier).date(),
    )


def _newest_of(streams: Sequence[KM3ResourceStream], store: Store) -> list[UUID]:
    found = []
    for stream in streams:
        query = search.Query(stream=stream.identifier, latest=True)
        page = store.page(query, Sort.LATEST_DATA, "", 1)
        found += [ResourceSummary.model_validate_json(text).kid for text in page.summaries]
    return found


def _publications(kids: Sequence[UUID], store: Store) -> list[dict[str, Any]]:
    """Return the publications of resources, in this order, as JSON has them."""
    wanted = [str(kid) for kid in kids]
    rows = select(ResourceRow.kid, ResourceRow.record).where(ResourceRow.kid.in_(wanted))
    with store.reading() as session:
        found = {kid: json.loads(text)["publication"] for kid, text in session.execute(rows)}
    return [found[kid] for kid in wanted if kid in found]
