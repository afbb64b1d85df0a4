"""Structure types from diffraction patterns: a union of residual networks, and what stands beside it.

    .venv/bin/python tests/benchmarks/structure_types.py                          # 35 types, one seed
    .venv/bin/python tests/benchmarks/structure_types.py --seeds 3                # 10,000 test patterns
    .venv/bin/python tests/benchmarks/structure_types.py --types 100 --compounds 600 --only scores measured

Needs the extra `nets`. Compounds are simulated with all disturbances on; species tuples of the check are in no training.
What was trained is kept in the cache folder: a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import xafsflow as xf
from xafsflow.crystals import all_types, background_types, known_types, near_copies, simulated_patterns
from xafsflow.findings.union_findings import UnionFindings
from xafsflow.learning.models.model import Model
from xafsflow.learning.union.judged_patterns import judged
from xafsflow.progress import told_to

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "formats" / "diffraction"
PARTS = ("scores", "added", "unseen", "measured")
# Background types that networks and limits learn from, compounds of each, and of each type that none of them saw.
BACKGROUND, BACKGROUND_COMPOUNDS, UNSEEN_COMPOUNDS = 100, 50, 40
ADDED = 5
# Structure types of the weighed phases of the measured mixtures, at the temperatures of their preparation.
PHASES = {
    "In2O3": "bixbyite", "La(OH)3": "UCl3", "TiO2": "anatase", "ZrO2": "baddeleyite", "Li2CO3": "zabuyelite",
    "V2O5": "V2O5", "ZnO": "wurtzite", "MnCO3": "calcite", "NiO": "rocksalt",
}  # fmt: skip


def library(types: list[str], aside: list[str], compounds: int, seed: int) -> Any:
    """Patterns of known types, and of the background."""
    return xf.ingest.structure_patterns(
        types=types,
        compounds=compounds,
        background=aside,
        background_compounds=BACKGROUND_COMPOUNDS,
        seed=seed,
    )


def trained(
    types: list[str], aside: list[str], asked: argparse.Namespace, seed: int, beside: list[str]
) -> tuple[Model, UnionFindings]:
    """A union of these types."""
    spectra = library(types, aside, asked.compounds, seed)
    return xf.train.union(
        spectra, epochs=asked.epochs, patience=asked.epochs, beside=beside, networks=asked.networks, seed=seed
    )


def scores(found: UnionFindings) -> None:
    """The table, and what is told of sets and doubt."""
    print(f"{found.training_patterns} patterns learnt from, {found.check_patterns} to check")
    print(f"{'':22}{'top-1':>8}{'95 % interval':>18}{'top-3':>8}")
    for name, one in sorted(found.table.items(), key=lambda item: -item[1].top1):
        ends = f"{one.interval[0]:.3f} to {one.interval[1]:.3f}"
        print(f"{name:22}{one.top1:8.3f}{ends:>18}{one.top3:8.3f}")
    print(found.better or "no method is better than the union")
    print(
        f"sets: cover {found.observed_coverage:.3f}, asked {found.coverage}, mean size {found.set_size:.2f}"
    )
    print(f"two types: {found.mixed_known:.3f} of single ones flagged, {found.mixed_found:.3f} of mixtures")
    print("twins: " + "; ".join(f"{one.first} and {one.second} {one.confused:.2f}" for one in found.twins))


def unseen(model: Model, types: list[str], aside: list[str], seed: int) -> dict[str, float]:
    """Share that is refused of types that nothing learnt from, with and without near copies named beforehand."""
    others = [name for name in all_types() if name not in types and name not in aside]
    named = {one for copies in near_copies(types, others).values() for one in copies}
    spectra = simulated_patterns(others, UNSEEN_COMPOUNDS, seed=seed + 1000)
    refused = np.concatenate(
        [judged(model, spectra.mu.values[k : k + 500]).unlike for k in range(0, spectra.sizes["sample"], 500)]
    )
    copy = np.isin(spectra.structure_type.values, list(named))
    found = {
        "with near copies": refused.mean(),
        "without": refused[~copy].mean(),
        "near copies": refused[copy].mean(),
    }
    print(f"{len(others)} types never seen, {len(named)} of them near copies: refused " + told(found))
    return found


def added(types: list[str], aside: list[str], asked: argparse.Namespace, seed: int) -> dict[str, float]:
    """Five types, drawn, are added to a union of the others."""
    new = sorted(np.random.default_rng([seed, 5]).permutation(types)[:ADDED].tolist())
    old = [name for name in types if name not in new]
    before, first = trained(old, aside, asked, seed, [])
    spectra = library([*old, *new], aside, asked.compounds, seed)
    after, second = xf.train.extend(before, spectra, epochs=asked.epochs, patience=asked.epochs)
    same = before.predictor.contents == after.predictor.contents[: len(before.predictor.contents)]
    right = np.diag(second.confusion)
    count = second.confusion.sum(axis=1)
    found = {
        "old before": first.table["union"].top1,
        "old after": right[: len(old)].sum() / count[: len(old)].sum(),
        "new": right[len(old) :].sum() / count[len(old) :].sum(),
    }
    print(f"{', '.join(new)} added, old files {'equal' if same else 'CHANGED'}: top-1 of " + told(found))
    return found


def measured(model: Model) -> dict[str, float]:
    """Measured mixtures whose phases are all of known types: one of these is the answer, or in the set."""
    known = set(model.targets.names)
    files = {
        path.name: [PHASES[part.split("_")[0]] for part in path.name.split("--")[0].split("-")]
        for path in sorted((SHARED / "mixtures").glob("*.xrdml"))
    }
    grid = model.signature.values
    spectra = xf.ingest.patterns(
        SHARED / "mixtures", files=["*.xrdml"], at=model.signature.wavelength, span=(grid[0], grid[-1])
    )
    answers = {one.name: one for one in xf.judge.patterns(spectra, model).answers}
    able = {name: types for name, types in files.items() if set(types) <= known}
    right = [answers[name].answer in types for name, types in able.items()]
    among = [bool(set(answers[name].possible) & set(types)) for name, types in able.items()]
    for name, types in able.items():
        one = answers[name]
        flags = " none of these" * one.unlike + " two types" * one.mixed
        print(f"  {name[:46]:48}{one.answer:16}{one.vote:6.2f}{flags}  (is {', '.join(types)})")
    found = {"right": np.mean(right), "right or in the set": np.mean(among)}
    print(f"{len(able)} measured mixtures: " + told(found))
    return found


def told(numbers: dict[str, float]) -> str:
    """Numbers by name, for people."""
    return ", ".join(f"{name} {value:.3f}" for name, value in numbers.items())


def one_seed(asked: argparse.Namespace, seed: int) -> Iterator[tuple[str, Any]]:
    """All that is asked for of one seed, as it is found."""
    # With those of the measured phases
    types = list(dict.fromkeys([*known_types(asked.types), *PHASES.values()]))
    aside = list(background_types(types, BACKGROUND))
    model, found = trained(types, aside, asked, seed, asked.beside if "scores" in asked.only else [])
    if "scores" in asked.only:
        scores(found)
        yield "table", {name: [one.top1, one.top3, *one.interval] for name, one in found.table.items()}
        yield "sets", [found.observed_coverage, found.set_size]
    if "unseen" in asked.only:
        print(f"of known types {found.refused_known:.3f} are refused")
        yield "unseen", unseen(model, types, aside, seed)
    if "measured" in asked.only and SHARED.is_dir():
        yield "measured", measured(model)
    if "added" in asked.only:
        yield "added", added(types, aside, asked, seed)


def main() -> None:
    """Print what is asked for, seed by seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--types", type=int, default=30)
    parser.add_argument(
        "--compounds", type=int, default=800, help="of each type; 65 %% of them are learnt from"
    )
    parser.add_argument("--networks", type=int, default=None)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    usual = [
        "one_network",
        "nearest_mean",
        "log_d_correlation",
        "forest_peaks",
        "extra_trees_peaks",
        "forest_binned",
    ]
    parser.add_argument("--beside", nargs="*", default=[*usual, "extra_trees_binned"])
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    results = []
    for seed in range(asked.first, asked.first + asked.seeds):
        start = time.perf_counter()
        print(f"seed {seed}", flush=True)
        with told_to(lambda name, share: print(f"  {name}", flush=True) if share is None else None):
            found = dict(one_seed(asked, seed))
        found["seconds"] = time.perf_counter() - start
        print(f"{found['seconds']:.0f} s", flush=True)
        results.append(found)
        if asked.json:
            asked.json.write_text(json.dumps(results, indent=1, default=float), encoding="utf-8")
    if len(results) > 1 and "scores" in asked.only:
        print("mean of all seeds: top-1, top-3")
        for name in results[0]["table"]:
            table = np.array([one["table"][name] for one in results])
            print(f"{name:22}{table[:, 0].mean():8.3f}{table[:, 1].mean():8.3f}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
