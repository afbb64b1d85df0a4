"""The settings of a phantom, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles
from xafsflow.phantom.defects import Defects
from xafsflow.phantom.scan_energies import nominal_energies, scan_grid
from xafsflow.phantom.setting_checks import Pattern, check
from xafsflow.phantom.spectra import FE_K, Reference, name_of

DARK_FRAMES = 5
# Energies of a reference file relative to e0: (to, step) in eV, from -162.
REFERENCE_FIRST, REFERENCE_SEGMENTS = -162.0, ((-22.0, 5.0), (68.0, 0.25), (388.0, 2.0))


@dataclass(frozen=True)
class Phantom:
    """A simulated transmission scan at an absorption edge, by default of three iron phases.

    Parameters
    ----------
    size
        Rows and columns of an image.
    energies
        Nominal energies in eV, all different, or how many: a scan from 62 eV below to 190.5 eV above `e0`,
        denser over the edge.
    references
        What the sample is made of: names of `SPECTRA`, or `Reference(name, energy, mu)` of the caller's own.
    foil
        The reference of the calibration foil; None for a measurement without one.
    pattern
        How the references lie in the sample: `grains` of mostly one reference each, `smooth` zones that run
        into each other, or a `ramp` from the first reference at the left to the last at the right.
    grain
        Size of grains or zones in pixels; by default a sixth of the smaller side.
    pure_share
        Share of the grains that hold one reference only.
    seed
        Another seed is another sample, another camera and other noise.
    repeat
        Another number is the same sample and camera measured again: only photons, readout, the flux jitter and
        spikes differ.
    counts
        Mean counts of a pixel without sample; the detector saturates at 65535.
    flux_jitter
        Standard deviation of the flux from shot to shot, relative.
    noise
        False leaves photon and readout noise away; rounding to whole counts stays.
    tilt, tilt_x, curvature, offset
        The true energy of a pixel minus the nominal one, in eV: the difference between bottom and top row,
        between right and left column, the bending at top and bottom against the mean, and a constant.
    thickness
        The least and the largest edge step of the sample.
    matrix
        Absorbance at `e0` of all else in the sample.
    hole_share, dead_share
        Share of pixels without sample, and of dead detector pixels (always 65535).
    drift
        How far the sample moves over the whole scan, in pixels along y and x, at constant speed.
    broadening, foil_broadening
        Standard deviation, in eV, of the Gaussian that broadens the spectra in the sample and in the foil; the
        reference files are without.
    point_spread
        Standard deviation, in pixels, of the Gaussian that the optics spread light by, in all images alike.
    self_absorption
        Whether fluorescence is weakened on its way in and out; see `exact_mu`.
    defects
        Spikes, images without beam, two exposure times.
    library
        The references that are written as files, as for `references`, or names of those; the foil's is always
        written, too. By default what the sample is made of.
    reference_energies
        Energies of the reference files, eV; by default from 162 eV below to 388 eV above `e0`, and for a caller's
        spectrum its own.
    e0, element, edge
        The edge that the spectra belong to; absorbance falls off as `(E/e0)^-3`.

    Raises
    ------
    InputError
        For a setting that is out of its range, naming it.

    Examples
    --------
    >>> phantom = Phantom(size=(64, 80), energies=50, seed=1)
    >>> phantom.energy[[0, -1]]
    array([7050. , 7302.5])
    >>> phantom == Phantom(size=(64, 80), energies=50, seed=1)
    True
    """

    size: tuple[int, int] = (128, 160)
    energies: ArrayLike = 210
    references: tuple[str | Reference, ...] = ("Fe", "FeO", "Fe2O3")
    foil: str | Reference | None = "Fe"
    pattern: Pattern = "grains"
    grain: float | None = None
    pure_share: float = 0.4
    seed: int = 0
    repeat: int = 0
    counts: float = 19000.0
    flux_jitter: float = 0.003
    noise: bool = True
    tilt: float = 2.2
    tilt_x: float = 0.15
    curvature: float = 0.06
    offset: float = 0.0
    thickness: tuple[float, float] = (0.5, 1.15)
    matrix: float = 0.55
    hole_share: float = 0.1
    dead_share: float = 1e-4
    drift: tuple[float, float] = (0.0, 0.0)
    broadening: float = 0.0
    foil_broadening: float = 0.0
    point_spread: float = 0.0
    self_absorption: bool = False
    defects: Defects = field(default_factory=Defects)
    library: tuple[str | Reference, ...] | None = None
    reference_energies: ArrayLike | None = None
    e0: float = FE_K
    element: str = "Fe"
    edge: str = "K"

    def __post_init__(self) -> None:
        # Tuples of plain numbers, so that a phantom can be hashed, compared and written down.
        for name in ("size", "references", "thickness", "drift"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.library is not None:
            object.__setattr__(self, "library", tuple(self.library))
        if isinstance(self.energies, int | np.integer):
            object.__setattr__(self, "energies", int(self.energies))
        else:
            object.__setattr__(self, "energies", tuple(np.asarray(self.energies, float).ravel().tolist()))
        if self.reference_energies is not None:
            known = np.unique(np.asarray(self.reference_energies, float)).tolist()
            object.__setattr__(self, "reference_energies", tuple(known))
        check(self)

    @property
    def energy(self) -> Doubles:
        """The nominal energies, eV."""
        if isinstance(self.energies, int):
            return nominal_energies(self.energies, self.e0)
        return np.array(self.energies, float)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the references that the sample is made of."""
        return tuple(name_of(reference) for reference in self.references)

    @property
    def written(self) -> tuple[str | Reference, ...]:
        """The references that are written as files: the library and the foil's."""
        known = {name_of(r): r for r in (*self.references, *((self.foil,) if self.foil else ()))}
        library = self.references if self.library is None else self.library
        chosen = tuple(known.get(r, r) if isinstance(r, str) else r for r in library)
        foil = () if self.foil is None or name_of(self.foil) in map(name_of, chosen) else (self.foil,)
        return (*chosen, *foil)

    @property
    def written_names(self) -> tuple[str, ...]:
        """The names of the references that are written as files."""
        return tuple(name_of(reference) for reference in self.written)

    def reference_energy(self, reference: str | Reference) -> Doubles:
        """The energies at which a reference is written, eV."""
        if self.reference_energies is not None:
            return np.array(self.reference_energies, float)
        if isinstance(reference, Reference):
            return np.array(reference.energy, float)
        return self.e0 + scan_grid(REFERENCE_FIRST, REFERENCE_SEGMENTS)

    @property
    def grain_size(self) -> float:
        """Size of grains or zones in pixels."""
        return max(2.0, min(self.size) / 6) if self.grain is None else self.grain
