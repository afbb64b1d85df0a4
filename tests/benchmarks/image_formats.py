"""Files of images in every format that is read, against values that other programs found in them.

    python tests/benchmarks/image_formats.py [--formats DIR] [--json FILE]

Each entry of `index.json` below `images/` is opened as a user would name it: a file, or the pattern of the sample's images
of a folder. "read right": shape, type, energies, size of a pixel, pixels and optical density are those of the index.
"refused": one message, where the index expects that. "wrong": anything else that was read, or read where a refusal is due.
"failed": refused where the values are known, or an error that is no message.
"""

from __future__ import annotations

import argparse
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from format_outcome import Outcome

from xafsflow.errors import InputError
from xafsflow.io.folders import natural_key
from xafsflow.io.readers import open_scan
from xafsflow.io.readers.file_contents import energies_of
from xafsflow.io.readers.image_scan import ImageScan

FORMATS = Path(__file__).resolve().parents[3] / "shared" / "data" / "formats"
# How a user names the sample's images of a folder.
PATTERNS = {
    "images/als_stxm_71214078": "*.hdr",
    "images/itex_series": "scan_[0-9]*.img",
    "images/edf_series": "*.edf",
    "images/pyxrf_maps": "*.h5",
}
FLATS, DARKS = {"images/itex_series": "scan_i0_*.img"}, {"images/itex_series": "scan_dk*.img"}
# Of spectra without noise, where a pixel has 7000 counts at least, and a dark level of 100 that some files do not tell.
SAME_DENSITY = 0.06
# eV; angles are written with five decimals, and another value of hc moves 7 keV by .06.
SAME_EV = 0.1


def outcomes(formats: Path = FORMATS) -> list[Outcome]:
    """The outcome of every entry."""
    entries = json.loads((formats / "index.json").read_text(encoding="utf-8"))["files"]
    return [outcome(formats, one) for one in entries if one["path"].startswith("images/")]


def outcome(formats: Path, entry: Mapping[str, Any]) -> Outcome:
    """What becomes of one entry."""
    path, right = entry["path"], entry["right"]
    paths = [formats / path]
    if paths[0].is_dir():
        paths = sorted(paths[0].glob(PATTERNS[path]), key=natural_key)
    refusal = right.get("expect")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scan = open_scan(paths)
            if refusal:
                energies_of(scan, paths)
            if path in FLATS:
                flat, dark = (
                    sorted((formats / path).glob(one[path]), key=natural_key) for one in (FLATS, DARKS)
                )
                scan = replace(scan, flat_field=open_scan(flat).images, dark=open_scan(dark).images)
        if refusal:
            return Outcome(path, "wrong", f"read as a stack; expected: {refusal}")
        wrong = list(differences(scan, right))
        return Outcome(path, "wrong" if wrong else "read right", "; ".join(wrong))
    except InputError as error:
        return (
            Outcome(path, "read right", f"refused: {error}")
            if refusal
            else Outcome(path, "refused", str(error))
        )
    except Exception as error:
        return Outcome(path, "failed", f"{type(error).__name__}: {error}")


def differences(scan: ImageScan, right: Mapping[str, Any]) -> Iterator[str]:
    """What is not as the index has it."""
    shape = right.get("shape", right.get("shape_of_dataset"))
    if shape is None:
        shape = [right["images"], right["height"], right["width"]]
    if "files" in right:
        shape = [len(right["files"]), *shape]
    if list(scan.images.shape) != shape and list(scan.images.shape[1:]) != shape:
        yield f"shape {scan.images.shape}, not {shape}"
        return
    dtype = right.get("dtype", "")
    if " " not in dtype and dtype and scan.images.dtype != np.dtype(dtype):
        yield f"type {scan.images.dtype}, not {dtype}"
    yield from energy_differences(scan, right)
    yield from size_differences(scan, right)
    pixels = scan.images.read_rows(0, scan.images.shape[1])
    for name, value in right.get("values", {}).items():
        place = numbers(name)
        source = scan.flat_field if name.startswith("flat") or "_i0_" in name else None
        found = pixels if source is None else source.read_rows(0, source.shape[1])
        yield from differing(f"{name}", found[tuple(place)], value)
    for name in ("min", "max", "mean"):
        if name in right:
            yield from differing(name, getattr(pixels.astype(float), name)(), right[name])
    for name, at in (("mean_of_image_0", 0), ("mean_of_image_60", 60), ("mean_of_last_image", -1)):
        if name in right:
            yield from differing(name, pixels[at].astype(float).mean(), right[name])
    for k, one in enumerate(right.get("files", ())):
        yield from differing(f"{one['file']} sum", pixels[k].sum(), one["Fe_K_sum"])
        yield from differing(f"{one['file']} 5, 3", pixels[k, 5, 3], one["Fe_K_row5_col3"])
    yield from density_differences(scan, right, pixels)
    if "divided" in str(right.get("img_xanes")) and (
        scan.quantity != "transmission" or scan.flat_field is not None
    ):
        yield f"images that are divided already taken as {scan.quantity}"


