"""What a library of theoretical spectra tells, beside plain scikit-learn: the table of coordination and of properties.

    python tests/benchmarks/spectra.py [--part coordination noise ...] [--learner lightgbm ...] [--json FILE]

The zinc sites of `../shared/data/zn_xanes`, train and valid together, in five folds by material; every fold is trained
without its materials, and all choices of a learner (weights, features, noise) are made before. Intervals are 95 %, by
bootstrap over materials. Without the data the parts that need them are skipped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from library_map import mapped
from library_size import measured
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier

import xafsflow as xf
from xafsflow.learning.models import classifiers, regressors, score_intervals
from xafsflow.learning.samples.augmentation import Augmentation, moved, with_noise
from xafsflow.learning.samples.spectrum_features import feature_map
from xafsflow.learning.trust import prediction_sets as sets

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "zn_xanes"
FILES = ["Zn_element_train.npz", "Zn_element_valid.npz"]
FOLDS, WINDOW = 5, 5.0
FEATURES = {"classes": ["spectrum", "derivative"], "properties": ["spectrum"]}
CLASSES = [4, 5, 6]
PROPERTIES = [
    "mean_distance", "distance_spread", "mean_angle", "voronoi_volume", "effective_coordination", "electronegativity",
]  # fmt: skip
ASKED = {
    0.0: [0.96, 0.70, 0.65, 0.86, 0.87, 0.96], 0.03: [0.95, 0.58, 0.60, 0.82, 0.84, 0.955],
    0.10: [0.89, 0.50, 0.47, 0.76, 0.71, 0.94],
}  # fmt: skip


class Zinc:
    """The library: `axis` (energy,), `mu` (sample, energy) of edge step one, labels, stability, properties, folds."""

    def __init__(self, seed: int) -> None:
        read = xf.ingest.spectra(DATA, files=FILES, energy={"first": 9640.0, "step": 1.0})
        found, _ = xf.derive.structure(read)
        self.axis, mu = found.energy.values.astype(float), found.mu.values.astype(np.float32)
        self.mu = mu / mu[:, -40:].mean(axis=1, keepdims=True)
        self.number = found.coordination.values
        self.stable, self.group = found.coordination_stable.values, found.group.values
        self.properties = np.stack([found[name].values for name in PROPERTIES], axis=1)
        names, of = np.unique(self.group, return_inverse=True)
        self.fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[of]


Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]


def ours(
    zinc: Zinc, name: str, table: str, seed: int, levels: list[float], copies: int, trees: int = 300
) -> Fit:
    """A learner of the package on `FEATURES`, trained with noise."""

    def fit(spectra: np.ndarray, truth: np.ndarray, group: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        made = Augmentation(levels=levels, copies=copies)(
            zinc.axis, spectra, np.random.default_rng([seed, 1])
        )
        noise = float(np.mean(made.level**2)) * np.eye(len(zinc.axis)) if made.level.any() else None
        read = feature_map(FEATURES[table], zinc.axis, made.noisy, WINDOW, noise)
        drawn = classifiers.Drawn(trees, seed, groups=group[made.origin])
        learn: Any = classifiers.fit if table == "classes" else regressors.fit_properties
        seen: Any = (lambda rows: rows) if read is None else read
        predictor, _ = learn(name, seen(made.noisy.T).T, truth[made.origin], drawn)
        return lambda rows: predictor.predict(seen(np.ascontiguousarray(rows.T)))

    return fit


def forest(seed: int, levels: list[float], copies: int) -> Fit:
    """scikit-learn's random forest on the spectra, trained with the same noise."""

    def fit(spectra: np.ndarray, truth: np.ndarray, _: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        made = Augmentation(levels=levels, copies=copies)(
            np.arange(0.0), spectra, np.random.default_rng([seed, 1])
        )
        fitted = RandomForestClassifier(300, random_state=seed).fit(made.noisy, truth[made.origin])
        return fitted.predict_proba

    return fit


def trees(seed: int, levels: list[float], copies: int) -> Fit:
    """scikit-learn's extra trees, for properties."""

    def fit(spectra: np.ndarray, truth: np.ndarray, _: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        made = Augmentation(levels=levels, copies=copies)(
            np.arange(0.0), spectra, np.random.default_rng([seed, 1])
        )
        return ExtraTreesRegressor(100, random_state=seed).fit(made.noisy, truth[made.origin]).predict

    return fit


def folds(zinc: Zinc, fit: Fit, truth: np.ndarray, kept: np.ndarray, *tested: np.ndarray) -> np.ndarray:
    """Answers `(sample, output)` for all kept samples, each from a model without its material.

    `tested` are the spectra; of several tables the answers stand side by side.
    """
    found: np.ndarray | None = None
    for one in range(FOLDS):
        train, test = np.flatnonzero(kept & (zinc.fold != one)), np.flatnonzero(kept & (zinc.fold == one))
        model = fit(zinc.mu[train], truth[train], zinc.group[train])
        answers = np.concatenate([model(table[test]) for table in tested], axis=1)
        found = np.full((len(kept), answers.shape[1]), np.nan) if found is None else found
        found[test] = answers
    assert found is not None
    return found[kept]


def told(name: str, predicted: np.ndarray, labels: np.ndarray, group: np.ndarray) -> dict[str, Any]:
    """Accuracy and macro-F1 with their intervals, printed."""

    def both(places: np.ndarray) -> list[float]:
        right = float((predicted[places] == labels[places]).mean())
        return [right, score_intervals.macro_f1(predicted[places], labels[places])]

    values, ends = both(np.arange(len(labels))), score_intervals.interval(both, group, 0)
    text = ", ".join(f"{v:.3f} ({lo:.3f} to {hi:.3f})" for v, lo, hi in zip(values, *ends, strict=True))
    print(f"  {name:44s} accuracy, macro F1: {text}", flush=True)
    return {"accuracy": values[0], "macro_f1": values[1], "interval": ends.tolist()}


def known_numbers(zinc: Zinc) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which sites have a coordination of 4, 5 or 6, their class for all sites, and their material."""
    kept = np.isin(zinc.number, CLASSES)
    return kept, np.searchsorted(CLASSES, zinc.number.clip(4, 6)), zinc.group[kept]


LEARNERS = ["kernel_ridge", "mean_of_several", "lightgbm", "support_vectors", "mlp", "extra_trees"]


def coordination(zinc: Zinc, seed: int, chosen: list[str]) -> dict[str, Any]:
    """All sites, stable labels, abstention."""
    kept, labels, group = known_numbers(zinc)
    truth, stable, found = labels[kept], zinc.stable[kept], {}
    print(
        f"coordination 4/5/6, {kept.sum()} sites (asked .93/.88; stable .975/.93; without 10, 20 %: .955, .975)"
    )
    ways: dict[str, Fit] = {"scikit-learn forest": forest(seed, [0.0], 1)}
    ways |= {name: ours(zinc, name, "classes", seed, [0.0], 1) for name in chosen}
    for name, fit in ways.items():
        start = time.perf_counter()
        votes = folds(zinc, fit, labels, kept, zinc.mu)
        predicted = votes.argmax(axis=1)
        found[name] = told(name, predicted, truth, group)
        found[name]["stable"] = told("    stable labels", predicted[stable], truth[stable], group[stable])
        sure = np.argsort(-votes.max(axis=1), kind="stable")
        for share in (0.1, 0.2):
            some = sure[: round((1 - share) * len(sure))]
            found[name][f"without {share}"] = float((predicted[some] == truth[some]).mean())
        print(
            f"      without 10, 20 %: {found[name]['without 0.1']:.3f}, {found[name]['without 0.2']:.3f}",
            end="; ",
        )
        print(f"{time.perf_counter() - start:.0f} s", flush=True)
    return found


def valid(zinc: Zinc, seed: int, chosen: list[str]) -> dict[str, Any]:
    """Trained on the file of the training, tried on that of the validation."""
    kept, labels, _ = known_numbers(zinc)
    known = np.arange(len(kept)) < len(np.load(DATA / FILES[0])["natoms"])
    train, test = np.flatnonzero(kept & known), np.flatnonzero(kept & ~known)
    print(f"from the {len(train)} sites of the first file to the {len(test)} of the second")
    found: dict[str, Any] = {}
    ways: dict[str, Fit] = {"scikit-learn forest": forest(seed, [0.0], 1)}
    ways |= {name: ours(zinc, name, "classes", seed, [0.0], 1) for name in chosen}
    for name, fit in ways.items():
        votes = fit(zinc.mu[train], labels[train], zinc.group[train])(zinc.mu[test])
        found[name] = told(name, votes.argmax(axis=1), labels[test], zinc.group[test])
    return found


def noise(zinc: Zinc, seed: int, chosen: list[str]) -> dict[str, Any]:
    """Trained for the noise of the test."""
    kept, labels, group = known_numbers(zinc)
    found: dict[str, Any] = {}
    for level, asked in ((0.03, ".905/.84"), (0.10, ".865/.77")):
        print(f"noise {level:g} of the edge, trained for it (asked {asked})")
        noisy = with_noise(zinc.mu, level, np.random.default_rng([seed, 2]))
        ways: dict[str, Fit] = {"scikit-learn forest": forest(seed, [level], 2)}
        ways |= {name: ours(zinc, name, "classes", seed, [level], 2, 200) for name in chosen}
        for name, fit in ways.items():
            votes = folds(zinc, fit, labels, kept, noisy)
            found[f"{name} {level}"] = told(name, votes.argmax(axis=1), labels[kept], group)
    return found


def curve(zinc: Zinc, seed: int, chosen: list[str]) -> dict[str, Any]:
    """Score by the noise of the test, for each noise of the training."""
    kept, labels, _ = known_numbers(zinc)
    found: dict[str, Any] = {}
    print("accuracy and macro F1 at noise 0, .03, .10 of the edge, by the noise of the training")
    for trained in (0.0, 0.03, 0.10):
        tested = [with_noise(zinc.mu, level, np.random.default_rng([seed, 2])) for level in (0.0, 0.03, 0.10)]
        fit = ours(zinc, chosen[0], "classes", seed, [trained], 1)
        votes = folds(zinc, fit, labels, kept, *tested)
        predicted = [votes[:, place : place + len(CLASSES)].argmax(axis=1) for place in (0, 3, 6)]
        row = [
            [float((one == labels[kept]).mean()), score_intervals.macro_f1(one, labels[kept])]
            for one in predicted
        ]
        print(f"  trained at {trained:<5g} {'; '.join(f'{a:.3f}, {f:.3f}' for a, f in row)}", flush=True)
        found[str(trained)] = row
    return found


def set_rates(zinc: Zinc, seed: int, chosen: list[str]) -> dict[str, Any]:
    """Sets by class, calibrated on one half of the materials and tried on the other, in both directions."""
    kept, labels, group = known_numbers(zinc)
    print("90 % sets by class (asked: each .87 to .93, mean size 1.2)")
    names, of = np.unique(group, return_inverse=True)
    truth, found = labels[kept], {}
    for name in chosen[:1]:
        votes = folds(zinc, ours(zinc, name, "classes", seed, [0.0], 1), labels, kept, zinc.mu)
        covered, size = [], []
        for draw in range(20):
            first = (np.random.default_rng([seed, 3, draw]).permutation(len(names)) % 2 == 0)[of]
            inside = sets.sets_of(votes[~first], sets.class_thresholds(votes[first], truth[first]))
            tried = truth[~first]
            covered.append([inside[tried == one, one].mean() for one in range(len(CLASSES))])
            size.append(inside.sum(axis=1).mean())
        by_class = np.mean(covered, axis=0)
        print(
            f"  {name:44s} {by_class.round(3).tolist()}, mean size {np.mean(size):.2f} (20 ways to halve)",
            flush=True,
        )
        found[name] = {"coverage": by_class.tolist(), "size": float(np.mean(size))}
    return found


def shifted(zinc: Zinc, seed: int, chosen: list[str]) -> dict[str, Any]:
    """Spectra whose energy is off by 2 eV: as they are, and where all are moved to one edge."""
    from xafsflow.kernels.spectra.edge_energy import e0_half_step

    kept, labels, group = known_numbers(zinc)
    print("energy off by 2 eV (asked: at most a point lost after alignment)")

    def aligned(spectra: np.ndarray) -> np.ndarray:
        edge = e0_half_step(zinc.axis, spectra.T)
        apart = np.nanmedian(edges) - np.where(np.isfinite(edge), edge, np.nanmedian(edges))
        return np.array(
            [moved(zinc.axis, row, 0.0, by) for row, by in zip(spectra, apart, strict=True)], "f4"
        )

    edges = e0_half_step(zinc.axis, zinc.mu.T)
    off = np.array([moved(zinc.axis, row, 0.0, 2.0) for row in zinc.mu], "f4")
    name, found = chosen[0], {}
    fit = ours(zinc, name, "classes", seed, [0.0], 1)

    def on_edge(spectra: np.ndarray, truth: np.ndarray, of: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        model = fit(aligned(spectra), truth, of)
        return lambda rows: model(aligned(rows))

    for what, way, spectra in (
        ("as they are", fit, zinc.mu), ("off, not aligned", fit, off), ("right, aligned", on_edge, zinc.mu),
        ("off, aligned", on_edge, off),
    ):  # fmt: skip
        votes = folds(zinc, way, labels, kept, spectra)
        found[what] = told(f"{name}: {what}", votes.argmax(axis=1), labels[kept], group)
    return found


def outside(zinc: Zinc, seed: int, chosen: list[str]) -> dict[str, Any]:
    """Coordinations that are neither 4, 5 nor 6, all classes trained: how many are confidently called 4, 5 or 6."""
    kinds, counts = np.unique(zinc.number, return_counts=True)
    kinds = kinds[counts >= 30]
    kept = np.isin(zinc.number, kinds)
    labels = np.searchsorted(kinds, zinc.number.clip(kinds[0], kinds[-1]))
    votes = folds(zinc, ours(zinc, chosen[0], "classes", seed, [0.0], 1), labels, kept, zinc.mu)
    other = ~np.isin(zinc.number[kept], CLASSES)
    called = np.isin(kinds[votes.argmax(axis=1)], CLASSES) & (votes.max(axis=1) > 0.8)
    wrong = float(called[other].mean())
    print(
        f"coordination outside 4 to 6: {other.sum()} sites, confidently (vote above .8) wrong {wrong:.3f} (asked .05)"
    )
    return {chosen[0]: wrong}


def properties(zinc: Zinc, seed: int, chosen: list[str]) -> dict[str, Any]:
    """R2 of six properties by noise."""
    kept = np.isfinite(zinc.properties).all(axis=1)
    truth, found = zinc.properties[kept], {}
    for level, asked in ASKED.items():
        print(f"properties, noise {level:g}: {', '.join(PROPERTIES)} (asked {asked})")
        spectra = with_noise(zinc.mu, level, np.random.default_rng([seed, 2]))
        copies = 2 if level else 1
        ways: dict[str, Fit] = {"scikit-learn extra trees": trees(seed, [level], copies)}
        ways |= {name: ours(zinc, name, "properties", seed, [level], copies, 200) for name in chosen}
        for name, fit in ways.items():
            answers = folds(zinc, fit, zinc.properties, kept, spectra)
            r_squared = regressors.property_scores(answers, truth)[0]
            mae = score_intervals.mean_absolute_error(answers, truth)
            print(f"  {name:44s} R2 {r_squared.round(3).tolist()}, MAE {mae.round(3).tolist()}", flush=True)
            found[f"{name} {level}"] = {"r_squared": r_squared.tolist(), "mae": mae.tolist()}
    return found


PARTS: dict[str, Any] = {
    "coordination": coordination, "valid": valid, "noise": noise, "curve": curve, "sets": set_rates,
    "shift": shifted, "outside": outside, "properties": properties,
}  # fmt: skip


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", nargs="+", choices=[*PARTS, "map", "size"], default=[*PARTS, "map", "size"])
    parser.add_argument("--learner", nargs="+", default=None, help="rows of the tables of learners")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    zinc = Zinc(given.seed) if DATA.is_dir() and set(given.part) & set(PARTS) else None
    for part in given.part:
        if part == "size":
            found[part] = measured(100_000, 200, 30, None, given.seed)
        elif part == "map":
            found[part] = mapped(given.seed, given.learner or ["kernel_ridge"])
        elif zinc is None:
            print(f"{part}: skipped, {DATA.parent.name}/{DATA.name} is not beside the project")
        else:
            usual = LEARNERS if part == "coordination" else LEARNERS[:1]
            found[part] = PARTS[part](zinc, given.seed, given.learner or usual)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
