"""What the Open Data Center answers when it cannot do what was asked.

::

    OdcError            500
    ├── NotFoundError   404  there is no such record or file
    ├── GoneError       410  it was withdrawn
    ├── WrongPlaceError 400  something stands where it means nothing
    ├── TokenError      401  writing without the right token
    ├── ForbiddenError  403  the token may not do this
    ├── TooOftenError   429  more requests than allowed
    ├── RefusedError    422  a record or a file that breaks a rule
    ├── TakenError      409  another record has this place
    ├── ChangedError    412  the record is not the one that the change was made for
    ├── NotOfferedError 406  there is no such form of it
    └── TooLargeError   413  more bytes than allowed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from vopub.errors import Problem, VopubError
from vopub.odc.answers import GroupingTombstone, Tombstone


class OdcError(VopubError):
    """A request that cannot be answered as asked, with the HTTP status it gets.

    Parameters
    ----------
    what
        What is wrong, in one line.
    problems
        Every single thing that is wrong.
    hint
        What to do about it.
    """

    status: ClassVar[int] = 500

    def __init__(self, what: str, problems: Sequence[Problem] = (), *, hint: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__(what, hint=hint)


class NotFoundError(OdcError):
    """There is no such record or file."""

    status = 404


class GoneError(OdcError):
    """The record was withdrawn; ``tombstone`` is what is left of it."""

    status = 410

    def __init__(
        self, what: str, *, tombstone: Tombstone | GroupingTombstone | None = None
    ) -> None:
        self.tombstone = tombstone
        super().__init__(what)


class WrongPlaceError(OdcError):
    """Something stands where it means nothing, and would be taken for something else."""

    status = 400


class TokenError(OdcError):
    """Writing was asked for without the right token."""

    status = 401


class RefusedError(OdcError):
    """A record or a file that breaks a rule."""

    status = 422


class TooLargeError(OdcError):
    """A body that is larger than allowed."""

    status = 413


class TakenError(OdcError):
    """Another record has the place that this one should get."""

    status = 409


class ChangedError(OdcError):
    """A change that was made for a record as it is not any longer."""

    status = 412


class NotOfferedError(OdcError):
    """There is no form of it that who asks accepts."""

    status = 406


class ForbiddenError(OdcError):
    """The token is right, but may not do this."""

    status = 403


class TooOftenError(OdcError):
    """More requests in a minute than allowed.

    Parameters
    ----------
    what
        What is too much.
    seconds
        After which to try again.
    """

    status = 429

    def __init__(self, what: str, *, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(what, hint=f"try again in {seconds} seconds")
