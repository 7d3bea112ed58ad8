"""Formulas by which a publisher derives a parameter from others: ``log10(energy / (1 GeV))``.

The language is a small part of Python's: numbers, which may carry a unit as in ``1.5 TeV`` or
``10 GeV.m**2.sr``, names of parameters, ``+ - * / **``, parentheses, and the functions of
`FUNCTIONS`. Units are computed when a formula is read and the factors between them kept, so that
applying it is arithmetic on numpy arrays alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from astropy.units import Unit, UnitBase, UnitConversionError, dimensionless_unscaled

from vopub.errors import DescriptionError, Problem, VopubError, did_you_mean
from vopub.events.arithmetic import ANGLE, FUNCTIONS, Apply, Constant, Load, Node, Rule
from vopub.model.event_table import Column
from vopub.model.parameter import Dtype, Parameter

MOST_CHARACTERS = 1000
"""Longer formulas are refused, so that none nests deeper than Python can follow."""
MOST_SHOWN = 100
"""How many characters of a formula an error shows."""
MOST_DEPTH = 50
"""How deep a formula may nest."""

_NUMBER = re.compile(
    r"(?<![\w.])(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"(?:\s*(?P<unit>[A-Za-z]\w*+(?!\s*\()(?:\*\*-?\d+)?(?:\.[A-Za-z]\w*(?:\*\*-?\d+)?)*))?"
    r"(?!\w)",
    re.ASCII,
)
_PLACEHOLDER = "number__"
_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**",
}  # fmt: skip
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read and whose units agree."""

    text: str
    """As the publisher wrote it."""
    parameters: tuple[str, ...]
    """Names of the parameters it looks at, each once."""
    root: Node
    factor: float
    """From the unit in which it computes to the one that was declared."""

    def apply(self, values: Mapping[str, Column]) -> Column:
        """Return the values for n events as 64-bit floats, in the declared unit.

        Whole numbers are computed with as floats too, exactly up to 2**53.

        Parameters
        ----------
        values
            Of at least `parameters`, arrays of length n, in their units.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self.root.value(values) * self.factor, dtype=np.float64)


def parse_formula(
    text: str, *, known: Mapping[str, Parameter], unit: str, place: str = "formula"
) -> Formula:
    """Read a formula; no file is needed for it.

    Parameters
    ----------
    text
        The formula.
    known
        The parameters it may name, by name.
    unit
        The unit that its values are to have; empty for dimensionless.
    place
        Where it stands, for errors.

    Raises
    ------
    DescriptionError
        If it cannot be read, names something unknown, or its units do not agree; says at which
        part of it, and the nearest names for an unknown one.
    """
    try:
        return _Reading(text, known).formula(unit)
    except _WrongError as error:
        shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
        what = f"formula {shown!r}{error.where}: {error.what}"
        raise DescriptionError([Problem(place, what, error.hint)]) from error


class _WrongError(VopubError):
    """Something wrong in a formula; `where` is the part of it."""


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of a formula with its unit; None for a truth value."""

    node: Node
    unit: UnitBase | None
    number: float | None = None
    """The value of a plain number."""


