from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from jinja2 import UndefinedError

from vopub.model.catalogue import known_parameters
from vopub.odc.rendering import _TEMPLATES, duration, number, size, symbol, utc


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (999, "999"), (2499, "2_499"), (1234567, "1_234_567"), (98765.4, "98_765.4"),
     (0.5, "0.5"), (1e12, "1e+12")],
)  # fmt: skip
def test_numbers_have_thin_spaces(value: float, expected: str) -> None:
    assert number(value) == expected.replace("_", "\N{NARROW NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (102400, "102 kB"),
     (99949, "99.9 kB"), (99951, "100 kB"), (999_499, "999 kB"), (999_999, "1.0 MB"),
     (2 << 30, "2.1 GB"), (5 * 10**15, "5000 TB")],
)  # fmt: skip
def test_sizes_have_decimal_units(count: int, expected: str) -> None:
    assert size(count).replace("\N{NARROW NO-BREAK SPACE}", " ") == expected


def test_times_are_in_utc_and_as_exact_as_they_are() -> None:
    paris = timezone(timedelta(hours=1))
    assert utc(datetime(2026, 11, 22, 9, 30, 5, tzinfo=paris)) == "2026-11-22 08:30:05 UTC"
    assert utc(datetime(2026, 1, 1, 0, 0, 0, 1500, UTC)) == "2026-01-01 00:00:00.0015 UTC"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.5, "59.5 s"), (60, "1 min 0 s"), (21504.4, "5 h 58 min 24.4 s"),
     (3600.0, "1 h 0 min 0 s"), (59.9999, "1 min 0 s"), (3599.9996, "1 h 0 min 0 s")],
)  # fmt: skip
def test_lengths_of_time_are_readable(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("tex", "expected"),
    [(r"\alpha", "\N{GREEK SMALL LETTER ALPHA}"),
     (r"\beta_0", "β₀"), (r"\log L", "log L"), ("E", "E"), ("", ""),
     (r"\lambda", "λ"), (r"\Lambda", "Λ"), (r"N_{\mathrm{hits}}", "N_hits"), (r"x_{12}", "x₁₂"),
     (r"\Delta\phi", "Δφ"), ("\\", ""), ("<b>", "<b>")],
)  # fmt: skip
def test_symbols_are_written_in_plain_characters(tex: str, expected: str) -> None:
    assert symbol(tex) == expected


def test_every_known_symbol_can_be_written() -> None:
    for parameter in known_parameters().values():
        assert not set(symbol(parameter.symbol)) & set("\\{}")


def test_a_misspelt_variable_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="misspelt"):
        _TEMPLATES.from_string("{{ misspelt }}").render()
