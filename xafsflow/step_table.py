"""`@step` and `STEPS`, the table of all steps.

A step is a plain function: its positional-only parameters are products, its keyword-only parameters are settings.
Recipe checks, command line, documentation and contract tests are read off the functions through this table.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast, get_args, get_type_hints

import xarray as xr

from xafsflow.errors import InputError
from xafsflow.findings.record import Finding
from xafsflow.missing_variables import how_to_get
from xafsflow.provenance import SPECTRA, Done, Entry, Passage, history, known_history, with_history
from xafsflow.readable_steps import readable_signature
from xafsflow.vocabulary import AXES, attributes, axis_of

P = ParamSpec("P")
R = TypeVar("R")

# Absolute limits or limits relative to e0, eV; None is open.
Span = tuple[float | None, float | None]

Refuses: TypeAlias = Callable[[xr.Dataset, xr.Dataset, Mapping[str, Any]], object]

PRODUCTS: dict[str, str] = {
    "data": "the folder of the measurement and the folder of the references",
    "cube": "the measurement: variables over a spectral axis, y, x and over y, x",
    "library": "reference spectra",
    "spectra": "a library of spectra with known labels, properties or structures",
    "calibration": "the energy shift of every pixel",
    "candidates": "reference spectra that might be in the sample, for judging",
    "samples": "training spectra with labels",
    "model": "a trained model",
    "inverse": "a trained model that makes spectra of the parameters of a structure",
    "components": "what a few spectra and their sums can make: the principal components of a cube",
    "maps": "every variable over y, x, computed and stored",
    "findings": "what the steps found, by entry",
    "run": "the folder of the run, for steps that write",
    "page": "the path of the report",
}


@dataclass(frozen=True)
class Step:
    """One row of the table: what a step takes, makes, needs, gives, its settings, and what it declares.

    `optional` are those of the products that it takes whose type allows None, so that they may be missing; `finds` is the
    class of its findings; `refuses` raises what the step would refuse of a cube, a library and its settings before
    it computes anything; `holds` are variables that the files may hold which the step opens with its settings.
    """

    name: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    optional: frozenset[str]
    makes: tuple[str, ...]
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    settings: Mapping[str, inspect.Parameter]
    types: Mapping[str, Any]
    example: Mapping[str, object]
    passes: Passage | None
    axis: str | None
    section: str | None
    finds: type[Finding] | None
    run: Callable[..., Any]
    refuses: Refuses | None
    holds: Callable[[Mapping[str, Any]], Collection[str]]

    @property
    def station(self) -> str:
        """The part of the name before the point: where on the way of the data the step stands."""
        return self.name.partition(".")[0]

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def with_defaults(self, settings: Mapping[str, object]) -> dict[str, object]:
        """All settings, in the order of the signature."""
        return {key: settings.get(key, p.default) for key, p in self.settings.items()}

    def filled(
        self, names: Sequence[str], settings: Mapping[str, object], there: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """Variable names as the settings make them, and the variables that are `there` (None: all that may be).

        `{setting}` is the setting's value; `{setting}=name` is the name, where the setting is not None; `foil->name` is the
        name, where the cube has the variable foil.
        """
        values = self.with_defaults(settings)
        found = []
        for each in names:
            source, _, name = each.rpartition("->")
            if source and there is not None and source not in there:
                continue
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
    example: Mapping[str, object] | None = None,
    passes: Passage | None = None,
    axis: str | None = None,
    section: str | None = None,
    refuses: Refuses | None = None,
    holds: Callable[[Mapping[str, Any]], Collection[str]] = lambda _: (),
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function as a step.

    Parameters
    ----------
    makes
        The product that comes back, or several in the order of the returned tuple.
    needs, gives
        Variables of the cube that must be there before, and are there after. `{name}` stands for the value of
        the setting `name`. A step that names nothing it gives may change every variable. See `Step.filled`.
    example
        Settings with which the step runs on the phantom of the contract tests; required where a setting has no default.
    passes
        How spectra, noise and references pass through the step; None where it leaves them as they are.
    axis
        The spectral axis that the step's physics holds for, such as `energy`; None for any.
    section
        The section of the report that shows the step's findings.
    refuses
        For a step that computes when it is called: raises what it would refuse of a cube, a library and its settings.
    holds
        Of settings: variables that the files may hold, beside what is given; known when they are opened.
    """

    def register(function: Callable[P, R]) -> Callable[P, R]:
        # A station is a module of xafsflow.steps, or a folder of modules.
        module, folder = function.__module__, "xafsflow.steps."
        inside = module.removeprefix(folder) if module.startswith(folder) else module.rpartition(".")[2]
        name = f"{inside.partition('.')[0]}.{function.__name__}"
        signature = inspect.signature(function)
        products = {k: p for k, p in signature.parameters.items() if p.kind is p.POSITIONAL_ONLY}
        settings = {k: p for k, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
        if len(products) + len(settings) != len(signature.parameters) or not set(products) <= set(PRODUCTS):
            raise TypeError(
                f"{name}: products are positional-only and named in PRODUCTS, settings keyword-only"
            )
        if axis not in (None, *AXES):
            raise TypeError(f"{name}: axis {axis!r} is none of the vocabulary's")
        hints = get_type_hints(function, include_extras=True)
        made = (makes,) if isinstance(makes, str) else tuple(makes)

        @functools.wraps(function)
        def run(*given: P.args, **chosen: P.kwargs) -> R:
            return cast(R, _called(row, given, chosen))

        run.__signature__ = readable_signature(function, signature)  # type: ignore[attr-defined]
        row = Step(
            name=name,
            function=function,
            takes=tuple(products),
            optional=frozenset(name for name in products if NoneType in get_args(hints[name])),
            makes=made,
            needs=tuple(needs),
            gives=tuple(gives),
            settings=settings,
            types={key: hints[key] for key in settings},
            example=dict(example or {}),
            passes=passes,
            axis=axis,
            section=section,
            finds=_finds(name, made, hints.get("return")),
            run=run,
            refuses=refuses,
            holds=holds,
        )
        STEPS[name] = row
        return run

    return register


def _finds(name: str, makes: tuple[str, ...], returned: object) -> type[Finding] | None:
    """The class of what a step finds, from its return annotation."""
    if "findings" not in makes:
        return None
    kind = returned if len(makes) == 1 else get_args(returned)[makes.index("findings")]
    if not (isinstance(kind, type) and issubclass(kind, Finding)):
        raise TypeError(f"{name}: findings are annotated with their class, a Finding, not with {kind}")
    return kind


def steps_done(cube: xr.Dataset) -> list[Done]:
    """The steps that a cube went through, oldest first, with what they declare.

    Raises
    ------
    InputError
        The history of the cube is not known, or names a step that does not exist.
    """
    found = []
    for entry in history(cube):
        row = STEPS.get(entry["step"])
        if row is None:
            raise InputError(
                f"a cube that went through {entry['step']}",
                "steps of this version",
                "make the cube anew from its images",
            )
        settings = row.with_defaults(entry["settings"])
        found.append(Done(row.name, row.passes, row.filled(row.gives, settings), settings))
    return found


def _called(row: Step, products: Sequence[object], settings: Mapping[str, object]) -> object:
    """What a step returns, after checks of its cube, with units and history on what it gives."""
    cube = _checked_cube(row, products, settings)
    result = row.function(*products, **settings)
    if row.makes[0] != "cube":
        return result
    spectra = [name for name in row.filled(row.needs, settings) if name in SPECTRA]
    line = [] if cube is None else known_history(cube[spectra] if spectra else cube)
    first, others = (result, ()) if len(row.makes) == 1 else (result[0], result[1:])
    if cube is None and not row.gives:
        # What a file holds comes with its own history, or none.
        for name in first.variables:
            first[name].attrs.update(attributes(str(name)))
        return result
    if line is None:
        line = known_history(first)
    if line is not None:
        line = [*line, Entry(step=row.name, settings=row.with_defaults(settings))]
    names = row.filled(row.gives, settings) or tuple(map(str, first.data_vars))
    new = [str(name) for name in first.data_vars if cube is None or name not in cube or name in names]
    made = with_history(first, line, new)
    for name in made.variables:
        made[name].attrs.update(attributes(str(name)))
    return made if len(row.makes) == 1 else (made, *others)


def _checked_cube(row: Step, products: Sequence[object], settings: Mapping[str, object]) -> xr.Dataset | None:
    """The cube among the products: of the right axis, without slices, with all that the step needs."""
    if "cube" not in row.takes or len(products) <= row.takes.index("cube"):
        return None
    cube = products[row.takes.index("cube")]
    if cube is None and "cube" in row.optional:
        return None
    if not isinstance(cube, xr.Dataset):
        raise InputError(
            f"{row.name} called on a {type(cube).__name__}",
            "a cube (xarray.Dataset)",
            "start with a step of ingest",
        )
    if "z" in cube.dims:
        raise InputError(
            f"{row.name} on a cube of {cube.sizes['z']} slices along z",
            "one slice",
            "loop over the slices: take cube.isel(z=k) for each",
        )
    axis = axis_of(cube.dims)
    if row.axis is not None and axis not in (row.axis, None):
        raise InputError(
            f"{row.name} on a cube over {axis}",
            f"a cube over {row.axis}, whose physics the step knows",
            f"use a step that works on {axis}",
        )
    for name in row.filled(row.needs, settings):
        if name not in cube:
            opened = [entry["step"] for entry in known_history(cube) or ()][:1]
            known = {one: STEPS[one] for one in opened if one in STEPS}
            do = how_to_get(name, row.name, list(map(str, cube.data_vars)), known, STEPS)
            held = ", ".join(map(str, cube.data_vars)) or "no variables"
            raise InputError(f"{row.name} on a cube with {held}", f"the variable {name}", do)
    return cube
