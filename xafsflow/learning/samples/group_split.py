"""Which samples are held out: whole groups, so that no material stands on both sides."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Mask


def groups_of(samples: xr.Dataset) -> NDArray[Any]:
    """The group of each sample `(sample,)`; each its own where the table knows none."""
    return np.asarray(samples.group.values) if "group" in samples else np.arange(samples.sizes["sample"])


def held_out(groups: NDArray[Any], share: float, seed: int | list[int]) -> Mask:
    """Which samples `(sample,)` are held out: a share of the groups, drawn, and one at least.

    Examples
    --------
    >>> held = held_out(np.array(["a", "a", "b", "c", "c", "d"]), 0.5, 0)
    >>> held.tolist()
    [True, True, False, True, True, False]
    """
    names, of = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return np.isin(of, order[: max(1, round(share * len(names)))])


def folds(groups: NDArray[Any], count: int, seed: int | list[int]) -> list[Mask]:
    """The samples of each of so many parts `(sample,)`: every group is whole in one of them, drawn.

    Examples
    --------
    >>> parts = folds(np.array(["a", "a", "b", "c"]), 2, 0)
    >>> [part.tolist() for part in parts]
    [[True, True, True, False], [False, False, False, True]]
    """
    names, of = np.unique(groups, return_inverse=True)
    part = (np.random.default_rng(seed).permutation(len(names)) % count)[of]
    return [part == one for one in range(count)]


def places_of(groups: NDArray[Any], seed: int) -> NDArray[np.float64]:
    """A number from 0 to 1 for each sample `(sample,)`, drawn by the name of its group alone.

    A group that comes again in another library has the same number: who is held out by it stays held out.

    Examples
    --------
    >>> places = places_of(np.array(["Na Cl", "Fe O", "Na Cl"]), 0)
    >>> bool(places[0] == places[2] != places[1])
    True
    >>> many = places_of(np.arange(10_000).astype(str), 1)
    >>> bool(abs((many < 0.2).mean() - 0.2) < 0.02)
    True
    """
    names, of = np.unique(groups.astype(str), return_inverse=True)
    drawn = [hashlib.sha256(f"{seed} {name}".encode()).digest()[:8] for name in names.tolist()]
    return np.array([int.from_bytes(one, "big") for one in drawn], np.float64)[of] / 2.0**64


def check_groups(groups: NDArray[Any], least: int) -> None:
    """Refuse samples of fewer groups than a split needs.

    Raises
    ------
    InputError
        There are fewer.
    """
    found = len(np.unique(groups))
    if found < least:
        raise InputError(
            f"{found} groups of samples",
            f"{least} or more: some to learn from, others to hold out",
            "give spectra of more materials, or name `group` in ingest.spectra",
        )
