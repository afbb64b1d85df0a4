"""The noise of every pixel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import over_scan, spread_rows
from xafsflow.kernels.images.neighborhood import Neighborhood, widest
from xafsflow.kernels.spectra import noise_propagation as kernels
from xafsflow.kernels.spectra.energy_shift import move
from xafsflow.kernels.spectra.noise_response import Followed, typical_response
from xafsflow.provenance import check_carried, interpolation
from xafsflow.sampling.replay import check_normalized, on_spectra, record, windows_of
from xafsflow.step_table import STEPS, step, steps_done
from xafsflow.vocabulary import CUBE, LEFT_OUT, MAP, OUT_OF_MEANS, SPECTRAL, cube_dims, spectral_axis

# Rows whose scatter is compared with what is predicted, and pixels among them whose normalization is followed.
NOISE_ROWS, FOLLOWED = 16, 40
# Change of the absorbance that shows how a normalized spectrum follows: small, and far above rounding.
TOUCH = 1e-3
# Values that are normalized in one call, which costs as much as some 100,000 of them.
AT_ONCE = 2_000_000


@step(
    makes="cube",
    needs=["mu", "norm", "edge_step", "mu_noise", "flags"],
    gives=[
        "noise",
        "norm_noise",
        "noise_ratio",
        "noise_level",
        "typical_noise",
        "noise_response",
        "step_response",
    ],
)
def noise(cube: xr.Dataset, /) -> xr.Dataset:
    """Standard deviation of `norm` from photon statistics, through all that the steps did, and checked against the scatter.

    `mu_noise` is the noise of what was measured. Each mean over neighbors leaves of its variance the sum of their squared
    weights, of those that were kept (one over their number where they weigh alike); each interpolation, of a drift or to
    common energies, damps it by the sum of its squared weights; the
    normalization divides by the edge step, and the noise of the curves it fits comes on top, as it does in typical pixels.
    Neighboring pixels and energies share noise after that: of n averaged values less than n are independent.

    `noise_ratio` is the scatter of `norm`, the bends of neighboring spectra against each other, over what is predicted.
    Near one it speaks for both; far from one, something else than photons scatters, or the data
    went through something that is not known here.

    Raises
    ------
    InputError
        The history of the cube is not known: it says what averaging and interpolation have left of the noise.

    Returns
    -------
    Dataset
        The cube with `noise` (y, x), the median over the energies of `norm_noise` (energy, y, x), `noise_ratio`, and
        `noise_level`, a number by which scans are compared. How the noise of different energies goes together is told of a
        typical pixel by `typical_noise` (energy,), `noise_response` (source, energy) and `step_response` (source,): `n`
        sources of noise of one change its `norm` by `(noise_response + step_response norm)^T n`.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(16, 16), energies=60))
    >>> cube = xf.normalize.edge_step(cube, e0=7112.0, norm1=40.0, nnorm=1)
    >>> noise(cube).noise.dims
    ('y', 'x')
    """
    steps, axis = steps_done(cube), spectral_axis(cube)
    check_normalized(steps)
    check_carried(cube, steps)
    windows, moved = windows_of(steps), interpolation(steps, "spectral")
    still = xr.DataArray(np.zeros((cube.sizes[axis], 2)), dims=(axis, "axis"))
    path = still if interpolation(steps, "image") is None else cube.drift
    shift = xr.DataArray(np.float32(0)) if moved is None else cube.energy_shift
    places = tuple(cube[axis].values.tolist())
    settings: dict[str, Any] = {"cubic": moved is not None and moved.method == "cubic", "windows": windows}
    arrays = [cube.mu_noise, cube.flags, cube.edge_step, shift, path]
    half = widest(windows).half
    own = {**settings, "places": () if moved is None else places}
    output = Output("point", CUBE)
    point = over_blocks(_point_noise, arrays, [output], halo=(half, half, 0, 0, 0), rim=0, **own)["point"]
    numbers = [Output("noise_ratio", (), np.float64), Output("noise_level", (), np.float64)]
    numbers += [Output(name, (SPECTRAL,), np.float64) for name in ("fitted", "typical_noise")]
    source = {"source": cube.sizes[axis]}
    numbers.append(Output("noise_response", ("source", SPECTRAL), np.float64, source))
    numbers.append(Output("step_response", ("source",), np.float64, source))
    settings |= {
        "plan": json.dumps(record([one for one in on_spectra(steps) if "norm" in one.gives])),
        "axis": axis,
        "places": places,
        "moved": moved is not None,
        "along": 1 if moved is None or moved.interpolates is None else moved.interpolates.reach,
    }
    arrays = [cube.norm, point, cube.mu, cube.mu_noise, cube.flags, cube.edge_step, shift, path]
    found = over_scan(
        _numbers, arrays, numbers, y=spread_rows(cube.sizes["y"], NOISE_ROWS, cube.sizes["x"]), **settings
    )
    found |= over_blocks(_raised, [point, found.pop("fitted")], [Output("norm_noise", CUBE)])
    found |= over_blocks(kernels.typical, [found["norm_noise"]], [Output("noise", MAP)])
    return cube.assign(found)


def _point_noise(
    mu_noise: Any,
    flags: Any,
    edge_step: Any,
    shift: Any,
    path: Any,
    windows: tuple[Neighborhood, ...],
    places: tuple[float, ...],
    cubic: bool,
) -> Any:
    """The noise that each point of a spectrum has of its own; `places` on the axis where it was interpolated along it."""
    variance = mu_noise * mu_noise
    if windows:
        # NaN flags are the halo beyond the image. Were its NaN to be kept, neighbors would be counted at each energy.
        bits = np.where(np.isnan(flags), OUT_OF_MEANS, flags).astype(np.uint8)
        variance = kernels.averaged_variance(variance, (bits & OUT_OF_MEANS) == 0, windows)
    # In place from here on: fresh memory costs more than the arithmetic.
    variance *= kernels.sharing(path, windows, len(variance)).astype(np.float32)[:, None, None]
    if places:
        variance = move(np.array(places), variance, np.ascontiguousarray(shift, np.float32), cubic, 2)
    np.sqrt(variance, out=variance)
    return np.divide(variance, edge_step, out=variance)


def _raised(point: Any, fitted: Any) -> Any:
    return point * fitted.astype(np.float32)[:, None, None]


def _numbers(
    norm: Any, point: Any, *measured: Any, windows: tuple[Neighborhood, ...], along: int, **settings: Any
) -> tuple[Any, ...]:
    """`noise_ratio`, `noise_level`, and what the normalization adds, from the rows of a sample."""
    ratio, level = _ratio(norm, point, measured[-1], windows, along)
    settings["windows"] = windows
    return ratio, level, *_fitted(*measured, **settings)


def _ratio(
    norm: Any, point: Any, path: Any, windows: tuple[Neighborhood, ...], along: int
) -> tuple[float, float]:
    apart = np.sqrt(kernels.difference(path, windows, len(norm))).astype(np.float32)
    ratio = kernels.measured_over_predicted(norm, point * apart[:, None, None], along)
    known = point[np.isfinite(point)]
    return ratio, float(np.median(known)) if known.size else np.nan


def _fitted(
    mu: Any,
    mu_noise: Any,
    flags: Any,
    edge_step: Any,
    shift: Any,
    path: Any,
    plan: str,
    axis: str,
    windows: tuple[Neighborhood, ...],
    moved: bool,
    places: tuple[float, ...],
    cubic: bool,
) -> tuple[Any, ...]:
    """What the normalization adds to the noise of each point, the median over typical pixels, and their response."""
    from scipy.sparse import csr_array
    from threadpoolctl import threadpool_limits

    good = (flags & np.uint8(LEFT_OUT) == 0) & (edge_step > 0) & np.isfinite(mu_noise).all(axis=0)
    pixels = np.argwhere(good & (np.isfinite(mu).mean(axis=0) > 0.5))
    pixels = pixels[np.linspace(0, len(pixels), min(FOLLOWED, len(pixels)), endpoint=False).astype(int)]
    grid, found, followed = np.array(places), [], []
    shared = kernels.sharing(path, windows, len(mu))
    for (y, x), norm in zip(
        pixels, _touched(axis, grid, mu[:, pixels[:, 0], pixels[:, 1]], plan), strict=True
    ):
        change, step = (norm[:, 1:] - norm[:, :1]) / TOUCH, float(edge_step[y, x])
        variance = shared * mu_noise[:, y, x].astype(np.float64) ** 2
        norm[:, 1:], taken = change, None
        if moved:
            # Each value takes of a few only: a dense product would cost more than all the rest.
            taken = csr_array(_interpolated(grid, shift[y, x], cubic))
            norm[:, 1:] = change @ taken
        found.append(kernels.fit_noise(norm, taken, variance, step))
        followed.append(
            Followed(norm[:, 0], change, variance, np.sqrt(norm[:, 1:] ** 2 @ variance), step, taken)
        )
    raised = np.array(found).reshape(-1, len(grid))
    fitted = [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else 1.0 for row in raised.T]
    # Small matrices: threads that wait for each other take many times as long.
    with threadpool_limits(1, "blas"):
        return np.array(fitted), *typical_response(followed, len(grid))


def _touched(axis: str, grid: Any, spectra: Any, plan: str) -> Iterator[Any]:
    """Each of the spectra `(place, pixel)` normalized as it is, and after a touch of each of its values."""
    units, some = np.column_stack([0 * grid, TOUCH * np.eye(len(grid))]), max(1, AT_ONCE // len(grid) ** 2)
    for first in range(0, spectra.shape[1], some):
        part = spectra[:, first : first + some, None] + units[:, None, :]
        norm = _normalized(axis, grid, part.reshape(len(grid), -1), plan).reshape(part.shape)
        yield from (np.ascontiguousarray(norm[:, one]) for one in range(part.shape[1]))


def _interpolated(grid: Any, shift: Any, cubic: bool) -> Any:
    """What the absorbance after a shift takes of each value before it, `(place, source)`."""
    units = np.eye(len(grid), dtype=np.float32)[:, None, :]
    # An energy that the pixel does not cover is NaN in the absorbance already.
    return np.nan_to_num(move(grid, units, np.full((1, len(grid)), shift, np.float32), cubic)[:, 0])


def _normalized(axis: str, places: Any, spectra: Any, plan: str) -> Any:
    """Spectra `(place, spectrum)` through the scan's own normalization."""
    small = xr.Dataset({"mu": (cube_dims(axis), spectra[:, None, :])}, coords={axis: places})
    small["flags"] = (MAP, np.zeros((1, spectra.shape[1]), np.uint8))
    for name, settings in json.loads(plan):
        small = STEPS[name].function(small, **settings)
    return small.norm.values[:, 0].astype(np.float64)
