"""What a phantom is made of: composition, thickness, holes, energy shift."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Indices, Mask, Singles
from xafsflow.kernels.images.phantom_images import grains, waves
from xafsflow.phantom.defects import EXPOSED
from xafsflow.phantom.detector import blank_energies, dead_map, exposure_times
from xafsflow.phantom.scan_energies import shift_of
from xafsflow.phantom.seeds import Seeded, generator, in_bands, random_share
from xafsflow.phantom.settings import Phantom

Rows = tuple[int, int] | None

# Many waves make a field look random, few make it quick.
WAVES = 24
# Grains lie around one site a cell, at least this far from its border: the nearest site is then a neighbor's.
MARGIN = 0.15
# Cells beyond the field: warped borders reach one further, neighbors another.
BEYOND = 4
# Width of the border between grains, in cells.
BLEND = 0.04


class Grained(Seeded, Hashable, Protocol):
    """What has grains: rows and columns, pixels in a grain, and how far it drifts, in pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def grain_size(self) -> float:
        """Pixels from one grain to the next."""
        ...

    @property
    def drift(self) -> tuple[float, float]:
        """Pixels along y and x."""
        ...


@dataclass(frozen=True)
class Sample:
    """The sample in a band of rows: `fractions` `(reference, y, x)`, `thickness` and `hole` `(y, x)`."""

    fractions: Singles
    thickness: Singles
    hole: Mask


def truth(phantom: Phantom, rows: Rows = None) -> dict[str, NDArray[np.generic]]:
    """The true maps, which an analysis of the phantom should find.

    Parameters
    ----------
    phantom
        The settings.
    rows
        First row and the row after the last; all by default.

    Returns
    -------
    dict
        `energy` (nominal, eV), `references` (names), `fractions` (reference, y, x), `shift` (y, x; true
        minus nominal energy, eV), `thickness` (y, x; edge step, 0 without sample), `background` (y, x; no
        sample), `dead` (y, x), `drift` (energy, 2), how far the sample has moved along y and x, in
        pixels (maps hold for a drift of zero), `blank` (energy; no beam while the sample was taken), `exposure`
        (3, energy; relative exposure time of sample, flat field and foil), `broadening` (2; of sample and foil,
        sigma in eV), `point_spread` (sigma in pixels), and `library` (names of the reference files).

    Raises
    ------
    InputError
        For rows that the phantom does not have.

    Examples
    --------
    >>> answer = truth(Phantom(size=(32, 40), energies=20))
    >>> answer["fractions"].shape, float(answer["fractions"].sum(axis=0).max().round(3))
    ((3, 32, 40), 1.0)
    """
    y = row_numbers(phantom, rows)
    sample = sample_maps(phantom, y, (0.0, 0.0))
    return {
        "energy": phantom.energy,
        "references": np.array(phantom.names),
        "fractions": sample.fractions,
        "shift": shift_map(phantom, y),
        "thickness": sample.thickness,
        "background": sample.hole,
        "dead": dead_map(phantom, y),
        "drift": drift_path(phantom),
        "blank": blank_energies(phantom),
        "exposure": np.stack([exposure_times(phantom, kind) for kind in EXPOSED]),
        "broadening": np.array([phantom.broadening, phantom.foil_broadening]),
        "point_spread": np.array(phantom.point_spread),
        "library": np.array(phantom.written_names),
    }


def row_numbers(phantom: Phantom, rows: Rows) -> Indices:
    """The rows asked for, checked."""
    first, last = rows or (0, phantom.size[0])
    if not 0 <= first < last <= phantom.size[0]:
        raise InputError(f"rows {first} to {last}", f"a band within 0 to {phantom.size[0]}", "change rows")
    return np.arange(first, last)


def drift_path(phantom: Phantom) -> Doubles:
    """How far the sample has moved at each energy along y and x, in pixels, `(energy, 2)`; first zero."""
    return np.linspace((0.0, 0.0), phantom.drift, phantom.energy.size)


def shift_map(phantom: Phantom, y: Indices) -> Singles:
    """True minus nominal energy of rows, eV."""
    along_y, along_x = shift_of(phantom, y, np.arange(phantom.size[1]))
    return (along_y[:, None] + along_x).astype(np.float32)


def sample_maps(phantom: Phantom, y: Indices, drift: tuple[float, float]) -> Sample:
    """The sample as the detector's rows see it after the sample has moved by `drift` pixels."""
    columns = np.asarray(np.arange(phantom.size[1]) - drift[1], float)
    maps = in_bands(lambda part: _sample_band(phantom, np.asarray(part - drift[0], float), columns), y)
    return Sample(maps[:-2], maps[-2], maps[-1] > 0)


def _sample_band(phantom: Phantom, rows: Doubles, columns: Doubles) -> Singles:
    """Fractions, thickness, and 1 in a hole, `(reference + 2, y, x)`."""
    if phantom.pattern == "grains":
        fractions, seam = grain_maps(phantom, rows, columns, _contents(phantom))
    else:
        make = _ramp if phantom.pattern == "ramp" else _zones
        fractions, seam = make(phantom, rows, columns), np.zeros((rows.size, columns.size))
    low, high = phantom.thickness
    # tanh keeps the thickness in its range; thinner borders make the grains visible.
    height = (0.5 + 0.5 * np.tanh(0.9 * field(phantom, "thickness", rows, columns, 2.5))) * (1 - 0.35 * seam)
    hole = field(phantom, "hole", rows, columns, 2.0) > _hole_level(phantom)
    thickness = np.where(hole, 0, low + (high - low) * height)
    return np.concatenate([fractions, thickness[None], hole[None]]).astype(np.float32)


