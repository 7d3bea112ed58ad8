"""What the description itself refuses, under the codes of the rules it breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vopub.errors import DescriptionError, FileError, Problem, SelectionError
from vopub.events.columns import check_convertible
from vopub.events.recipe import Recipe
from vopub.publish.checks.finding import Case, Finding, Rule, Spot
from vopub.publish.checks.registry import ERROR, declare
from vopub.resources import DESCRIPTION_NAME, ResourceFolder, read_folder


@dataclass(frozen=True, slots=True)
class Refusal:
    """Problems of one kind: those at such a place, said in such words."""

    rule: Rule
    place: str = ""
    """Regular expression that is searched for in the place."""
    what: str = ""
    """Regular expression that is searched for in what is wrong."""

    def covers(self, problem: Problem) -> bool:
        """Tell whether a problem is of this kind."""
        return bool(re.search(self.place, problem.place) and re.search(self.what, problem.what))


def _refusal(code: str, title: str, *, place: str = "", what: str = "") -> Refusal:
    return Refusal(declare(code, ERROR, title), place, what)


OTHER = _refusal("VP004", "a value is not accepted")
CUTS = declare("VP603", ERROR, "the file of cuts is not there, or wrong")
REFUSALS = (
    _refusal("VP001", "the description cannot be read", place="^$", what="no such|cannot be read"),
    _refusal("VP002", "unknown key", what="^unknown key"),
    _refusal("VP003", "a key is missing", what="^is missing"),
    _refusal("VP005", "id and folder have different names", what="the name of its folder"),
    _refusal("VP006", "a formula cannot be used", place=r"\.formula$"),
    _refusal("VP007", "a cut cannot be used", place=r"^events\.selection"),
    _refusal("VP201", "a column is no lower-case identifier", what="lower-case identifier"),
    _refusal("VP202", "a column is a reserved word of ADQL", what="reserved word of ADQL"),
    _refusal("VP204", "unknown column", place=r"^events\.columns", what="unknown parameter"),
    _refusal("VP205", "not a UCD", what=r"is not a UCD1\+"),
    _refusal("VP301", "not a VOUnit", what="is not a VOUnit"),
    _refusal("VP306", "the unit measures something else", what="does not measure the same"),
    _refusal("VP502", "not an ORCID iD", place=r"creators\.\d+\.orcid$"),
    _refusal("VP514", "not a DOI", place=r"publication\.doi$"),
    OTHER,
)
"""The first that covers a problem gives its code."""


def read(path: Path) -> tuple[ResourceFolder | None, list[Finding]]:
    """Read a resource folder.

    Returns
    -------
    folder
        None if the description cannot be used.
    findings
        Why it cannot.
    """
    file = path / DESCRIPTION_NAME
    try:
        return read_folder(path), []
    except DescriptionError as error:
        if str(error.where) != str(file):
            return None, list(_cuts(Path(str(error.where)), error.problems))
        return None, list(sorted_out(file, error.problems))
    except FileError as error:  # a package that is named by cuts_file, and not installed
        spot = Spot("events.cuts_file", error.what, hint=error.hint)
        return None, [CUTS.finding(file, spot)]


def unusable(case: Case) -> Iterator[Finding]:
    """Yield why the rows cannot be computed as the description asks."""
    description = case.folder.description
    file = case.folder.description_path
    try:
        check_convertible(case.columns)
        Recipe(description.events, description.simulated)
    except DescriptionError as error:
        yield from sorted_out(file, error.problems)
    except SelectionError as error:
        yield from sorted_out(file, [Problem("events.selection", error.what, error.hint)])


def sorted_out(file: Path, problems: Iterable[Problem]) -> Iterator[Finding]:
    """Yield problems as findings of the rules that they break."""
    told = tuple(dict.fromkeys(problems))
    for problem in told:
        if _follows(problem, told):
            continue
        kind = next(refusal for refusal in REFUSALS if refusal.covers(problem))
        spot = Spot(problem.place, problem.what, hint=problem.hint)
        yield kind.rule.finding(file, spot)


def _follows(problem: Problem, told: tuple[Problem, ...]) -> bool:
    """Tell whether a list is only empty because nothing in it is accepted."""
    inside = any(other.place.startswith(f"{problem.place}.") for other in told)
    return inside and "after validation, not 0" in problem.what


def _cuts(file: Path, problems: Iterable[Problem]) -> Iterator[Finding]:
    for problem in problems:
        yield CUTS.finding(file, Spot(problem.place, problem.what, hint=problem.hint))
