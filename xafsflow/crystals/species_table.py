"""Elements with their charges and radii, and how strongly they scatter X-rays."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles

FACTOR_STEP = 0.005  # of sin(theta)/lambda, 1/Angstrom: straight lines between are within .001 electrons
FACTOR_END = 2.5
# Nobody has powder of these.
RARE = frozenset(
    ["H", "He", "Ne", "Ar", "Kr", "Xe", "Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Pa", "Np", "Pu"]
)


class Element(NamedTuple):
    """An element: atomic number, Shannon radii by charge, radius in metals and bonds (Angstrom), whether it is a metal."""

    symbol: str
    z: int
    ionic: dict[int, float]
    radius: float
    metal: bool


@cache
def elements() -> dict[str, Element]:
    """All elements with a radius, by symbol.

    Examples
    --------
    >>> elements()["Na"].ionic
    {1: 1.02}
    """
    rows = json.loads(files("xafsflow.crystals").joinpath("species.json").read_text("utf-8"))
    found = {}
    for row in rows:
        radius = row["metallic"] if row["metal"] else row["atomic"]
        if radius or row["atomic"]:
            ionic = {int(charge): value for charge, value in row["ionic"].items()}
            found[row["symbol"]] = Element(
                row["symbol"], row["z"], ionic, radius or row["atomic"], row["metal"]
            )
    return found


@cache
def usual_elements() -> tuple[Element, ...]:
    """Elements that are put into compounds.

    Examples
    --------
    >>> len(usual_elements())
    77
    """
    return tuple(element for element in elements().values() if element.symbol not in RARE)


@cache
def form_factor(symbol: str) -> Doubles:
    """Form factor of a neutral atom at multiples of FACTOR_STEP of sin(theta)/lambda, electrons.

    Examples
    --------
    >>> round(float(form_factor("Fe")[0]), 1)
    26.0
    """
    import xraydb

    found = np.asarray(xraydb.f0(symbol, np.arange(0, FACTOR_END, FACTOR_STEP)), float)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=4096)
def mean_form_factor(shares: tuple[tuple[str, float], ...]) -> Doubles:
    """Form factor of a site that elements share, as `form_factor`."""
    return np.sum([share * form_factor(symbol) for symbol, share in shares], axis=0)
