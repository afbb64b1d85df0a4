"""Signatures and names of variables of steps, as a person would write them."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Sequence
from typing import get_args, get_type_hints


def readable_names(names: Sequence[str]) -> list[str]:
    """Names of variables as `Step.needs` and `Step.gives` write them, for people.

    Examples
    --------
    >>> readable_names(["mu", "foil->foil_mu", "{dark}=dark", "{features}"])
    ['mu', 'foil_mu (with foil)', 'dark (with the setting dark)', 'what features names']
    """
    found = []
    for name in names:
        source, _, rest = name.rpartition("->")
        setting, _, fixed = rest.removeprefix("{").partition("}")
        if not rest.startswith("{"):
            found.append(f"{rest} (with {source})" if source else rest)
        else:
            fixed = fixed.removeprefix("=")
            found.append(f"{fixed} (with the setting {setting})" if fixed else f"what {setting} names")
    return found


def readable_signature(function: Callable[..., object], signature: inspect.Signature) -> inspect.Signature:
    """The signature as a person would write it: types of settings without their limits, and products by name."""
    types, empty = get_type_hints(function), inspect.Parameter.empty
    parameters = [
        p.replace(annotation=_short(types[name]) if p.kind is p.KEYWORD_ONLY else empty)
        for name, p in signature.parameters.items()
    ]
    return inspect.Signature(parameters)


def _short(annotation: object) -> object:
    """`float | None` for what typing shows as Optional[float]; others as they are."""
    parts = get_args(annotation)
    if type(None) in parts and all(isinstance(part, type) for part in parts):
        return functools.reduce(operator.or_, parts)
    return annotation
