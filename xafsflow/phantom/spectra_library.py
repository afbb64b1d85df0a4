"""A library of K-edge spectra with known structures, made by a formula, for tests, notebooks and recipes without data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.files import atomic_file, refuse_links
from xafsflow.kernels.array_types import Doubles, Integers, Singles
from xafsflow.kernels.structure.bond_lengths import mean_and_spread
from xafsflow.kernels.structure.effective_coordination import effective_coordination, weights
from xafsflow.kernels.structure.ligand_electronegativity import electronegativity
from xafsflow.kernels.structure.neighbor_shell import distances
from xafsflow.phantom.simulated_clusters import simulated_clusters
from xafsflow.phantom.spectra import FE_K, K_SQUARED
from xafsflow.vocabulary import attributes

CORE_HOLE = 1.25  # eV, full width of the iron K level
RESOLUTION = 1.5  # eV, full width that adds to it
HBAR2_OVER_M = 2 / K_SQUARED  # eV Angstrom^2
BLOCK = 500  # samples at a time


def simulated_library(samples: int, seed: int = 0, *, energies: int = 120) -> xr.Dataset:
    """Spectra at the iron K edge of clusters with four, five or six ligands, and the clusters themselves.

    Parameters
    ----------
    samples
        How many spectra: sites of materials, one to four each.
    seed
        Another seed is another library.
    energies
        Points, 1 eV apart from 20 eV below the tabulated edge on.

    Returns
    -------
    Dataset
        As of `ingest.spectra`: `mu` (sample, energy), 0 before and about 1 after the edge, without noise; `group` (sample);
        `z`, `position`, `natoms`; the label `polyhedron`, of which the cluster was made before it was distorted.

    Raises
    ------
    InputError
        Fewer than 1 sample or 5 energies.

    Notes
    -----
    Simulated, not calculated: it depends on the structure as spectra do, and is no theory of them. With the distances `d_j`,
    directions `u_j` and Hoppe's weights `w_j` of the atoms, the weighted mean `d` and spread `s` of the distances, the
    effective coordination `N` and the weighted mean `X` of Pauling's electronegativities of the neighbors,

        E0    = 7112 + 2.5 (X - 2.6) + 8 (2.1 - d)                    eV; ionic and short bonds move the edge up
        mu(E) = 1/2 + arctan(2 (E - E0)/G)/pi                         G: core hole and resolution, 2.75 eV
              + .05 N X/3.44 L(E - E0 - 30/d^2, 3 + 8 s)              white line, by Natoli's rule (E - E0) d^2 = const
              + .11 T L(E - E0 + 9, 1.5)                              pre-edge peak: none with a center of inversion
              + (1 - exp(-(E - E0)/6)) chi(k)                         above E0
        T     = sum_ij w_i w_j (u_i . u_j)^3 / sum_j w_j
        chi   = sum_j .8 F_j(k)/(k d_j^2) exp(-2 s_j k^2 - 2 d_j/l(k)) sin(2 k d_j + p_j(k))

    with `L(x, g) = g^2/(x^2 + g^2)`, `k^2 = .2625 (E - E0)`, by atomic number backscattering
    `F = 1.2 sqrt(Z/8) exp(-((k - 2 - Z/12)/(4 + Z/20))^2)` and phase `p = .3 + .04 Z - .5 k`, `s_j = .003 + .001 d_j`
    Angstrom^2, and the free path `1/l = 1/12 + G_core/(7.62 k)`: a short-lived core hole blurs far neighbors.

    Examples
    --------
    >>> library = simulated_library(20, seed=1)
    >>> library.mu.dims, library.mu.shape, round(float(library.mu[:, -30:].mean()), 1)
    (('sample', 'energy'), (20, 120), 1.0)
    """
    if samples < 1 or energies < 5:
        raise InputError(
            f"a library of {samples} samples and {energies} energies", "1 and 5 or more", "change it"
        )
    energy = FE_K - 20 + np.arange(energies, dtype=np.float64)
    clusters = simulated_clusters(samples, seed)
    blocks = [slice(start, start + BLOCK) for start in range(0, samples, BLOCK)]
    rows = [_spectra(energy, clusters.z[b], clusters.position[b], clusters.natoms[b]) for b in blocks]
    label = {"role": "label", "units": "1", "long_name": "polyhedron that the cluster was made of"}
    return xr.Dataset(
        {
            "mu": (("sample", "energy"), np.concatenate(rows), attributes("mu")),
            "z": (("sample", "atom"), clusters.z, {"units": "1"}),
            "position": (("sample", "atom", "xyz"), clusters.position, {"units": "Angstrom"}),
            "natoms": ("sample", clusters.natoms, {"units": "1"}),
            "polyhedron": ("sample", clusters.polyhedron, label),
        },
        {
            "energy": ("energy", energy, attributes("energy")),
            "group": ("sample", clusters.group, {"source": "group"}),
        },
        {"align": "none", "grouped": True},
    )


def write_library(spectra: xr.Dataset, path: str | Path, *, block: int = 4096) -> Path:
    """Write a library so that `ingest.spectra` reads it: as `.npz`, or as `.zarr` where it may be larger than memory.

    Parameters
    ----------
    spectra
        As of `simulated_library` or `ingest.spectra`.
    path
        New; its suffix says which.
    block
        Samples in a chunk of Zarr.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    InputError
        Another suffix, or the path is taken.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_library(simulated_library(5), f"{folder}/library.npz").name
    'library.npz'
    """
    path = Path(path)
    if path.suffix not in (".npz", ".zarr") or path.exists():
        found = f"{path}, which exists" if path.exists() else f"the suffix {path.suffix!r}"
        raise InputError(found, "a new path that ends with .npz or .zarr", "choose another name")
    if path.suffix == ".npz":
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            arrays: dict[str, Any] = {str(name): array.values for name, array in spectra.variables.items()}
            np.savez_compressed(file, **arrays)
        return path
    partial = path.with_name(f"{path.name}.partial")
    for one in (path, partial):
        refuse_links(one)
    ready = spectra.drop_encoding()
    # Zarr 3 has no place for texts of one length yet
    texts = {
        name: a.astype(np.dtypes.StringDType()) for name, a in ready.variables.items() if a.dtype.kind == "U"
    }
    ready = ready.assign({n: (a.dims, a.data, a.attrs) for n, a in texts.items()}).chunk(sample=block)
    ready.to_zarr(partial, mode="w", zarr_format=3, consolidated=False)
    partial.rename(path)
    return path


def _spectra(energy: Doubles, z: Integers, position: Doubles, natoms: Integers) -> Singles:
    apart = distances(position, natoms)
    near = weights(apart)
    distance, spread = (one[:, None] for one in mean_and_spread(apart, near))
    ionic = np.nan_to_num(electronegativity(z))
    ionic = ((near * ionic).sum(axis=1) / near.sum(axis=1))[:, None]
    above = energy - (FE_K + 2.5 * (ionic - 2.6) + 8 * (2.1 - distance))
    mu = 0.5 + np.arctan(2 * above / (CORE_HOLE + RESOLUTION)) / np.pi
    height = 0.05 * effective_coordination(apart)[:, None] * ionic / 3.44
    mu += height * _lorentzian(above - 30 / distance**2, 3 + 8 * spread)
    mu += 0.11 * _without_inversion(position, apart, near)[:, None] * _lorentzian(above + 9, 1.5)
    kinetic = np.maximum(above, 1e-3)
    wave = _scattering(np.sqrt(K_SQUARED * kinetic), z, apart)
    return np.asarray(mu + (1 - np.exp(-kinetic / 6)) * wave, np.float32)


def _lorentzian(x: Doubles, width: Doubles | float) -> Doubles:
    return np.asarray(width**2 / (x**2 + width**2))


def _without_inversion(position: Doubles, apart: Doubles, near: Doubles) -> Doubles:
    """`T` of the formula, `(sample,)`: 0 where for each neighbor there is one opposite to it."""
    units = (position - position[:, :1]) / apart[..., None]
    cosine = np.einsum("nia,nja->nij", units, units)
    return np.asarray(np.einsum("ni,nj,nij->n", near, near, cosine**3) / near.sum(axis=1))


def _scattering(k: Doubles, z: Integers, apart: Doubles) -> Doubles:
    """`chi` of the formula, `(sample, energy)`."""
    chi = np.zeros(k.shape)
    free = 1 / (1 / 12 + CORE_HOLE / (HBAR2_OVER_M * k))
    for atom in range(1, z.shape[1]):
        counts = np.isfinite(apart[:, atom])
        number, far = z[counts, atom, None].astype(np.float64), apart[counts, atom, None]
        wave, path = k[counts], free[counts]
        strength = 1.2 * np.sqrt(number / 8) * np.exp(-(((wave - 2 - number / 12) / (4 + number / 20)) ** 2))
        damping = np.exp(-2 * (0.003 + 0.001 * far) * wave**2 - 2 * far / path)
        phase = 2 * wave * far + 0.3 + 0.04 * number - 0.5 * wave
        chi[counts] += 0.8 * strength / (wave * far**2) * damping * np.sin(phase)
    return chi
