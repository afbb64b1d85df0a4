"""How many components the cube holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import dask
import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import values_at
from xafsflow.findings.judge_findings import ComponentFindings
from xafsflow.learning.unsupervised import components as learn
from xafsflow.sampling import replay
from xafsflow.sampling.pixel_sample import Scale, check_number, rows_for, scale_of, scaled
from xafsflow.step_table import Span, step
from xafsflow.vocabulary import MAP, spectral_axis

# Rows of the table that one task decomposes: 8 MB with 256 energies.
TABLE_ROWS = 4096
# Patterns of noise alone, and how many pass through the chain at once.
PATTERNS, CHUNK = 4096, 1024


@step(
    makes=("cube", "components", "findings"),
    needs=["norm", "norm_noise", "noise", "mu_noise", "edge_step", "flags"],
    gives=["component_residual"],
    section="component_number",
)
def components(
    cube: xr.Dataset,
    /,
    *,
    span: Span | None = None,
    most: Annotated[int, Field(ge=1, le=50)] = 10,
    keep: Annotated[int, Field(ge=1)] | None = None,
    pixels: Annotated[int, Field(ge=100)] = 30_000,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[xr.Dataset, xr.Dataset, ComponentFindings]:
    """Principal components of `norm` in units of its noise, and how many of them are more than noise.

    Spectra are divided by the pixel's noise and by how the noise goes with energy (Cochran and Horne, J. Appl. Phys. 48,
    2417 (1977)). No mean is taken off: n phases make n components. Everything else that differs from pixel to pixel counts
    too: an energy calibration that is not good enough, a flux that changed between images (correct.flux first).

    Their number is found in two ways. By noise: eigenvalues above those of noise that went through the same steps. By IND,
    Larch's form: with the noise of images and their many pixels it often gives too many or too few (Manceau, J.
    Synchrotron Rad. 21, 1140 (2014)).

    Parameters
    ----------
    span
        eV relative to the median e0, or limits on another axis, in its unit; None is open. Without it: from -20 to 100 eV,
        or the whole of another axis.
    most
        Components that are looked at.
    keep
        Components that are retained for the residual and for judge.target; None takes the number by noise.
    pixels
        About so many, from rows spread over the scan, are decomposed. With 100,000 and 200 energies an eigenvalue of noise
        is known to 9 %, which is below what decides, and of a scan of 7 million pixels a few rows are computed.
    seed
        Of the noise alone.

    Returns
    -------
    cube, components, findings
        The cube with `component_residual` (y, x), the root of the sum of squares that the retained components leave over
        energies less components: 0.85 to 1 where noise alone is left, for a part of the noise that the normalization adds is
        within the components. `component` (component, energy), orthonormal in units of the noise, with `eigenvalue` and
        `scale` (energy).

    Raises
    ------
    InputError
        Too few good pixels or energies.
    """
    axis, scale = spectral_axis(cube), scale_of(cube, span)
    values, vectors, mean, good = _decomposed(cube, rows_for(cube, pixels), scale)
    most = min(most, len(values) - 2)
    noise = _noise_alone(cube, scale, mean, seed)
    floor = learn.noise_floor(values, vectors, noise, most)
    number = min(most, learn.above_noise(values, floor))
    retained = max(1, number) if keep is None else min(keep, most)
    basis = vectors[:retained]
    output = Output("component_residual", MAP)
    arrays = list(scaled(cube, scale, by_pixel=True))
    found = over_blocks(_residual, arrays, [output], basis=basis.astype(np.float32))
    product = xr.Dataset(
        {
            "component": (("component", axis), vectors[:most]),
            "eigenvalue": ("component", values[:most]),
            "scale": (axis, scale.noise * scale.pixel),
        },
        coords={axis: cube[axis].values[scale.places]},
        attrs={
            "keep": retained,
            "error": float(np.sqrt(values[retained:].sum() / (len(values) - retained))),
            "pixels": good,
        },
    )
    ind = learn.indicator(values)
    findings = ComponentFindings(
        pixels=good,
        axis=axis,
        energy=product[axis].values,
        eigenvalues=values,
        noise_floor=floor,
        noise_margin=learn.MARGIN,
        explained=values / values.sum(),
        cumulative=np.cumsum(values) / values.sum(),
        indicator=ind,
        number_by_indicator=int(ind[: most + 1].argmin()),
        number_by_noise=number,
        retained=retained,
        residual_mean=mean - (mean @ basis.T) @ basis,
        residual_rms=np.sqrt(values[retained:] @ vectors[retained:] ** 2),
    )
    return cube.assign(found), product, findings


def _decomposed(
    cube: xr.Dataset, rows: np.ndarray, scale: Scale
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Eigenvalues, vectors and mean of the scaled spectra, and of how many; bad pixels are zeros and add nothing."""
    import dask.array as da
    from dask_ml.decomposition import TruncatedSVD
    from threadpoolctl import threadpool_limits

    values, good = scaled(cube, scale, by_pixel=True)
    found = values_at({"scaled": values, "good": good}, rows)
    spectra = found["scaled"].reshape(len(scale.places), -1)
    n_good = int(found["good"].sum())
    check_number(n_good, len(spectra))
    # The same blocks whatever the cube's are: the last digits of a decomposition depend on them.
    table = da.from_array(spectra.T, chunks=(TABLE_ROWS, -1)).astype(np.float64)
    svd = TruncatedSVD(n_components=table.shape[1] - 1, algorithm="tsqr", compute=False)
    svd.fit(table)
    wanted = (svd.components_, svd.singular_values_, table.sum(axis=0), (table**2).sum())
    # Dask's threads decompose the blocks side by side; threads of BLAS within them would only wait for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        # In this process: it is a small table.
        vectors, singular, total, squares = dask.compute(*wanted, scheduler="threads")
    # dask-ml gives all but the last, which is what is left.
    vectors = np.vstack([vectors, np.linalg.svd(vectors)[2][-1]])
    eigenvalues = np.append(singular**2, max(0.0, squares - (singular**2).sum())) / n_good
    return eigenvalues, learn.upright(vectors), total / n_good, n_good


