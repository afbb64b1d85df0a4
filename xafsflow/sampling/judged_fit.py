"""The combination fit that a cube went through, made once more of patterns that are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.blocks.scan_numbers import resolved
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles
from xafsflow.provenance import Entry, history, with_history
from xafsflow.sampling import replay
from xafsflow.sampling.noisy_patterns import finite
from xafsflow.sampling.reference_steps import shares_of
from xafsflow.step_table import STEPS, Span, steps_done
from xafsflow.vocabulary import MAP, RESPONSE, cube_dims


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

    @property
    def shift(self) -> NDArray[Any] | None:
        """By how much the check patterns were moved, `(pattern,)`, eV; None where spectra were not moved."""
        return self.checks.check_shift.values if "check_shift" in self.checks else None

    def span(self) -> tuple[float, float]:
        """First and last energy of the fit, eV."""
        low, high = cast(Span, self.entry["settings"]["span"])
        e0, energy = float(self.checks.attrs["e0"]), self.cube.energy.values
        return float(energy[0] if low is None else e0 + low), float(energy[-1] if high is None else e0 + high)

    def __call__(
        self,
        norm: NDArray[Any],
        noise: NDArray[Any] | None,
        shift: NDArray[Any] | None,
        library: xr.Dataset | None = None,
    ) -> tuple[Doubles, Doubles]:
        """Reduced chi-square `(pattern,)` and fractions `(reference, pattern)` of spectra `(pattern, energy)`.

        Parameters
        ----------
        noise
            As `norm`; not used where the fit is not weighted.
        shift
            `(pattern,)`: by how much they were moved, eV; None where they were not.
        library
            References in place of the cube's.
        """
        arrays: dict[str, Any] = {
            "norm": (cube_dims(), np.asarray(norm.T[:, None], np.float32, order="C")),
            "flags": (MAP, np.zeros((1, len(norm)), np.uint8)),
        }
        if self.weighted and noise is not None:
            arrays["norm_noise"] = (cube_dims(), np.asarray(noise.T[:, None], np.float32, order="C"))
        if shift is not None:
            arrays["energy_shift"] = (MAP, np.asarray(shift[None], np.float32))
        if self.weighted and "noise_response" in self.cube:
            arrays |= self._response
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

    @cached_property
    def _response(self) -> dict[str, Any]:
        """How the noise of energies goes together in a pixel of the mean of the references."""
        typical, response, step = resolved({name: self.cube[name] for name in RESPONSE}).values()
        norm = self.checks.reference_norm.values.mean(axis=0)
        whole = response + np.nan_to_num(np.multiply.outer(step, norm))
        return {"typical_noise": ("energy", typical), "noise_response": (("source", "energy"), whole)}

    def deviating(self, deviations: Doubles) -> JudgedFit:
        """The same with check patterns whose references deviate by `deviations` (reference, energy)."""
        off = (self.checks.check_composition.values @ deviations).astype(np.float32)
        norm = self.checks.check_norm
        return replace(self, checks=self.checks.assign(check_norm=norm.copy(data=norm.values + off)))

    def group(self, norm: NDArray[Any], fractions: NDArray[Any]) -> NDArray[Any]:
        """The group of spectra `(pattern, energy)` with fractions `(reference, pattern)`, see `group_of`."""
        return np.asarray(group_of(fractions, norm[:, 0], norm[:, -1]))

    def residual(self, norm: NDArray[Any], fractions: NDArray[Any]) -> Doubles:
        """Spectra `(energy, ...)` minus the references by their fractions `(reference, ...)`."""
        # Coefficients of spectra as the scan normalizes them.
        whole = bool(self.entry["settings"]["sum_to_one"])
        parts = shares_of(fractions, 1 / self.cube.step_ratio.values, whole)
        return np.asarray(norm - np.tensordot(self.checks.reference_norm.values.T, parts, 1))


# Whether a spectrum lacks its first energy, its last one, both or none.
ENDS = 4


def group_of(fractions: Any, first: Any, last: Any) -> Any:
    """Groups of spectra that fits follow differently: by the number of references that have a share, and by missing ends.

    Parameters
    ----------
    fractions
        `(reference, ...)`.
    first, last
        `(...)`: the spectra at the first and the last energy of the scan, NaN where a shift left them without.

    Examples
    --------
    >>> fractions = np.array([[0.5, 1.0], [0.5, 0.0]])
    >>> group_of(fractions, np.array([0.0, np.nan]), np.array([1.0, 1.0])).tolist()
    [8, 5]
    """
    return ENDS * taking_part(fractions) + ~np.isfinite(first) + 2 * ~np.isfinite(last)


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
