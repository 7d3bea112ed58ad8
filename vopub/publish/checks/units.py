"""Units of columns: VOUnits 1.1, and what a UCD says is measured."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from astropy.units import Unit, UnitsWarning

from vopub.model.parameter import Parameter
from vopub.publish.checks.finding import Case, Spot
from vopub.publish.checks.registry import ERROR, WARNING, of_resource

ANGLES = frozenset(
    f"pos.{word}"
    for word in (
        "eq.ra", "eq.dec", "az.alt", "az.azi", "az.zd", "galactic.lat", "galactic.lon",
        "ecliptic.lat", "ecliptic.lon", "angDistance",
    )
)  # fmt: skip
MEASURES = {
    **dict.fromkeys(sorted(ANGLES), "deg"),
    "phys.energy": "GeV",
    "time.epoch": "s",
    "time.duration": "s",
}
"""By first word of a UCD: a unit that such a quantity can be converted to."""
NEVER_DIMENSIONLESS = ANGLES | {"time.epoch", "time.duration"}
"""What always has a unit; an energy may be published as its logarithm."""
ERROR_MARK = "stat.error;"


def _unit(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)
        return Unit(text, format="vounit")


def _quantity(column: Parameter) -> str:
    """Return the UCD word of what a column measures, also if it is the error of it."""
    return column.ucd.removeprefix(ERROR_MARK).partition(";")[0]


@of_resource("VP302", WARNING, "a unit is deprecated")
def deprecated(case: Case) -> Iterator[Spot]:
    """Yield units that VOUnits allows, but advises against."""
    for column in case.columns:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UnitsWarning)
            Unit(column.unit, format="vounit")
        if said:
            _, _, better = str(said[0].message).rstrip(".").partition("Suggested: ")
            hint = f"write {better}" if better else "choose another unit"
            place = case.place(column.name, "unit")
            yield Spot(place, "VOUnits advises against this unit", column.unit, hint)


@of_resource("VP303", ERROR, "a unit is given to what has none")
def dimensionless(case: Case) -> Iterator[Spot]:
    """Yield units that are mere numbers."""
    for column in case.columns:
        if column.unit and not _unit(column.unit).bases:
            what = f"{column.name} is dimensionless"
            place = case.place(column.name, "unit")
            yield Spot(place, what, column.unit, "leave the unit empty, and publish plain numbers")


@of_resource("VP304", ERROR, "the unit does not measure what the UCD says")
def measured(case: Case) -> Iterator[Spot]:
    """Yield columns whose unit is of another kind than their UCD."""
    for column in case.columns:
        quantity = _quantity(column)
        if quantity not in MEASURES or (not column.unit and quantity not in NEVER_DIMENSIONLESS):
            continue
        if not _unit(column.unit).is_equivalent(_unit(MEASURES[quantity])):
            what = f"{column.name} is {quantity}, which has a unit like {MEASURES[quantity]}"
            yield Spot(case.place(column.name, "unit"), what, column.unit)


@of_resource("VP305", WARNING, "an error has another unit than what it belongs to")
def errors(case: Case) -> Iterator[Spot]:
    """Yield errors that cannot be compared with their values as they stand."""
    for column in case.columns:
        owner = _owner(column, case.columns)
        if owner is not None and column.unit != owner.unit:
            what = f"{column.name} is an error of {owner.name}, which is in {owner.unit!r}"
            hint = f"publish it in {owner.unit}" if owner.unit else "publish it without unit"
            yield Spot(case.place(column.name, "unit"), what, column.unit, hint)


def _owner(column: Parameter, columns: tuple[Parameter, ...]) -> Parameter | None:
    """Return the column that an error belongs to; None if it is no error or belongs to none."""
    if not column.ucd.startswith(ERROR_MARK):
        return None
    by_name = [c for c in columns if c is not column and column.name.startswith(f"{c.name}_")]
    quantity = _quantity(column)
    quantity = "pos.eq.ra" if quantity == "pos.angDistance" else quantity
    by_ucd = [c for c in columns if c.ucd.partition(";")[0] == quantity]
    return next(iter([*by_name, *by_ucd]), None)
