"""Histograms of values that come in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray

from vopub.figures.histogram import MOST_CELLS, Histogram, draw_histogram


def gathered(values: NDArray[np.float64], pieces: int) -> Histogram:
    histogram = Histogram()
    for piece in np.array_split(values, pieces):
        histogram.add(piece)
    return histogram


@pytest.mark.parametrize("scale", [1e-5, 1.0, 4e4])
def test_counts_are_those_of_numpy_whatever_the_pieces(scale: float) -> None:
    random = np.random.default_rng(1)
    values = random.normal(59_000, 1, 5000) * scale
    whole = gathered(values, 1)
    for pieces in (2, 7, 5000):
        other = gathered(random.permutation(values), pieces)
        assert np.array_equal(whole.counts, other.counts)
        assert np.array_equal(whole.edges, other.edges)
    assert len(whole.counts) <= MOST_CELLS
    assert np.array_equal(whole.counts, np.histogram(values, whole.edges)[0])
    edges, counts = whole.bars()
    assert np.array_equal(counts, np.histogram(values, edges)[0])
    assert 15 <= len(counts) <= 60
    assert counts.sum() == whole.number == 5000


def test_what_is_not_finite_is_left_out() -> None:
    histogram = Histogram()
    histogram.add([np.nan, np.inf, -np.inf])
    assert histogram.number == 0
    histogram.add([-3.0, np.nan, -3.0])
    assert histogram.number == 2
    edges, counts = histogram.bars()
    assert edges[0] <= -3.0 < edges[-1]
    assert counts.sum() == 2


def test_picture_says_what_is_shown_and_is_the_same_each_time() -> None:
    histogram = gathered(np.log10(np.array([1.0, 10.0, 20.0, 1e6])), 2)
    pictures = [
        draw_histogram(histogram, title="Events <&> $x$", label="energy / GeV", decades=True)
        for _ in range(2)
    ]
    assert pictures[0] == pictures[1]
    root = etree.fromstring(pictures[0])
    assert root.tag.endswith("svg")
    assert "Events <&> $x$" in "".join(str(text) for text in root.itertext())
