"""The share of files of public formats that are read right, by the values that other programs find in them.

    python tests/benchmarks/formats.py [--data ../shared/data/formats] [--all]

Spectra by `spectrum_formats.py`, images by `image_formats.py` where it is there. `--all` shows those that are right, too.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from format_outcome import Outcome, shares


def table(title: str, outcomes: list[Outcome], everything: bool) -> None:
    """Print what is not right, and the shares."""
    print(f"## {title}: {len(outcomes)}")
    for one in outcomes:
        if everything or one.outcome != "read right" or one.message:
            print(f"{one.outcome:10}  {one.path}" + (f"\n            {one.message}" if one.message else ""))
    print("  ".join(f"{kind} {share:.1%}" for kind, share in shares(outcomes).items()))


def main() -> None:
    """Print the tables of the kinds that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/formats"))
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    for title, name in (("spectra", "spectrum_formats"), ("images", "image_formats")):
        if find_spec(name) is not None:
            table(title, import_module(name).outcomes(arguments.data), arguments.all)


if __name__ == "__main__":
    main()
