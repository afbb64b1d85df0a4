"""Two run folders side by side: every stored variable bit for bit, every number and text of the findings.

    python tests/benchmarks/compare_runs.py BEFORE AFTER

Ends with status 1 where a variable that both have differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr


def leaves(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Every number and text of a JSON document with its place."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{place}/{key}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from leaves(part, f"{place}[{number}]")
    else:
        # NaN, which JSON of other versions may hold, equals NaN.
        yield place, None if value != value else value


def compared_maps(before: Path, after: Path) -> tuple[list[str], bool]:
    """Lines on the variables, and whether those that both have are equal."""
    old, new = (xr.open_zarr(run / "maps.zarr", chunks=None) for run in (before, after))
    lines, equal = [], 0
    for name in [name for name in old.variables if name in new.variables]:
        a, b = old[name].values, new[name].values
        if (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()):
            equal += 1
        else:
            by = np.nanmax(np.abs(a - b)) if a.shape == b.shape and a.dtype.kind == "f" else "in kind"
            lines.append(f"  {name} differs: {by}")
    apart = [
        f"{name} {where}"
        for a, b, where in ((old, new, "gone"), (new, old, "new"))
        for name in a
        if name not in b
    ]
    return [
        f"{equal} variables equal to the bit; {', '.join(apart) or 'none gone, none new'}",
        *lines,
    ], not lines


def compared_findings(before: Path, after: Path) -> list[str]:
    """Lines on the findings."""
    texts = ((run / "findings.json").read_text(encoding="utf-8") for run in (before, after))
    old, new = (dict(leaves(json.loads(text))) for text in texts)
    differ = [place for place in old if place in new and old[place] != new[place]]
    gone, come = (
        {place.partition("[")[0] for place in a if place not in b} for a, b in ((old, new), (new, old))
    )
    lines = [f"findings: {len(old)} before, {len(differ)} differ; gone: {len(gone)} names, new: {len(come)}"]
    return lines + [f"  {place}: {old[place]} -> {new[place]}" for place in differ[:20]]


def main() -> None:
    """Print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args()
    lines, equal = compared_maps(options.before, options.after)
    print("\n".join([*lines, *compared_findings(options.before, options.after)]))
    sys.exit(not equal)


if __name__ == "__main__":
    main()
