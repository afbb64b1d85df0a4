"""Record what pymatgen's XRDCalculator gives for some compounds: `python tests/crystals/record_pymatgen.py`."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.crystals import Compound, compound, prototype, reference_compound
from xafsflow.crystals.prototypes import cell_vectors

WAVELENGTH = 1.54056
RECORD = Path(__file__).with_name("pymatgen_peaks.json")
# Jittered ones of every crystal system beside the references.
CHOSEN = (
    *(("rocksalt", None), ("spinel", None), ("wurtzite", None), ("calcite", 0), ("rutile", 0), ("barite", 0)),
    *(
        ("baddeleyite", 0),
        ("zabuyelite", 2),
        ("garnet", 0),
        ("chalcopyrite", 0),
        ("Heusler", 1),
        ("quartz", 0),
    ),
)


def chosen_compound(name: str, number: int | None) -> Compound:
    """The reference of a type, or one of its compounds, without thermal motion, which pymatgen leaves out."""
    return reference_compound(name, 0.0) if number is None else compound(name, number, damping=(0.0, 0.0))


def structure_of(own: Compound) -> Any:
    """A compound as pymatgen knows it."""
    from pymatgen.core import Lattice, Structure

    kind = prototype(own.kind)
    places = (own.places[:, None] + kind.centering[None]).reshape(-1, 3)
    role = np.repeat(kind.role, len(kind.centering))
    return Structure(Lattice(cell_vectors(own.cell)), [dict(own.species[n]) for n in role], places)


def pymatgen_peaks(own: Compound) -> tuple[list[float], list[float]]:
    """Angles and intensities up to 90 degrees."""
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = XRDCalculator(WAVELENGTH).get_pattern(structure_of(own), two_theta_range=(0, 90))
    return found.x.tolist(), found.y.tolist()


def scattering(symbol: str) -> list[list[float]]:
    """pymatgen's coefficients of an element's form factor."""
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS

    return ATOMIC_SCATTERING_PARAMS[symbol]


def main() -> None:
    """Write the record."""
    factors: dict[str, Any] = {}
    rows = []
    for name, number in CHOSEN:
        own = chosen_compound(name, number)
        factors |= {s: scattering(s) for shares in own.species for s, _ in shares}
        angles, heights = pymatgen_peaks(own)
        peaks = [[round(x, 4), round(y, 3)] for x, y in zip(angles, heights, strict=True) if y > 0.02]
        species = [[list(pair) for pair in shares] for shares in own.species]
        rows.append({"type": name, "species": species, "cell": own.cell, "shift": own.shift, "peaks": peaks})
    content = {"wavelength": WAVELENGTH, "form_factors": factors, "compounds": rows}
    RECORD.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
