"""TIFF files to a compressed Zarr cube beside `cp -r` of the files; then spectra of single pixels out of that cube.

    python tests/benchmarks/ingest.py [--gigabytes 0.605] [--repeats 5] [--folder DIR] [--json FILE]

Both run in turn, the files in the page cache. The path is that of `ingest.tiff_stack` and `ingest.store`; memory is the
peak of this process above what it held with everything imported.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scans import bytes_of, tiled_scan

from xafsflow import ingest
from xafsflow.store import open_cube, write_cube

TILE, SPECTRA = 64, 200


def peak() -> float:
    """Megabytes that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def spectrum_seconds(path: Path) -> float:
    """Median time of one pixel's spectrum, each of another chunk than the one before."""
    counts, draw = open_cube(path).sample, np.random.default_rng(0)
    spent = []
    for y, x in zip(*(draw.integers(0, counts.sizes[dim], SPECTRA) for dim in ("y", "x")), strict=True):
        start = time.perf_counter()
        counts[:, y, x].to_numpy()
        spent.append(time.perf_counter() - start)
    return float(np.median(spent))


def seconds(work: Callable[[], None]) -> float:
    """What it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measured(folder: Path, gigabytes: float, repeats: int, shards: bool) -> dict[str, Any]:
    """Seconds of both ways, memory, files, and a pixel's spectrum."""
    scan, cube_path = folder / "scan", folder / "cube.zarr"

    def store() -> None:
        cube = ingest.tiff_stack(scan, energies="energies.csv")
        write_cube(cube, cube_path, tile=TILE, shards=shards)

    def copy() -> None:
        subprocess.run(["cp", "-r", scan / "sample", folder / "copy"], check=True)

    before, spent = peak(), []
    for _ in range(repeats + 1):
        for path in (cube_path, folder / "copy"):
            shutil.rmtree(path, ignore_errors=True)
        spent.append([seconds(store), seconds(copy)])
    # The first round brings the files into memory.
    ours, theirs = np.median(spent[1:], axis=0).tolist()
    return {
        "megabytes": bytes_of(scan / "sample") / 1e6,
        "seconds": ours,
        "cp_seconds": theirs,
        "ratio": ours / theirs,
        "peak_mb_above": peak() - before,
        "files": sum(path.is_file() for path in cube_path.rglob("*")),
        "stored_mb": sum(path.stat().st_size for path in cube_path.rglob("*") if path.is_file()) / 1e6,
        "spectrum_ms": 1e3 * spectrum_seconds(cube_path),
    }


def main() -> None:
    """Print a line a way to store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--gigabytes", type=float, default=0.605)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where there is room for three times that")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        scan = tiled_scan(Path(name), options.gigabytes, kinds=("sample",))
        # Imports and compiling are no part of it.
        ingest.tiff_stack(scan, energies="energies.csv").isel(y=slice(2)).compute()
        found = {
            way: measured(Path(name), options.gigabytes, options.repeats, shards)
            for way, shards in (("a file a chunk", False), ("a shard a band", True))
        }
    print(f"codecs: {'zarrs' if find_spec('zarrs') else 'zarr-python'}; median of {options.repeats}")
    for way, told in found.items():
        print(
            f"{way}: {told['megabytes']:.0f} MB in {told['seconds']:.2f} s, cp {told['cp_seconds']:.2f} s, "
            f"ratio {told['ratio']:.1f}; {told['peak_mb_above']:.0f} MB above the interpreter; "
            f"{told['files']} files, {told['stored_mb']:.0f} MB; a pixel's spectrum {told['spectrum_ms']:.1f} ms"
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
