"""Networks at rest: safetensors, which hold arrays and a text and run nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.learning.network.folded_network import FoldedNetwork

# The text's one name: the order of several would be another one in every process.
ABOUT = "xafsflow"
FORMAT = "xafsflow network 1"
# A header that is longer is none.
LONGEST = 10_000_000


def network_to_bytes(network: FoldedNetwork, about: Mapping[str, object]) -> bytes:
    """A file of a network and what is said of it; equal ones make equal bytes.

    Examples
    --------
    >>> ones = np.ones(2)
    >>> from xafsflow.learning.network.folded_network import shapes
    >>> count = sum(int(np.prod(shape)) for shape in shapes(3, 3, [2], 2))
    >>> network = FoldedNetwork(0 * ones, ones, 3, 2, 3, np.array([2]), np.ones(count, "f4"), True, np.arange(2))
    >>> again, about = network_from_bytes(network_to_bytes(network, {"types": ["rocksalt", "fcc"]}))
    >>> again.weights.size == count, about
    (True, {'types': ['rocksalt', 'fcc']})
    """
    from safetensors.numpy import save

    told = {"stem": network.stem, "stride": network.stride, "taps": network.taps}
    text = {"format": FORMAT, "probabilities": network.probabilities, **told, "about": dict(about)}
    tensors = {name: np.ascontiguousarray(array) for name, array in _named(network).items()}
    return bytes(save(tensors, metadata={ABOUT: json.dumps(text, sort_keys=True)}))


def network_from_bytes(content: bytes) -> tuple[FoldedNetwork, dict[str, Any]]:
    """A network and what was said of it, checked.

    Raises
    ------
    InputError
        The file is damaged or holds something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        length = int.from_bytes(content[:8], "little")
        told = json.loads(json.loads(content[8 : 8 + min(length, LONGEST)])["__metadata__"][ABOUT])
        if told["format"] != FORMAT:
            raise KeyError(told["format"])
        arrays = load(content)
        own: dict[str, Any] = {key: arrays[key] for key in ("mean", "scale", "widths", "classes")}
        flat = [arrays[name].ravel() for name in sorted(arrays) if name.startswith("weights")]
        values: dict[str, Any] = {key: told[key] for key in ("stem", "stride", "taps", "probabilities")}
        found = FoldedNetwork(weights=np.concatenate(flat), **own, **values)
        found.check()
        return found, dict(told["about"])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"a network's file that cannot be read ({type(error).__name__}: {error})",
            f"safetensors of the format {FORMAT}",
            "train the network again",
        ) from error


def _named(network: FoldedNetwork) -> dict[str, np.ndarray]:
    """All arrays by name; the weights in the order in which they are read."""
    own = {key: getattr(network, key) for key in ("mean", "scale", "widths", "classes")}
    return own | {f"weights {number:03d}": array for number, array in enumerate(network.arrays)}
