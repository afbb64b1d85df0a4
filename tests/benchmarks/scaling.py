"""What a block, a task and a measurement cost, and what 1000 measurements on 100 nodes would be limited by.

    python tests/benchmarks/scaling.py [--recipe NAME_OR_PATH] [--gigabytes 0.2] [--workers 1 2 4] [--tasks 10 100 500 2000]
                                       [--repeats 3] [--folder DIR] [--json FILE] [--again FILE]

Measured: the whole of `xafsflow run` (`demo` by default) with a cached model on threads and on workers of `local`, and
empty tasks on the scheduler of such a cluster. Where the time on workers goes is told by the start of the cluster and the
timings of the run: the steps before the maps are led by the client, the maps are made by the workers. Computed from that:
the campaign (`deploy/SCALING.md`). `--again` computes it from the JSON of an earlier measurement.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scans import ENERGIES, bytes_of, field_of, tiled_scan
from whole_run import high_water, recipe_of


@dataclass(frozen=True)
class Campaign:
    """What is assumed of the archive and of the site."""

    measurements: int = 1000
    gigabytes: float = 7.0
    nodes: int = 100
    cores: int = 32
    storage_gb_s: float = 10.0
    node_gb_s: float = 1.2
    files_s: float = 2000.0


def empty(number: int) -> int:
    """Nothing."""
    return number


def scheduler(counts: list[int], repeats: int) -> dict[int, float]:
    """Seconds for so many empty tasks on a cluster of two workers, encrypted as that of a run is."""
    from xafsflow.cluster import open_cluster

    found = {}
    with open_cluster("local", workers=2) as client:
        client.gather(client.map(empty, range(100), pure=False))
        for count in counts:
            times = []
            for _ in range(repeats):
                start = time.perf_counter()
                client.gather(client.map(empty, range(count), pure=False))
                times.append(time.perf_counter() - start)
            found[count] = float(np.median(times))
    return found


def run(recipe: Path, scan: Path, out: Path) -> dict[str, float]:
    """Wall seconds of a run on threads, seconds of its maps, and the files and bytes that it wrote."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "xafsflow", "run", str(recipe)]
    command += ["--data", str(scan), "--out", str(out)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    written = [path for path in out.rglob("*") if path.is_file()]
    return {
        "wall": wall,
        "maps": json.loads((out / "run.json").read_text())["timings"]["maps"],
        "files": len(written),
        "bytes": sum(path.stat().st_size for path in written),
        "model_bytes": (out / "models" / "train.fit.npz").stat().st_size,
    }


def phases(out: Path) -> dict[str, Any]:
    """Seconds of the steps before the maps, of the maps, and of what comes after them."""
    timings = json.loads((out / "run.json").read_text())["timings"]
    at = list(timings).index("maps")
    seconds = list(timings.values())
    longest = sorted((name for name in timings if name != "maps"), key=lambda name: -timings[name])[:4]
    return {
        "before": sum(seconds[:at]),
        "maps": seconds[at],
        "after": sum(seconds[at + 1 :]),
        "longest": {name: timings[name] for name in longest},
    }


def on_workers(count: int, file: Path, scan: Path, folder: Path) -> dict[str, Any]:
    """Seconds of a start and of the phases of a run, on fresh workers and on the same again; tasks of the second; memory."""
    from distributed import get_task_stream

    from xafsflow import cluster
    from xafsflow.io.folders import Folders
    from xafsflow.pipeline import execution as flow
    from xafsflow.pipeline.cost import worker_need
    from xafsflow.pipeline.recipe import load_recipe

    recipe, folders = load_recipe(file), Folders(scan)
    need = worker_need(flow.preview(recipe, folders))
    found: dict[str, Any] = {"profile": {}}
    start = time.perf_counter()
    with cluster.open_cluster("local", workers=count, need=need, folder=folder / "cluster") as client:
        found["start"] = time.perf_counter() - start
        for turn in ("first", "maps"):
            out = folder / f"{turn}-{count}"
            with get_task_stream(client) as stream:
                flow.run(recipe, folders, out)
            found["tasks"] = len(stream.data)
            found["profile"][turn] = phases(out)
            found[turn] = found["profile"][turn]["maps"]
        known = client.scheduler_info(n_workers=-1)["workers"].values()
        found["threads"] = [worker["nthreads"] for worker in known]
        found["limit_mb"] = min(worker["memory_limit"] for worker in known) / 1e6
        found["peak_mb"] = max(high_water(pid) for pid in client.run(os.getpid).values())
    return found


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """All that is measured here."""
    from xafsflow.blocks.outputs import block_shape

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        os.environ["XAFSFLOW_CACHE"] = str(folder / "models")
        scan = tiled_scan(folder, options.gigabytes)
        size, (rows, columns) = bytes_of(scan / "sample"), field_of(scan)
        high, wide = block_shape(ENERGIES, rows, columns)
        run(options.recipe, scan, folder / "run")  # trains the model, warms the caches
        turns = [run(options.recipe, scan, folder / "run") for _ in range(options.repeats)]
        threads = {key: float(np.median([turn[key] for turn in turns])) for key in turns[0]}
        profile = phases(folder / "run")
        images = sum(1 for _ in scan.rglob("*.tif"))
        workers = {str(n): on_workers(n, options.recipe, scan, folder) for n in options.workers}
    return {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "bytes": size,
        "pixels": rows * columns,
        "blocks": -(-rows // high) * -(-columns // wide),
        "recipe": options.recipe.stem,
        "files_read": images,
        "threads": threads,
        "profile": profile,
        "workers": workers,
        "scheduler": {str(n): s for n, s in scheduler(options.tasks, options.repeats).items()},
    }


def costs(found: dict[str, Any]) -> dict[str, float]:
    """What a block, a task and a measurement cost, from what was measured."""
    threads, counts = found["threads"], found["scheduler"]
    most, least = max(counts, key=int), min(counts, key=int)
    return {
        "block_core_s": threads["maps"] * found["cores"] / found["blocks"],
        "pixels_a_block": found["pixels"] / found["blocks"],
        "tasks_a_block": max(row["tasks"] for row in found["workers"].values()) / found["blocks"],
        "task_s": (counts[most] - counts[least]) / (int(most) - int(least)),
        "fixed_s": threads["wall"] - threads["maps"],
        "files_read": found.get("files_read", 2 * ENERGIES),
        "files_written": threads["files"],
        "model_mb": threads["model_bytes"] / 1e6,
    }


def campaign(cost: dict[str, float], site: Campaign) -> dict[str, tuple[float, str]]:
    """Seconds that each resource needs for the whole campaign alone, and the point where it becomes the limit."""
    pixels = site.gigabytes * 1e9 / (4 * ENERGIES)
    blocks = pixels / cost["pixels_a_block"]
    tasks = blocks * cost["tasks_a_block"]
    # A measurement is one task on one node: its start and its end run on one core, its blocks on all.
    one = cost["fixed_s"] + blocks * cost["block_core_s"] / site.cores
    node_read = site.gigabytes / site.node_gb_s
    files = cost["files_read"] + cost["files_written"]
    total = site.measurements
    processor = total * one / site.nodes
    return {
        "processor": (processor, f"{one:.0f} s a measurement on a node of {site.cores} cores"),
        "network of a node": (total * node_read / site.nodes, f"{node_read:.1f} s a measurement"),
        "storage": (
            total * site.gigabytes / site.storage_gb_s,
            f"the limit from {site.storage_gb_s * one / site.gigabytes:.0f} nodes on",
        ),
        "files": (total * files / site.files_s, f"{files:.0f} opened or made a measurement"),
        "scheduler, a task a measurement": (
            total * cost["task_s"],
            f"the limit from {one / cost['task_s']:.0f} nodes on",
        ),
        "scheduler, all tasks of the blocks": (
            total * tasks * cost["task_s"],
            f"the limit from {max(1.0, one / (tasks * cost['task_s'])):.0f} nodes on",
        ),
        "model": (
            total * cost["model_mb"] / 1e3 / site.storage_gb_s,
            f"{cost['model_mb']:.0f} MB read a measurement",
        ),
    }


def show_profile(found: dict[str, Any]) -> None:
    """Print where the time goes; nothing for measurements that did not tell."""
    lines = [("threads", 0.0, found["profile"])] if "profile" in found else []
    for count, row in found["workers"].items():
        if "profile" in row:
            name = f"{count} x {max(row['threads'])} threads"
            lines += [(name, row["start"], row["profile"]["first"]), ("  again", 0.0, row["profile"]["maps"])]
    if lines:
        print(
            f"  {'profile':18}{'start':>8}{'before':>8}{'maps':>8}{'after':>8}  seconds; longest before the maps"
        )
    for name, start, told in lines:
        longest = ", ".join(f"{step} {seconds:.1f}" for step, seconds in told["longest"].items())
        print(
            f"  {name:18}{start:8.1f}{told['before']:8.1f}{told['maps']:8.1f}{told['after']:8.1f}  {longest}"
        )


def report(found: dict[str, Any], site: Campaign) -> None:
    """Print what was measured and what follows."""
    cost = costs(found)
    print(f"\nmeasured on {found['cores']} cores, load {found['load']:.1f}, {found['bytes'] / 1e6:.0f} MB, "
          f"{found['blocks']} blocks of {cost['pixels_a_block']:.0f} pixels")  # fmt: skip
    print(f"  threads    run {found['threads']['wall']:.1f} s, of that maps {found['threads']['maps']:.1f} s")
    for count, row in found["workers"].items():
        print(f"  {count} workers  maps {row['first']:.1f} s, again {row['maps']:.1f} s, {row.get('tasks', 0)} tasks; "
              f"peak {row['peak_mb']:.0f} MB of {row['limit_mb']:.0f} MB")  # fmt: skip
    show_profile(found)
    for count, seconds in found["scheduler"].items():
        print(f"  {count:>5} empty tasks {seconds:7.3f} s, {1e3 * seconds / int(count):6.2f} ms each")
    print(f"a block       {cost['block_core_s']:.3f} core seconds")
    print(
        f"a task        {1e3 * cost['task_s']:.2f} ms of the scheduler, {cost['tasks_a_block']:.1f} tasks a block"
    )
    print(f"a measurement {cost['fixed_s']:.1f} s beside its blocks, {cost['files_written']:.0f} files, "
          f"a model of {cost['model_mb']:.1f} MB")  # fmt: skip
    print(f"\n{site}")
    for name, (seconds, told) in campaign(cost, site).items():
        print(f"  {name:<34}{seconds:9.0f} s   {told}")


def main() -> None:
    """Measure, or read what was measured, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--recipe", type=recipe_of, default="demo")
    parser.add_argument("--gigabytes", type=float, default=0.2)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--tasks", type=int, nargs="+", default=[10, 100, 500, 2000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--again", type=Path, help="a JSON file of before")
    for name, default in asdict(Campaign()).items():
        parser.add_argument(f"--site-{name.replace('_', '-')}", type=type(default), default=default)
    options = parser.parse_args()
    found = json.loads(options.again.read_text()) if options.again else measured(options)
    if options.json and not options.again:
        options.json.write_text(json.dumps(found, indent=1))
    report(found, Campaign(**{name: getattr(options, f"site_{name}") for name in asdict(Campaign())}))


if __name__ == "__main__":
    main()
