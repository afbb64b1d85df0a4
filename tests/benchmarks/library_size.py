"""Seconds and memory of learning from a large library: Zarr on the disk, samples, a forest, a map of all its spectra.

    python tests/benchmarks/library_size.py [--spectra 100000 ...] [--energies 200] [--trees 30] [--dir FOLDER]
                                            [--json FILE]

The library is written block by block before the clock starts: simulated spectra with noise of their own, four of each
material. A fresh process then does all that a recipe would: `ingest.spectra`, `train.spectra` with the spectrum and its
derivative, `train.fit`, and `classify.model` over a cube whose pixels are the spectra of the library. Its peak is what the
kernel of the system tells of it, with the interpreter and all imports, which are told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

NOISE, BLOCK, PATTERNS = 0.02, 5000, 2000


def write_large_library(path: Path, spectra: int, energies: int, seed: int) -> None:
    """So many spectra as a Zarr group, `BLOCK` of them at a time."""
    import xarray as xr

    from xafsflow.learning.samples.augmentation import with_noise
    from xafsflow.phantom import simulated_library, write_library

    known = simulated_library(PATTERNS, seed, energies=energies)[["mu", "polyhedron"]].drop_vars("group")
    rng = np.random.default_rng(seed)
    for first in range(0, spectra, BLOCK):
        places = rng.integers(PATTERNS, size=min(BLOCK, spectra - first))
        block = known.isel(sample=places)
        group = (first + np.arange(len(places))) // 4
        block["mu"] = (("sample", "energy"), with_noise(block.mu.values, NOISE, rng), known.mu.attrs)
        block = block.assign_coords(group=("sample", np.char.add("material ", group.astype(str))))
        if first == 0:
            write_library(block, path, block=BLOCK // 5)
        else:
            text = {name: block[name].astype(np.dtypes.StringDType()) for name in ("polyhedron", "group")}
            block.assign(text).drop_vars("energy").to_zarr(path, append_dim="sample", consolidated=False)
    assert xr.open_zarr(path, consolidated=False).sizes["sample"] == spectra


def peak_mb() -> float:
    """The most memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def whole_way(folder: Path, trees: int) -> dict[str, Any]:
    """Library to map in this process; seconds and peak after each step."""
    import dask
    import xarray as xr

    import xafsflow as xf

    dask.config.set(scheduler="threads", num_workers=2)
    found: dict[str, Any] = {}
    start = time.perf_counter()

    def done(name: str) -> None:
        found[name] = {"seconds": time.perf_counter() - start, "peak_mb": peak_mb()}

    done("imports")
    library = xf.ingest.spectra(folder, files=["library.zarr"])
    done("ingest.spectra")
    rows = library.sizes["sample"] // 500
    mu = library.mu.data[: rows * 500].T.reshape(library.sizes["energy"], rows, 500)
    cube = xr.Dataset(
        {"mu": (("energy", "y", "x"), mu), "flags": (("y", "x"), np.zeros((rows, 500), np.uint8))},
        {"energy": library.energy.values},
    )
    cube = xf.ingest.as_measured(cube)
    cube = xf.normalize.flat(cube, e0=7118.0, pre1=-22, pre2=-10, npre=0, norm1=40, nnorm=1)
    done("normalize.flat")
    samples = xf.train.spectra(
        library, cube, label="polyhedron", features=["spectrum", "derivative"], noise=NOISE
    )
    done("train.spectra")
    model, findings = xf.train.fit(samples, classifier="random_forest", trees=trees)
    del samples
    done("train.fit")
    maps = xf.classify.model(cube, model)[["class_index"]].compute()
    truth = np.unique(library.polyhedron.values, return_inverse=True)[1]
    right = float((maps.class_index.values.ravel() == truth[: rows * 500]).mean())
    done("classify.model")
    return {"steps": found, "held_out_accuracy": findings.accuracy, "map_right": right}


def measured(spectra: int, energies: int, trees: int, place: Path | None, seed: int) -> dict[str, Any]:
    """A library of this size, and the fresh process that learns from it."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        write_large_library(Path(name) / "library.zarr", spectra, energies, seed)
        command = [sys.executable, __file__, "--inside", name, "--trees", str(trees)]
        environment = os.environ | {"XAFSFLOW_CACHE": ""}
        told = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    print(f"{spectra} spectra x {energies} energies, {trees} trees (asked of 100,000 x 200: below 1000 MB)")
    for step, cost in found["steps"].items():
        print(f"  {step:16s}{cost['seconds']:8.1f} s{cost['peak_mb']:8.0f} MB at most so far")
    print(f"  held out {found['held_out_accuracy']:.3f}, map {found['map_right']:.3f}", flush=True)
    return found


def main() -> None:
    """Measure the sizes that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spectra", nargs="+", type=int, default=[100_000])
    parser.add_argument("--energies", type=int, default=200)
    parser.add_argument("--trees", type=int, default=30)
    parser.add_argument(
        "--dir", type=Path, default=None, help="where the library is written, a temporary folder"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--inside", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside is not None:
        print(json.dumps(whole_way(given.inside, given.trees)))
        return
    found = {
        str(one): measured(one, given.energies, given.trees, given.dir, given.seed) for one in given.spectra
    }
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
