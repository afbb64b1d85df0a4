"""Patterns of structure types a second on one core, and a library written to the disk: time, size, memory.

python tests/benchmarks/structure_patterns.py [--types 100] [--compounds 600] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from xafsflow.crystals import distinct_compounds, known_types, simulated_patterns, write_patterns

ROUND = 20  # patterns of each type


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--types", type=int, default=100)
    parser.add_argument("--compounds", type=int, default=0, help="of each type, to write to the disk")
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    started = time.perf_counter()
    simulated_patterns(given.types, ROUND)
    print(f"first {ROUND} of {given.types} types, with what is kept: {time.perf_counter() - started:.1f} s")
    for _ in range(3):
        wall, own = time.perf_counter(), time.process_time()
        simulated_patterns(given.types, ROUND)
        wall, own = time.perf_counter() - wall, time.process_time() - own
        made = given.types * ROUND
        print(
            f"{made / own:.0f} disturbed patterns a second of processor time, {made / wall:.0f} by the clock"
        )
    fewest = sorted((distinct_compounds(name), name) for name in known_types(given.types))[:10]
    print("fewest distinct compounds:", ", ".join(f"{name} {count}" for count, name in fewest))
    if given.compounds:
        with tempfile.TemporaryDirectory() as place:
            folder = (given.out or Path(place)) / "patterns.zarr"
            started = time.perf_counter()
            write_patterns(folder, given.types, given.compounds)
            seconds = time.perf_counter() - started
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        made = given.types * given.compounds
        print(f"{made} patterns written in {seconds:.0f} s, {size / 1e6:.0f} MB, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
