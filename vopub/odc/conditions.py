"""Conditional requests: who has an answer already, and whose change would undo another's.

Source: RFC 9110, sections 8.8.3 (ETag) and 13.1 (If-Match, If-None-Match).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from vopub.odc.faults import ChangedError

PACKED = "-gzip"
"""What the entity tag of a packed answer ends in: other bytes have another tag."""


def tag_of(body: bytes) -> str:
    """Return the entity tag of an answer: equal bytes have an equal one."""
    return tag_from(hashlib.sha256(body).hexdigest())


def tag_from(digest: str) -> str:
    """Return the entity tag of an answer, given its SHA-256 in hex."""
    return f'"{digest}"'


def tags_in(header: str) -> tuple[str, ...]:
    """Return the entity tags of a header, each as that of the answer that is not packed."""
    found = re.findall(r'\*|(?:W/)?"[^"]*"', header)
    return tuple(tag.replace(f'{PACKED}"', '"') for tag in found)


def is_known(if_none_match: str, tag: str) -> bool:
    """Tell whether who asks has what the entity tag stands for."""
    known = [given.removeprefix("W/") for given in tags_in(if_none_match)]
    return tag in known or known == ["*"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to be true of a record for a change to be made."""

    match: str = ""
    """``If-Match``: entity tags, of which the record must have one; ``*`` if it must exist."""
    none_match: str = ""
    """``If-None-Match``: ``*`` if the record must not exist."""

    def check(self, text: str | None) -> None:
        """Let a change pass.

        Parameters
        ----------
        text
            The record as it is now, as JSON; None if there is none.

        Raises
        ------
        ChangedError
            If the condition does not hold.
        """
        tag = "" if text is None else tag_of(text.encode())
        wanted = tags_in(self.match)
        if self.match and not (tag and (tag in wanted or wanted == ("*",))):
            now = f"it is {tag} now" if tag else "there is none now"
            hint = "read it again, repeat your change on what you read, and send that"
            raise ChangedError(f"the record is not the one that was read: {now}", hint=hint)
        if self.none_match and tag and is_known(self.none_match, tag):
            raise ChangedError(f"there is such a record already: {tag}")


async def condition_of(request: Request) -> Condition:
    """Return the condition under which a request wants its change made."""
    headers = request.headers
    return Condition(headers.get("if-match", ""), headers.get("if-none-match", ""))


TheCondition = Annotated[Condition, Depends(condition_of)]
ALWAYS = Condition()


def tagged(
    request: Request, body: bytes, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    """Return an answer under its entity tag, and without a body to who has it already."""
    tag = tag_of(body)
    if same := unchanged(request, tag, headers):
        return same
    return Response(body, headers=_told(tag, headers), media_type=media_type)


def unchanged(request: Request, tag: str, headers: dict[str, str] | None = None) -> Response | None:
    """Return the answer to who has what the entity tag stands for; None if that is not so."""
    given = request.headers.get("if-none-match", "")
    if not is_known(given, tag):
        return None
    packed = tag.removesuffix('"') + f'{PACKED}"'
    return Response(status_code=304, headers=_told(packed if packed in given else tag, headers))


def _told(tag: str, headers: dict[str, str] | None) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "public, no-cache", **(headers or {})}
