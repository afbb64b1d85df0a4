"""The combination fit that a cube went through, made once more of patterns that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.blocks.scan_numbers import spread_rows, values_at
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles
from xafsflow.provenance import Entry, history, with_history
from xafsflow.sampling import replay
from xafsflow.sampling.noisy_patterns import finite
from xafsflow.step_table import STEPS, Span, steps_done
from xafsflow.vocabulary import MAP, cube_dims

# Shifts of the scan, as quantiles, at which references without noise are tried.
TRIED_SHIFTS = np.linspace(0, 1, 9)


@dataclass(frozen=True, eq=False)
class JudgedFit:
    """The fit of a `cube` by a `library`: its `entry` in the history, and check patterns of known mixtures.

    `checks` holds `check_norm`, `check_composition`, `reference_norm` and, where the fit is weighted, `check_noise`, of the
    patterns that are finite.
    """

    cube: xr.Dataset
    library: xr.Dataset
    entry: Entry
    checks: xr.Dataset

    @property
    def weighted(self) -> bool:
        """Whether the fit knows the noise, so that its reduced chi-square is one where noise alone is left."""
        return self.entry["settings"]["weights"] is not None

    @property
    def noise(self) -> NDArray[Any] | None:
        """That of the check patterns, `(pattern, energy)`; None where the fit is not weighted."""
        return self.checks.check_noise.values if self.weighted else None

    def span(self) -> tuple[float, float]:
        """First and last energy of the fit, eV."""
        low, high = cast(Span, self.entry["settings"]["span"])
        e0, energy = float(self.checks.attrs["e0"]), self.cube.energy.values
        return float(energy[0] if low is None else e0 + low), float(energy[-1] if high is None else e0 + high)

    def __call__(
        self, norm: NDArray[Any], noise: NDArray[Any] | None, library: xr.Dataset | None = None
    ) -> tuple[Doubles, Doubles]:
        """Reduced chi-square `(pattern,)` and fractions `(reference, pattern)` of spectra `(pattern, energy)`.

        Parameters
        ----------
        noise
            As `norm`; not used where the fit is not weighted.
        library
            References in place of the cube's.
        """
        arrays: dict[str, Any] = {
            "norm": (cube_dims(), np.asarray(norm.T[:, None], np.float32, order="C")),
            "flags": (MAP, np.zeros((1, len(norm)), np.uint8)),
        }
        if self.weighted and noise is not None:
            arrays["norm_noise"] = (cube_dims(), np.asarray(noise.T[:, None], np.float32, order="C"))
        if "broadening" in self.cube:
            arrays["broadening"] = self.cube.broadening
        small = xr.Dataset(arrays, {"energy": self.cube.energy.values})
        # What steps on the normalized spectra give, such as a derivative, is made of the patterns anew.
        steps = [one for one in replay.on_spectra(steps_done(self.cube)) if "norm" not in one.gives]
        small = replay.advance(small, steps)
        small = with_history(small, history(self.cube), (str(name) for name in small.data_vars))
        fit = STEPS[self.entry["step"]].function
        found = fit(small, self.library if library is None else library, **self.entry["settings"])
        return np.asarray(found.reduced_chi_square.values[0], float), found.lcf_fraction.values[:, 0]

    def without_noise(self) -> tuple[float, float]:
        """Mean reduced chi-square that the references themselves would have, without any noise, where pixels measure them.

        In units of the noise of typical patterns; zeros where the spectra were not moved or the fit knows no noise.

        Returns
        -------
        interpolation, windows
            At the shifted energies of pixels, interpolated; and at the scan's own energies, but without those at its ends
            that a shifted pixel lacks, which may change the points and the degree of its normalization.
        """
        if "energy_shift" not in self.cube or self.noise is None:
            return 0.0, 0.0
        cube, library, plan = self.cube, self.library, replay.replayed(self.cube)
        rows = spread_rows(cube.sizes["y"], replay.SAMPLED_ROWS, cube.sizes["x"])
        shift = values_at({"energy_shift": cube.energy_shift}, rows)["energy_shift"]
        tried = np.nanquantile(shift, TRIED_SHIFTS)
        reference, count = replay.normalized_references(cube, library, plan), library.sizes["spectrum"]
        pure, at = np.tile(np.eye(count), (len(tried), 1)), np.repeat(tried, count)
        quiet = np.zeros((cube.sizes["energy"], len(at)))
        pixels = replay.Pixels(np.ones(len(at)), quiet, at, np.zeros(len(at)))
        spectra = replay.Mixer(cube, library, reference, tried)(pure, at)
        moved = replay.through(cube, plan, spectra, pixels, None).norm.values[:, 0]
        still = replay.Mixer(cube, library, reference, np.zeros(1))(pure, np.zeros(len(at)))
        cut = np.where(np.isnan(moved), np.nan, still)
        cut = replay.through(cube, replay.on_spectra(plan), cut, None, None).norm.values[:, 0]
        noise = np.broadcast_to(_median(self.noise), (len(at), cube.sizes["energy"]))
        both, windows = (_mean(self(one.T, noise)[0]) for one in (moved, cut))
        return max(0.0, both - windows), windows


def _median(values: NDArray[Any]) -> NDArray[Any]:
    """Of the finite values at each energy; NaN where there is none."""
    known = np.isfinite(values).any(axis=0)
    found = np.full(known.shape, np.nan)
    found[known] = np.nanmedian(values[:, known], axis=0)
    return found


def _mean(values: Doubles) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else 0.0


def taking_part(fractions: Any) -> Any:
    """How many references have a share, of fractions `(reference, ...)`.

    Examples
    --------
    >>> taking_part(np.array([[0.5, 1.0], [0.5, 0.0]])).tolist()
    [2, 1]
    """
    return (fractions > 0).sum(axis=0)


def judged_fit(cube: xr.Dataset, library: xr.Dataset, samples: xr.Dataset) -> JudgedFit:
    """The fit of a cube, with the check patterns of its training.

    Raises
    ------
    InputError
        There is no fit; the samples do not know the noise, or are another scan's.
    """
    if "reduced_chi_square" not in cube:
        raise InputError(
            "a cube without a combination fit", "reduced_chi_square", "run classify.combination before it"
        )
    entry = history(cube.reduced_chi_square)[-1]
    if entry["settings"]["weights"] is not None and "check_noise" not in samples:
        do = "run derive.noise before train.mixtures, and leave its noise as measured"
        raise InputError("check patterns without noise", "check_noise among the samples", do)
    if not np.array_equal(samples.reference_energy.values, cube.energy.values):
        raise InputError(
            "samples of other energies than the cube's", "samples of this scan", "train on this scan"
        )
    return JudgedFit(cube, library, entry, finite(samples, "check"))
