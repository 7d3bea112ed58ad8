"""What changed in a stream or a collection, which may name very many others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vopub.odc.answers import Difference
from vopub.odc.changes import differences

MEMBERS = ("resources", "streams")
"""What may be very many, of which a history tells what came and what went."""


def differences_of_many(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    """Yield what differs; of lists of members only what went and what came.

    A stream that grows element by element would otherwise be kept whole with every change.
    """
    members = {name for name in MEMBERS if name in before and name in after}
    yield from differences(_without(before, members), _without(after, members))
    for name in sorted(members):
        went, came = _went_and_came(before[name], after[name])
        if went or came:
            yield Difference(path=name, before=went, after=came)
        elif before[name] != after[name]:  # another order
            yield Difference(path=name, before=before[name], after=after[name])


def _went_and_came(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    old, new = set(before), set(after)
    return [name for name in before if name not in new], [n for n in after if n not in old]


def _without(record: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}
