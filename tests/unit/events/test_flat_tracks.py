"""The best tracks of files that hold one per event."""

from __future__ import annotations

import numpy as np

from vopub.events.coordinates import zenith_azimuth
from vopub.events.flat_tracks import (
    FlatTracks,
    best_tracks,
    direction_of_flight,
)

DIRECTION = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
FOUND = np.array([True, False, True])


def test_gives_the_tracks_of_the_reconstruction_asked_for() -> None:
    jmuon = best_tracks(DIRECTION, energy=np.array([1.0, 2.0]))
    jshower = best_tracks(DIRECTION[:1], energy=np.array([7.0]))
    tracks = FlatTracks(
        3, {"jmuon": (FOUND, jmuon), "jshower": (np.array([False, True, False]), jshower)}
    )
    found, best = tracks.best("jmuon")
    assert (len(tracks), tracks.reconstructions) == (3, ("jmuon", "jshower"))
    assert found.tolist() == [True, False, True]
    assert best.energy.tolist() == [1.0, 2.0]
    assert tracks.best("jshower")[1].energy.tolist() == [7.0]


def test_no_event_has_a_reconstruction_that_the_file_does_not_have() -> None:
    found, best = FlatTracks(3, {"jmuon": (FOUND, best_tracks(DIRECTION))}).best("dusj", ["beta"])
    assert found.tolist() == [False, False, False]
    assert (len(best), best.direction.shape, len(best.fit["beta"])) == (0, (0, 3), 0)


def test_what_is_not_given_is_not_available_but_time_and_hits_are_zero() -> None:
    best = best_tracks(DIRECTION)
    for name in ("energy", "length", "likelihood", "angular_error"):
        assert np.isnan(getattr(best, name)).all()
    assert best.t.tolist() == best.n_hits.tolist() == [0.0, 0.0]


def test_only_what_was_asked_of_the_fit_comes_back() -> None:
    best = best_tracks(DIRECTION, fit={"chi2": np.array([1, 2]), "ndf": np.array([3.0, 4.0])})
    _, answer = FlatTracks(3, {"jmuon": (FOUND, best)}).best("jmuon", ["chi2", "unheard_of"])
    assert list(answer.fit) == ["chi2", "unheard_of"]
    assert answer.fit["chi2"].tolist() == [1.0, 2.0]
    assert np.isnan(answer.fit["unheard_of"]).all()


def test_directions_are_those_of_the_source_turned_around() -> None:
    zenith, azimuth = np.array([0.1, 1.2, 3.0]), np.array([0.0, 2.5, 6.0])
    back = zenith_azimuth(-direction_of_flight(zenith, azimuth))
    np.testing.assert_allclose(back[0], np.degrees(zenith), atol=1e-12)
    np.testing.assert_allclose(back[1], np.degrees(azimuth), atol=1e-12)


def test_a_vertical_flight_has_theta_zero() -> None:
    np.testing.assert_allclose(
        direction_of_flight(np.array([0.0]), np.array([1.0])), [[0.0, 0.0, 1.0]], atol=1e-15
    )
