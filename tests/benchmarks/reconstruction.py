"""Inverse models on 624 Mn K spectra of doped Co3O4, with parameters derived from the clusters, beside plain baselines.

Run: `python tests/benchmarks/reconstruction.py`. Without the measured data beside the project it says so and ends.

The clusters are so distorted that coordination numbers are not stable; parameters are continuous. `shells` are the sorted
distances of the nearest eight oxygen and eight cobalt atoms. `shells and densities` adds smooth radial densities of both
elements, and Legendre moments of the angles between near oxygen atoms. All rows get the same parameters, the same folds and
spectra with edge step one, broadened by a Lorentzian of 2 eV. R2 is about the mean spectrum of the other folds.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import xarray as xr
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

import xafsflow as xf
from xafsflow.learning.inverse.fold_scores import score
from xafsflow.learning.inverse.prepared_spectra import Preparation, prepared
from xafsflow.learning.inverse.reconstructors import RECONSTRUCTORS
from xafsflow.learning.inverse.train_inverse import Table, fold_of, mean_answers, out_of_fold

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "formats" / "learning"
OXYGEN, COBALT, REACH = 8, 27, 5.0  # Angstrom
HOW = Preparation(True, 5.0, 30.0, 2.0)


def distances_of(library: xr.Dataset) -> dict[int, list[np.ndarray]]:
    """Of the atoms of each element from the absorber, sorted, by sample."""
    found: dict[int, list[np.ndarray]] = {OXYGEN: [], COBALT: []}
    for z, place, count in zip(library.z.values, library.position.values, library.natoms.values, strict=True):
        apart = np.linalg.norm(place[1:count] - place[0], axis=1)
        for element in found:
            found[element].append(np.sort(apart[z[1:count] == element]))
    return found


def shells(apart: dict[int, list[np.ndarray]]) -> np.ndarray:
    """The nearest eight distances of each element, Angstrom, `(sample, 16)`."""
    return np.concatenate([[one[:8] for one in apart[element]] for element in (OXYGEN, COBALT)], axis=1)


def densities(apart: dict[int, list[np.ndarray]]) -> np.ndarray:
    """Sums of Gaussians .2 Angstrom wide that end smoothly at 5 Angstrom, `(sample, 38)`."""
    centers = np.arange(1.4, 5.01, 0.2)

    def one(r: np.ndarray) -> np.ndarray:
        end = 0.5 * (np.cos(np.pi * np.minimum(r / REACH, 1)) + 1)
        return (np.exp(-(((r[:, None] - centers) / 0.2) ** 2) / 2) * end[:, None]).sum(axis=0)

    return np.concatenate([[one(r) for r in apart[element]] for element in (OXYGEN, COBALT)], axis=1)


def angles(library: xr.Dataset) -> np.ndarray:
    """Moments and a histogram of the angles between oxygen atoms, and their smooth number and mean distances."""
    rows = []
    for z, place, count in zip(library.z.values, library.position.values, library.natoms.values, strict=True):
        near = (place[1:count] - place[0])[z[1:count] == OXYGEN]
        r = np.linalg.norm(near, axis=1)
        weight = 1 / (1 + np.exp((r - 2.5) / 0.12))
        first, second = np.triu_indices(len(r), 1)
        both = weight[first] * weight[second]
        cosine = (near[first] * near[second]).sum(axis=1) / (r[first] * r[second])
        moments = [(both * np.polynomial.legendre.Legendre.basis(k)(cosine)).sum() for k in range(1, 7)]
        bell = np.exp(
            -(((np.degrees(np.arccos(np.clip(cosine, -1, 1)))[:, None] - np.arange(50, 181, 10)) / 10) ** 2)
            / 2
        )
        mean = (weight * r).sum() / weight.sum()
        square = (weight * r**2).sum() / weight.sum()
        rows.append(
            [*np.array(moments) / both.sum(), *(bell * both[:, None]).sum(axis=0), weight.sum(), mean, square]
        )
    return np.array(rows)


def plain(name: str, table: Table, fold: np.ndarray) -> np.ndarray:
    """The baselines as anybody would write them with scikit-learn, on all energies."""
    found = np.empty_like(table.spectra)
    for one in range(fold.max() + 1):
        held = fold == one
        scale = StandardScaler().fit(table.parameters[~held])
        known, asked = scale.transform(table.parameters[~held]), scale.transform(table.parameters[held])
        model = (
            RidgeCV(10.0 ** np.arange(-3, 5))
            if name == "plain ridge"
            else ExtraTreesRegressor(200, random_state=0)
        )
        found[held] = model.fit(known, table.spectra[~held]).predict(asked)
    return found


def main() -> None:
    """Print the table."""
    if not (DATA / "mn_doped_co3o4.npz").is_file():
        sys.exit(f"skipped: no {DATA / 'mn_doped_co3o4.npz'}; the measured data are not beside the project")
    library = xf.ingest.spectra(DATA, files=["mn_doped_co3o4.npz"])
    energy = library.energy.values.astype(np.float64)
    spectra = prepared(library.mu.values, energy, HOW)
    apart = distances_of(library)
    sets = {"shells": shells(apart)}
    sets["shells and densities"] = np.concatenate([sets["shells"], densities(apart), angles(library)], axis=1)
    print(f"{'parameters':22} {'row':18} {'R2':>7} {'worst fold':>10} {'RMSE':>8} {'s':>6}")
    for name, parameters in sets.items():
        table = Table(parameters, spectra, library.group.values)
        fold = fold_of(table.groups, 5, 0)
        mean = mean_answers(table, fold)
        for row in ["mean", "plain ridge", "plain extra trees", *RECONSTRUCTORS]:
            start = time.perf_counter()
            if row == "mean":
                answers = mean
            elif row.startswith("plain"):
                answers = plain(row, table, fold)
            elif row == "polynomial_ridge" and parameters.shape[1] > 40:
                continue  # 3,000 products of 77 parameters from 500 samples
            else:
                answers = out_of_fold([row], table, fold, "components", 0)[row]
            one = score(answers, spectra, mean, fold)
            took = time.perf_counter() - start
            title = f"{name} ({parameters.shape[1]})"
            print(
                f"{title:26} {row:18} {one.r_squared:7.4f} {one.worst_fold:7.4f} {one.rmse:8.4f} {took:6.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
