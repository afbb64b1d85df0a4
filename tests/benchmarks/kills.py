"""Kill a run at random moments, run the same command again, and compare what it leaves with an undisturbed run.

    python tests/benchmarks/kills.py [--times 20] [--seed 0]

The recipe stores the cube, trains, classifies and writes maps. A child process is ended by SIGKILL after a random part
of the time that an undisturbed run takes; in one case of three its successor is killed too. Then it is run to its end,
and every byte of the cube, the maps and the model is compared.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from xafsflow.blocks import field as fields
from xafsflow.blocks import pixel_regions as regions
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline.execution import run
from xafsflow.pipeline.recipe import Recipe, apply_overrides, load_recipe
from xafsflow.store import cube_store as cubes

DEMO = Path(__file__).resolve().parents[2] / "workflows" / "demo.yaml"
QUICK = ["train.mixtures.noise_patterns=20", "train.fit.trees=10", "train.mixtures.step=0.25"]
KEPT = ("cube.zarr", "maps.zarr", "models")


def recipe_with_store(folder: Path) -> Recipe:
    """The recipe of the demonstration, with the cube stored."""
    text = DEMO.read_text(encoding="utf-8")
    path = folder / "recipe.yaml"
    path.write_text(
        text.replace("  - correct.absorbance\n", "  - ingest.store: {tile: 16}\n  - correct.absorbance\n")
    )
    return apply_overrides(load_recipe(path), QUICK)


def digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of what a run is to keep."""
    found = hashlib.sha256()
    for part in KEPT:
        for path in sorted([folder / part, *(folder / part).rglob("*")]):
            if path.is_file():
                found.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return found.hexdigest()


def child(recipe: Recipe, scan: Path, out: Path) -> int:
    """Start a run in a process of its own; its number."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            # Small blocks, each a band, so that there are many moments between two of them.
            regions.BLOCK_BYTES, fields.BAND_BYTES, cubes.BAND_BYTES = 8 * 64 * 80 * 4, 16 * 64 * 80 * 4, 1
            run(recipe, Folders(scan), out)
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    return pid


def killed(recipe: Recipe, scan: Path, out: Path, moment: float) -> bool:
    """Run for a moment; whether it was killed before its end."""
    pid = child(recipe, scan, out)
    end = time.monotonic() + moment
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def main() -> int:
    """Print a line a trial, and how many ended as the undisturbed run did."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scan = write_phantom(Phantom(size=(48, 64), energies=80, seed=1), folder / "scan")
        recipe = recipe_with_store(folder)
        os.waitpid(child(recipe, scan, folder / "first"), 0)  # compiles the kernels
        start = time.monotonic()
        status = os.waitpid(child(recipe, scan, folder / "whole"), 0)[1]
        took, whole = time.monotonic() - start, digest(folder / "whole")
        if status:
            return 1
        same = 0
        for trial in range(options.times):
            out, moments = folder / f"run{trial}", []
            for _ in range(2 if trial % 3 == 0 else 1):
                moments.append(chance.uniform(0, took))
                if not killed(recipe, scan, out, moments[-1]):
                    break
            unfinished = (out / "run.json").exists() and '"finished"' not in (out / "run.json").read_text()
            if unfinished or not (out / "run.json").exists():
                os.waitpid(child(recipe, scan, out), 0)
            good = digest(out) == whole
            same += good
            told = ", ".join(f"{moment:.2f} s" for moment in moments)
            print(
                f"killed after {told} of {took:.2f} s: {'the same bytes' if good else 'OTHER BYTES'}",
                flush=True,
            )
    print(f"{same} of {options.times} ended with the bytes of the undisturbed run")
    return 0 if same == options.times else 1


if __name__ == "__main__":
    raise SystemExit(main())
