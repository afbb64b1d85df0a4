from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter1d

import xafsflow as xf
from xafsflow.blocks.field import values_over_field
from xafsflow.errors import ComputationError, InputError
from xafsflow.findings.record import from_json, to_json
from xafsflow.findings.reference_set_findings import ReferenceSetFindings
from xafsflow.io.folders import Folders
from xafsflow.io.readers.spectrum_library import Spectrum, library_of
from xafsflow.phantom import Phantom, as_dataset, truth
from xafsflow.phantom.spectra import Reference, spectrum
from xafsflow.sampling.binned_spectra import bin_sums, places, span_of
from xafsflow.vocabulary import MAP

pytestmark = pytest.mark.long

WINDOWS = {"e0": 7112.0, "pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}
NAMES = ("Fe", "FeO", "Fe2O3", "Fe3O4", "FeS2", "FeCO3", "FeOOH")


@lru_cache
def library() -> xr.Dataset:
    energy = np.linspace(7000, 7400, 1201)
    return library_of(
        [
            Spectrum(n, energy, spectrum(n, energy), "Fe", "K", ("energy", "mu"), Path(f"{n}.xdi"), {})
            for n in NAMES
        ]
    )


@lru_cache
def scan(references: tuple[Any, ...] = ("Fe2O3", "Fe3O4"), seed: int = 0, window: int = 3) -> xr.Dataset:
    phantom = Phantom(
        size=(60, 72), energies=120, references=references, seed=seed, tilt=0.0, tilt_x=0.0, curvature=0.0
    )
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom, band=13)))
    cube = xf.correct.flux(xf.correct.background(cube, e0=7112.0))
    if window:
        cube = xf.correct.average(cube, window=window)
    return xf.derive.noise(xf.normalize.edge_step(cube, **WINDOWS)).persist()


def test_reference_sets__prefers_the_pair_to_what_fits_as_well_with_more() -> None:
    sets = [["Fe", "FeO", "Fe2O3"], ["Fe2O3", "Fe3O4"], ["Fe", "FeO", "Fe2O3", "Fe3O4"], ["Fe2O3"]]
    found = xf.judge.reference_sets(scan(), library(), sets=sets, used=sets[0])
    assert found.chosen == ("Fe2O3", "Fe3O4")
    assert found.superfluous == ("Fe", "FeO")
    assert found.missing == ("Fe3O4",)
    assert [set(row.references) for row in found.sets[:2]] == [set(sets[1]), set(sets[2])]
    assert found.outcome == "suffices"
    assert found.verdict.startswith("Fe2O3 + Fe3O4 suffices; adding")
    assert from_json(ReferenceSetFindings, to_json(found)) == found


@pytest.mark.parametrize("seed", [1, 2])
def test_reference_sets__finds_the_pair_among_all_sets(seed: int) -> None:
    found = xf.judge.reference_sets(scan(seed=seed), library())
    assert found.chosen == found.needed == ("Fe2O3", "Fe3O4")
    assert found.outcome == "suffices"
    assert found.detectable < 0.1
    assert found.alternatives == {}
    best = found.sets[0]
    assert best.interval[0] < best.prediction_error < best.interval[1]
    assert best.parameters == found.bins * 4
    assert found.values == found.bins * found.energies
    assert abs(best.offset) < 0.05


def test_reference_sets__tells_the_region_where_something_is_missing() -> None:
    energy = np.linspace(7000, 7400, 1201)
    some = Reference("some", energy, 0.8 * spectrum("Fe2O3", energy) + 0.2 * spectrum("FeCO3", energy))
    found = xf.judge.reference_sets(
        scan(("Fe2O3", "Fe3O4", some)),
        library(),
        sets=[["Fe2O3"], ["Fe2O3", "Fe3O4"]],
        used=["Fe2O3", "Fe3O4"],
    )
    assert found.missing == ("FeCO3",)
    missed = [row for row in found.regions if row.missing]
    assert missed
    assert {one.reference for row in missed for one in row.missing} == {"FeCO3"}
    assert "missing, most like FeCO3" in found.verdict
    assert found.outcome == "does not suffice"


