"""The whole of `xafsflow run`, TIFF files to maps, process start included, beside a plain Dask program.

    python tests/benchmarks/whole_run.py [--recipe NAME_OR_PATH ...] [--gigabytes 0.605] [--repeats 5]
        [--cluster threads local] [--workers N] [--before PYTHON RECIPE] [--no-plain] [--plain-rows 128]
        [--scan FOLDER | --keep FOLDER] [--folder DIR] [--json FILE]

A recipe is one of `workflows/`, a file, or `stripped`, which is `whole_run.yaml` and what versions from before the recipe of
`demo` were measured by. One run of each way is not counted; the first trains the model, and is the one "without a cached
model". Then all ways run in turn, and ratios are medians of those within one turn.

wall, user, system  seconds of the process and all that it started
peak, worker        the most memory of the largest process and of the largest worker (VmHWM, looked up every 50 ms)
read                what all its processes read (rchar), less what the same takes for a field of 40 x 48 pixels: programs,
                    model and small files; reading back the maps for the report is in it
restarts            of workers

The plain program (`plain_dask.py`) does the same steps on a part of the field. Its times are those of its start, and
those of its work times the rows of the field over those of the part; its memory is that of the part. `--before` adds
another version of xafsflow to the first recipe: the Python of its environment, and the recipe as that version writes it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from compare_runs import compared_maps
from scans import ALL, STANDARDS, bytes_of, field_of, tiled_scan

HERE = Path(__file__).resolve().parent
WORKFLOWS = HERE.parents[1] / "workflows"
# Recipes whose spectra are measured ones.
OF_STANDARDS = ("iron_oxides",)
# Recipes that the plain program knows, and the patterns that its forest learns.
PATTERNS = {
    "demo": {"features": "norm", "noise_patterns": 200},
    "stripped": {"features": "dmude", "noise_patterns": 1000, "noise": 0.02},
}
Command = Callable[[Path, Path], list[str]]


@dataclass(frozen=True)
class Cost:
    """What a process and all that it started took."""

    wall: float
    user: float
    system: float
    peak_mb: float
    worker_mb: float = 0.0
    read_mb: float = float("nan")
    restarts: float = 0.0


class Watch(threading.Thread):
    """Looks at the memory of a process, and of those that it starts, until it is told to stop."""

    def __init__(self, pid: int, children: bool) -> None:
        super().__init__(daemon=True)
        self.pid, self.children, self.own, self.largest_child = pid, children, 0.0, 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        """Look every 50 ms."""
        while not self.ended.wait(0.05):
            self.own = max(self.own, high_water(self.pid))
            if self.children:
                with suppress(psutil.Error):
                    started = psutil.Process(self.pid).children(recursive=True)
                    self.largest_child = max([self.largest_child, *(high_water(one.pid) for one in started)])

    def stop(self) -> None:
        """Look no more."""
        self.ended.set()
        self.join()


def high_water(pid: int) -> float:
    """The most megabytes that a process held so far; 0 where it has ended.

    Not the `ru_maxrss` of its end, which counts what the process that started it held.
    """
    with suppress(OSError, IndexError):
        lines = Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split(maxsplit=1)
        return int(lines[0]) / 1024
    return 0.0


def bytes_read(pid: int) -> int:
    """What a process, and those that it has waited for, have read."""
    return int(Path(f"/proc/{pid}/io").read_text().partition("rchar: ")[2].split()[0])


def spent(command: list[str], environment: dict[str, str], workers: bool = False) -> Cost:
    """What a process and what it starts take."""
    start = time.perf_counter()
    # Not in the checkout, whose package Python would take for that of another version.
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tempfile.gettempdir()
    )
    assert process.stderr is not None
    watch = Watch(process.pid, workers)
    watch.start()
    told = process.stderr.read().decode(errors="replace")
    # Its counters go with it: they are read between its end and its burial.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    wall, read = time.perf_counter() - start, bytes_read(process.pid)
    watch.stop()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {told}")
    peak = max(watch.own, watch.largest_child)
    restarts = told.count("Restarting worker")
    return Cost(wall, usage.ru_utime, usage.ru_stime, peak, watch.largest_child, read / 1e6, restarts)


def sklearn_model(scan: Path, target: Path, recipe: str) -> None:
    """A scikit-learn forest of the same patterns, as the plain program loads it."""
    demo = recipe == "demo"
    mend = "xf.correct.average(xf.correct.background(xf.correct.dead_pixels(cube), e0=7112.0), window=3)"
    code = f"""
