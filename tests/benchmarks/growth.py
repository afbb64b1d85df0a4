"""How the cost of `xafsflow run` grows with the measurement: TIFF files to maps, process start included, a cached model.

    python tests/benchmarks/growth.py [--recipe NAME_OR_PATH] [--sizes 0.1 0.6 2.4 5.7] [--repeats 3] [--folder DIR]
                                      [--json FILE] [--plot FILE]

The recipe is `demo` by default; sizes are those of the sample alone. Scans are made on disk, one after the other, and
removed. Linear means that seconds per million pixels fall to a constant as the start of the process stops to count; flat
means that the peak memory does not follow the size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scans import ENERGIES, bytes_of, tiled_scan
from whole_run import recipe_of, spent

HEAD = f"{'GB':>6}{'Mpx':>8}{'seconds':>10}{'s per Mpx':>11}{'user s':>9}{'peak MB':>9}"


def measured(
    recipe: Path, gigabytes: float, repeats: int, place: Path | None, models: Path
) -> dict[str, float]:
    """Medians of the whole run of a scan of about so many gigabytes."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        scan = tiled_scan(Path(name), gigabytes)
        size = bytes_of(scan / "sample")
        out = Path(name) / "run"
        command = [sys.executable, "-m", "xafsflow", "run", str(recipe)]
        command += ["--data", str(scan), "--out", str(out)]
        environment = os.environ | {"XAFSFLOW_CACHE": str(models)}
        found = []
        for turn in range(repeats + 1):
            shutil.rmtree(out, ignore_errors=True)
            cost = spent(command, environment)
            if turn:
                # The first one trains the model, and brings the files into memory as far as they fit.
                found.append(cost)
        timings = json.loads((out / "run.json").read_text())["timings"]
    seconds = [cost.wall for cost in found]
    return {
        "bytes": size,
        "pixels": size / (4 * ENERGIES),
        "seconds": float(np.median(seconds)),
        "least_seconds": min(seconds),
        "most_seconds": max(seconds),
        "user_seconds": float(np.median([cost.user for cost in found])),
        "maps_seconds": timings["maps"],
        "peak_mb": float(np.median([cost.peak_mb for cost in found])),
    }


def line(row: dict[str, float]) -> str:
    """One line of the table."""
    pixels = row["pixels"] / 1e6
    rate = row["seconds"] / pixels
    return (
        f"{row['bytes'] / 1e9:6.2f}{pixels:8.2f}{row['seconds']:10.2f}{rate:11.2f}"
        f"{row.get('user_seconds', float('nan')):9.2f}{row['peak_mb']:9.0f}"
    )


def straight(rows: list[dict[str, float]]) -> tuple[float, float]:
    """Seconds at the start and seconds per pixel of the line through the smallest and the largest scan."""
    first, last = rows[0], rows[-1]
    slope = (last["seconds"] - first["seconds"]) / (last["pixels"] - first["pixels"])
    return first["seconds"] - slope * first["pixels"], slope


def plot(rows: list[dict[str, float]], path: Path) -> None:
    """Seconds and peak memory over pixels, both axes logarithmic, with the line of linear growth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    start, slope = straight(rows)
    pixels = np.array([row["pixels"] for row in rows]) / 1e6
    fine = np.geomspace(pixels[0] / 1.3, pixels[-1] * 1.3, 100)
    figure, (time, memory) = pyplot.subplots(1, 2, figsize=(8.6, 3.4), layout="constrained")
    label = f"{start:.1f} s + {1e6 * slope:.2f} s per million pixels"
    time.plot(fine, start + slope * 1e6 * fine, color="0.65", lw=1.5, label=label)
    time.plot(pixels, [row["seconds"] for row in rows], "o", color="C0", ms=7, label="measured")
    time.set(xscale="log", yscale="log", ylabel="seconds, TIFF files to maps")
    time.legend(frameon=False, loc="upper left")
    memory.plot(
        pixels, [row["peak_mb"] for row in rows], "o-", color="C1", ms=7, label="peak memory of the run"
    )
    memory.plot(
        fine,
        [4 * ENERGIES * x for x in fine],
        color="0.65",
        lw=1.5,
        ls="--",
        label="size of the sample's files",
    )
    memory.set(xscale="log", yscale="log", ylabel="megabytes")
    memory.legend(frameon=False, loc="upper left")
    for axes in (time, memory):
        axes.set_xlabel(f"million pixels of {ENERGIES} energies")
        axes.set_xticks(
            pixels, [f"{x:.2g}\n{row['bytes'] / 1e9:.2g} GB" for x, row in zip(pixels, rows, strict=True)]
        )
        axes.set_xticks([], minor=True)
        low, high = axes.get_ylim()
        low, high = low / 1.5, high * 1.5
        ticks = [d * 10.0**k for k in range(-1, 6) for d in (1, 2, 5) if low <= d * 10.0**k <= high]
        axes.set_ylim(low, high)
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([], minor=True)
        axes.grid(alpha=0.25, which="major")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Print a table, write JSON and the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--recipe", type=recipe_of, default="demo")
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 0.6, 2.4, 5.7], help="gigabytes")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where there is room for the largest scan")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="a PNG file")
    parser.add_argument("--again", type=Path, help="take the figures from this JSON file, and plot them")
    options = parser.parse_args()
    if options.again:
        rows = json.loads(options.again.read_text())["rows"]
    else:
        rows = []
        with tempfile.TemporaryDirectory(dir=options.folder) as models:
            print(HEAD)
            for gigabytes in sorted(options.sizes):
                rows.append(
                    measured(options.recipe, gigabytes, options.repeats, options.folder, Path(models))
                )
                print(line(rows[-1]), flush=True)
    told: dict[str, Any] = {"cores": os.cpu_count(), "python": platform.python_version(), "rows": rows}
    told["recipe"] = options.recipe.stem
    if len(rows) > 1:
        start, slope = straight(rows)
        print(f"{start:.2f} s and {1e6 * slope:.2f} s per million pixels")
        told |= {"start_seconds": start, "seconds_per_pixel": slope}
        if options.plot:
            plot(rows, options.plot)
    if options.json and not options.again:
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
