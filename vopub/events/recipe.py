"""What is to be made of level-2 files: the same for every file, and for every process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from vopub.events.columns import check_convertible
from vopub.events.coordinates import SITES
from vopub.events.good_runs import GoodRunList
from vopub.events.selection import Selection, parse_cuts
from vopub.model.data_taking import Site
from vopub.model.description import EventsSection
from vopub.model.parameter import Parameter


@dataclass(frozen=True)
class Recipe:
    """Which reconstruction, events and columns; checked when it is made, before any file is read.

    Parameters
    ----------
    section
        The ``[events]`` part of a resource's description.
    simulated
        Whether the resource is one of simulated events.
    good_runs
        The runs that may be used; None for all.

    Raises
    ------
    SelectionError
        With every cut that cannot be read.
    DescriptionError
        If a column's own unit or type cannot be had.
    """

    section: EventsSection
    simulated: bool
    good_runs: GoodRunList | None = None

    def __post_init__(self) -> None:
        check_convertible(self.parameters)
        _ = self.selections

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The columns of the table, in order."""
        return self.section.parameters()

    @cached_property
    def selections(self) -> tuple[Selection, ...]:
        """What each cut of the section keeps, in the same order."""
        return parse_cuts(self.section.selection)

    @property
    def site(self) -> Site:
        """Where the detector stands."""
        return SITES[self.section.detector]
