"""What is to be made of level-2 files: the same for every file, and for every process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from vopub.errors import DescriptionError, Problem
from vopub.events.columns import check_convertible
from vopub.events.coordinates import SITES
from vopub.events.fit_parameters import FIT
from vopub.events.formulas import Formula, parse_formula
from vopub.events.good_runs import GoodRunList
from vopub.events.selection import Selection, parse_cuts
from vopub.model.catalogue import known_parameters
from vopub.model.data_taking import Site
from vopub.model.derived import of_simulated
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
        If a column's own unit or type cannot be had, with every formula that cannot be read, or if
        something asks for the truth about observed events.
    """

    section: EventsSection
    simulated: bool
    good_runs: GoodRunList | None = None

    def __post_init__(self) -> None:
        check_convertible(self.parameters)
        _ = self.formulas, self.selections
        problems = [] if self.simulated else list(self._truths())
        if problems:
            raise DescriptionError(problems)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The columns of the table, in order."""
        return self.section.parameters(simulated=self.simulated)

    @cached_property
    def known(self) -> Mapping[str, Parameter]:
        """Every parameter that can be asked for, by name: of the catalogue, derived, summaries.

        Those of the catalogue are as it describes them, in its units.
        """
        known = dict(known_parameters())
        others = (*self.section.derived, *sorted(self.section.summaries))
        known |= {name: self.section.parameter(name) for name in others}
        return {n: of_simulated(p) for n, p in known.items()} if self.simulated else known

    @cached_property
    def formulas(self) -> Mapping[str, Formula]:
        """How each derived parameter is computed, by name."""
        formulas: dict[str, Formula] = {}
        problems: list[Problem] = []
        for name, derived in self.section.derived.items():
            place = f"events.derived.{name}.formula"
            try:
                formulas[name] = parse_formula(
                    derived.formula, known=self.known, unit=derived.unit, place=place
                )
            except DescriptionError as error:
                problems += error.problems
        problems += _circles(formulas)
        if problems:
            raise DescriptionError(problems)
        return formulas

    @cached_property
    def selections(self) -> tuple[Selection, ...]:
        """What each cut of the section keeps, in the same order."""
        return parse_cuts(self.section.selection, known=self.known)

    @cached_property
    def looked_at(self) -> tuple[Parameter, ...]:
        """The columns, then whatever else cuts and formulas need; each once."""
        names = dict.fromkeys(p.name for p in self.parameters)
        pending = [*names, *(name for cut in self.selections for name in cut.parameters)]
        while pending:
            name = pending.pop(0)
            names[name] = None
            if name in self.formulas:
                pending += self.formulas[name].parameters
        others = list(names)[len(self.parameters) :]
        return (*self.parameters, *(self.known[name] for name in others))

    @cached_property
    def fit(self) -> tuple[str, ...]:
        """The results of the fit that are needed, by their names in lower case."""
        return tuple(p.name for p in self.looked_at if p.name in FIT)

    @property
    def site(self) -> Site:
        """Where the detector stands."""
        return SITES[self.section.detector]

    def _truths(self) -> Iterator[Problem]:
        """Yield where something asks for what only simulated events have."""
        truths = self.section.truths()
        asked = {f"events.columns.{n}": {name} for n, name in enumerate(self.section.columns)}
        for number, selection in enumerate(self.selections):
            asked[f"events.selection.{number}.keep"] = set(selection.parameters)
        for place, names in asked.items():
            for name in sorted(truths & names):
                hint = "set 'simulated' if the resource is one of simulated events"
                yield Problem(place, f"only simulated events have {name!r}", hint)


def _circles(formulas: Mapping[str, Formula]) -> Iterator[Problem]:
    """Yield the derived parameters that need themselves."""
    for name in formulas:
        seen: list[str] = []
        pending = list(formulas[name].parameters)
        while pending:
            other = pending.pop()
            if other in formulas and other not in seen:
                seen.append(other)
                pending += formulas[other].parameters
        if name in seen:
            via = [other for other in seen if other != name]
            what = f"{name!r} needs itself" + (f", through {', '.join(via)}" if via else "")
            yield Problem(f"events.derived.{name}.formula", what)