import joblib, numpy as np, xafsflow as xf
from sklearn.ensemble import RandomForestClassifier
cube = xf.ingest.tiff_stack({str(scan)!r}, flat_field="flat/*.tif", dark="dark/*.tif", energies="energies.csv")
files = {{name: f"references/{{name}}.xdi" for name in ("Fe", "FeO", "Fe2O3")}}
library = xf.ingest.references({str(scan)!r}, files=files)
cube = xf.correct.absorbance(cube)
cube = {mend if demo else "cube"}
cube = xf.normalize.edge_step(cube, e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
cube = {"xf.derive.noise(cube)" if demo else "xf.derive.derivative(cube, window=8.0)"}
settings = {PATTERNS[recipe]}
samples = xf.train.mixtures(cube, library, span=(-20.0, 100.0), **settings).compute()
forest = RandomForestClassifier(100, n_jobs=-1, random_state=0).fit(samples.features.values, samples.label.values)
used = np.isin(samples.reference_energy, samples.energy)
known = {{"forest": forest, "compositions": samples.composition.values, "energy": samples.energy.values,
         "centers": samples.class_features.values, "references": samples.reference_norm.values[:, used]}}
joblib.dump(known, {str(target)!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)


class Measurement:
    """One recipe on one scan, in several ways."""

    def __init__(
        self, recipe: Path, scan: Path, tiny: Path, place: Path, options: argparse.Namespace
    ) -> None:
        self.name = "stripped" if recipe == HERE / "whole_run.yaml" else recipe.stem
        self.recipe, self.scan, self.tiny, self.place, self.options = recipe, scan, tiny, place, options
        self.environment = os.environ | {"XAFSFLOW_CACHE": str(place / "cache")}
        self.ways: dict[str, Command] = {}
        for kind in options.cluster:
            self.ways[kind] = self._of(sys.executable, str(recipe), kind)
        self.turns: dict[str, list[Cost]] = {}
        self.told: dict[str, Any] = {}

    def _of(self, python: str, recipe: str, kind: str) -> Command:
        def command(scan: Path, out: Path) -> list[str]:
            line = [python, "-m", "xafsflow", "run", recipe, "--data", str(scan), "--out", str(out)]
            if STANDARDS.is_dir():
                line += ["--references", str(STANDARDS)]
            if kind != "threads":
                line += ["--cluster", kind]
                line += ["--workers", str(self.options.workers)] if self.options.workers else []
            return line

        return command

    def add_before(self, python: str, recipe: str) -> None:
        """Another version of xafsflow."""
        self.ways["before"] = self._of(python, recipe, "threads")

    def add_plain(self) -> None:
        """The program without xafsflow."""
        model = self.place / f"{self.name}.joblib"
        sklearn_model(self.scan, model, self.name)
        rows = str(self.options.plain_rows)

        def command(scan: Path, out: Path) -> list[str]:
            program = [sys.executable, str(HERE / "plain_dask.py"), str(scan), str(model), str(out)]
            return [*program, "--steps", self.name, "--rows", rows]

        self.ways["plain dask"] = command

    def out(self, way: str) -> Path:
        """The run folder of a way."""
        return self.place / f"{self.name}-{way.replace(' ', '-')}"

    def once(self, way: str, scan: Path, environment: dict[str, str]) -> Cost:
        """Run one way."""
        out = self.out(way)
        shutil.rmtree(out, ignore_errors=True)
        cost = spent(self.ways[way](scan, out), environment, way not in ("threads", "plain dask"))
        return scaled(cost, out) if way == "plain dask" else cost

    def small_reads(self, way: str) -> float:
        """Megabytes that a way reads for next to no pixels, with a cached model."""
        environment = self.environment | {"XAFSFLOW_CACHE": str(self.place / "tiny-cache")}
        self.once(way, self.tiny, environment)
        return self.once(way, self.tiny, environment).read_mb

    def measure(self) -> None:
        """Run all ways in turn."""
        small = {way: float("nan") if way == "plain dask" else self.small_reads(way) for way in self.ways}
        for way in self.ways:
            if way != "plain dask":
                first = self.once(way, self.scan, self.environment)
                self.told.setdefault("without_cached_model", asdict(first))
        self.turns = {way: [] for way in self.ways}
        for _ in range(self.options.repeats):
            for way, turns in self.turns.items():
                cost = self.once(way, self.scan, self.environment)
                turns.append(replace(cost, read_mb=cost.read_mb - small[way]))
        for way in self.ways:
            record = self.out(way) / "run.json"
            if record.is_file():
                self.told.setdefault("timings", {})[way] = json.loads(record.read_text())["timings"]
        if "local" in self.ways and "threads" in self.ways:
            lines, equal = compared_maps(self.out("threads"), self.out("local"))
            self.told["maps_of_local"] = {"equal_to_the_bit": equal, "lines": lines}

    def medians(self) -> dict[str, dict[str, float]]:
        """Of every figure, over the turns."""
        return {
            way: {name: float(np.median([asdict(turn)[name] for turn in turns])) for name in asdict(turns[0])}
            for way, turns in self.turns.items()
        }

    def ratios(self) -> dict[str, dict[str, float]]:
        """Of wall and user seconds to those of the first way, within a turn."""
        first, *others = self.turns
        return {
            way: {
                name: float(
                    np.median([getattr(a, name) / getattr(b, name) for a, b in zip(*both, strict=True)])
                )
                for name in ("wall", "user")
            }
            for way in others
            for both in [(self.turns[way], self.turns[first])]
        }

    def result(self) -> dict[str, Any]:
        """All of it."""
        rows, columns = field_of(self.scan)
        part = min(rows, self.options.plain_rows)
        return {
            "field": [rows, columns],
            "sample_mb": bytes_of(self.scan / "sample") / 1e6,
            "images_mb": bytes_of(*(self.scan / kind for kind in ALL)) / 1e6,
            "medians": self.medians(),
            "ratios": self.ratios(),
            "plain_rows": [part, rows] if "plain dask" in self.ways else None,
            "turns": {way: [asdict(turn) for turn in turns] for way, turns in self.turns.items()},
            **self.told,
        }


def scaled(cost: Cost, out: Path) -> Cost:
    """The cost of a part of the field as that of the whole: its work by the rows, its start once."""
    work = json.loads((out / "work.json").read_text())
    more = work["of"] / work["rows"] - 1
    return replace(
        cost,
        wall=cost.wall + more * work["wall"],
        user=cost.user + more * work["user"],
        system=cost.system + more * work["system"],
        read_mb=float("nan"),
    )


def show(name: str, found: dict[str, Any], repeats: int) -> None:
    """Print the table of a recipe."""
    rows, columns = found["field"]
    print(f"\n{name}: {rows} x {columns} pixels, sample {found['sample_mb']:.0f} MB, all images "
          f"{found['images_mb']:.0f} MB, median of {repeats}")  # fmt: skip
    print(f"{'':12}{'wall s':>9}{'user s':>9}{'system s':>9}{'peak MB':>9}{'worker MB':>10}{'read MB':>9}"
          f"{'restarts':>9}{'wall ratio':>11}{'user ratio':>11}")  # fmt: skip
    for way, cost in found["medians"].items():
        ratio = found["ratios"].get(way)
        told = f"{ratio['wall']:11.2f}{ratio['user']:11.2f}" if ratio else f"{'1':>11}{'1':>11}"
        worker = f"{cost['worker_mb']:10.0f}" if cost["worker_mb"] else f"{'-':>10}"
        read = f"{'-':>9}" if np.isnan(cost["read_mb"]) else f"{cost['read_mb']:9.0f}"
        print(f"{way:12}{cost['wall']:9.2f}{cost['user']:9.2f}{cost['system']:9.2f}{cost['peak_mb']:9.0f}"
              f"{worker}{read}{cost['restarts']:9.0f}{told}")  # fmt: skip
    if found["plain_rows"]:
        part, whole = found["plain_rows"]
        print(f"plain dask: times scaled from {part} of {whole} rows, memory that of the part")
    first = found["without_cached_model"]
    print(
        f"without a cached model: {first['wall']:.2f} s, {first['user']:.2f} s user, {first['peak_mb']:.0f} MB"
    )
    if "maps_of_local" in found:
        equal = found["maps_of_local"]
        print(f"maps of local are those of threads to the bit: {'yes' if equal['equal_to_the_bit'] else 'NO'}; "
              f"{'; '.join(equal['lines'])}", flush=True)  # fmt: skip


def recipe_of(text: str) -> Path:
    """A recipe by its name or its path."""
    if text == "stripped":
        return HERE / "whole_run.yaml"
    named = WORKFLOWS / f"{text}.yaml"
    path = named if named.is_file() else Path(text)
    if not path.is_file():
        raise SystemExit(f"no recipe {text}")
    return path.resolve()


def scan_in(place: Path, gigabytes: float, measured: bool, size: tuple[int, int] | None = None) -> Path:
    """The scan for a recipe, made if it is not there."""
    folder = place / ("measured" if measured else "phantom")
    return (
        folder / "scan"
        if (folder / "scan").is_dir()
        else tiled_scan(folder, gigabytes, size=size, measured=measured)
    )


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", action="append", help="default: demo and stripped")
    parser.add_argument("--gigabytes", type=float, default=0.605, help="of the sample")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cluster", nargs="+", choices=("threads", "local"), default=["threads"])
    parser.add_argument("--workers", type=int, help="of local")
    parser.add_argument("--before", nargs=2, metavar=("PYTHON", "RECIPE"))
    parser.add_argument("--no-plain", action="store_true")
    parser.add_argument("--plain-rows", type=int, default=128)
    parser.add_argument("--scan", type=Path, help="a scan that exists, for all recipes")
    parser.add_argument("--keep", type=Path, help="make the scans here if they are not, and leave them")
    parser.add_argument("--folder", type=Path, help="where there is room for the scans")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.recipe = [recipe_of(text) for text in options.recipe or ("demo", "stripped")]
    return options


def main() -> None:
    """Print a table a recipe, and write the figures after each."""
    options = arguments()
    found: dict[str, Any] = {"cores": os.cpu_count(), "python": platform.python_version(), "recipes": {}}
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        place = Path(name)
        for number, recipe in enumerate(options.recipe):
            measured = recipe.stem in OF_STANDARDS
            if measured and not STANDARDS.is_dir():
                print(f"\n{recipe.stem}: left out, its measured references are not at {STANDARDS}")
                continue
            scan = options.scan or scan_in(options.keep or place, options.gigabytes, measured)
            one = Measurement(recipe, scan, scan_in(place / "tiny", 0, measured, (40, 48)), place, options)
            if options.before and number == 0:
                one.add_before(*options.before)
            if one.name in PATTERNS and not options.no_plain:
                one.add_plain()
            load = os.getloadavg()[0]
            one.measure()
            found["recipes"][one.name] = one.result() | {"load_before": load}
            show(one.name, found["recipes"][one.name], options.repeats)
            if options.json:
                options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
