"""How many files of public formats are read right, by the values that other programs find in them.

    .venv/bin/python tests/benchmarks/formats.py [--data ../shared/data/formats] [--all]

`--all` shows every file. A file that asks what a column is counts as read right where it is once it is told; how many asked
is printed, too. What holds no spectrum and no stack is right where it is refused.
"""

from __future__ import annotations

import argparse
import textwrap
from collections import Counter
from pathlib import Path

import image_formats
import pattern_formats
import spectrum_formats
from format_outcome import Outcome

KINDS = ("read", "read when told", "rightly refused", "wrong in silence", "refused", "failed")


def kind_of(one: Outcome) -> str:
    """What became of a file, in one of the words of the table."""
    if one.outcome != "read right":
        return "wrong in silence" if one.outcome == "wrong" else one.outcome
    if one.message.startswith("refused"):
        return "rightly refused"
    return "read when told" if one.message.startswith("asked") else "read"


def main() -> None:
    """Print what is not simply read, and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/formats"))
    parser.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    tables = {
        "spectra and cases": spectrum_formats.outcomes(asked.data),
        "image stacks": image_formats.outcomes(asked.data),
        "diffraction patterns": pattern_formats.outcomes(asked.data),
    }
    for outcomes in tables.values():
        for one in outcomes:
            if asked.all or kind_of(one) != "read":
                print(f"{kind_of(one)}: {one.path}")
                print(textwrap.fill(one.message, 100, initial_indent="    ", subsequent_indent="    "))
    print(f"{'':22}" + "".join(f"{kind:>18}" for kind in KINDS) + f"{'read right':>12}")
    for name, outcomes in tables.items():
        count = Counter(map(kind_of, outcomes))
        holding = len(outcomes) - count["rightly refused"]
        share = (count["read"] + count["read when told"]) / holding
        print(f"{name:22}" + "".join(f"{count[kind]:18}" for kind in KINDS) + f"{share:12.1%}")


if __name__ == "__main__":
    main()
