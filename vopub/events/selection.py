"""Selections as a publisher writes them: ``zenith > 90 deg and not likelihood < 40``.

The truth of a comparison has three values, as in SQL: it holds, it does not, or nobody knows,
because a value is not available (NaN). What is unknown stays unknown under ``not``, and an event
passes a selection only if it holds.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from astropy.units import Unit
from numpy.typing import NDArray

from vopub.errors import SelectionError, did_you_mean
from vopub.events.selection_grammar import (
    SIGNS,
    Chain,
    GrammarError,
    Junction,
    Negation,
    Token,
    Tree,
    read_tree,
)
from vopub.model.catalogue import known_parameters
from vopub.model.description import Cut
from vopub.model.event_table import Column
from vopub.model.parameter import Dtype, Parameter

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = dict(
    zip(
        SIGNS,
        (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
        strict=True,
    )
)
"""What compares two values or columns."""
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""The operator to write when the sides change places."""


@dataclass(frozen=True, slots=True)
class Truth:
    """For each row, whether something holds and whether it does not; neither if unknown."""

    holds: NDArray[np.bool_]
    fails: NDArray[np.bool_]

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.holds & other.holds, self.fails | other.fails)

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.holds | other.holds, self.fails & other.fails)

    def __invert__(self) -> Truth:
        return Truth(self.fails, self.holds)


class Condition(Protocol):
    """Something that holds for an event, does not, or is unknown."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters it looks at, each once."""

    def truth(self, columns: Mapping[str, Column]) -> Truth:
        """Tell for which rows it holds and for which it does not."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One parameter compared with a number or a text."""

    parameter: str
    operator: str
    number: float | str
    """In the unit of the parameter; an ``int`` if it is whole and the parameter is too."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameter."""
        return (self.parameter,)

    def truth(self, columns: Mapping[str, Column]) -> Truth:
        """Tell for which rows it holds and for which it does not; NaN is unknown."""
        return _compared(columns[self.parameter], self.operator, self.number)


