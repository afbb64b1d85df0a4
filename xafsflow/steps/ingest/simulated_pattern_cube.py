"""A simulated cube of diffraction patterns."""

from __future__ import annotations

from typing import Annotated

import xarray as xr
from pydantic import Field

from xafsflow.step_table import step as register

Size = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Height = Annotated[float, Field(ge=0)]


@register(makes="cube", gives=["mu", "flags"], example={"size": (24, 20), "step": 0.5})
def phantom_patterns(
    *,
    types: list[str] = ["rocksalt", "fluorite", "rutile", "spinel", "perovskite", "corundum"],  # noqa: B006
    size: tuple[Size, Size] = (48, 64),
    counts: Annotated[float, Field(gt=0)] = 1000.0,
    background: tuple[Height, Height] = (0.05, 0.3),
    illumination: Share = 0.2,
    mixed: Share = 0.0,
    wavelength: float | str = "CuKa",
    range: tuple[float, float] = (10.0, 90.0),  # noqa: A002
    step: Annotated[float, Field(gt=0)] = 0.02,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> xr.Dataset:
    """A simulated measurement of diffraction, a pattern a pixel, as a lazy cube.

    The sample consists of grains of compounds of known structure types, three of each type; where grains meet, their
    patterns mix.

    Parameters
    ----------
    types
        Structure types of the grains.
    size
        Rows and columns.
    counts
        At the highest peak of a typical compound; the noise is that of counting.
    background
        Its least and largest height over the field, at the low end of the angles, as a share of that peak.
    illumination
        Relative spread of the intensity over the field.
    mixed
        Share of the grains that hold two types.
    wavelength
        Angstrom, or the name of an anode, such as CuKa.
    range, step
        Of two theta, degrees.
    seed
        Another seed is another sample and other noise.

    Returns
    -------
    Dataset
        `mu` (two_theta, y, x), counts, `flags` (y, x) and `wavelength`, Angstrom. The true types are in
        `xafsflow.phantom.pattern_truth` alone.

    Raises
    ------
    InputError
        An unknown type or wavelength; a range without points.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.ingest.phantom_patterns(size=(8, 10), step=0.1)
    >>> dict(cube.sizes), round(float(cube.wavelength), 4)
    ({'two_theta': 801, 'y': 8, 'x': 10}, 1.5419)
    """
    from xafsflow.crystals import PatternSettings
    from xafsflow.phantom import PatternPhantom, as_pattern_cube

    return as_pattern_cube(
        PatternPhantom(
            size=size,
            types=tuple(types),
            pattern=PatternSettings(wavelength, range[0], range[1], step),
            counts=counts,
            background=background,
            illumination=illumination,
            mixed=mixed,
            seed=seed,
        )
    )
