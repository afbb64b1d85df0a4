"""Values that cannot be what the recipe says are refused or told, and good ones are not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning

ENERGY = np.arange(7062.0, 7172.0, 2.0)
Write = Callable[..., Path]


@pytest.fixture
def mu() -> np.ndarray:
    rng = np.random.default_rng(3)
    edge = 0.3 + 0.5 + np.arctan((ENERGY - 7112) / 1.5) / np.pi + 0.8 * np.exp(-(((ENERGY - 7116) / 3) ** 2))
    return edge[:, None, None] * rng.uniform(0.2, 1.0, (20, 24)) + rng.normal(0, 0.005, (len(edge), 20, 24))


def told(read: Callable[[], object]) -> str:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", XafsflowWarning)
        read()
    return " ".join(str(one.message) for one in found)


@pytest.mark.parametrize("factor", [100.0, 1e4, 65535.0])
def test_transmission__refuses_counts_and_percent(
    tmp_path: Path, scan_file: Write, mu: np.ndarray, factor: float
) -> None:
    scan_file("a.h5", images=(np.exp(-mu) * factor).astype("f4"), energies=ENERGY)
    with pytest.raises(InputError, match=r"sample with a median of .* as transmission"):
        xf.ingest.transmission(tmp_path, sample="a.h5")


def test_absorbance__refuses_counts(tmp_path: Path, scan_file: Write, mu: np.ndarray) -> None:
    scan_file("a.h5", images=(np.exp(-mu) * 20000).astype("u2"), energies=ENERGY)
    with pytest.raises(InputError, match="as absorbance"):
        xf.ingest.absorbance(tmp_path, sample="a.h5")


def test_steps__tell_an_edge_that_falls_and_no_other(
    tmp_path: Path, scan_file: Write, mu: np.ndarray
) -> None:
    for name, values in {"od": mu, "negative": -mu, "trans": np.exp(-mu), "thick": 4 * mu}.items():
        scan_file(f"{name}.h5", images=values.astype("f4"), energies=ENERGY)
    absorbance, transmission = xf.ingest.absorbance, xf.ingest.transmission
    for step, name in ((absorbance, "negative"), (absorbance, "trans"), (transmission, "od")):
        assert "absorption that falls at 711" in told(partial(step, tmp_path, sample=f"{name}.h5"))
    for step, name in ((absorbance, "od"), (absorbance, "thick"), (transmission, "trans")):
        assert "falls" not in told(partial(step, tmp_path, sample=f"{name}.h5"))


@pytest.mark.parametrize(("level", "wrong"), [(100, False), (105, False), (6000, True)])
def test_tiff_stack__tells_a_dark_of_another_exposure(
    tmp_path: Path, scan_file: Write, mu: np.ndarray, level: int, wrong: bool
) -> None:
    counts = np.random.default_rng(1).poisson(20000 * np.exp(-mu) + 100)
    counts[:, :10] = np.random.default_rng(2).poisson(100, counts[:, :10].shape)  # behind an aperture
    scan_file("a.h5", images=counts.astype("u2"), energies=ENERGY)
    tifffile.imwrite(tmp_path / "dark.tif", np.full((20, 24), level, np.uint16))
    text = told(lambda: xf.ingest.tiff_stack(tmp_path, sample="a.h5", dark="dark.tif"))
    assert ("is brighter than" in text) is wrong
