"""`@step` and `STEPS`, the table of all steps.

A step is a plain function: its positional-only parameters are products, its keyword-only parameters are settings.
Recipe checks, command line, documentation and contract tests are read off the functions through this table.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast, get_args, get_type_hints

import xarray as xr

from xafsflow.errors import InputError
from xafsflow.findings.record import Finding
from xafsflow.vocabulary import attributes

P = ParamSpec("P")
R = TypeVar("R")

# Absolute limits or limits relative to e0, eV; None is open.
Span = tuple[float | None, float | None]

PRODUCTS: dict[str, str] = {
    "data": "the folder of the measurement and the folder of the references",
    "cube": "the measurement: variables over energy, y, x and over y, x",
    "library": "reference spectra",
    "calibration": "the energy shift of every pixel",
    "candidates": "reference spectra that might be in the sample, for judging",
    "samples": "training spectra with labels",
    "model": "a trained classifier",
    "components": "what a few spectra and their sums can make: the principal components of a cube",
    "maps": "every variable over y, x, computed and stored",
    "findings": "what the steps found, by entry",
    "run": "the folder of the run, for steps that write",
    "page": "the path of the report",
}


@dataclass(frozen=True)
class Step:
    """One row of the table: what a step takes, makes, needs, gives, and its settings."""

    name: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    makes: tuple[str, ...]
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    settings: Mapping[str, inspect.Parameter]
    types: Mapping[str, Any]
    example: Mapping[str, Any]
    replayed: bool
    run: Callable[..., Any]
    finds: type[Finding] | None

    @property
    def station(self) -> str:
        """The part of the name before the point: where on the way of the data the step stands."""
        return self.name.partition(".")[0]

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def filled(self, names: Sequence[str], settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Variable names as the settings make them.

        `{setting}` is the setting's value; `{setting}=name` is the name, where the setting is not None.
        """
        values = {**{key: p.default for key, p in self.settings.items()}, **settings}
        found = []
        for name in names:
            setting, _, fixed = name.removeprefix("{").partition("}")
            value = values[setting] if name.startswith("{") else name
            if value is not None:
                found.append(fixed.removeprefix("=") or str(value))
        return tuple(found)


STEPS: dict[str, Step] = {}


def step(
    *,
    makes: str | tuple[str, ...],
    needs: Sequence[str] = (),
    gives: Sequence[str] = (),
    example: Mapping[str, Any] | None = None,
    replayed: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter a function in the table of steps.

    Parameters
    ----------
    makes
        The product that comes back, or several in the order of the returned tuple.
    needs, gives
        Variables of the cube that must be there before, and are there after. `{name}` stands for the value of
        the setting `name`.
    example
        Settings with which the step runs on the phantom of the contract tests; required where a setting has no default.
    replayed
        True where training spectra must pass through the step as the data did.
    """

    def enter(function: Callable[P, R]) -> Callable[P, R]:
        # A station is a module of xafsflow.steps, or a folder of modules.
        module, folder = function.__module__, "xafsflow.steps."
        inside = module.removeprefix(folder) if module.startswith(folder) else module.rpartition(".")[2]
        station = inside.partition(".")[0]
        name = f"{station}.{function.__name__}"
        parameters = inspect.signature(function).parameters
        takes = tuple(k for k, p in parameters.items() if p.kind is p.POSITIONAL_ONLY)
        settings = {k: p for k, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
        if len(takes) + len(settings) != len(parameters) or not set(takes) <= set(PRODUCTS):
            raise TypeError(
                f"{name}: products are positional-only and named in PRODUCTS, settings keyword-only"
            )
        hints = get_type_hints(function, include_extras=True)

        @functools.wraps(function)
        def run(*products: P.args, **given: P.kwargs) -> R:
            _check_needs(row, products, given)
            result = function(*products, **given)
            if row.makes[0] != "cube":
                return result
            previous = products[0] if row.takes[:1] == ("cube",) else None
            if len(row.makes) == 1:
                return cast(R, _finish(row, cast(xr.Dataset, result), previous, given))
            cube, *others = cast(tuple[Any, ...], result)
            return cast(R, (_finish(row, cube, previous, given), *others))

        products = (makes,) if isinstance(makes, str) else tuple(makes)
        row = Step(
            name=name,
            function=function,
            takes=takes,
            makes=products,
            needs=tuple(needs),
            gives=tuple(gives),
            settings=settings,
            types={key: hints[key] for key in settings},
            example=dict(example or {}),
            replayed=replayed,
            run=run,
            finds=_finds(name, products, hints.get("return")),
        )
        STEPS[name] = row
        return run

    return enter


def _finds(name: str, makes: tuple[str, ...], returned: object) -> type[Finding] | None:
    """The class of what a step finds, from its return annotation."""
    if "findings" not in makes:
        return None
    kind = returned if len(makes) == 1 else get_args(returned)[makes.index("findings")]
    if not (isinstance(kind, type) and issubclass(kind, Finding)):
        raise TypeError(f"{name}: findings are annotated with their class, a Finding, not with {kind}")
    return kind


def history(cube: xr.Dataset) -> list[dict[str, Any]]:
    """The steps a cube went through, oldest first: `[{"step": name, "settings": {...}}, ...]`."""
    return cast(list[dict[str, Any]], json.loads(cube.attrs.get("history", "[]")))


def _check_needs(row: Step, products: Sequence[object], settings: Mapping[str, Any]) -> None:
    if "cube" not in row.takes or len(products) <= row.takes.index("cube"):
        return
    cube = products[row.takes.index("cube")]
    if not isinstance(cube, xr.Dataset):
        raise InputError(
            f"{row.name} called on a {type(cube).__name__}",
            "a cube (xarray.Dataset)",
            "start with a step of ingest",
        )
    for name in row.filled(row.needs, settings):
        if name not in cube:
            makers = " or ".join(sorted(s.name for s in STEPS.values() if name in s.gives))
            do = (
                f"run {makers} before it, with the images it takes"
                if makers
                else "check the setting that names it"
            )
            held = ", ".join(map(str, cube.data_vars)) or "no variables"
            raise InputError(f"{row.name} on a cube with {held}", f"the variable {name}", do)


def _finish(row: Step, result: xr.Dataset, previous: object, given: Mapping[str, Any]) -> xr.Dataset:
    """Add units and history; the step's input stays unchanged."""
    result = result.copy()
    for name in [*result.data_vars, *result.coords]:
        result[name].attrs.update(attributes(str(name)))
    before = history(previous) if isinstance(previous, xr.Dataset) else []
    result.attrs["history"] = json.dumps([*before, {"step": row.name, "settings": dict(given)}])
    return result
