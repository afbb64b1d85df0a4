"""Write the tables of prototypes and of species; pymatgen is needed here only.

`python -m xafsflow.crystals.write_table` writes `prototypes.json` and `species.json` beside this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.crystals.prototype_names import KNOWN_ORDER, NAMES
from xafsflow.crystals.prototypes_by_hand import BY_HAND
from xafsflow.files import write_atomically

FOLDER = Path(__file__).parent
MOST_ATOMS = 120  # in the conventional cell; types that are written down by hand may have more
TOO_CLOSE = 0.66  # of the sum of two radii: nothing is so short, and some entries of the set are wrong
CLOSE = {"ltol": 0.05, "stol": 0.1, "angle_tol": 2.0}  # one structure under two names


def write_tables(folder: Path = FOLDER) -> None:
    """Write both tables.

    Parameters
    ----------
    folder
        Where `prototypes.json` and `species.json` come to lie.
    """
    rows, names = list[dict[str, Any]](), set[str]()
    for name, label, structure in _distinct(_structures()):
        row = _row(name, label, structure)
        if row["name"] in names:
            row["name"] = f"{row['name']} {row['pearson']}"
        if row["name"] in names:
            row["name"] = f"{row['name']} {row['aflow']}"
        names.add(row["name"])
        rows.append(row)
    rank = {name: number for number, name in enumerate(KNOWN_ORDER)}
    missing = set(rank) - names
    if missing:
        raise ValueError(f"known types without a prototype: {sorted(missing)}")
    rows.sort(key=lambda row: (rank.get(row["name"], len(rank)), row["name"]))
    _write(folder / "prototypes.json", rows)
    _write(folder / "species.json", _species())


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """One row a line, so that a change of one is seen as one."""
    lines = [json.dumps(row, separators=(",", ":")) for row in rows]
    write_atomically(path, "[\n" + ",\n".join(lines) + "\n]\n")


def _structures() -> Iterator[tuple[str, str, Any]]:
    """Name, AFLOW label and structure of every candidate, those with many names first."""
    from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY
    from pymatgen.core import Lattice, Structure

    for hand in BY_HAND:
        lattice = Lattice.from_parameters(*hand.cell)
        symbols, places = [site[0] for site in hand.sites], [site[1:] for site in hand.sites]
        yield hand.name, "", Structure.from_spacegroup(hand.group, lattice, symbols, places, tol=1e-3)
    entries = []
    for entry in AFLOW_PROTOTYPE_LIBRARY:
        structure, label = entry["snl"].structure, entry["tags"]["aflow"]
        formula = structure.composition.reduced_formula
        name = NAMES.get((label, formula), "")
        if name not in {hand.name for hand in BY_HAND} and _closest(structure) > TOO_CLOSE:
            entries.append((name, label, structure))
    # Of two that are the same, the one with a name of its own stays.
    entries.sort(key=lambda entry: not entry[0])
    for name, label, structure in entries:
        yield name or structure.composition.reduced_formula, label, structure


def _closest(structure: Any) -> float:
    """The shortest distance beside the sum of the radii of its two atoms."""
    radii = np.array(
        [site.specie.metallic_radius or site.specie.atomic_radius or 0.7 for site in structure], float
    )
    radii[np.isnan(radii)] = 0.7
    distances = structure.distance_matrix + 100 * np.eye(len(structure))
    return float((distances / (radii[:, None] + radii)).min())


def _distinct(candidates: Iterator[tuple[str, str, Any]]) -> Iterator[tuple[str, str, Any]]:
    """Leave out what is too large, and what stands there already."""
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    matcher, seen = StructureMatcher(**CLOSE), dict[tuple[int, str], list[Any]]()
    for name, label, structure in candidates:
        analyzer = SpacegroupAnalyzer(structure, 0.01)
        whole = analyzer.get_conventional_standard_structure()
        if label and len(whole) > MOST_ATOMS:
            continue
        key = (analyzer.get_space_group_number(), structure.composition.anonymized_formula)
        same = seen.setdefault(key, [])
        if any(matcher.fit_anonymous(structure, other) for other in same):
            continue
        same.append(structure)
        yield name, label, whole


def _row(name: str, label: str, whole: Any) -> dict[str, Any]:
    """One prototype: cell, rotations, orbits, atoms that centering does not repeat."""
    import spglib
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    data = spglib.get_symmetry_dataset(SpacegroupAnalyzer(whole, 0.01)._cell, symprec=0.01)
    composition = whole.composition
    symbols = sorted(composition.get_el_amt_dict(), key=lambda s: (composition[s], s))
    centerings = [
        _short(t) for r, t in zip(data.rotations, data.translations, strict=True) if (r == np.eye(3)).all()
    ]
    rotations = np.unique(data.rotations, axis=0)
    letter = data.international[0].replace("A", "C")
    system = _system(data.number)
    # Pearson's letter of triclinic is that of anorthic.
    family = "a" if system == "triclinic" else system[0]
    # Pearson's number of rhombohedral cells is that of the primitive cell, as in the AFLOW set.
    pearson = f"{family}{letter}{len(whole) // (3 if letter == 'R' else 1)}"
    row = {
        "name": name,
        "aflow": label,
        "pearson": pearson,
        "number": int(data.number),
        "system": system,
        "cell": [round(float(v), 5) for v in (*whole.lattice.abc, *whole.lattice.angles)],
        "ratio": composition.anonymized_formula,
        "elements": symbols,
        "counts": [int(composition[s]) // len(centerings) for s in symbols],
        "charges": _charges(composition, symbols),
        "centering": centerings,
        "rotations": rotations.reshape(-1, 9).tolist(),
    }
    return {**row, "orbits": _orbits(whole, data, rotations, symbols, np.asarray(centerings))}


def _orbits(
    whole: Any, data: Any, rotations: Any, symbols: list[str], centerings: Any
) -> list[dict[str, Any]]:
    """Of each orbit its element, its free displacements, and atoms with the rotation that makes them of the first."""
    orbits = list[dict[str, Any]]()
    places, groups = whole.frac_coords, np.asarray(data.crystallographic_orbits)
    for first in dict.fromkeys(groups.tolist()):
        members, x0 = np.flatnonzero(groups == first), places[first]
        moved = np.einsum("nij,j->ni", data.rotations, x0) + data.translations
        stabilizer = data.rotations[_near(moved, x0)]
        atoms, taken = [], list[Any]()
        for member in members:
            images = places[member] + centerings
            if any(_near(images, other).any() for other in taken):
                continue
            taken.append(places[member])
            rotation = data.rotations[np.flatnonzero(_near(moved, places[member]))[0]]
            which = int(np.flatnonzero((rotations == rotation).all((1, 2)))[0])
            atoms.append([*_short(places[member]), which])
        free = stabilizer.mean(0)
        orbits.append(
            {
                "element": symbols.index(whole[int(first)].specie.symbol),
                "free": [] if abs(free).max() < 1e-9 else _short(free.ravel()),
                "atoms": atoms,
            }
        )
    return orbits


def _near(places: Any, place: Any) -> Any:
    """Which places are the same as this one, but for whole cells."""
    away = places - place
    return (abs(away - np.round(away)) < 5e-3).all(-1)


def _short(values: Any) -> list[float]:
    return [round(float(value), 5) + 0.0 for value in values]


def _system(number: int) -> str:
    systems = {
        2: "triclinic",
        15: "monoclinic",
        74: "orthorhombic",
        142: "tetragonal",
        194: "hexagonal",
        230: "cubic",
    }
    return next(name for last, name in systems.items() if number <= last)


def _charges(composition: Any, symbols: list[str]) -> list[float]:
    """Charges that balance; none where there are none, or where no anion is among them."""
    guesses = composition.oxi_state_guesses(max_sites=-40) if len(symbols) > 1 else ()
    if not guesses:
        return []
    return [round(float(guesses[0][symbol]), 3) for symbol in symbols]


def _species() -> list[dict[str, Any]]:
    """Every element with its charges, Shannon radii (coordination number VI) and radii in the metal and in bonds."""
    from pymatgen.core import Element, Species

    rows = []
    for number in range(1, 95):
        element = Element.from_Z(number)
        charges = sorted({*element.icsd_oxidation_states, *element.common_oxidation_states} - {0})
        ionic = {}
        for charge in charges:
            radius = _shannon(Species(element.symbol, charge)) or element.ionic_radii.get(charge)
            if radius:
                ionic[str(charge)] = round(float(radius), 3)
        rows.append(
            {
                "symbol": element.symbol,
                "z": number,
                "ionic": ionic,
                "metallic": _number(element.metallic_radius),
                "atomic": _number(element.atomic_radius or element.atomic_radius_calculated),
                "metal": bool(element.is_metal),
                "electronegativity": _number(element.X),
                "common": sorted(element.common_oxidation_states),
            }
        )
    return rows


def _number(value: Any) -> float | None:
    return round(float(value), 3) if value is not None and np.isfinite(float(value)) else None


def _shannon(species: Any) -> float | None:
    for spin in ("High Spin", "Low Spin", ""):
        for coordination in ("VI", "VIII", "IV"):
            try:
                return float(species.get_shannon_radius(coordination, spin, "ionic"))
            except KeyError:
                continue
    return None


if __name__ == "__main__":
    write_tables()
