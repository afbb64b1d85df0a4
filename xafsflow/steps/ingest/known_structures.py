"""Simulated powder patterns of compounds whose structure types are known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import xarray as xr
from pydantic import Field

from xafsflow.files import cache_folder
from xafsflow.step_table import step as register

Range = tuple[float, float]
Positive = tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
Share = Annotated[float, Field(ge=0, le=1)]
Shares = tuple[Share, Share]
NotNegative = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]
Count = Annotated[int, Field(ge=1)]

LARGE = 5000  # patterns, 80 MB in memory: more are written to the disk and read in blocks


@register(makes="spectra", example={"types": 3, "compounds": 4, "background": 0, "step": 0.1})
def structure_patterns(
    *,
    types: Count | list[str] = 30,
    compounds: Count = 400,
    background: Annotated[int, Field(ge=0)] | list[str] = 100,
    background_compounds: Count = 50,
    wavelength: float | str = "CuKa",
    range: tuple[float, float] = (10.0, 90.0),  # noqa: A002
    step: Annotated[float, Field(gt=0)] = 0.02,
    size: Positive = (8.0, 150.0),
    strain: NotNegative = (0.0, 0.4),
    instrument: Positive = (0.04, 0.12),
    zero_shift: Range = (-0.12, 0.12),
    displacement: Range = (-0.15, 0.15),
    texture: Positive = (0.6, 1.5),
    background_height: NotNegative = (0.02, 0.40),
    counts: Positive | None = (300.0, 30000.0),
    impurity: Shares = (0.0, 0.1),
    impure: Share = 0.5,
    damping: NotNegative = (0.2, 1.2),
    seed: Annotated[int, Field(ge=0)] = 0,
) -> xr.Dataset:
    """Powder patterns of compounds of known structure types, simulated, to train models of structure types with.

    Ranges are those that a value is drawn from for every pattern; equal ends fix it. Many patterns are written to the cache
    folder once, found there again, and read in blocks.

    Parameters
    ----------
    types
        Names of structure types, or the first so many of those known by default, the everyday ones first.
    compounds
        Of each type.
    background
        Types that are none of these, or how many of them: then such as are no near copies of `types`.
    background_compounds
        Of each of those.
    wavelength
        Angstrom, or the name of an anode: CuKa, CoKa, MoKa, CrKa, FeKa, AgKa for both lines, CuKa1 for the first alone.
    range, step
        Of two theta, degrees.
    size
        Of crystallites, nm.
    strain
        Percent.
    instrument
        Width of peaks at small angles, degrees.
    zero_shift, displacement
        Degrees; the second is the sample's, and goes with the cosine of theta.
    texture
        March-Dollase r; 1 is none.
    background_height
        At the low end of the range, as a share of the highest peak.
    counts
        At the highest peak; null for no noise, and 1 there.
    impurity, impure
        Highest peak of another type's pattern as a share of the highest, and the share of patterns that have one.
    damping
        Debye-Waller B, Angstrom^2.
    seed
        Another seed, other compounds and other noise.

    Returns
    -------
    Dataset
        `mu` (sample, two_theta), counts; `structure_type` with the role of a label, `group` (its elements, so that no
        compound is on both sides of a split), `formula`, `ratio`, `background` (sample); `wavelength`, Angstrom.

    Raises
    ------
    InputError
        An unknown type or wavelength; a type that is in the background as well; a range without points.

    Examples
    --------
    >>> import xafsflow as xf
    >>> spectra = xf.ingest.structure_patterns(types=["rocksalt"], compounds=2, background=0, wavelength=0.7)
    >>> spectra.structure_type.values.tolist(), float(spectra.wavelength)
    (['rocksalt', 'rocksalt'], 0.7)
    """
    from xafsflow.crystals import (
        Disturbances,
        PatternSettings,
        background_types,
        chosen_types,
        digest_of,
        simulated_patterns,
        wanted_samples,
        write_patterns,
    )

    pattern = PatternSettings(wavelength, range[0], range[1], step)
    disturbances = Disturbances(
        size=size,
        strain=strain,
        instrument=instrument,
        zero_shift=zero_shift,
        displacement=displacement,
        texture=texture,
        background=background_height,
        counts=counts,
        impurity=impurity,
        impure=impure,
        damping=damping,
    )
    known = chosen_types(types)
    if isinstance(background, int):
        background = list(background_types(known, background)) if background else []
    folder = cache_folder()
    many = len(known) * compounds + len(background) * background_compounds > LARGE
    make: Callable[..., xr.Dataset] = simulated_patterns
    if many and folder is not None:
        asked = (known, compounds, background, background_compounds)
        digest = digest_of(list(wanted_samples(*asked)), pattern, disturbances, seed)
        make = partial(write_patterns, folder / "patterns" / f"{digest[:32]}.zarr")
    return make(
        known,
        compounds,
        background=background,
        per_background=background_compounds,
        pattern=pattern,
        disturbances=disturbances,
        seed=seed,
    )
