"""What the structures of a library say in numbers: labels and properties that spectra may tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.derive_findings import LabelFindings, PropertyFindings, StructureFindings
from xafsflow.kernels.structure.bond_angles import mean_angle
from xafsflow.kernels.structure.bond_lengths import mean_and_spread
from xafsflow.kernels.structure.coordination_motif import MOTIFS, motif
from xafsflow.kernels.structure.effective_coordination import effective_coordination, weights
from xafsflow.kernels.structure.ligand_electronegativity import mean_electronegativity
from xafsflow.kernels.structure.neighbor_shell import coordination_number, distances, shell, shortest
from xafsflow.kernels.structure.voronoi_volume import voronoi_volume
from xafsflow.step_table import step

Factor = Annotated[float, Field(gt=1.0, le=3.0)]
BLOCK = 20_000  # samples at a time
BINS = 30  # of a histogram
OTHER = "other"
LABELS = {
    "coordination": "neighbors within the factor times the shortest distance",
    "motif": "ideal polyhedron nearest to the first shell; other where none is near",
}
PROPERTIES = {
    "shortest_distance": ("Angstrom", "distance of the nearest neighbor"),
    "mean_distance": ("Angstrom", "mean distance over the first shell"),
    "distance_spread": ("Angstrom", "standard deviation of the distances over the first shell"),
    "mean_distance_weighted": ("Angstrom", "mean distance with Hoppe's weights, without a threshold"),
    "distance_spread_weighted": ("Angstrom", "standard deviation of the distances with Hoppe's weights"),
    "mean_angle": ("degree", "mean angle of all pairs of ligands at the absorber"),
    "voronoi_volume": ("Angstrom^3", "volume of the absorber's Voronoi cell"),
    "effective_coordination": ("1", "Hoppe's effective coordination number"),
    "electronegativity": ("1", "mean Pauling electronegativity of the ligands"),
}


@step(makes=("spectra", "findings"), section="structure_labels")
def structure(
    spectra: xr.Dataset,
    /,
    *,
    factor: Factor = 1.2,
    stable_at: list[Factor] = [1.15, 1.2, 1.25, 1.3],  # noqa: B006
    limit: Annotated[float, Field(gt=0)] = 15.0,
) -> tuple[xr.Dataset, StructureFindings]:
    """Labels and properties of the clusters of a library, and which labels a small change of the shell would change.

    The first shell are the neighbors within `factor` times the shortest distance. A sharp end makes labels that hang
    on a few hundredths of an Angstrom: `coordination_stable` and `motif_stable` say where they do not, for scores on
    those alone.

    Parameters
    ----------
    factor
        Times the shortest distance: where the first shell ends.
    stable_at
        A label is stable where it is the same at all of these factors and at `factor`.
    limit
        Largest root mean square between the sorted angles of the shell and of an ideal polyhedron, degrees.

    Returns
    -------
    spectra, findings
        The library with labels (sample): `coordination`, `motif` (tetrahedron, square_plane, square_pyramid,
        trigonal_bipyramid, octahedron, other) and `coordination_stable`, `motif_stable`; and properties (sample), NaN where
        there is none: `shortest_distance`, `mean_distance`, `distance_spread`, the last two `_weighted` by Hoppe's weights,
        `mean_angle`, `voronoi_volume`, `effective_coordination`, `electronegativity`. Spectra stay as they are.

    Raises
    ------
    InputError
        A library without structures.
    """
    missing = [name for name in ("z", "position", "natoms") if name not in spectra]
    if missing:
        raise InputError(
            f"a library with {', '.join(map(str, spectra.data_vars))}",
            f"structures: {' and '.join(missing)}",
            "read them with ingest.spectra (setting `structure`)",
        )
    columns = [_described(*block, factor, stable_at, limit) for block in _blocks(spectra)]
    values = {name: np.concatenate([one[name] for one in columns]) for name in columns[0]}
    return spectra.assign(_variables(values, factor)), _findings(spectra, values, factor, stable_at)


def _blocks(spectra: xr.Dataset) -> Iterator[tuple[Any, Any, Any]]:
    """`z`, `position` and `natoms` of some samples at a time, in memory."""
    for start in range(0, spectra.sizes["sample"], BLOCK):
        block = spectra[["z", "position", "natoms"]].isel(sample=slice(start, start + BLOCK)).compute()
        yield block.z.values, block.position.values, block.natoms.values


def _described(
    z: Any, position: Any, natoms: Any, factor: float, stable_at: list[float], limit: float
) -> dict[str, Any]:
    apart = distances(position, natoms)
    near = shell(apart, factor)
    number, kind = coordination_number(apart, factor), motif(position, near, limit)[0]
    stable = {name: np.isfinite(shortest(apart)) for name in LABELS}
    for other in stable_at:
        # The motif of a shell that stays the same does, too
        same = coordination_number(apart, other) == number
        changed = np.flatnonzero(~same)
        stable["coordination"] &= same
        others = motif(position[changed], shell(apart[changed], other), limit)[0]
        stable["motif"][changed] &= others == kind[changed]
    mean, spread = mean_and_spread(apart, near)
    weighted, weighted_spread = mean_and_spread(apart, weights(apart))
    return {
        "coordination": number,
        "motif": np.array([*MOTIFS, OTHER])[kind],
        **{f"{name}_stable": one for name, one in stable.items()},
        "shortest_distance": shortest(apart),
        "mean_distance": mean,
        "distance_spread": spread,
        "mean_distance_weighted": weighted,
        "distance_spread_weighted": weighted_spread,
        "mean_angle": mean_angle(position, near),
        "voronoi_volume": voronoi_volume(position, natoms),
        "effective_coordination": effective_coordination(apart),
        "electronegativity": mean_electronegativity(z, near),
    }


def _variables(values: dict[str, Any], factor: float) -> dict[str, Any]:
    made = {}
    for name, meaning in LABELS.items():
        told = {"role": "label", "units": "1", "long_name": meaning, "factor": factor}
        made[name] = ("sample", values[name], told)
        told = {"role": "stability", "units": "1", "of": name}
        made[f"{name}_stable"] = ("sample", values[f"{name}_stable"], told)
    for name, (unit, meaning) in PROPERTIES.items():
        made[name] = ("sample", values[name], {"role": "property", "units": unit, "long_name": meaning})
    return made


def _findings(
    spectra: xr.Dataset, values: dict[str, Any], factor: float, stable_at: list[float]
) -> StructureFindings:
    known = {name: values[name][np.isfinite(values[name])] for name in PROPERTIES}
    return StructureFindings(
        samples=spectra.sizes["sample"],
        groups=len(np.unique(spectra.group.values)),
        grouped=bool(spectra.attrs.get("grouped", True)),
        factor=factor,
        factors=np.array(stable_at, np.float64),
        labels={name: _label(values[name], values[f"{name}_stable"]) for name in LABELS},
        properties={name: _property(name, one) for name, one in known.items() if len(one)},
        missing={name: spectra.sizes["sample"] - len(one) for name, one in known.items()},
        without_neighbors=int((values["coordination"] == 0).sum()),
    )


def _property(name: str, known: Any) -> PropertyFindings:
    counts, edges = np.histogram(known, bins=BINS)
    return PropertyFindings(PROPERTIES[name][0], float(known.mean()), float(known.std()), edges, counts)


def _label(classes: Any, stable: Any) -> LabelFindings:
    names, index, counts = np.unique(classes, return_inverse=True, return_counts=True)
    shares = np.bincount(index, weights=stable) / counts
    return LabelFindings(
        counts={str(name): int(count) for name, count in zip(names, counts, strict=True)},
        stable=float(stable.mean()),
        stable_by_class={str(name): float(share) for name, share in zip(names, shares, strict=True)},
    )
