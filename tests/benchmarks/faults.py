"""Make every fault that a run is to survive, and print a table: fault, trials, survived.

    python tests/benchmarks/faults.py [--trials 3] [--kills 20]

Where the moment is chance, a fault is made `--trials` times; a run is killed `--kills` times.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
Row = tuple[str, int, int]


def tests(trials: int, folder: Path) -> Iterator[Row]:
    """What the tests in `tests/faults` note; one that fails, or is skipped, has survived nothing."""
    noted = folder / "noted.xml"
    words = [
        "-q",
        "-m",
        "long or not long",
        str(ROOT / "tests" / "faults"),
        f"--junit-xml={noted}",
        "-o",
        "junit_family=xunit1",
    ]
    environment = os.environ | {"XAFSFLOW_FAULT_TRIALS": str(trials)}
    subprocess.run([sys.executable, "-m", "pytest", *words], cwd=ROOT, env=environment, check=False)
    for case in ElementTree.parse(noted).iter("testcase"):
        found = {one.get("name"): str(one.get("value")) for one in case.iter("property")}
        if "fault" in found:
            yield found["fault"], int(found["trials"]), int(found["survived"])
        elif any(case.find(kind) is not None for kind in ("failure", "error", "skipped")):
            yield str(case.get("name")), 1, 0


def kills(times: int) -> Row:
    """A run that is killed at random moments."""
    words = [sys.executable, str(ROOT / "tests" / "benchmarks" / "kills.py"), "--times", str(times)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = re.search(r"(\d+) of \d+ ended with the bytes", done.stdout)
    return "kill -9 of a run at a random moment", times, int(found[1]) if found else 0


def main() -> int:
    """Print the table; 1 if something was not survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(tests(options.trials, Path(folder)))
    if options.kills:
        rows.append(kills(options.kills))
    malformed = [row for row in rows if row[0].startswith("malformed")]
    rows.append(
        ("malformed inputs in all", sum(row[1] for row in malformed), sum(row[2] for row in malformed))
    )
    width = max(len(name) for name, _, _ in rows)
    print(f"{'fault':<{width}}  trials  survived")
    for name, times, good in rows:
        print(f"{name:<{width}}  {times:6d}  {good:8d}")
    return 0 if all(times == good for _, times, good in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