def field(phantom: Grained, what: str, rows: Doubles, columns: Doubles, scale: float) -> Doubles:
    """A smooth random field with mean 0 and variance 1 whose waves are about `scale` grains long."""
    random = generator(phantom, what)
    length = phantom.grain_size * scale * random.uniform(0.8, 2.0, WAVES)
    angle, phase = random.uniform(0, 2 * np.pi, (2, WAVES))
    k = 2 * np.pi / length
    return waves(rows, columns, k * np.sin(angle), k * np.cos(angle), phase)


@lru_cache(maxsize=16)
def _hole_level(phantom: Phantom) -> float:
    """The height of the field above which the sample has a hole, from a grid over the whole field."""
    if phantom.hole_share == 0:
        return np.inf
    rows, columns = (np.linspace(0, side - 1, min(side, 128)) for side in phantom.size)
    return float(np.quantile(field(phantom, "hole", rows, columns, 2.0), 1 - phantom.hole_share))


def _ramp(phantom: Phantom, rows: Doubles, columns: Doubles) -> Doubles:
    """From the first reference at the left to the last at the right, linear between neighbors."""
    last = len(phantom.references) - 1
    place = np.clip(columns / max(1, phantom.size[1] - 1), 0, 1) * last
    share = np.maximum(0, 1 - np.abs(place - np.arange(last + 1)[:, None]))
    return np.repeat(share[:, None, :], rows.size, axis=1)


def _zones(phantom: Phantom, rows: Doubles, columns: Doubles) -> Doubles:
    """The softmax of one smooth field a reference: zones of almost one reference with broad borders."""
    height = np.stack(
        [field(phantom, f"zone {i}", rows, columns, 2.0) for i in range(len(phantom.references))]
    )
    weight = np.exp(5 * (height - height.max(axis=0)))
    return np.asarray(weight / weight.sum(axis=0))


@lru_cache(maxsize=16)
def _sites(phantom: Grained) -> tuple[Doubles, Doubles, int, list[Indices]]:
    """Sites of all grains, the cells before the first row and column, and the places of cells along y and x."""
    beyond = BEYOND + int(np.ceil(max(map(abs, phantom.drift)) / phantom.grain_size))
    # By the cell's place, so that the grains within the field are the same for any drift.
    cells = [np.arange(-beyond, int(np.ceil(side / phantom.grain_size)) + beyond) for side in phantom.size]
    place = np.stack(np.meshgrid(*cells, indexing="ij")) + beyond + MARGIN
    place += (1 - 2 * MARGIN) * np.stack([random_share(phantom, f"site {i}", *cells) for i in "yx"])
    return place[0], place[1], beyond, cells


@lru_cache(maxsize=16)
def _contents(phantom: Phantom) -> Doubles:
    """What the grains are made of, `(cell, cell, reference)`."""
    cells = _sites(phantom)[3]
    parts = len(phantom.references)
    chosen = (parts * random_share(phantom, "grain", *cells)).astype(int)
    # Normalized exponential numbers are evenly distributed over all mixtures.
    rest = np.stack([-np.log1p(-random_share(phantom, f"rest {i}", *cells)) for i in range(parts)], axis=-1)
    # By default two grains in five are pure; the others hold up to 0.6 of a mixture. In fifths, so that the
    # default has the bits that it always had.
    pure, mixed = 5 * phantom.pure_share, 5 - 5 * phantom.pure_share
    beyond_pure = np.maximum(0, 5 * random_share(phantom, "purity", *cells) - pure)
    other = 0.6 * (beyond_pure / (mixed or 1.0))[..., None]
    return np.asarray((1 - other) * np.eye(parts)[chosen] + other * rest / rest.sum(axis=-1, keepdims=True))


def grain_cells(phantom: Grained) -> list[Indices]:
    """Places of the grains along y and x, one a cell of a lattice; those beyond the field count."""
    return _sites(phantom)[3]


def grain_maps(
    phantom: Grained, rows: Doubles, columns: Doubles, content: Doubles, blend: float = BLEND
) -> tuple[Doubles, Doubles]:
    """Shares of what grains are made of `(part, y, x)`, and 1 at a border, falling to 0 inside a grain `(y, x)`.

    Parameters
    ----------
    phantom
        Where the grains lie.
    rows, columns
        Pixels.
    content
        `(cell, cell, part)` over `grain_cells`.
    blend
        Width of borders, in grains.
    """
    site_y, site_x, beyond, _ = _sites(phantom)
    # A smooth field bends the places, so that borders are not straight lines; 1.5 bounds that to a cell.
    bend = [0.22 * np.clip(field(phantom, f"bend {i}", rows, columns, 1.2), -1.5, 1.5) for i in "yx"]
    place_y = rows[:, None] / phantom.grain_size + beyond + bend[0]
    place_x = columns / phantom.grain_size + beyond + bend[1]
    return grains(place_y, place_x, site_y, site_x, content, blend)