@dataclass
class _Reading:
    """A formula while it is read."""

    text: str
    known: Mapping[str, Parameter]
    names: dict[str, None] = field(default_factory=dict)
    numbers: list[re.Match[str]] = field(default_factory=list)

    def formula(self, unit: str) -> Formula:
        """Return the formula with values in a unit."""
        term = self._term(self._tree(), 0)
        if term.unit is None:
            raise _WrongError("gives true or false, not a number", hint="use where(…, 1, 0)")
        if not self.names:
            raise _WrongError("names no parameter", hint=f"it may name {_some(self.known)}")
        declared = Unit(unit, format="vounit") if unit else dimensionless_unscaled
        factor = self._factor(term.unit, declared)
        if factor is None:
            what = f"its unit is {_spelled(term.unit)}, declared is {_spelled(declared)}"
            raise _WrongError(what, hint="divide by a number with a unit, or declare that unit")
        return Formula(self.text, tuple(self.names), term.node, factor)

    def _tree(self) -> ast.expr:
        if len(self.text) > MOST_CHARACTERS:
            raise _WrongError(f"has {len(self.text)} characters", hint=f"at most {MOST_CHARACTERS}")
        if _PLACEHOLDER in self.text:
            raise _WrongError(f"unknown parameter {_PLACEHOLDER!r}")
        plain = _NUMBER.sub(self._keep, " ".join(self.text.split()))
        try:
            return ast.parse(plain, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            hint = "write arithmetic such as log10(energy / (1 GeV))"
            raise _WrongError("cannot be read", hint=hint) from error

    def _keep(self, match: re.Match[str]) -> str:
        self.numbers.append(match)
        return f"{_PLACEHOLDER}{len(self.numbers) - 1}"

    def _term(self, tree: ast.expr, depth: int) -> _Term:
        if depth > MOST_DEPTH:
            raise _WrongError(f"nests deeper than {MOST_DEPTH}")
        match tree:
            case ast.Name(id=name):
                return self._number(name) if name.startswith(_PLACEHOLDER) else self._load(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._negative(self._value(operand, depth + 1))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._value(operand, depth + 1)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
                parts = [self._value(left, depth + 1), self._value(right, depth + 1)]
                return self._apply(_OPERATORS[type(sign)], parts, tree)
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if (
                type(sign) in _COMPARISONS
            ):
                parts = [self._value(left, depth + 1), self._value(right, depth + 1)]
                return self._apply(_COMPARISONS[type(sign)], parts, tree)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments, tree, depth)
        raise self._wrong("this cannot be in a formula", tree, _allowed())

    def _value(self, tree: ast.expr, depth: int) -> _Term:
        term = self._term(tree, depth)
        if term.unit is None:
            raise self._wrong("is true or false, not a number", tree, "use where(…, 1, 0)")
        return term

    def _number(self, name: str) -> _Term:
        match = self.numbers[int(name.removeprefix(_PLACEHOLDER))]
        number = float(match["number"])
        if not np.isfinite(number):
            raise _WrongError(f"{match['number']} is too large")
        if match["unit"] is None:
            return _Term(Constant(number), dimensionless_unscaled, number)
        try:
            unit = Unit(match["unit"], format="vounit", parse_strict="raise")
        except (ValueError, TypeError) as error:
            what = f"{match['unit']!r} after {match['number']} is not a unit"
            hint = "units are written as VOUnits, e.g. GeV or m**2; * multiplies"
            raise _WrongError(what, hint=hint) from error
        return _Term(Constant(number), unit)

    def _load(self, name: str) -> _Term:
        parameter = self.known.get(name)
        if parameter is None:
            if name in FUNCTIONS:
                raise _WrongError(f"{name} is a function", hint=f"write {name}(…)")
            raise _WrongError(f"unknown parameter {name!r}", hint=did_you_mean(name, self.known))
        if parameter.dtype is Dtype.TEXT:
            raise _WrongError(f"{name} is a text, not a number")
        self.names[name] = None
        unit = Unit(parameter.unit, format="vounit") if parameter.unit else dimensionless_unscaled
        return _Term(Load(name), unit)

    def _negative(self, term: _Term) -> _Term:
        number = None if term.number is None else -term.number
        return _Term(Apply("u-", (term.node,)), term.unit, number)

    def _call(self, name: str, arguments: list[ast.expr], tree: ast.expr, depth: int) -> _Term:
        rule = FUNCTIONS.get(name)
        if rule is None:
            known = [known for known in FUNCTIONS if known.isidentifier()]
            raise self._wrong(f"unknown function {name!r}", tree, did_you_mean(name, known))
        if len(arguments) != rule.arguments:
            what = f"{name} takes {rule.arguments} values, not {len(arguments)}"
            raise self._wrong(what, tree, "")
        if rule.kind != "choice":
            parts = [self._value(argument, depth + 1) for argument in arguments]
            return self._apply(name, parts, tree)
        condition = self._term(arguments[0], depth + 1)
        if condition.unit is not None:
            raise self._wrong("asks nothing", arguments[0], "write where(energy > 1 GeV, …, …)")
        parts = [self._value(argument, depth + 1) for argument in arguments[1:]]
        return self._apply(name, [condition, *parts], tree)

    def _apply(self, name: str, parts: list[_Term], tree: ast.expr) -> _Term:
        rule = FUNCTIONS[name]
        if name == "**":
            return self._power(parts[0], parts[1], tree)
        nodes, unit = self._united(rule, parts, tree)
        return _Term(Apply(name, tuple(nodes)), unit)

    def _united(
        self, rule: Rule, parts: list[_Term], tree: ast.expr
    ) -> tuple[list[Node], UnitBase | None]:
        """Return what a rule applies to, in units that agree, and the unit of what it gives."""
        units = [part.unit for part in parts if part.unit is not None]
        nodes = [part.node for part in parts]
        match rule.kind:
            case "product":
                return nodes, units[0] * units[1]
            case "ratio":
                return nodes, units[0] / units[1]
            case "root":
                return nodes, units[0] ** 0.5
            case "same":
                return nodes, units[0]
            case "number" | "angle":
                wanted = ANGLE if rule.kind == "angle" else dimensionless_unscaled
                return [self._in(parts[0], wanted, tree)], rule.gives
            case _:  # alike: all in the unit of the first that has one
                alike = [p.node if p.unit is None else self._in(p, units[0], tree) for p in parts]
                return alike, units[0] if rule.gives_first else rule.gives

    def _power(self, base: _Term, exponent: _Term, tree: ast.expr) -> _Term:
        if exponent.number is None and base.unit is not None and base.unit.is_equivalent(""):
            nodes = [self._in(part, dimensionless_unscaled, tree) for part in (base, exponent)]
            return _Term(Apply("**", tuple(nodes)), dimensionless_unscaled)
        if exponent.number is None or base.unit is None:
            what = "a value with a unit can be raised to a plain number only"
            raise self._wrong(what, tree, "")
        node = Apply("**", (base.node, exponent.node))
        return _Term(node, base.unit**exponent.number)

    def _in(self, part: _Term, unit: UnitBase, tree: ast.expr) -> Node:
        """Return a part of the formula with its values in another unit."""
        factor = None if part.unit is None else self._factor(part.unit, unit)
        if factor is None:
            given = "no unit" if part.unit is None else _spelled(part.unit)
            what = f"the unit {given} does not go with {_spelled(unit)}"
            raise self._wrong(what, tree, "divide by a number with a unit, e.g. energy / (1 GeV)")
        return part.node if factor == 1.0 else Apply("*", (part.node, Constant(factor)))

    def _factor(self, unit: UnitBase, wanted: UnitBase) -> float | None:
        try:
            return float(unit.to(wanted))
        except UnitConversionError:
            return None

    def _wrong(self, what: str, tree: ast.expr, hint: str) -> _WrongError:
        shown = re.sub(rf"{_PLACEHOLDER}(\d+)", self._written, ast.unparse(tree))
        return _WrongError(what, where=f", at {shown!r}", hint=hint)

    def _written(self, match: re.Match[str]) -> str:
        return self.numbers[int(match[1])][0]


def _spelled(unit: UnitBase) -> str:
    return "dimensionless" if unit == dimensionless_unscaled else str(unit)


def _some(known: Mapping[str, Parameter]) -> str:
    return ", ".join([*list(known)[:5], "…"])


def _allowed() -> str:
    names = ", ".join(name for name in FUNCTIONS if name.isidentifier())
    return f"numbers with units, parameters, + - * / **, parentheses, {names} can"
