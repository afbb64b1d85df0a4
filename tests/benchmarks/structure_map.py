"""Structure types mapped over phantoms of six types in grains, with noise and background: how many pixels are right.

    python tests/benchmarks/structure_map.py [--compounds 400] [--epochs 15] [--seeds 3] [--size 64 64] [--mixed 0.2]

A union is trained as in `workflows/structure_types.yaml`, on compounds that the phantoms do not draw from; it needs torch.
Right means the type with the largest share of the intensity above the background.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

import numpy as np
import xarray as xr

import xafsflow as xf
from xafsflow.learning.models.model import Model
from xafsflow.phantom import PatternPhantom, as_pattern_cube, pattern_truth
from xafsflow.phantom.pattern_cube import SIX_TYPES, compounds_of

# A pixel away from borders has less of a second type than training patterns have of impurities, one that is mixed as much
# as the mixtures that limits are learnt on.
PURE, MIXED = 0.95, 0.7


def trained(compounds: int, epochs: int, seed: int) -> tuple[Model, set[str]]:
    """A union of the six types, and the species tuples that it was trained with."""
    library = xf.ingest.structure_patterns(
        types=list(SIX_TYPES), compounds=compounds, background=40, background_compounds=20, seed=seed
    )
    model, _ = xf.train.union(library, networks=2, epochs=epochs, beside=[], seed=seed)
    return model, set(library.group.values.tolist())


def scores(maps: xr.Dataset, answer: dict[str, Any]) -> dict[str, float]:
    """Shares of pixels of a map that are right, by what they hold, of true types in sets, and of those that are flagged.

    Parameters
    ----------
    maps
        Of `classify.model`.
    answer
        Of `pattern_truth`; a type that the map does not know is never right.
    """
    names = [str(one) for one in maps.reference.values]
    known = [names.index(one) if one in names else -2 for one in answer["types"].tolist()]
    shares = answer["shares"]
    first, second = np.array(known)[np.argsort(-shares, axis=0)[:2]]
    found, largest = maps.class_index.values, shares.max(axis=0)
    pure, mixed = largest > PURE, largest < MIXED
    possible = np.take_along_axis(maps.in_set.values, first.clip(0)[None], 0)[0]
    return {
        "right": float((found == first).mean()),
        "away from borders": float((found == first)[pure].mean()),
        "of two, one of them": float(((found == first) | (found == second))[mixed].mean()),
        "in the set": float(possible.mean()),
        "outside, away": float(maps.outside.values[pure].mean()),
        "mixed, of two": float(maps.mixed.values[mixed].mean()),
        "mixed, away": float(maps.mixed.values[pure].mean()),
        "share away": float(pure.mean()),
        "share of two": float(mixed.mean()),
    }


def mapped(model: Model, known: set[str], phantom: PatternPhantom) -> dict[str, float]:
    """The scores of a phantom, and what the map took."""
    cube = as_pattern_cube(phantom).compute()
    xf.classify.model(cube.isel(y=slice(0, 1)), model)  # compiled, or read from the cache
    start = time.perf_counter()
    maps = xf.classify.model(cube, model)
    took = time.perf_counter() - start
    new = np.mean([one.group not in known for one in compounds_of(phantom)])
    return scores(maps, pattern_truth(phantom)) | {"s": took, "new species": float(new)}


def main() -> None:
    """Train once, and map phantoms of several seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compounds", type=int, default=400, help="of each type")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3, help="how many phantoms")
    parser.add_argument("--size", type=int, nargs=2, default=[64, 64])
    parser.add_argument("--mixed", type=float, default=0.0, help="share of grains of two types")
    given = parser.parse_args()
    start = time.perf_counter()
    model, known = trained(given.compounds, given.epochs, 1)
    print(f"library and training: {time.perf_counter() - start:.0f} s")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [
        mapped(
            model, known, PatternPhantom(size=(given.size[0], given.size[1]), mixed=given.mixed, seed=seed)
        )
        for seed in range(given.seeds)
    ]
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        print(f"  {name:22s} {values.mean():.3f}  {values.round(3).tolist()}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory {peak:.0f} MB, {before:.0f} MB of them before the maps")


if __name__ == "__main__":
    main()
