"""Tokens for writing: made, listed, revoked, and what each may write."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from vopub.errors import UsageError
from vopub.model.resource import ID_PATTERN
from vopub.odc.changes import Part
from vopub.odc.faults import ForbiddenError
from vopub.odc.moment import now
from vopub.odc.schema import TokenRow

RANDOM_BYTES = 32
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


class Reach(StrEnum):
    """How much a token may write."""

    ADMIN = "admin"
    """Everything."""
    RESOURCE = "resource"
    """Resources whose identifier begins with a text, in no stream or in one so called."""
    STREAM = "stream"
    """One stream and its elements."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token may write."""

    reach: Reach
    target: str = ""
    """The beginning of the identifiers, or the stream."""

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Read ``admin``, ``resource:<beginning>`` or ``stream:<identifier>``.

        Raises
        ------
        UsageError
            If it is none of these.
        """
        reach, _, target = text.partition(":")
        if text == Reach.ADMIN:
            return cls(Reach.ADMIN)
        if reach == Reach.RESOURCE and re.fullmatch(r"[a-z][a-z0-9_]{2,63}", target):
            return cls(Reach.RESOURCE, target)
        if reach == Reach.STREAM and re.fullmatch(ID_PATTERN, target):
            return cls(Reach.STREAM, target)
        hint = "write admin, resource:<beginning of identifiers> or stream:<identifier>"
        raise UsageError(f"{text!r} is not a scope", hint=hint)

    def __str__(self) -> str:
        return self.reach.value + (f":{self.target}" if self.target else "")


ADMIN = Scope(Reach.ADMIN)


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was recognised."""

    name: str
    scope: Scope

    @property
    def is_bounded(self) -> bool:
        """Whether there is anything that the token may not write."""
        return self.scope.reach is not Reach.ADMIN

    def check_resource(self, identifier: str, stream: str) -> None:
        """Let a version of a resource be written, whether it is there or is to be.

        Raises
        ------
        ForbiddenError
            If the token may not.
        """
        if not self._includes(identifier, stream):
            into = f" in stream {stream!r}" if stream else ""
            raise self._refusal(f"resource {identifier!r}{into}")

    def check_new(self, identifier: str) -> None:
        """Let an identifier be taken that nothing had before; raises like ``check_resource``.

        A stream's token takes none outside its stream: they begin as the stream does.
        """
        reach, target = self.scope.reach, self.scope.target
        if reach is Reach.STREAM and not identifier.startswith(f"{target}_"):
            hint = f"identifiers of new elements begin with '{target}_'"
            raise self._refusal(f"resource {identifier!r}", hint)

    def _includes(self, identifier: str, stream: str) -> bool:
        reach, target = self.scope.reach, self.scope.target
        if reach is Reach.RESOURCE:
            return identifier.startswith(target) and (not stream or stream.startswith(target))
        return reach is Reach.ADMIN or stream == target

    def check_collection(self, identifier: str) -> None:
        """Let something be put into a collection; raises like ``check_resource``.

        A token for the beginning of identifiers may name collections that begin so, and one of a
        stream none: what is in a collection is for who keeps it to say.
        """
        reach, target = self.scope.reach, self.scope.target
        within = reach is Reach.RESOURCE and identifier.startswith(target)
        if reach is not Reach.ADMIN and not within:
            hint = "leave the collection out, or ask who may write everything to name it first"
            raise self._refusal(f"into collection {identifier!r}", hint)

    def check_stream(self, identifier: str) -> None:
        """Let a stream itself be written; raises like ``check_resource``."""
        reach, target = self.scope.reach, self.scope.target
        if reach is not Reach.ADMIN and (reach, target) != (Reach.STREAM, identifier):
            raise self._refusal(f"stream {identifier!r}")

    def check_everything(self) -> None:
        """Let something be written that only an administrator may; raises the same."""
        if self.scope.reach is not Reach.ADMIN:
            raise self._refusal("this")

    def _refusal(
        self, what: str, hint: str = "use a token whose scope includes it"
    ) -> ForbiddenError:
        return ForbiddenError(f"token {self.name!r} ({self.scope}) may not write {what}", hint=hint)


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What is known of a token."""

    name: str
    scope: str
    created: datetime
    revoked: datetime | None


class Tokens(Part):
    """The tokens of a store."""

    def create(self, name: str, scope: Scope) -> str:
        """Make a token and return it, for the only time: its digest alone is kept.

        Raises
        ------
        UsageError
            If the name is not one, or was used before.
        """
        if not re.fullmatch(NAME_PATTERN, name):
            hint = "use letters, digits, dots, dashes and underscores"
            raise UsageError(f"{name!r} cannot be the name of a token", hint=hint)
        token = secrets.token_urlsafe(RANDOM_BYTES)
        with self._writing.begin() as session:
            if session.get(TokenRow, name) is not None:
                hint = "choose another name; those of revoked tokens stay taken"
                raise UsageError(f"there is a token {name!r} already", hint=hint)
            row = TokenRow(name=name, digest=digest_of(token), scope=str(scope), created=now())
            session.add(row)
        return token

    def all(self) -> list[TokenInfo]:
        """Return all tokens by name, also the revoked ones."""
        with self._reading() as session:
            rows = session.scalars(select(TokenRow).order_by(TokenRow.name))
            return [TokenInfo(row.name, row.scope, row.created, row.revoked) for row in rows]

    def revoke(self, name: str) -> None:
        """Make a token useless at once.

        Raises
        ------
        UsageError
            If there is none of this name.
        """
        with self._writing.begin() as session:
            row = session.get(TokenRow, name)
            if row is None:
                raise UsageError(f"there is no token {name!r}", hint="see 'vopub odc token list'")
            row.revoked = row.revoked or now()

    def grant_of(self, token: str) -> Grant | None:
        """Return what a token may do; None if it is not one, or was revoked."""
        chosen = select(TokenRow).where(TokenRow.digest == digest_of(token))
        with self._reading() as session:
            row = session.scalar(chosen.where(TokenRow.revoked.is_(None)))
            return None if row is None else Grant(row.name, Scope.parse(row.scope))


def digest_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
