"""Absorbance as it comes from a phantom's counts: what a beamline stores that keeps no counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Singles, Uint16s
from xafsflow.kernels.images.phantom_images import LIMIT
from xafsflow.phantom.camera import FLUORESCENCE, dark, image, view
from xafsflow.phantom.sample import Rows
from xafsflow.phantom.settings import DARK_FRAMES, Phantom
from xafsflow.vocabulary import nearest

Signal = Literal["counts", "absorbance", "fluorescence"]
# The images of each signal: what they are called, and the camera's images that they are or come from.
SIGNALS: dict[str, dict[str, str]] = {
    "counts": {"sample": "sample", "flat": "flat", "foil": "foil"},
    "absorbance": {"mu": "sample", "foil_mu": "foil"},
    "fluorescence": {"fluorescence": FLUORESCENCE, "flat": "flat", "foil": "foil"},
}


def images_of(phantom: Phantom, signal: str) -> dict[str, str]:
    """What a signal consists of, without a foil where the phantom has none.

    Raises
    ------
    InputError
        For a signal that is not one of `SIGNALS`.
    """
    if signal not in SIGNALS:
        raise InputError(
            f"signal {signal!r}{nearest(signal, SIGNALS)}", f"one of {', '.join(SIGNALS)}", "change signal"
        )
    return {name: kind for name, kind in SIGNALS[signal].items() if kind != "foil" or phantom.foil}


def dark_mean(phantom: Phantom, rows: Rows = None) -> Singles:
    """The mean of the dark frames, float32 `(y, x)`."""
    total = sum(dark(phantom, frame, rows).astype(np.float32) for frame in range(DARK_FRAMES))
    return np.asarray(total / np.float32(DARK_FRAMES))


def measured_mu(phantom: Phantom, kind: str, rows: Rows = None) -> Callable[[int], Singles]:
    """What gives the absorbance at an energy as it was measured, with its noise.

    Parameters
    ----------
    phantom
        The settings.
    kind
        `sample` or `foil`: `-ln((I - dark)/(flat - dark))`; or `fluorescence`: `(I - dark)/(flat - dark)`, which is
        proportional to it. `dark` is the mean of the dark frames.
    rows
        First row and the row after the last; all by default.

    Returns
    -------
    callable
        Float32 `(y, x)` for the number of an energy; NaN at dead and full pixels and where counts are not above the
        dark (`I` in fluorescence may be).

    Raises
    ------
    InputError
        As for `counts`.

    Examples
    --------
    >>> phantom = Phantom(size=(8, 8), energies=20, thickness=(1, 1), references=("Fe",), hole_share=0)
    >>> round(float(np.median(measured_mu(phantom, "sample")(0))), 1)
    0.6
    """
    seen, empty, level = view(phantom, kind, rows), view(phantom, "flat", rows), dark_mean(phantom, rows)

    def at(energy_index: int) -> Singles:
        light, without = (_above(image(part, energy_index), level) for part in (seen, empty))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = light / np.where(without > 0, without, np.float32(np.nan))
            mu = share if kind == FLUORESCENCE else -np.log(np.where(share > 0, share, np.float32(np.nan)))
        return np.asarray(mu, np.float32)

    return at


def _above(counts: Uint16s, level: Singles) -> Singles:
    return np.where(counts == LIMIT, np.float32(np.nan), counts.astype(np.float32) - level)