@dataclass(frozen=True, slots=True)
class Relation:
    """Two parameters compared with each other."""

    left: str
    operator: str
    right: str
    factor: float = 1
    """What to multiply the right one with to have it in the unit of the left one."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Both, or the one that is compared with itself."""
        return tuple(dict.fromkeys((self.left, self.right)))

    def truth(self, columns: Mapping[str, Column]) -> Truth:
        """Tell for which rows it holds and for which it does not; NaN is unknown."""
        right = columns[self.right]
        scaled = right if self.factor == 1 else right * self.factor
        return _compared(columns[self.left], self.operator, scaled)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition; unknown where that is."""

    condition: Condition

    @property
    def parameters(self) -> tuple[str, ...]:
        """Those of the condition."""
        return self.condition.parameters

    def truth(self, columns: Mapping[str, Column]) -> Truth:
        """Tell for which rows it holds and for which it does not."""
        return ~self.condition.truth(columns)


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions of which all or any have to hold."""

    word: str
    """``and`` or ``or``."""
    conditions: tuple[Condition, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Those of all conditions, each once."""
        names = (name for condition in self.conditions for name in condition.parameters)
        return tuple(dict.fromkeys(names))

    def truth(self, columns: Mapping[str, Column]) -> Truth:
        """Tell for which rows it holds and for which it does not."""
        first, *others = (condition.truth(columns) for condition in self.conditions)
        for other in others:
            first = first & other if self.word == "and" else first | other
        return first


@dataclass(frozen=True, slots=True)
class Selection:
    """A condition that an event has to fulfil."""

    condition: Condition

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters it looks at, each once."""
        return self.condition.parameters

    def apply(self, columns: Mapping[str, Column]) -> NDArray[np.bool_]:
        """Tell which rows pass; never one of which it is unknown.

        Parameters
        ----------
        columns
            Values of at least `parameters`, in the units of the catalogue.
        """
        return self.condition.truth(columns).holds


def parse_selection(
    expression: str, *, where: object = None, known: Mapping[str, Parameter] | None = None
) -> Selection:
    """Read a selection; no file is needed for it.

    Parameters
    ----------
    expression
        Comparisons such as ``energy > 1 TeV``, ``30 deg < zenith <= 90 deg``,
        ``angular_error < zenith`` or ``event_id == "km3.49.9505.1.0"``, joined by ``and``, ``or``,
        ``not`` and parentheses; the operators are ``< <= > >= == !=``. A number carries a unit that
        converts to the parameter's, or none if the parameter has none.
    where
        File and place of the expression, for errors.
    known
        The parameters that it may name, by name; those of the catalogue if not given.

    Raises
    ------
    SelectionError
        If it cannot be read; names every wrong part with its place, and the nearest parameters for
        an unknown one.
    """
    known = known_parameters() if known is None else known
    try:
        meaning = _Meaning(known)
        condition = meaning.of(read_tree(expression))
        problems = meaning.problems
    except GrammarError as error:
        problems = [error]
    if problems:
        told = " | ".join(map(_told, problems))
        raise SelectionError(f"selection {expression!r}, {told}", where=where)
    return Selection(condition)


def parse_cuts(
    cuts: Sequence[Cut],
    *,
    where: object = None,
    known: Mapping[str, Parameter] | None = None,
) -> tuple[Selection, ...]:
    """Read the selection of every cut.

    Raises
    ------
    SelectionError
        With all that cannot be read.
    """
    selections, errors = [], []
    for number, cut in enumerate(cuts):
        place = f"events.selection.{number}.keep"
        place = place if where is None else f"{where}: {place}"
        try:
            selections.append(parse_selection(cut.keep, where=place, known=known))
        except SelectionError as error:
            errors.append(error)
    if len(errors) > 1:
        raise SelectionError(" | ".join(map(str, errors)))
    if errors:
        raise errors[0]
    return tuple(selections)


def _compared(left: Column, sign: str, right: Any) -> Truth:
    holds = np.asarray(OPERATORS[sign](left, right), dtype=bool)
    known = np.ones(len(left), dtype=bool)
    for side in (left, right):
        if isinstance(side, np.ndarray) and side.dtype.kind == "f":
            known &= ~np.isnan(side)
    return Truth(holds & known, ~holds & known)


def _told(problem: GrammarError) -> str:
    at = problem.at
    place = f"at {at.text!r} (character {at.start + 1})" if at.text else "at its end"
    return f"{place}: {problem.what}" + (f"; {problem.hint}" if problem.hint else "")


class _Meaning:
    """What the parts of a selection mean, and everything that is wrong with them."""

    def __init__(self, known: Mapping[str, Parameter]) -> None:
        self._known = known
        self.problems: list[GrammarError] = []

    def of(self, tree: Tree) -> Condition:
        """Return the condition; it is good for nothing if there are problems."""
        match tree:
            case Negation(part):
                return Not(self.of(part))
            case Junction(word, parts):
                return Joined(word, tuple(map(self.of, parts)))
            case Chain():
                links = tuple(self._links(tree))
                return links[0] if len(links) == 1 else Joined("and", links)

    def _links(self, chain: Chain) -> Iterator[Condition]:
        unknown = [token for token in chain.operands if self._is_unknown(token)]
        for token in unknown:
            hint = did_you_mean(token.text, self._known)
            self._wrong(f"unknown parameter {token.text!r}", token, hint)
        nothing = Joined("and", ())
        for left, sign, right in zip(chain.operands, chain.signs, chain.operands[1:], strict=False):
            if unknown:
                yield nothing
                continue
            try:
                yield self._link(left, sign.text, right)
            except GrammarError as error:
                self.problems.append(error)
                yield nothing

    def _is_unknown(self, token: Token) -> bool:
        return token.kind == "word" and token.text not in self._known

    def _wrong(self, what: str, at: Token, hint: str) -> None:
        self.problems.append(GrammarError(what, at, hint))

    def _link(self, left: Token, sign: str, right: Token) -> Condition:
        if left.kind == right.kind == "word":
            return self._relation(left, sign, right)
        if right.kind == "word":
            return self._comparison(right, MIRRORED[sign], left)
        if left.kind == "word":
            return self._comparison(left, sign, right)
        raise GrammarError("compares no parameter", left, "one side has to name one")

    def _comparison(self, name: Token, sign: str, value: Token) -> Condition:
        described = self._known[name.text]
        is_text = described.dtype is Dtype.TEXT
        if is_text:
            _check_text(described, sign, value)
            return Comparison(described.name, sign, value.text[1:-1])
        if value.kind == "text":
            raise GrammarError(f"{described.name} is a number, not a text", value, "")
        return Comparison(described.name, sign, _number(value, described))

    def _relation(self, left: Token, sign: str, right: Token) -> Condition:
        one, other = self._known[left.text], self._known[right.text]
        texts = [p.name for p in (one, other) if p.dtype is Dtype.TEXT]
        if texts and (len(texts) == 1 or sign not in ("==", "!=")):
            what = f"{one.name} {sign} {other.name}: {texts[0]} is a text"
            raise GrammarError(what, left, "texts compare with texts, by == or !=")
        if bool(one.unit) != bool(other.unit):
            what = f"{_in_unit(one)}, {_in_unit(other)}"
            raise GrammarError(what, right, "compare parameters of one kind")
        return Relation(one.name, sign, other.name, _factor(other.unit, one, right))


def _check_text(described: Parameter, sign: str, value: Token) -> None:
    if value.kind != "text":
        what = f"{described.name} is a text, not a number"
        raise GrammarError(what, value, f'write {described.name} == "…"')
    if sign not in ("==", "!="):
        raise GrammarError(f"{described.name} is a text", value, "texts compare by == or !=")


def _in_unit(described: Parameter) -> str:
    return (
        f"{described.name} is in {described.unit}"
        if described.unit
        else (f"{described.name} has no unit")
    )


def _number(value: Token, described: Parameter) -> float:
    """Return a number in the unit of the parameter; whole if it is and the parameter's values are.

    Floats do not hold every nanosecond since 1970.
    """
    if described.unit and not value.unit:
        raise GrammarError(f"{described.name} needs a unit", value, _in_unit(described))
    if value.unit and not described.unit:
        what = f"{value.unit!r} after a number of {described.name}, which has no unit"
        raise GrammarError(what, value, "leave it out")
    factor = _factor(value.unit, described, value)
    number = float(value.text) * factor
    if not math.isfinite(number):
        raise GrammarError(f"{value.text} is too large", value, "")
    if described.dtype.is_float or abs(number) < 1 or not factor.is_integer():
        return number
    exact = Fraction(value.text) * int(factor)
    return int(exact) if exact.denominator == 1 else number


def _factor(unit: str, described: Parameter, at: Token) -> float:
    """Return what to multiply a number in ``unit`` with to have it in the parameter's."""
    if unit == described.unit:
        return 1.0
    try:
        given = Unit(unit, format="vounit", parse_strict="raise")
        factor = float(given.to(Unit(described.unit, format="vounit")))
        return float(round(factor)) if math.isclose(factor, round(factor)) else factor
    except (ValueError, TypeError) as error:
        what = f"{unit!r} is not a unit of {described.name}"
        raise GrammarError(what, at, _in_unit(described)) from error