@lru_cache
def measured(
    counts: float, references: tuple[Any, ...] = ("Fe2O3", "Fe3O4"), tilt: float = 0.0
) -> xr.Dataset:
    """A scan from its counts on, with an unsteady flux; rows differ in energy by `tilt`, which is calibrated."""
    phantom = Phantom(
        size=(64, 80), references=references, counts=counts, tilt=tilt, tilt_x=0.0, curvature=0.0, foil=None
    )
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom)))
    cube = xf.correct.flux(xf.correct.background(cube, e0=7112.0))
    if tilt:
        known = xf.calibrate.constant(cube, shift=0.0).assign(energy_shift=(MAP, truth(phantom)["shift"]))
        cube = xf.calibrate.apply(cube, known)
    cube = xf.correct.average(cube, window=3)
    return xf.derive.noise(xf.normalize.edge_step(cube, **WINDOWS)).persist()


@pytest.mark.parametrize("counts", [24000.0, 2000.0])
def test_reference_sets__does_not_suffice_where_a_phase_is_no_candidate(counts: float) -> None:
    found = xf.judge.reference_sets(measured(counts), library().sel(spectrum=["Fe", "FeO", "Fe2O3"]))
    assert found.outcome == "does not suffice"
    assert "does not suffice: 1." in found.verdict
    assert all(row.unexplained for row in found.regions)
    assert found.inflation < 1.3
    whole = xf.judge.reference_sets(measured(counts), library())
    assert (whole.outcome, whole.chosen) == ("suffices", ("Fe2O3", "Fe3O4"))


def test_reference_sets__cannot_be_told_at_few_counts() -> None:
    found = xf.judge.reference_sets(measured(100.0), library())
    assert found.outcome == "cannot be told"
    assert found.detectable > 0.1
    assert "another phase of less than" in found.verdict


def test_reference_sets__suffices_in_spite_of_another_resolution_after_calibration() -> None:
    energy = np.arange(7000, 7400, 0.25)
    blunt = tuple(
        Reference(f"{name}b", energy + 0.1, gaussian_filter1d(spectrum(name, energy), 0.2 / 0.25))
        for name in ("Fe2O3", "Fe3O4")
    )
    found = xf.judge.reference_sets(measured(24000.0, blunt, 2.2), library())
    assert (found.outcome, found.chosen) == ("suffices", ("Fe2O3", "Fe3O4"))
    # The interpolation of the calibration broadens too.
    assert 0.03 < found.broadening < 0.07


