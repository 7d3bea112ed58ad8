"""What a record is in the store: everything that is made of the record alone.

It is made before the transaction that writes it, so that others wait for that no longer than they
must.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from vopub.errors import Problem
from vopub.model.resource import KM3OpenResource
from vopub.odc import index
from vopub.odc.answers import ResourceSummary
from vopub.odc.door import problems_of, problems_of_times
from vopub.odc.file_types import FileTypes
from vopub.odc.search import version_key


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that is to be written."""

    kid: str
    record: KM3OpenResource
    text: str
    """As JSON."""
    content: Mapping[str, Any]
    """The same, taken apart."""
    problems: tuple[Problem, ...]
    """Why it cannot be let in."""
    columns: Mapping[str, Any]
    """What its row says because of the record; nothing if there are problems."""

    @classmethod
    def of(
        cls, record: KM3OpenResource, *, text: str = "", accepted: FileTypes | None = None
    ) -> Entry:
        """Make all that is made of a record.

        Parameters
        ----------
        record
            The record.
        text
            The same as JSON, as another store has it; empty to make it.
        accepted
            Types of files that it may name; None for one that another store had let in.
        """
        text = text or record.model_dump_json()
        content = from_json(text)
        problems = problems_of(record, text)
        if accepted is not None:
            problems += [*problems_of_times(record), *_of_other_types(record, accepted)]
        kid = str(record.kid)
        columns = {} if problems else _columns(kid, record, text, content)
        return cls(kid, record, text, content, tuple(problems), columns)


def _columns(
    kid: str, record: KM3OpenResource, text: str, content: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "kid": kid, "identifier": record.identifier, "ktype": record.ktype.value,
        "version_key": version_key(record.publication.version), "collection": record.collection,
        "stream": record.stream, "record": text,
        "summary": ResourceSummary.text_of(content),
        **index.columns_of(content),
    }  # fmt: skip


def _of_other_types(record: KM3OpenResource, accepted: FileTypes) -> Iterator[Problem]:
    """Yield a problem for each file of a type that is not taken."""
    for place, file in enumerate(record.files):
        if what := accepted.problem_of(file):
            yield Problem(f"files.{place}.media_type", what)
