"""Curves of what is found, over the share of a foreign phase."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.learning.trust.detection import SHARES, detection_curve, share_found


def test_curve__rises_and_never_promises_more_than_was_seen() -> None:
    rng = np.random.default_rng(0)
    misfit = 1 + 0.2 * rng.standard_normal((len(SHARES), 50)) + SHARES[:, None]
    curve = detection_curve(misfit / 1.4)
    assert (np.diff(curve) >= 0).all()
    assert (curve <= (misfit > 1.4).mean(axis=1)).all()
    assert curve[-1] == (misfit[-1] > 1.4).mean()


def test_share__lies_between_the_shares_that_were_tried() -> None:
    shares, found = np.array([0.1, 0.2, 0.4]), np.array([0.2, 0.9, 1.0])
    assert share_found(shares, found) == pytest.approx(0.3)
    assert share_found(shares, found, 0.1) == pytest.approx(0.05)


def test_share__is_none_where_too_few_are_found_even_of_the_pure_phase() -> None:
    assert np.isnan(share_found(np.array([0.5, 1.0]), np.array([0.3, 0.9])))