def test_reference_sets__takes_the_cubes_own_regions() -> None:
    cube = scan()
    halves = xr.DataArray(
        np.repeat([[3, 7]], 60, axis=0).repeat(36, axis=1).astype(np.int16), dims=("y", "x")
    )
    found = xf.judge.reference_sets(cube.assign(cluster_index=halves), library(), sets=[["Fe2O3", "Fe3O4"]])
    assert [row.region for row in found.regions] == [3, 7]
    side, regions = found.region_map.bin, found.region_map.region
    assert regions.shape == (-(-60 // side), -(-72 // side))
    assert set(regions[:, 0]) <= {-1, 3}


def test_reference_sets__does_not_depend_on_chunking() -> None:
    cube = scan()
    found = [
        xf.judge.reference_sets(one, library(), sets=[["Fe2O3", "Fe3O4"], ["Fe2O3"]], regions=2)
        for one in (cube, cube.chunk(y=7, x=25), cube.compute())
    ]
    for other in found[1:]:
        assert other.region_map == found[0].region_map
        for row, again in zip(found[0].sets, other.sets, strict=True):
            assert again.bic == pytest.approx(row.bic, rel=1e-6)


def test_reference_sets__computes_the_cube_once() -> None:
    cube, seen = scan().compute().chunk(y=20), []

    def count(block: np.ndarray) -> np.ndarray:
        seen.append(1)
        return block

    counted = cube.norm.data.map_blocks(count, meta=cube.norm.data._meta)
    lazy = cube.assign(norm=cube.norm.copy(data=counted))
    with dask.config.set(scheduler="synchronous"):
        xf.judge.reference_sets(lazy, library(), sets=[["Fe2O3"]])
    assert len(seen) == 3


@pytest.mark.parametrize("window", [0, 3, 5])
def test_binned__knows_the_noise_of_its_means(window: int) -> None:
    ratios = []
    for seed in range(2):
        phantom = Phantom(
            size=(48, 48),
            energies=80,
            references=("Fe2O3",),
            seed=seed,
            flux_jitter=0.0,
            tilt=0.0,
            tilt_x=0.0,
            curvature=0.0,
        )
        pair = []
        for noise in (True, False):
            cube = xf.correct.absorbance(as_dataset(Phantom(**{**vars(phantom), "noise": noise})))
            cube = cube.assign(flags=cube.flags * 0)
            cube = xf.correct.average(cube, window=window) if window else cube
            pair.append(xf.derive.noise(xf.normalize.edge_step(cube, **WINDOWS)).compute())
        where = places(pair[0], 8)
        sums = [bin_sums(one, where, 36, *span_of(one, (-20.0, 80.0))) for one in pair]
        noisy, still = (one.bins(values_over_field(one.arrays)) for one in sums)
        # What is left to each fit: a factor, a constant, a slope.
        line = np.stack([np.ones_like(noisy.energy), noisy.energy - noisy.energy.mean()])
        for one, two in zip(noisy.spectra, still.spectra, strict=True):
            columns = np.concatenate([two[None], line])
            left = one - np.linalg.lstsq(columns.T, one, rcond=None)[0] @ columns
            ratios.append((left**2 / noisy.profile).sum() / (len(left) - 3))
        ratios[-36:] = list(np.array(ratios[-36:]) / noisy.noise**2)
    assert np.sqrt(np.mean(ratios)) == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sets": [["Fe2O3", "Fe3O5"]]}, "did you mean 'Fe3O4'"),
        ({"sets": [[]]}, "sets of 1 to"),
        ({"used": ["Cu"]}, "the reference 'Cu'"),
        ({"span": (0.0, 1.0)}, "Widen span"),
    ],
)
def test_reference_sets__refuses(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        xf.judge.reference_sets(scan(), library(), **settings)


def test_reference_sets__refuses_a_scan_without_sample() -> None:
    cube = scan()
    with pytest.raises(ComputationError, match="no bin"):
        xf.judge.reference_sets(cube.assign(flags=cube.flags | np.uint8(1)), library())


def test_reference_sets__refuses_more_sets_than_can_be_told_apart() -> None:
    few = library().isel(spectrum=[0] * 60).assign_coords(spectrum=[f"c{i}" for i in range(60)])
    with pytest.raises(InputError, match="Lower most"):
        xf.judge.reference_sets(scan(), few, most=4)


def test_reference_sets__finds_measured_phases_in_a_measured_map(shared: Path) -> None:
    import tifffile

    from xafsflow.io.readers.spectrum_library import on_grid

    phases = ["LiFe(II)PO4", "Pyrite", "StainlessSteelNP", "Hematite_NP"]
    candidates = xf.ingest.candidates(Folders(shared / "fe_library"), files=["*.nor"])
    energy = np.loadtxt(shared / "fe_library" / "energy_list_corr.txt")
    abundance = tifffile.imread(shared / "fe_library" / "chemical_map.tiff").astype(float)
    mu = np.einsum(
        "re,ryx->eyx", np.nan_to_num(on_grid(candidates.sel(spectrum=phases), energy).mu.values), abundance
    )
    mu += np.random.default_rng(0).normal(0, 0.01, mu.shape)
    arrays = {"mu": mu.astype(np.float32), "mu_noise": np.full(mu.shape, 0.01, np.float32)}
    cube = xr.Dataset(
        {name: (("energy", "y", "x"), values) for name, values in arrays.items()}, {"energy": energy}
    )
    cube = xf.ingest.as_measured(cube.assign(flags=(("y", "x"), np.zeros(mu.shape[1:], np.uint8))))
    cube = xf.correct.background(cube, e0=7112.0)
    cube = xf.normalize.edge_step(
        xf.correct.average(cube), e0=7112.0, pre1=-22.0, pre2=-8.0, norm1=40.0, nnorm=1
    )
    found = xf.judge.reference_sets(xf.derive.noise(cube), candidates, most=4)
    assert set(found.chosen) == set(found.needed) == set(phases)
