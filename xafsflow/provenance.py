"""What was done to the data: declared by the steps, carried by each variable, read by later steps.

A step declares a `Passage`: how spectra, their noise and references pass through it. Every variable that a step gives
carries its history as JSON in `attrs["history"]`: the steps that the spectra went through and the step that gave it, with
their settings. So it is still there after `xr.Dataset({...})`, `isel`, arithmetic and Zarr. An empty history says that the
data are as they were measured; a variable without one says nothing, and a step that needs to know refuses it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, cast

import xarray as xr

from xafsflow.errors import InputError
from xafsflow.files import as_json

HISTORY = "history"
# The variables whose history says what happened to the spectra.
SPECTRA = ("mu", "norm", "dmude")
Along = Literal["spectral", "image"]
ALONG: tuple[Along, ...] = ("spectral", "image")


class Entry(TypedDict):
    """One step of a history, with all its settings."""

    step: str
    settings: dict[str, object]


@dataclass(frozen=True)
class Setting:
    """A value of a declaration that is the value of a setting of the step."""

    name: str


@dataclass(frozen=True)
class Interpolation:
    """An interpolation that a step does.

    `along` the spectral axis, or over the image along y and x; by how much stands in the variable `by`; from `method` follow
    the weights (`linear` through 2 points, `cubic` through 4). Interpolated values share what was measured with those up to
    `reach` places away.
    """

    along: Along
    by: str
    method: str | Setting
    reach: int


@dataclass(frozen=True)
class Passage:
    """How spectra, their noise and references pass through a step.

    Parameters
    ----------
    acts_on
        `spectrum`: on each spectrum alone, by its own shape, so that references and simulated spectra pass through the step
        as the data did. `pixel`: it repairs, averages or moves what pixels measured, so that simulated pixels pass through
        it and references do not. `image`: on whole images; neither passes.
    mean_over
        Width of a mean over neighbors, pixels.
    mean_method
        How it weighs them: `mean` alike, `quadratic` as the middle of a quadratic that is fitted to them.
    interpolates
        What it interpolates.
    separates
        True where pixels count as independent after it, whatever was interpolated before.
    carries
        Further variables of the cube that hold what later steps must know of this one.
    """

    acts_on: Literal["spectrum", "pixel", "image"]
    mean_over: int | Setting | None = None
    mean_method: str | Setting = "mean"
    interpolates: Interpolation | None = None
    separates: bool = False
    carries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """A step that was done, with its declaration, the variables it gave, and its settings."""

    step: str
    passage: Passage | None
    gives: tuple[str, ...]
    settings: Mapping[str, object]

    @property
    def acts_on(self) -> str | None:
        """See `Passage`; None for a step that leaves spectra as they are."""
        return None if self.passage is None else self.passage.acts_on

    @property
    def mean_over(self) -> int | None:
        """Width of the mean over neighbors, pixels; None where there is none."""
        width = None if self.passage is None else self.passage.mean_over
        return cast(int | None, self._value(width))

    @property
    def mean_method(self) -> str:
        """How the mean over neighbors weighs them; empty where there is none."""
        return "" if self.passage is None else str(self._value(self.passage.mean_method))

    @property
    def interpolates(self) -> Interpolation | None:
        """The interpolation, None where there is none."""
        return None if self.passage is None else self.passage.interpolates

    @property
    def method(self) -> str:
        """The method of the interpolation; empty where there is none."""
        return "" if self.interpolates is None else str(self._value(self.interpolates.method))

    def _value(self, declared: object) -> object:
        return self.settings[declared.name] if isinstance(declared, Setting) else declared


def interpolation(steps: Sequence[Done], along: Along) -> Done | None:
    """The last of the steps that interpolated along this, None where nothing is left of it."""
    found = None
    for one in steps:
        if along == "image" and one.passage is not None and one.passage.separates:
            found = None
        if one.interpolates is not None and one.interpolates.along == along:
            found = one
    return found


def check_carried(cube: xr.Dataset, steps: Sequence[Done]) -> None:
    """Refuse a cube without the variables that tell what the steps did.

    Raises
    ------
    InputError
        Names the first that is missing.
    """
    moved = [interpolation(steps, along) for along in ALONG]
    needed = [(one.step, one.interpolates.by) for one in moved if one is not None and one.interpolates]
    needed += [(one.step, name) for one in steps if one.passage for name in one.passage.carries]
    for step, name in needed:
        if name not in cube:
            raise InputError(
                f"a cube that went through {step}, without {name}",
                f"the variable {name}, which tells what that step did",
                f"take {name} along with the spectra",
            )


def history(data: xr.Dataset | xr.DataArray) -> list[Entry]:
    """The steps that a variable, or a cube, went through, oldest first.

    That of a cube is that of its spectra, `mu`, `norm` and `dmude`: one line of steps, of which each has a part. Where
    there are none, it is the longest of its variables.

    Raises
    ------
    InputError
        It is not known, or the spectra come from different cubes.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(8, 8), energies=20))
    >>> [entry["step"] for entry in history(xr.Dataset({"mu": cube.mu}))]
    ['ingest.phantom', 'correct.absorbance']
    """
    found = known_history(data)
    if found is None:
        arrays = [data[name] for name in SPECTRA if name in data] if isinstance(data, xr.Dataset) else [data]
        names = ", ".join(str(array.name) for array in arrays if HISTORY not in array.attrs)
        raise InputError(
            f"{names or 'a cube'} without the history of its steps (attribute {HISTORY!r})",
            "data that a step of xafsflow gave, with their attributes",
            "keep the attributes, or declare a cube made by hand with ingest.as_measured",
        )
    return found


def known_history(data: xr.Dataset | xr.DataArray) -> list[Entry] | None:
    """As `history`, None where it is not known."""
    if isinstance(data, xr.DataArray):
        return _parsed(data)
    spectra = [name for name in SPECTRA if name in data]
    lines = [_parsed(data[name]) for name in spectra or data.data_vars]
    if spectra and None in lines:
        return None
    known = sorted((line for line in lines if line is not None), key=len)
    if spectra and any(known[-1][: len(line)] != line for line in known):
        raise InputError(
            f"{', '.join(spectra)} of one cube that went through different steps",
            "spectra that one line of steps gave",
            "make them anew from mu, or drop the one that is out of date",
        )
    return known[-1] if known else None


def with_history(data: xr.Dataset, line: Sequence[Entry] | None, names: Iterable[str]) -> xr.Dataset:
    """The data, of which these variables carry a history; none where it is None. The input stays unchanged."""
    result = data.copy()
    text = None if line is None else json.dumps(line, default=as_json)
    for name in names:
        result[name].attrs.pop(HISTORY, None)
        if text is not None:
            result[name].attrs[HISTORY] = text
    return result


def as_measured(data: xr.Dataset) -> xr.Dataset:
    """The data, declared to be as they were measured: every variable gets an empty history."""
    return with_history(data, [], map(str, data.data_vars))


def _parsed(array: xr.DataArray) -> list[Entry] | None:
    text = array.attrs.get(HISTORY)
    if text is None:
        return None
    try:
        return [Entry(step=entry["step"], settings=entry["settings"]) for entry in json.loads(text)]
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(
            f"{array.name} with the attribute {HISTORY} {text!r:.60}",
            "a list of steps with settings, as steps write it",
            "remove that attribute of another program, and declare the cube with ingest.as_measured",
        ) from error
