"""Maps of an entry with a label: stored as `fraction_linear`, seen as `fraction` by entries that use it.

Steps know nothing of labels. They are given the cube as if it had only the variables that they are to see; afterwards what
they made is put beside the others. A labelled variable shares the dimension `reference` with the others where the
references are the same; otherwise the dimension has the label, too (`reference_linear`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable

import xarray as xr

from xafsflow.errors import InputError

LABEL, VARIABLE = "label", "variable"


def has_labels(cube: xr.Dataset) -> bool:
    """Whether some of the variables have a label."""
    return any(LABEL in array.attrs for array in cube.data_vars.values())


def seen(
    cube: xr.Dataset, labels: Collection[str], hidden: Collection[str], needs: Collection[str]
) -> xr.Dataset:
    """The cube as an entry sees it: without labelled variables, but with those of `labels` under their plain names.

    Parameters
    ----------
    cube
        With the variables of all entries so far.
    labels
        Of entries whose variables are seen under their plain names.
    hidden
        Variables that are not seen unless they are needed: the entry makes its own.
    needs
        Variables that the entry needs.

    Raises
    ------
    InputError
        Variables that it needs are over different references.

    Examples
    --------
    >>> cube = xr.Dataset({"fraction": ("y", [0.1]), "noise": ("y", [0.01])})
    >>> view = seen(cube, (), ["fraction"], ())
    >>> both = with_made(cube, view, view.assign(fraction=("y", [0.9])), (), ["fraction"], "linear")
    >>> list(both.data_vars), seen(both, ["linear"], (), ()).fraction.item()
    (['noise', 'fraction', 'fraction_linear'], 0.9)
    """
    lent = _lent(cube, labels)
    plain = [name for name, array in cube.data_vars.items() if LABEL not in array.attrs]
    # Nobody needs sums over blocks, and an entry that hides what others made makes its own
    unseen = {*hidden, *(name for name in plain if hidden and "y_block" in cube[name].dims)}
    view = cube[[name for name in plain if name not in lent and (name in needs or name not in unseen)]]
    for name, array in lent.items():
        for dim in (dim for dim in array.dims if not _same_along(dim, array, view)):
            over = [other for other, one in view.data_vars.items() if dim in one.dims]
            both = [str(other) for other in over if other in needs]
            if both:
                raise InputError(
                    f"{name} of {' or '.join(labels)}, and {both[0]}, over different {dim}s",
                    f"the same {dim}s in both",
                    "name entries with the same references at `use`",
                )
            view = view.drop_vars([*over, dim])
        view = view.assign({name: array})
    return view


def with_made(
    cube: xr.Dataset,
    view: xr.Dataset,
    result: xr.Dataset,
    labels: Collection[str],
    made: Collection[str],
    label: str | None,
) -> xr.Dataset:
    """The cube with what a step has made of its view.

    Parameters
    ----------
    cube, view
        What `seen` was given and gave.
    result
        What the step gave back.
    labels
        As for `seen`: these variables are no plain ones.
    made
        What the step makes, beside all that was not in its view.
    label
        Gets what is made; None where it is plain.
    """
    lent = _lent(cube, labels)
    new = [name for name in result.data_vars if name in made or name not in view]
    kept = [name for name in result.data_vars if name not in new and name not in lent]
    full = result[kept if label else [*kept, *new]]
    for name, array in cube.data_vars.items():
        if name not in full and LABEL not in array.attrs:
            full = full.assign({name: array})
    own = {f"{name}_{label}": _labelled(result[name], str(name), label) for name in new} if label else {}
    before = [(name, one) for name, one in cube.data_vars.items() if LABEL in one.attrs and name not in own]
    for name, array in [*before, *own.items()]:
        differing = [dim for dim in array.dims if not _same_along(dim, array, full)]
        full = full.assign({name: array.rename({dim: f"{dim}_{array.attrs[LABEL]}" for dim in differing})})
    return full


def _lent(cube: xr.Dataset, labels: Collection[str]) -> dict[Hashable, xr.DataArray]:
    """Labelled variables and their dimensions under their plain names."""
    lent = dict[Hashable, xr.DataArray]()
    for array in cube.data_vars.values():
        label = array.attrs.get(LABEL)
        if label in labels:
            own = {dim: str(dim).removesuffix(f"_{label}") for dim in array.dims}
            plain = array.rename({dim: name for dim, name in own.items() if dim != name})
            plain.attrs = {key: value for key, value in array.attrs.items() if key not in (LABEL, VARIABLE)}
            lent[array.attrs[VARIABLE]] = plain
    return lent


def _labelled(array: xr.DataArray, name: str, label: str) -> xr.DataArray:
    return array.assign_attrs({VARIABLE: name, LABEL: label})


def _same_along(dim: Hashable, array: xr.DataArray, cube: xr.Dataset) -> bool:
    """Whether a dimension of an array is that of a cube, if it has it."""
    if dim not in cube.dims:
        return True
    if dim in array.coords and dim in cube.coords:
        return bool(array[dim].equals(cube[dim]))
    return array.sizes[dim] == cube.sizes[dim]
