"""The chart of the cut flow: what is drawn, read back from the SVG by lxml."""

from __future__ import annotations

import re
from html import unescape

import pytest
from lxml import etree

from vopub.events.cutflow import LEFT, OUT, draw_cut_flow
from vopub.model.cut_flow import StepKind
from vopub.model.event_table import EventAccount, Excluded

SVG = "{http://www.w3.org/2000/svg}"


def account(read: int, kept: int, **out: int) -> EventAccount:
    return EventAccount(
        read=read,
        kept=kept,
        not_reconstructed=Excluded(
            reason="no reconstruction", events=read - kept - sum(out.values())
        ),
        cuts=tuple(Excluded(reason=name, events=number) for name, number in out.items()),
    )


def texts(svg: bytes) -> list[str]:
    """Return the texts that matplotlib leaves as comments beside their shapes."""
    found = etree.fromstring(svg).iter(etree.Comment)
    lines = (line for comment in found for line in str(comment.text).splitlines())
    return [unescape(line).strip() for line in lines]


def widths(svg: bytes, colour: str) -> list[float]:
    """Return the widths of the bars of one colour, from top to bottom."""
    found = []
    for path in etree.fromstring(svg).iter(f"{SVG}path"):
        if f"fill: {colour}" in (path.get("style") or ""):
            x = [float(number) for number in re.findall(r"[ML] ([\d.]+) ", path.get("d") or "")]
            found.append(max(x) - min(x))
    return found


def test_bars_and_numbers() -> None:
    made = account(1000, 200, up=600, good=100)
    svg = draw_cut_flow(
        made, title="Some $events$", simulated=False, expressions={"up": "zenith > 90 deg"}
    )
    left = widths(svg, LEFT)
    assert [round(1000 * width / left[0]) for width in left] == [1000, 900, 900, 300, 200]
    entered = [round(1000 * w / left[0]) for w in widths(svg, OUT[StepKind.CUT])]
    assert entered == [900, 300]
    said = texts(svg)
    assert {"read", "no reconstruction", "malformed", "up", "good"} <= set(said)
    assert {"zenith > 90 deg", "Some $events$"} <= set(said)
    assert said.count("900") == 2
    assert "200 of 1\N{THIN SPACE}000 events are in the table" in said
    assert "events" in said


def test_millions_to_one_are_drawn_on_a_logarithmic_scale() -> None:
    svg = draw_cut_flow(
        account(10**8, 100, up=10**8 - 10_000, good=9900),
        title="Simulated events",
        simulated=True,
        expressions={},
    )
    left = widths(svg, LEFT)
    scale = [width / left[0] for width in left]
    # From 0.5 to 100 million are 8.3 decades.
    assert scale[-2:] == pytest.approx([4.30 / 8.30, 2.30 / 8.30], abs=0.01)
    assert "events, on a logarithmic scale" in texts(svg)
    assert any("SIMULATED EVENTS" in text for text in texts(svg))


@pytest.mark.parametrize("made", [EventAccount(), account(5, 0, up=5), account(5, 5)])
def test_nothing_read_or_nothing_kept_can_be_drawn(made: EventAccount) -> None:
    svg = draw_cut_flow(made, title="Few", simulated=False, expressions={})
    assert "malformed" in texts(svg)
    assert svg == draw_cut_flow(made, title="Few", simulated=False, expressions={})


def test_long_names_and_expressions_are_wrapped_and_cut() -> None:
    expression = " and ".join(f"likelihood > {n}" for n in range(50))
    svg = draw_cut_flow(
        account(5, 3, **{"a name that is far too long for one line of a chart": 1}),
        title="A title " * 30,
        simulated=False,
        expressions={"a name that is far too long for one line of a chart": expression},
    )
    assert max(map(len, texts(svg))) <= 90
    assert len([text for text in texts(svg) if "likelihood" in text]) == 3
    assert len([text for text in texts(svg) if text.endswith("…")]) == 1
