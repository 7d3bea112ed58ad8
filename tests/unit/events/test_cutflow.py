"""The chart of the cut flow: what is drawn, read back from the SVG by lxml."""

from __future__ import annotations

import re
from base64 import b64decode
from html import unescape
from io import BytesIO

import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray
from PIL import Image

from vopub.events.cutflow import LEFT, OUT, draw_cut_flow
from vopub.events.cutflow_files import shares_left
from vopub.model.cut_flow import StepKind
from vopub.model.event_table import EventAccount, Excluded, FileAccount

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"


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


def of_files(*accounts: EventAccount) -> list[FileAccount]:
    return [
        FileAccount(name=f"run{number}.root", identifier=f"sha256:{number:064}", account=made)
        for number, made in enumerate(accounts)
    ]


def test_every_file_is_shown_with_what_each_step_left_of_it() -> None:
    repeated = account(10, 5, up=4).model_copy(
        update={"repeated": Excluded(reason="came before", events=1), "kept": 4}
    )
    files = of_files(account(1000, 200, up=600), account(0, 0), repeated)
    names, shares = shares_left(files)
    assert names == ["no reconstruction", "malformed", "up", "came before"]
    assert shares[:, 0] == pytest.approx([0.8, 0.8, 0.2, 0.2])
    assert np.isnan(shares[:, 1]).all()
    assert shares[-1, 2] == pytest.approx(shares[-2, 2] - 0.1)
    whole = sum((file.account for file in files), start=EventAccount())
    svg = draw_cut_flow(whole, title="Three runs", simulated=False, expressions={}, files=files)
    assert {"file, in the order of the inputs", "came before", "1", "2", "3"} <= set(texts(svg))
    assert {"0 %", "100 %"} <= set(texts(svg))
    colours = image(svg)
    assert colours.shape == (len(names), len(files), 3)
    left, middle, right = (colours[:, column] for column in range(3))
    assert (np.ptp(middle, axis=1) == 0).all()
    assert left[0].sum() < left[2].sum()  # the darker, the more are left
    assert right[2].sum() < right[3].sum()
    alone = draw_cut_flow(
        files[0].account, title="One", simulated=False, expressions={}, files=files[:1]
    )
    assert "file, in the order of the inputs" not in texts(alone)


def test_colours_of_few_events_of_millions_are_logarithmic() -> None:
    files = of_files(account(10**6, 10, up=10**6 - 10), account(10**6, 0, up=10**6))
    whole = sum((file.account for file in files), start=EventAccount())
    svg = draw_cut_flow(whole, title="Two runs", simulated=False, expressions={}, files=files)
    assert {"100 %", "1 %", "0.01 %"} <= set(texts(svg))
    colours = image(svg)[-1]
    assert colours[1].min() >= 254
    assert colours[0].max() < 250


def image(svg: bytes) -> NDArray[np.int64]:
    """Return the picture of the files, which comes first: a row for each step."""
    link = next(etree.fromstring(svg).iter(f"{SVG}image")).get(LINK) or ""
    picture = Image.open(BytesIO(b64decode(link.split(",")[1])))
    return np.asarray(picture.convert("RGB"), np.int64)
