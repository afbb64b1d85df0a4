"""Print how right drift, flux and noise are, on phantoms and on the measured data beside the project.

python tests/benchmarks/drift_noise.py [--data ../shared/data] [--seeds 6]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import xarray as xr

import xafsflow as xf
from xafsflow.kernels.images.motion_correction import realigned
from xafsflow.phantom import Phantom, as_dataset, camera
from xafsflow.phantom.detector import flux_of
from xafsflow.vocabulary import MAP, cube_dims

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
WINDOWS = {"e0": 7112.0, "pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}


def absorbance(cube: xr.Dataset) -> xr.Dataset:
    """Absorbance with dead pixels mended, in memory."""
    return xf.correct.dead_pixels(xf.correct.absorbance(cube)).compute()


def scan_fe(data: Path) -> xr.Dataset:
    """The scan with a known answer."""
    names = {
        "sample": "sample/*.tif",
        "flat_field": "flat/*.tif",
        "dark": "dark/*.tif",
        "energies": "energies.csv",
    }
    return absorbance(xf.ingest.tiff_stack(data / "scan_fe", **names))


def ways(seed: int, images: int) -> dict[str, Any]:
    """Motions of 6 pixels over the scan, of either sign, with jumps, and none; `(image, 2)`, pixels."""
    random = np.random.default_rng(seed)
    sign, time = random.choice([-1.0, 1.0], 2), np.linspace(0, 1, images)[:, None]
    jump = time > random.uniform(0.2, 0.8, 2)
    walk = np.cumsum(random.normal(0, 0.15, (images, 2)), axis=0)
    return {
        "steady": 6 * sign * time,
        "jumps": sign * (3 * jump + 3 * time),
        "walk": walk,
        "none": 0 * sign * time,
    }


def off(found: Any, path: Any) -> Any:
    """Root mean square of what is wrong along y and x; where zero lies is a convention."""
    rest = np.asarray(found) - path
    return np.sqrt(((rest - np.median(rest, axis=0)) ** 2).mean(axis=0))


def print_drift(seeds: int) -> None:
    """A table of phantoms."""
    print("drift: root mean square error in pixels (y, x) and the error that is told, 210 x 128 x 160")
    all_found: dict[str, list[Any]] = {}
    for seed in range(seeds):
        for name, path in ways(seed, 210).items():
            moves = (0.0, 0.0) if name == "none" else tuple(np.abs(path).max(axis=0))
            with patch.object(camera, "drift_path", lambda phantom, path=path: path):
                cube = absorbance(as_dataset(Phantom(seed=seed, drift=moves)))
            found = xf.correct.drift(cube)
            wrong, told = off(found.drift, path), float(found.drift_error.median())
            all_found.setdefault(name, []).append(wrong)
            print(f"  seed {seed}  {name:<8}{wrong[0]:8.4f}{wrong[1]:8.4f}   told {told:.4f}", flush=True)
    for name, wrong in all_found.items():
        print(
            f"  all     {name:<8}worst {np.max(wrong):.4f}   together {np.sqrt(np.mean(np.square(wrong))):.4f}"
        )


def print_drift_measured(data: Path) -> None:
    """Scans that do not move, and a measured stack that is moved by a known way."""
    still = xf.correct.drift(scan_fe(data)).drift
    print(
        f"drift on scan_fe, which does not move: {np.round(off(still, 0), 4)} pixels, "
        f"{float(np.abs(still).max()):.3f} at most"
    )
    folder = data / "als_fe2p"
    stack = xf.ingest.tiff_stack(
        folder, sample="transmitted_counts.tif", flat_field="i0.xsp", energies="i0.xsp"
    )
    cube = xf.correct.absorbance(stack).compute()
    first = xf.correct.drift(cube)
    told = float(first.drift_error.median())
    print(
        f"als_fe2p as it is: moves by {np.round(np.ptp(first.drift.values, axis=0), 2)} pixels, error told {told:.3f}"
    )
    for seed in (0, 1):
        path = ways(seed, cube.sizes["energy"])["jumps"]
        moved = realigned(cube.mu.fillna(0).values, -path)
        flags = np.zeros(moved.shape[1:], np.uint8)
        again = xf.correct.drift(
            xr.Dataset({"mu": (cube_dims(), moved), "flags": (MAP, flags)}, {"energy": cube.energy})
        )
        print(
            f"als_fe2p moved by 6 pixels: {np.round(off(again.drift, path + first.drift.values), 3)} pixels wrong"
        )


def print_flux(seeds: int, data: Path) -> None:
    """How much of the jitter is left."""
    print(
        "flux: standard deviation of the jitter, of what is left, and the error that is told (1000 of absorbance)"
    )
    for seed in range(seeds):
        phantom = Phantom(seed=seed)
        jitter = -np.log(flux_of(phantom, "sample") / flux_of(phantom, "flat"))
        found = xf.correct.flux(absorbance(as_dataset(phantom)))
        numbers = (
            np.std(jitter),
            np.std(found.flux_offset.values - jitter),
            found.flux_offset_error.values.mean(),
        )
        print("  seed", seed, *(f"{1000 * number:8.2f}" for number in numbers), flush=True)
    found = xf.correct.flux(scan_fe(data))
    numbers = found.flux_offset.values.std(), found.flux_offset_error.values.mean()
    print("  scan_fe: jitter and error told", *(f"{1000 * number:8.2f}" for number in numbers))


def print_noise(seeds: int, data: Path) -> None:
    """The noise that phantoms really have over the predicted one, and the ratio that a user sees."""
    print("noise: real over predicted (by energy: 5 %, median, 95 %), and noise_ratio")
    for seed in range(seeds):
        for counts in (19000.0, 2000.0):
            settings: dict[str, Any] = {"seed": seed, "counts": counts}
            noisy = absorbance(as_dataset(Phantom(**settings)))
            quiet = absorbance(as_dataset(Phantom(**settings, noise=False)))
            for window, shift in ((0, 0.0), (3, 0.0), (3, 0.7)):
                found, still = (_normalized(cube, window, shift) for cube in (noisy, quiet))
                found = xf.derive.noise(found)
                relative = ((found.norm - still.norm) / found.norm_noise).values.reshape(210, -1)
                good = relative[:, np.isfinite(relative).any(axis=0)]
                real = 1.4826 * np.nanmedian(np.abs(good[3:-3]), axis=1)
                low, middle, high = np.quantile(real, [0.05, 0.5, 0.95])
                print(
                    f"  seed {seed}  {counts:6.0f} counts  window {window}  shift {shift:.1f} eV "
                    f"{low:8.3f}{middle:8.3f}{high:8.3f}   ratio {float(found.noise_ratio):.3f}",
                    flush=True,
                )
    cube = xf.correct.background(scan_fe(data), e0=7112.0)
    for window in (0, 3, 5):
        found = xf.derive.noise(_normalized(cube, window, 0.0))
        typical = float(found.noise.median())
        print(
            f"  scan_fe  window {window}: noise {typical:.4f} of the edge step, ratio {float(found.noise_ratio):.3f}"
        )


def _normalized(cube: xr.Dataset, window: int, shift: float) -> xr.Dataset:
    if shift:
        cube = xf.calibrate.apply(cube, xf.calibrate.constant(cube, shift=shift))
    if window:
        cube = xf.correct.average(cube, window=window)
    return xf.normalize.edge_step(cube, **WINDOWS)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=6)
    given = parser.parse_args()
    print_drift(given.seeds)
    print_drift_measured(given.data)
    print_flux(min(2, given.seeds), given.data)
    print_noise(min(2, given.seeds), given.data)


if __name__ == "__main__":
    main()
