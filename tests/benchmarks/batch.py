"""A batch of small phantoms, some of them broken: what is done, what is named, and what a second start costs.

    python tests/benchmarks/batch.py [--count 200] [--at-most 2] [--keep DIR]

The first start is killed (-9) once, when a tenth is done, and started again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from xafsflow.campaign.catalog import read_catalog
from xafsflow.campaign.ledger import Ledger
from xafsflow.campaign.run_status import summary, table
from xafsflow.phantom import Phantom, write_phantom

RECIPE = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi, Fe2O3: references/Fe2O3.xdi}}
  - correct.absorbance
  - normalize.edge_step: {e0: 7112.0, pre2: -12.0, norm1: 40.0, nnorm: 1}
  - train.mixtures: {step: 0.5, noise_patterns: 10, span: [-15, 60]}
  - train.fit: {trees: 10}
  - classify.model
  - report.page
"""


def first(scan: Path, kind: str) -> Path:
    return sorted((scan / kind).iterdir())[0]


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


DAMAGES: tuple[Callable[[Path], None], ...] = (
    lambda scan: rewrite(first(scan, "sample"), lambda b: b[: len(b) // 2]),
    lambda scan: rewrite(first(scan, "sample"), lambda b: b""),
    lambda scan: first(scan, "sample").unlink(),
    lambda scan: [path.unlink() for path in (scan / "flat").iterdir()] and None,
    lambda scan: (scan / "energies.csv").unlink(),
    lambda scan: rewrite(scan / "energies.csv", lambda b: b.replace(b"7", b"seven", 2)),
    lambda scan: rewrite(scan / "energies.csv", lambda b: b"\n".join(b.splitlines()[:-1])),
    lambda scan: rewrite(scan / "references" / "FeO.xdi", lambda b: b[:200]),
    lambda scan: (scan / "references" / "Fe.xdi").unlink(),
    lambda scan: rewrite(first(scan, "dark"), lambda b: b"II*\0" + b"\xff" * 40),
)


def make(root: Path, count: int) -> None:
    """`count` phantoms, every so many-th of them broken in another way."""
    lines = ["name,data"]
    for i in range(count):
        name = f"m{i:04}"
        scan = write_phantom(Phantom(size=(16, 16), energies=40, seed=i, foil=None), root / "scans" / name)
        lines.append(f"{name},scans/{name}")
        if i % (count // len(DAMAGES)) == 1:
            DAMAGES[i // (count // len(DAMAGES))](scan)
    (root / "catalog.csv").write_text("\n".join(lines))
    (root / "recipe.yaml").write_text(RECIPE)


PROGRAM = """
import sys, time
from pathlib import Path
if __name__ == "__main__":
    start = time.perf_counter()
    from xafsflow.campaign import batch
    from xafsflow.campaign.catalog import read_catalog
    root = Path(sys.argv[1])
    batch.run_batch(read_catalog(root / "catalog.csv"), root / "recipe.yaml", root / "out", at_most=int(sys.argv[2]))
"""


def begin(root: Path, at_most: int) -> subprocess.Popen[bytes]:
    (root / "program.py").write_text(PROGRAM)
    return subprocess.Popen([sys.executable, str(root / "program.py"), str(root), str(at_most)])


def rows(root: Path) -> list:
    path = root / "out" / "ledger.sqlite"
    if not path.exists():
        return []
    ledger = Ledger(path)
    try:
        return ledger.rows()
    finally:
        ledger.close()


def measure(root: Path, count: int, at_most: int) -> None:
    start = time.perf_counter()
    make(root, count)
    print(f"{count} phantoms written in {time.perf_counter() - start:.0f} s", flush=True)
    start = time.perf_counter()
    process = begin(root, at_most)
    while sum(row.state == "done" for row in rows(root)) < count // 10 and process.poll() is None:
        time.sleep(0.2)
    process.kill()
    process.wait()
    print(f"killed after {time.perf_counter() - start:.1f} s: {summary(rows(root))}", flush=True)
    start = time.perf_counter()
    begin(root, at_most).wait()
    print(f"went on to the end in {time.perf_counter() - start:.1f} s", flush=True)
    print(*table(root / "out", rows(root), []), sep="\n")
    times = sorted(row.seconds for row in rows(root) if row.state == "done")
    print(f"a measurement: median {times[len(times) // 2]:.2f} s")
    start = time.perf_counter()
    begin(root, at_most).wait()
    print(f"the next start, with nothing to do: {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    read_catalog(root / "catalog.csv")
    print(f"of that, the catalog: {time.perf_counter() - start:.3f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--at-most", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="An empty folder that is kept.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(given.keep or Path(folder), given.count, given.at_most)
