"""Simulate a measurement of a given size, run the demonstration's recipe on it, and print time and peak memory.

python tests/benchmarks/memory.py [--gigabytes 2] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from xafsflow.phantom import Phantom, write_phantom

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
ENERGIES = 210


def main() -> None:
    """Print one line a stage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="Size of the sample's images.")
    parser.add_argument("--folder", type=Path, help="Where there is room for three times that.")
    chosen = parser.parse_args()
    side = round((chosen.gigabytes * 1e9 / (2 * ENERGIES)) ** 0.5)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        start = time.perf_counter()
        scan = write_phantom(Phantom(size=(side, side)), Path(folder) / "scan")
        print(
            f"simulated {ENERGIES} x {side} x {side} counts in {time.perf_counter() - start:.0f} s",
            flush=True,
        )
        start = time.perf_counter()
        command = [sys.executable, "-m", "xafsflow", "run", str(WORKFLOWS / "demo.yaml")]
        subprocess.run([*command, "--data", str(scan), "--out", f"{folder}/run"], check=True)
        spent = time.perf_counter() - start
        record = json.loads((Path(folder) / "run" / "run.json").read_text())
        print(f"run: {spent:.0f} s, peak memory {record['peak_memory_mb']} MB")
        for name, seconds in record["timings"].items():
            print(f"  {name:<24}{seconds:8.2f} s")


if __name__ == "__main__":
    main()