def density_differences(scan: ImageScan, right: Mapping[str, Any], pixels: np.ndarray) -> Iterator[str]:
    """Optical density at the last energy, where the scan tells all that it takes."""
    image = pixels[-1].astype(float)
    if scan.quantity == "counts" and scan.flat_field is not None:
        dark = 0.0 if scan.dark is None else scan.dark.read_rows(0, len(image)).mean(axis=0)
        image = (image - dark) / (scan.flat_field.read_rows(0, len(image))[-1] - dark)
    elif scan.quantity != "transmission":
        return
    told = right.get("optical_density_last_energy")
    for name, value in told.items() if isinstance(told, dict) else ():
        found = -np.log(image[tuple(numbers(name)[1:])])
        if abs(found - value) > SAME_DENSITY:
            yield f"optical density {name}: {found:.3f}, not {value:.3f}"


def numbers(name: str) -> list[int]:
    """The place that a name tells: image, row, column; `row, column` alone is of the first image."""
    if name.startswith("last image"):
        return [-1, -1, -1]
    found = [
        int(one)
        for one in re.findall(r"(?:image |data |flat |energy |y |x |row |column |scan_|i0_)([0-9]+)", name)
    ]
    return found if len(found) == 3 else [0, *found]


def energy_differences(scan: ImageScan, right: Mapping[str, Any]) -> Iterator[str]:
    """Energies against the first, the last, and those between that the index has."""
    wanted = {0: right.get("first_energy_eV"), -1: right.get("last_energy_eV"), 10: right.get("energy_10_eV")}
    if isinstance(right.get("energies_eV"), list):
        wanted |= dict(enumerate(right["energies_eV"]))
    wanted |= {k: one["energy_eV"] for k, one in enumerate(right.get("files", ()))}
    for at, energy in wanted.items():
        if energy is not None and scan.energies is None:
            yield "no energies"
            return
        if energy is not None and abs(scan.energies[at] - energy) > SAME_EV:
            yield f"energy {at}: {scan.energies[at]:g}, not {energy:g}"


def size_differences(scan: ImageScan, right: Mapping[str, Any]) -> Iterator[str]:
    """The size of a pixel; where the file has none that a program can find, none is right, too, and any other is wrong."""
    told: Sequence[float] = np.atleast_1d(right.get("pixel_size_um", ()))
    size = right["pixel_size_nm"] / 1000 if "pixel_size_nm" in right else (told[0] if len(told) else None)
    found = scan.pixel_size_um
    if size is not None and found is not None and not np.isclose(found, size, rtol=1e-4):
        yield f"pixels of {found} um, not {size}"
    if size is not None and found is None:
        yield f"no size of a pixel, {size} um"


def differing(name: str, found: Any, value: float) -> Iterator[str]:
    """A pixel; the index has the value before it was made a whole number."""
    whole = np.asarray(found).dtype.kind in "iu"
    if abs(float(found) - value) > (0.5 if whole else 1e-5 * abs(value) + 1e-6):
        yield f"{name}: {found}, not {value}"


def main() -> None:
    """Print every outcome and the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--formats", type=Path, default=FORMATS)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = outcomes(chosen.formats)
    for one in found:
        print(f"{one.outcome:<11}{one.path}  {one.message}")
    print(dict(Counter(one.outcome for one in found)))
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