def _noise_alone(cube: xr.Dataset, scale: Scale, mean: np.ndarray, seed: int) -> np.ndarray:
    """Noise `(pattern, energy)` on the mean spectrum, through the steps that the data went through, scaled as they were."""
    plan, pixels = replay.replayed(cube), replay.sampled_pixels(cube, seed)
    energy = cube[spectral_axis(cube)].values
    # Means over neighbors leave alike spectra without noise as they are, at nine times the work.
    alone = [one for one in plan if one.mean_over is None]
    typical = mean * scale.noise * scale.pixel
    typical /= typical[-1]

    def spectra_at(shifts: np.ndarray) -> np.ndarray:
        return np.array([np.interp(energy + s, energy[scale.places], typical) for s in shifts]).T

    found = []
    for number in range(PATTERNS // CHUNK):
        rng = np.random.default_rng([seed, 2, number])
        drawn = pixels.take(rng.integers(len(pixels.edge_step), size=CHUNK))
        quiet = replace(drawn, noise=np.zeros_like(drawn.noise))
        # The energy shift is known to its error only, and treated as if it were exact.
        real = drawn.shift + drawn.shift_error * rng.standard_normal(CHUNK)
        noisy, still = (
            replay.through(cube, steps, spectra_at(shift), one, rng).norm.values[scale.places, 0]
            for steps, one, shift in ((plan, drawn, real), (alone, quiet, drawn.shift))
        )
        own = np.median(drawn.noise, axis=0) / drawn.edge_step
        apart = ((noisy - still) / own / scale.noise[:, None]).T
        found.append(apart[np.isfinite(apart).all(axis=1)])
    return np.concatenate(found).astype(np.float64)


def _residual(values: Any, good: Any, basis: Any) -> Any:
    table = values.reshape(len(values), -1)
    left = table - basis.T @ (basis @ table)
    squares = np.einsum("ep,ep->p", left, left) / np.float32(len(values) - len(basis))
    return np.where(good, np.sqrt(squares).reshape(good.shape), np.float32(np.nan))
