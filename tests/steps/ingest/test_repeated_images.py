"""Several images of one energy are averaged, aloud, and their number is in the noise."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

import xafsflow as xf
from xafsflow.errors import XafsflowWarning
from xafsflow.phantom import Phantom, write_phantom

SETS = {"flat_field": "flat/*.tif", "dark": "dark/*.tif"}
Write = Callable[..., Path]


def exposures(folder: Path, count: int, **settings: object) -> Path:
    """A phantom's files with several exposures of the sample at each energy, named as microscopes do."""
    common = {"size": (32, 40), "energies": 40, "counts": 3000.0, "flux_jitter": 0.0, **settings}
    whole = write_phantom(Phantom(**common), folder)  # type: ignore[arg-type]
    for k in range(1, count):
        again = write_phantom(Phantom(**{**common, "repeat": k}), folder.with_name(f"again{k}"))  # type: ignore[arg-type]
        for path in sorted((again / "sample").glob("*.tif")):
            name = path.name.replace("_eV.tif", f"_eV_{k + 1:03}of{count:03}.tif")
            shutil.move(path, whole / "sample" / name)
    for path in sorted((whole / "sample").glob("*_eV.tif")):
        path.rename(path.with_name(path.name.replace("_eV.tif", f"_eV_001of{count:03}.tif")))
    return whole


def test_two_exposures__have_less_noise_by_the_root_of_two(tmp_path: Path) -> None:
    folder = exposures(tmp_path / "scan", 2)
    noise, scatter = {}, {}
    for repeats in ("mean", "first"):
        with pytest.warns(XafsflowWarning, match="sample has 2 images at each of 40 energies"):
            cube = xf.correct.absorbance(xf.ingest.tiff_stack(folder, repeats=repeats, **SETS)).compute()
        noise[repeats] = cube.mu_noise
        bend = cube.mu - 0.5 * (cube.mu.shift(energy=1) + cube.mu.shift(energy=-1))
        scatter[repeats] = float(abs(bend - bend.shift(x=1)).median())
    # That of the flat field, one image at each energy, stays: 1/I + 1/I0 against 1/(2 I) + 1/I0.
    ratio = noise["mean"] / noise["first"]
    assert 0.7 < float(ratio.min()) < float(ratio.max()) < 1
    assert abs(float(ratio.median()) / (scatter["mean"] / scatter["first"]) - 1) < 0.04


def test_exposures_of_all__leave_noise_over_the_root_of_their_number(
    tmp_path: Path, scan_file: Write
) -> None:
    rng, energy = np.random.default_rng(0), np.arange(7100.0, 7120)
    images = rng.poisson(2000, (80, 16, 20)).astype(np.uint16)
    flat = rng.poisson(4000, (80, 16, 20)).astype(np.uint16)
    told = {"images": images, "energies": np.tile(energy, 4), "flat_field": flat}
    scan_file("scan.h5", **told)
    with pytest.warns(XafsflowWarning, match="4 images at each of 20 energies"):
        cube = xf.correct.absorbance(xf.ingest.tiff_stack(tmp_path, sample="scan.h5")).compute()
    expected = np.sqrt((1 / 2000 + 1 / 4000) / 4)
    assert abs(float(cube.mu.std()) / expected - 1) < 0.05
    assert abs(float(cube.mu_noise.median()) / expected - 1) < 0.05
    np.testing.assert_array_equal(cube.exposures, 4)
    np.testing.assert_array_equal(cube.flat_exposures, 4)


def test_back_steps__count_in_the_noise_of_their_energies(tmp_path: Path, scan_file: Write) -> None:
    rng, energy = np.random.default_rng(0), np.arange(7100.0, 7120)
    all_of_them = np.concatenate([energy, energy[5:8], energy[5:8], energy[5:8]])
    images = rng.poisson(2000, (len(all_of_them), 24, 30)).astype(np.uint16)
    scan_file("scan.h5", images=images, energies=all_of_them)
    tifffile.imwrite(tmp_path / "flat.tif", np.full((24, 30), 4000, np.uint16))
    with pytest.warns(XafsflowWarning, match="1 to 4 images at each of 20 energies"):
        cube = xf.ingest.tiff_stack(tmp_path, sample="scan.h5", flat_field="flat.tif")
    noise = xf.correct.absorbance(cube).mu_noise.median(("y", "x")).values
    np.testing.assert_allclose(noise[5:8] / noise[[0, 1, 2]], 0.5, rtol=0.02)


def test_best__has_the_most_light(tmp_path: Path, scan_file: Write) -> None:
    images = np.stack([np.full((6, 5), k, np.uint16) for k in (100, 300, 200, 90, 80, 70)])
    scan_file("scan.h5", images=images, energies=np.repeat([7100.0, 7110.0], 3))
    with pytest.warns(XafsflowWarning, match="represented by the best"):
        cube = xf.ingest.tiff_stack(tmp_path, sample="scan.h5", repeats="best", bad_images="keep")
    np.testing.assert_array_equal(cube.sample[:, 0, 0], [300, 90])


def test_mean__stays_saturated_where_one_is(tmp_path: Path, scan_file: Write) -> None:
    images = np.full((4, 6, 5), 1000, np.uint16)
    images[1, 2, 2] = 65535
    scan_file("scan.h5", images=images, energies=np.repeat([7100.0, 7110.0], 2))
    with pytest.warns(XafsflowWarning, match="2 images"):
        cube = xf.ingest.tiff_stack(tmp_path, sample="scan.h5", bad_images="keep")
    assert int(cube.sample[0, 2, 2]) == 65535
    assert int(cube.sample[1, 2, 2]) == 1000


def test_a_bad_exposure__goes_alone(tmp_path: Path) -> None:
    good = exposures(tmp_path / "good" / "scan", 2)
    struck = exposures(tmp_path / "struck" / "scan", 2)
    path = sorted((struck / "sample").glob("*_002of002.tif"))[17]
    tifffile.imwrite(path, np.full((32, 40), 100, np.uint16))
    with pytest.warns(XafsflowWarning) as caught:
        cube = xf.ingest.tiff_stack(struck, **SETS)
    told = [str(one.message) for one in caught]
    assert any("one of several images is left out" in one and path.name in one for one in told)
    assert cube.sizes["energy"] == 40
    np.testing.assert_array_equal(cube.exposures, [1 if k == 17 else 2 for k in range(40)])
    with pytest.warns(XafsflowWarning, match="2 images"):
        first = xf.ingest.tiff_stack(good, repeats="first", **SETS).sample[17]
    np.testing.assert_array_equal(cube.sample[17], first)


def test_case_17__averages_two_exposures(shared: Path) -> None:
    folder = shared / "formats" / "cases" / "17-two-exposures"
    with pytest.warns(XafsflowWarning, match="sample has 2 images at each of 46 energies; they are averaged"):
        cube = xf.ingest.tiff_stack(folder, **SETS)
    assert cube.sizes["energy"] == 46
    both = sorted((folder / "sample").glob("*"))[:2]
    mean = np.rint(np.mean([tifffile.imread(path).astype(float) for path in both], axis=0))
    np.testing.assert_array_equal(cube.sample[0], mean)
    assert np.isfinite(xf.correct.absorbance(cube).mu).all()


def test_names_of_case_17__are_three_images_of_each_energy(shared: Path) -> None:
    from xafsflow.io.readers.energy_names import energies_from_names

    names = (shared / "formats" / "cases" / "17-two-exposures" / "names.txt").read_text().split()
    np.testing.assert_array_equal(energies_from_names(names).values, np.repeat([8324.0, 8325, 8326, 8327], 3))
