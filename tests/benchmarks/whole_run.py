"""The whole of `xafsflow run`, TIFF files to maps, process start included, beside a plain Dask program.

    python tests/benchmarks/whole_run.py [--gigabytes 0.605] [--repeats 5] [--no-plain] [--folder DIR] [--json FILE]
                                         [--before PYTHON RECIPE]

The model is cached: one run that is not counted trains it. The plain program gets a scikit-learn forest of the same
patterns, trained before. `--before` adds another version of xafsflow: the Python of its environment, and the recipe as
that version writes it. All run in turn; wall time and peak memory are those of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scans import bytes_of, tiled_scan

HERE = Path(__file__).resolve().parent


def spent(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and megabytes of a process and what it starts."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]}: {told.decode()}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def sklearn_model(samples_of: Path, target: Path) -> None:
    """A scikit-learn forest of the same kind of patterns, as the plain program loads it."""
    code = f"""
import joblib, xafsflow as xf
from sklearn.ensemble import RandomForestClassifier
cube = xf.ingest.tiff_stack({str(samples_of)!r}, flat_field="flat/*.tif", dark="dark/*.tif", energies="energies.csv")
files = {{name: f"references/{{name}}.xdi" for name in ("Fe", "FeO", "Fe2O3")}}
library = xf.ingest.references({str(samples_of)!r}, files=files)
cube = xf.normalize.edge_step(xf.correct.absorbance(cube), e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
cube = xf.derive.derivative(cube, window=8.0)
samples = xf.train.mixtures(cube, library, features="dmude", span=(-20.0, 100.0), noise=0.02).compute()
forest = RandomForestClassifier(100, n_jobs=-1, random_state=0).fit(samples.features.values, samples.label.values)
known = {{"forest": forest, "compositions": samples.composition.values, "energy": samples.energy.values}}
joblib.dump(known, {str(target)!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--gigabytes", type=float, default=0.605)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-plain", action="store_true")
    parser.add_argument("--folder", type=Path, help="where there is room for the scan")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--before", nargs=2, metavar=("PYTHON", "RECIPE"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        scan = tiled_scan(folder, options.gigabytes)
        size = bytes_of(scan / "sample")
        environment = os.environ | {"XAFSFLOW_CACHE": str(folder / "cache")}
        out = folder / "run"
        command = [sys.executable, "-m", "xafsflow", "run", str(HERE / "whole_run.yaml")]
        ways = {"xafsflow run": [*command, "--data", str(scan), "--out", str(out)]}
        if options.before:
            python, recipe = options.before
            ways["before"] = [python, "-m", "xafsflow", "run", recipe, "--data", str(scan), "--out", str(out)]
        if not options.no_plain:
            sklearn_model(scan, folder / "model.joblib")
            plain = [
                str(HERE / "plain_dask.py"),
                str(scan),
                str(folder / "model.joblib"),
                str(folder / "maps.npy"),
            ]
            ways["plain dask"] = [sys.executable, *plain]
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for turn in range(options.repeats + 1):
            for way, line in ways.items():
                shutil.rmtree(out, ignore_errors=True)
                if turn or way != "plain dask":
                    figures = spent(line, environment)
                    if turn:
                        found[way].append(figures)
    rows = {
        way: [float(np.median(column)) for column in zip(*figures, strict=True)]
        for way, figures in found.items()
    }
    print(f"{size / 1e6:.0f} MB of TIFF files to maps, median of {options.repeats}")
    for way, (seconds, memory) in rows.items():
        print(f"{way:<14}{seconds:8.2f} s{memory:8.0f} MB")
    if "plain dask" in rows:
        print(f"ratio {rows['plain dask'][0] / rows['xafsflow run'][0]:.1f}")
    if options.json:
        options.json.write_text(json.dumps({"bytes": size, "ways": rows}, indent=1))


if __name__ == "__main__":
    main()
