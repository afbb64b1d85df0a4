"""Edge steps of references over their whole range, and shares in their units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import xafsflow as xf
from xafsflow.io.readers.spectrum_library import Spectrum, library_of
from xafsflow.phantom import Phantom, as_dataset, truth
from xafsflow.sampling.reference_steps import coefficients_of, shares_of, step_ratios, whole_steps

SHARE = st.floats(0.01, 1.0)


def library(last: float, step: float = 1.3) -> xr.Dataset:
    """A jump on a falling line, up to an energy."""
    energy = np.arange(6950.0, last, 1.0)
    mu = 2 - 1e-3 * (energy - 7112.0) + step * (energy > 7112.0)
    return library_of([Spectrum("jump", energy, mu, "Fe", "K", ("energy", "mu"), Path("jump.dat"), {})])


def reference(height: float) -> xr.Dataset:
    return xr.Dataset({name: (("y", "x"), [[one]]) for name, one in (("edge_step", height), ("e0", 7112.0))})


def test_whole_steps__of_a_jump_is_its_height_without_doubt() -> None:
    step, scatter = whole_steps(library(7500.0), 7112.0)
    assert step == pytest.approx(1.3, abs=1e-6)
    assert scatter == pytest.approx(0, abs=1e-6)


def test_step_ratios__of_what_is_too_short_are_one_and_not_known() -> None:
    found = step_ratios(library(7210.0), reference(0.5), [])
    assert found.ratio.tolist() == [1.0]
    assert np.isnan(found.error).all()


@given(st.lists(SHARE, min_size=2, max_size=5), st.data())
def test_shares__come_back_from_their_coefficients(parts: list[float], data: Any) -> None:
    shares = np.array(parts) / sum(parts)
    ratio = np.array(data.draw(st.lists(st.floats(0.8, 1.25), min_size=len(parts), max_size=len(parts))))
    there = coefficients_of(shares, ratio)
    assert there.sum() == pytest.approx(1)
    np.testing.assert_allclose(shares_of(there, ratio), shares, rtol=1e-12)


def test_shares__of_a_scan_that_ends_early_have_less_bias() -> None:
    """The scan ends 190 eV above the edge; its references go on for as long again."""
    phantom = Phantom(size=(24, 30), energies=120, seed=2, flux_jitter=0, tilt=0, tilt_x=0, curvature=0)
    cube = xf.correct.background(xf.correct.absorbance(as_dataset(phantom)), e0=7112.0)
    cube = xf.normalize.edge_step(cube, e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
    known = xf.ingest.phantom_references()
    # Absorption falls with energy, in the references as in the sample.
    known = known.assign(mu=known.mu * (known.energy / 7112.0) ** -3)
    fitted = xf.classify.combination(cube, known, weights=None)
    ratio = fitted.step_ratio.values[:, None, None]
    assert np.ptp(ratio) > 0.05
    shares, answer = fitted.lcf_fraction.values, truth(phantom)
    inside = ~answer["background"] & ~answer["dead"]
    bias = [
        np.abs(np.nanmean((one - answer["fractions"])[:, inside], axis=1)).max()
        for one in (shares, shares_of(shares / ratio, np.ones(3)))
    ]
    assert bias[0] < 0.004
    assert bias[0] < 0.5 * bias[1]
