"""Diffraction patterns of public repositories, each against the values of their index."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from format_outcome import Outcome

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns import read_pattern
from xafsflow.io.readers.patterns.measured_pattern import Pattern

# The index has eight digits; the angles of a file are rounded to fewer.
DEGREES = 2e-4


def outcomes(formats: Path) -> list[Outcome]:
    """What became of each pattern of the index."""
    entries = json.loads((formats / "index.json").read_text(encoding="utf-8"))["files"]
    return [outcome(formats, one) for one in entries if one["path"].startswith("diffraction/")]


def outcome(formats: Path, entry: Mapping[str, Any]) -> Outcome:
    """What became of one pattern."""
    path = str(entry["path"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrong = list(differences(read_pattern(formats / path), entry["right"]))
        return Outcome(path, "wrong" if wrong else "read right", "; ".join(wrong))
    except InputError as error:
        return Outcome(path, "refused", str(error))
    except Exception as error:
        return Outcome(path, "failed", f"{type(error).__name__}: {error}")


def differences(found: Pattern, right: Mapping[str, Any]) -> Iterator[str]:
    """What is not as the index has it."""
    if len(found.two_theta) != right["points"]:
        yield f"{len(found.two_theta)} points, not {right['points']}"
        return
    largest = int(np.argmax(found.counts))
    pairs = [
        ("first angle", found.two_theta[0], right["two_theta_first"], DEGREES),
        ("last angle", found.two_theta[-1], right["two_theta_last"], DEGREES),
        ("angle of the largest", found.two_theta[largest], right["largest"]["two_theta"], DEGREES),
        ("largest", found.counts[largest], right["largest"]["counts"], 1e-6 * right["largest"]["counts"]),
        ("first counts", found.counts[0], right["counts_first"], 1e-6 * right["largest"]["counts"]),
        ("last counts", found.counts[-1], right["counts_last"], 1e-6 * right["largest"]["counts"]),
    ]
    for name, value, wanted, apart in pairs:
        if abs(value - wanted) > apart:
            yield f"{name} {value:g}, not {wanted:g}"
    told = right.get("wavelengths_A", right.get("wavelength_A"))
    if told is None and found.wavelength is not None:
        yield f"a wavelength {found.wavelength:g} that the file does not tell"
    if told is not None:
        first = float(told[0] if isinstance(told, list) else next(iter(told.values())))
        if found.wavelength is None or abs(found.wavelength - first) > 2e-3:
            yield f"wavelength {found.wavelength}, not {first} or the mean of both lines"
