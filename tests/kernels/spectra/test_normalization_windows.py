from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.kernels.spectra.normalization_windows import LARCH, Windows, below, larch_ranges, nearest


def windows_of(case: dict[str, Any]) -> Windows:
    return Windows(**{name: value for name, value in case.items() if name != "e0"})


def test_larch_ranges__are_those_of_larch(spectra: Any, recorded: Any) -> None:
    for spectrum in spectra:
        for name, case in recorded["cases"].items():
            truth = spectrum.larch["cases"][name]
            found = larch_ranges(spectrum.energy, truth["e0"], windows_of(case))
            for limit, value in truth["ranges"].items():
                assert getattr(found, limit) == pytest.approx(value, abs=1e-9), (spectrum.name, name, limit)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_indices__follow_their_definitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = np.cumsum(rng.choice([0.5, 1.0, 1.5], rng.integers(2, 20)))
    value = rng.choice(np.arange(-1, 30, 0.25))
    at_or_below = np.flatnonzero(grid <= value)
    assert below(grid, value) == (at_or_below[-1] if at_or_below.size else 0)
    assert nearest(grid, value) == np.abs(grid - value).argmin()


def test_larch_ranges__few_points() -> None:
    energy = np.array([7000, 7050, 7100, 7110, 7114, 7120, 7130, 7140, 7150.0])
    found = larch_ranges(energy, 7112, Windows(pre1=-112, pre2=-60, nvict=2))
    assert (found.npre, found.nvict) == (0, 0)  # fewer than 3 points before the edge: a constant
    found = larch_ranges(energy, 7112, Windows(norm1=5, norm2=38, nnorm=2))
    assert (found.post_start, found.post_stop, found.nnorm) == (4, 8, 1)  # fewer than 5 after it: a line
    found = larch_ranges(energy, 7112, Windows(norm1=25, norm2=30, nnorm=2))
    assert (found.post_start, found.post_stop, found.nnorm) == (4, 7, 0)  # fewer than 2: a constant


def test_larch_ranges__negative_norm2_is_the_end_as_in_larch() -> None:
    energy = np.arange(7000, 7300, 2.0)
    assert larch_ranges(energy, 7112, Windows(norm2=-50)).norm2 == energy[-1] - 7112


@pytest.mark.parametrize("e0", [6990.0, 7000.5, 7198.5, 7500.0, np.nan])
def test_larch_ranges__refuses_an_edge_out_of_the_scan(e0: float) -> None:
    with pytest.raises(InputError, match="Expected an edge inside of the scan"):
        larch_ranges(np.arange(7000, 7200, 1.0), e0, LARCH)


@pytest.mark.parametrize(
    "windows",
    [Windows(nnorm=6), Windows(nvict=-1), Windows(npre=2), Windows(nnorm=1.5), Windows(pre1=np.nan)],
)
def test_larch_ranges__refuses_settings_out_of_range(windows: Windows) -> None:
    with pytest.raises(InputError, match="Change"):
        larch_ranges(np.arange(7000, 7200, 1.0), 7100.0, windows)
