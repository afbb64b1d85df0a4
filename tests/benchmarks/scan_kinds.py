"""Twenty kinds of scans that are unlike the phantom's default, each in several ways, and the recipes they need.

    python tests/benchmarks/scan_kinds.py NAME FOLDER [--seed 0]

writes one into a folder, with its recipe.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from xafsflow.phantom import Defects, Exposure, Phantom, Reference, broadened, write_phantom
from xafsflow.phantom.scan_energies import scan_grid
from xafsflow.phantom.settings import REFERENCE_FIRST, REFERENCE_SEGMENTS
from xafsflow.phantom.spectra import K_SQUARED, name_of

SIZE = (64, 80)
FE, NI, CU = 7112.0, 8333.0, 8979.0
LONG = scan_grid(REFERENCE_FIRST, REFERENCE_SEGMENTS)
# Points of a spectrum relative to e0, close enough that none of its shapes lies between them.
DENSE = scan_grid(-180.0, ((-26.0, 2.0), (70.0, 0.1), (410.0, 0.5)))


def simulated(
    name: str,
    e0: float,
    steps: tuple[tuple[float, float, float], ...],
    peaks: tuple[tuple[float, float, float], ...],
    shell: tuple[float, float, float],
) -> Reference:
    """A spectrum of arctangent steps `(share, eV from e0, width)`, Gaussian peaks and one shell of neighbors.

    The steps have the long tails of a core hole, which the phantom's own spectra do not have.
    """
    at = DENSE
    mu = sum(share * (0.5 + np.arctan((at - center) / width) / np.pi) for share, center, width in steps)
    mu = mu + sum(h * np.exp(-0.5 * ((at - center) / width) ** 2) for h, center, width in peaks)
    amplitude, distance, phase = shell
    above = np.maximum(at - steps[-1][1], 0)
    k = np.sqrt(K_SQUARED * above)
    wave = amplitude * np.exp(-0.02 * k**2) * np.sin(2 * distance * k + phase)
    mu = mu + above**2 / (above**2 + 900) * wave
    return Reference(name, e0 + at, mu)


NICKEL = (
    simulated("Ni", NI, ((0.4, 0.0, 0.9), (0.6, 9.0, 1.6)), ((0.12, 18.0, 3.5), (-0.05, 26.0, 4.0)), (0.14, 2.1, -1.4)),
    simulated("NiO", NI, ((0.1, 8.0, 1.0), (0.9, 12.5, 1.3)), ((0.55, 16.5, 2.4), (0.12, 33.0, 5.0)), (0.12, 1.95, -3.7)),
    simulated("NiOH2", NI, ((1.0, 13.4, 1.2),), ((0.75, 17.4, 2.2), (-0.1, 40.0, 9.0)), (0.10, 2.0, -3.4)),
)  # fmt: skip
COPPER = (
    simulated("Cu", CU, ((0.35, 0.0, 0.8), (0.65, 12.0, 1.4)), ((0.1, 15.0, 2.5), (0.08, 25.0, 4.0)), (0.13, 2.2, -1.0)),
    simulated("Cu2O", CU, ((0.6, 2.5, 0.9), (0.4, 13.0, 1.8)), ((0.25, 17.0, 2.6), (-0.1, 30.0, 6.0)), (0.10, 1.75, -3.5)),
    simulated("CuO", CU, ((0.3, 6.0, 1.1), (0.7, 13.0, 1.6)), ((0.45, 18.5, 3.2), (0.1, 36.0, 6.0)), (0.11, 1.85, -3.8)),
)  # fmt: skip


def near_duplicate() -> Reference:
    """Fe2O3 as another beamline has it in its collection: a little broader, and 0.1 eV higher."""
    energy = FE + DENSE
    return Reference("hematite", energy, broadened("Fe2O3", energy - 0.1, 0.4))


@dataclass(frozen=True)
class Kind:
    """What a kind of scan is made of, and what its recipe must say.

    Parameters
    ----------
    phantom
        Settings of `Phantom`, without size and seed.
    windows
        Settings of `normalize.edge_step` besides `e0`.
    span
        Where patterns of the training are compared, eV from e0.
    alike
        References of the library that tell of the same phase, by the name of that phase: their shares count together.
    average
        Settings of `correct.average`; None where a sharp sample is looked at pixel by pixel.
    """

    phantom: Mapping[str, Any]
    windows: Mapping[str, float] = field(
        default_factory=lambda: {"pre1": -60, "pre2": -12, "norm1": 40, "nnorm": 1}
    )
    span: tuple[int, int] = (-20, 100)
    alike: Mapping[str, str] = field(default_factory=dict)
    average: Mapping[str, Any] | None = field(default_factory=lambda: {"window": 3})


def _other_edge(references: tuple[Reference, ...], e0: float, element: str, **more: Any) -> dict[str, Any]:
    edge = {"e0": e0, "element": element, "reference_energies": e0 + LONG}
    return {"references": references, "foil": references[0], **edge, **more}


def _even(first: float, last: float, count: int) -> NDArray[np.float64]:
    return np.round(np.linspace(first, last, count), 3)


# Zones that run into each other over several pixels, as a microscope shows them, where the pattern is not what is tried.
ZONES, SMOOTH = {"grain": 28.0}, {"pattern": "smooth", "grain": 24.0}
OXIDES = ("FeO", "Fe2O3")
BLUR = {"broadening": 0.5, "foil_broadening": 0.5}
SHORT = {"pre1": -60, "pre2": -12, "norm1": 25, "nnorm": 0}
# Segments (to, step) in eV around the edge: 100 energies.
SPARSE = FE + scan_grid(-60.0, ((-10.0, 10.0), (36.2, 0.7), (190.0, 5.5)))

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "fine_resolution": Kind(
            {"broadening": 0.2, "foil_broadening": 0.2, "counts": 24000, "thickness": (0.8, 1.6), "tilt": 3.4}
        ),
        "coarse_resolution": Kind(
            {"broadening": 0.7, "foil_broadening": 0.7, "counts": 24000, "energies": 400, **SMOOTH}
        ),
        "two_resolutions": Kind({"broadening": 0.5, "foil_broadening": 0.2, "counts": 2000, "tilt_x": 1.2}),
        "blurred_picture": Kind({**BLUR, "point_spread": 1.0, "grain": 8.0, "thickness": (0.3, 0.6)}),
        "thin": Kind({"thickness": (0.1, 0.2), "counts": 24000, "matrix": 0.3, "tilt": 1.0}),
        "thin_and_dim": Kind({"thickness": (0.3, 0.6), "counts": 2000, "energies": 100, **SMOOTH}),
        "few_photons": Kind({"counts": 400, "thickness": (0.8, 1.6), "energies": 100, "flux_jitter": 0.006}),
        "sixty_energies": Kind({"energies": 60, "counts": 24000, "references": OXIDES, "tilt": -1.6}),
        "sixty_even_energies": Kind(
            {"energies": _even(FE - 60, FE + 150, 60), "broadening": 0.2, "thickness": (0.3, 0.6)}
        ),
        "many_even_energies": Kind(
            {"energies": _even(FE - 62, FE + 190, 400), "counts": 2000, "drift": (1.5, -1.0)}
        ),
        "sparse_segments": Kind({"energies": SPARSE, **BLUR, "offset": 0.4, "curvature": 0.3}),
        "short": Kind(
            {"energies": _even(FE - 62, FE + 61, 210), "counts": 24000, "thickness": (0.8, 1.6)},
            SHORT,
            (-20, 55),
        ),
        "nickel": Kind(_other_edge(NICKEL, NI, "Ni", counts=24000, broadening=0.2, tilt=2.8)),
        "copper": Kind(_other_edge(COPPER[:2], CU, "Cu", counts=2000, energies=100, thickness=(0.3, 0.6))),
        "moving_and_struck": Kind(
            {"drift": (3.0, -2.0), "defects": Defects(zingers=0.002), "counts": 24000, "tilt": -2.2}
        ),
        "blank_and_two_exposures": Kind(
            {"defects": Defects(blank=(97,), exposure=Exposure(120, 1.6, ("sample",))), "counts": 12000, **SMOOTH}
        ),
        "sharp_pure_grains": Kind(
            {"grain": 5.0, "pure_share": 1.0, "counts": 24000, "tilt": 0.5, "tilt_x": -0.8}, average=None
        ),
        "five_references": Kind(
            {"references": ("Fe", "FeO", "Fe2O3", "FeS2", "FeCO3"), "counts": 24000, "thickness": (0.8, 1.6), **SMOOTH}
        ),
        "phase_outside_the_library": Kind(
            {"references": ("Fe2O3", "Fe3O4"), "library": ("Fe", "FeO", "Fe2O3"), "counts": 2000, "broadening": 0.2}
        ),
        "near_duplicates": Kind(
            {"references": OXIDES, "library": ("FeO", "Fe2O3", near_duplicate()), "foil_broadening": 0.2, **SMOOTH},
            alike={"hematite": "Fe2O3"},
        ),
    }
)  # fmt: skip


def phantom_of(name: str, seed: int = 0, **more: Any) -> Phantom:
    """The phantom of a kind; `more` are settings instead of its own, such as `repeat`."""
    return Phantom(**{"size": SIZE, "seed": seed, **ZONES, **KINDS[name].phantom, **more})


def recipe_of(name: str) -> str:
    """The recipe of a kind, from the folder of its scan to the agreement of forest and fit."""
    kind, phantom = KINDS[name], phantom_of(name)
    e0, foil = phantom.e0, name_of(phantom.foil) if phantom.foil else ""
    library = phantom.references if phantom.library is None else phantom.library
    names = [name_of(reference) for reference in library]
    files = {one: f"references/{one}.xdi" for one in names}
    images = {
        "sample": "sample/*.tif",
        "flat_field": "flat/*.tif",
        "foil": "foil/*.tif",
        "dark": "dark/*.tif",
    }
    known: list[Any] = [{"ingest.references": {"files": files}}]
    # The foil's standard is no phase of the sample where the library does not hold it.
    apart = foil not in names
    standard = [{"ingest.references": {"files": {foil: f"references/{foil}.xdi"}, "as": "standard"}}]
    steps: list[Any] = [
        {"ingest.tiff_stack": {**images, "energies": "energies.csv"}},
        *(standard if apart else known),
        "correct.absorbance",
        *(["correct.despike"] if "defects" in kind.phantom and kind.phantom["defects"].zingers else []),
        "correct.dead_pixels",
        {"correct.background": {"e0": e0}},
        "correct.flux",
        # Behind the flux: interpolated images leave too few pixels that look empty on so small a field.
        *(["correct.drift"] if "drift" in kind.phantom else []),
        {"calibrate.foil": {"standard": foil}},
        "calibrate.apply",
        {"calibrate.check": {"standard": foil}},
        *(known if apart else []),
        *([] if kind.average is None else [{"correct.average": dict(kind.average)}]),
        {"normalize.edge_step": {"e0": e0, **kind.windows}},
        "derive.noise",
        {"train.mixtures": {"step": 0.1, "noise_patterns": 200, "features": "norm", "span": list(kind.span)}},
        {"train.fit": {"classifier": "random_forest", "trees": 100}},
        *("classify.model", "classify.combination", "judge.unknown", "judge.agreement"),
    ]
    return yaml.safe_dump({"recipe": 1, "name": name, "steps": steps}, sort_keys=False)


def write_kind(name: str, seed: int, folder: Path, **more: Any) -> str:
    """Write a scan of a kind into a new folder, and give the text of its recipe.

    Parameters
    ----------
    name
        Of `KINDS`.
    seed
        Another seed is another sample of the kind.
    folder
        New or empty; `truth.npz` in it has the answer.
    more
        Settings of `Phantom` instead of the kind's own, such as `repeat`.
    """
    write_phantom(phantom_of(name, seed, **more), folder)
    return recipe_of(name)


def main() -> None:
    """Write one kind and its recipe."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=list(KINDS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    recipe = write_kind(chosen.name, chosen.seed, chosen.folder)
    (chosen.folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    print(chosen.folder / "recipe.yaml")


if __name__ == "__main__":
    main()
