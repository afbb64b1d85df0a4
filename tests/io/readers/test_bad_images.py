"""Bad images are found by a few rows of each, and good scans have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest

from xafsflow.io.readers import ImageStack
from xafsflow.io.readers.bad_images import bad_images, looks_of, saturated
from xafsflow.phantom import Phantom
from xafsflow.phantom.cube import PhantomImages

DARK = 100.0


@dataclass(frozen=True)
class Images(ImageStack):
    """Images in memory."""

    values: np.ndarray
    row_quantum: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.values.shape  # type: ignore[return-value]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.values.dtype

    def read_bands(self, bands: Sequence[tuple[int, int]], columns: slice | None = None) -> list[Any]:
        return [self.values[:, start:stop] for start, stop in bands]


GOOD = [
    {
        "energies": energies,
        "thickness": thickness,
        "drift": drift,
        "size": (24, 20) if number % 2 else (40, 90),
        "flux_jitter": (0.003, 0.03)[number % 3 == 0],
        "counts": (19000.0, 3000.0, 45000.0)[number % 3],
        "hole_share": 0.0 if number % 4 == 0 else 0.1,
        "seed": number,
    }
    for number, (energies, thickness, drift) in enumerate(
        product((60, 105, 210), ((0.5, 1.15), (0.05, 0.3), (2.0, 2.8)), ((0.0, 0.0), (6.0, 3.0)))
    )
]


@pytest.mark.long
@pytest.mark.parametrize("settings", GOOD, ids=str)
def test_good_scans__have_no_bad_images(settings: dict[str, Any]) -> None:
    phantom = Phantom(**settings)
    for kind in ("sample", "flat", "foil"):
        assert not bad_images(looks_of(PhantomImages(phantom, kind)), phantom.energy, "counts", DARK)
    for kind, quantity in (("sample", "absorbance"), ("fluorescence", "fluorescence")):
        looks = looks_of(PhantomImages(phantom, kind, divided=True))
        assert not bad_images(looks, phantom.energy, quantity)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=[60, 210])
def scan(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    phantom = Phantom(size=(40, 64), energies=request.param, seed=3, drift=(2.0, 1.0))
    return PhantomImages(phantom, "sample").read_rows(0, 40), phantom.energy


def spoilt(images: np.ndarray, what: str, k: int) -> np.ndarray:
    """The images, of which one is not what it should be."""
    images = images.copy()
    light = images[k].astype(float) - DARK
    images[k] = {
        "blank": np.full_like(light, DARK),
        "dump": DARK + 0.05 * light,
        "saturated": np.minimum(6 * light, 65535),
        "shutter": np.where(np.arange(light.shape[1]) < 24, DARK, DARK + light),
        "other place": images[k, ::-1, ::-1],
        "other energy": images[-len(images) // 8],
    }[what]
    return images


@pytest.mark.parametrize("where", [0.02, 0.1, 0.5, 0.97])
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("blank", "is blank"),
        ("dump", "much less light"),
        ("saturated", "of its pixels at"),
        ("shutter", "as behind a shutter"),
        ("other place", "does not look like"),
        ("other energy", "another energy"),
    ],
)
def test_a_bad_image__is_found_with_its_reason(
    scan: tuple[np.ndarray, np.ndarray], what: str, words: str, where: float
) -> None:
    images, energy = scan
    k = int(where * len(energy))
    if what == "other energy" and where > 0.2:
        pytest.skip("where the spectrum is flat it is the same")
    found = bad_images(looks_of(Images(spoilt(images, what, k))), energy, "counts", DARK)
    assert list(found) == [k]
    assert words in found[k]


def test_bad_images__may_be_neighbors(scan: tuple[np.ndarray, np.ndarray]) -> None:
    images, energy = scan
    for k in (20, 21):
        images = spoilt(images, "shutter", k)
    assert sorted(bad_images(looks_of(Images(images)), energy, "counts", DARK)) == [20, 21]


def test_images_in_any_order__are_judged_by_their_energies(scan: tuple[np.ndarray, np.ndarray]) -> None:
    images, energy = scan
    order = np.random.default_rng(0).permutation(len(energy))
    found = bad_images(looks_of(Images(spoilt(images, "shutter", 30)[order])), energy[order], "counts", DARK)
    assert list(found) == [int(np.flatnonzero(order == 30)[0])]


def test_an_energy_far_away__is_found(scan: tuple[np.ndarray, np.ndarray]) -> None:
    images, energy = scan
    typed = energy.copy()
    typed[-1] += 10000
    found = bad_images(looks_of(Images(images)), typed, "counts", DARK)
    assert found == {len(energy) - 1: "has an energy far from all others"}


def test_saturated__is_the_usual_share() -> None:
    images = np.full((5, 10, 10), 4095, np.uint16)
    images[:, :, :4] = 100
    assert saturated(looks_of(Images(images))) == pytest.approx(0.6)
