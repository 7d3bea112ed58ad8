"""How many malformed events a table may leave out before somebody has to look at them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vopub.errors import InputError
from vopub.model.event_table import EventAccount

_WRITTEN = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class MalformedLimit:
    """The most malformed events, as a number or as a part of those read."""

    text: str
    """As it was written: ``10`` or ``1 %``."""
    number: float
    is_percent: bool

    @classmethod
    def parse(cls, text: str) -> MalformedLimit:
        """Read a limit.

        Raises
        ------
        ValueError
            If it is neither a number of events nor a percentage up to 100.
        """
        match = _WRITTEN.fullmatch(text)
        number = float(match["number"]) if match else -1.0
        is_percent = bool(match and match["percent"])
        if match is None or (number > 100 if is_percent else not number.is_integer()):
            raise ValueError(f"{text!r} is no limit: write a number of events or a percentage, 1%")
        return cls(text.strip(), number, is_percent)

    def allows(self, malformed: int, read: int) -> bool:
        """Tell whether so many malformed events of those read are within the limit."""
        most = self.number * read / 100 if self.is_percent else self.number
        return malformed <= most


def check_malformed(account: EventAccount, limit: MalformedLimit, *, where: object = None) -> None:
    """Stop if too many events are malformed.

    Parameters
    ----------
    account
        Of everything that was read. A percentage means little before that.
    limit
        The most.
    where
        What was read, for the error.

    Raises
    ------
    InputError
        With every kind of defect, how many events have it and the first of them.
    """
    malformed = sum(entry.events for entry in account.malformed)
    if not limit.allows(malformed, account.read):
        kinds = "; ".join(
            f"{entry.events} {entry.reason} ({', '.join(entry.first)}"
            f"{', …' if entry.events > len(entry.first) else ''})"
            for entry in account.malformed
        )
        raise InputError(
            f"{malformed} of {account.read} events are malformed, the limit is {limit.text}: "
            f"{kinds}",
            where=where,
            hint="look at these events; if the rest may be published, raise --max-malformed "
            "or max_malformed in resource.toml",
        )
