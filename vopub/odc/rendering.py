"""Templates, and how values are written for people."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from vopub import __version__

THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SPELT = {"lambda": "lamda", "Lambda": "lamda"}
"""Where Unicode spells a Greek letter otherwise than TeX."""


def number(value: float) -> str:
    """Return a number with thin spaces between groups of three digits."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    return text.replace(",", THIN_SPACE)


def size(count: int) -> str:
    """Return a number of bytes in decimal units, three digits of it.

    Powers of 1000, as SI has them.
    """
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 0 if unit == "bytes" or value >= 99.95 else 1
    return f"{value:.{digits}f}{THIN_SPACE}{unit}"


def utc(moment: datetime) -> str:
    """Return a time in UTC, to the second or as exact as it is."""
    there = moment.astimezone(UTC)
    exact = f".{there.microsecond:06}".rstrip("0") if there.microsecond else ""
    return f"{there:%Y-%m-%d %H:%M:%S}{exact} UTC"


def duration(seconds: float) -> str:
    """Return a length of time in hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{number(hours)} h"] if hours else []
    parts += [f"{minutes} min"] if hours or minutes else []
    return " ".join([*parts, f"{rest:.3f}".rstrip("0").rstrip(".") + " s"])


def symbol(tex: str) -> str:
    r"""Return a TeX symbol in plain characters, e.g. ``\beta_0`` as ``β₀``."""
    text = re.sub(r"\\(?:mathrm|mathit|text)\b", "", tex)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _command(found[1]), text)
    text = re.sub(r"_\{?(\d+)\}?", lambda found: found[1].translate(_SUBSCRIPTS), text)
    return text.replace("{", "").replace("}", "").replace("\\", "").strip()


def _command(name: str) -> str:
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {_SPELT.get(name, name).upper()}")
    except KeyError:
        return name  # an operator such as \log is its own name


def _environment() -> Environment:
    templates = Environment(
        loader=PackageLoader("vopub.odc"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    for function in (number, size, utc, duration, symbol):
        templates.filters[function.__name__] = function
    templates.globals["software_version"] = __version__
    return templates


_TEMPLATES = _environment()


def load_templates() -> None:
    """Read all templates, so that nobody who wants a page waits for it."""
    for name in _TEMPLATES.list_templates():
        _TEMPLATES.get_template(name)


def render(template: str, **values: Any) -> str:
    """Return a page."""
    return _TEMPLATES.get_template(template).render(values)
