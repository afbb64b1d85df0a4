"""Which files of a measurement look like the images that a setting asks for, by the names that beamlines give them."""

from __future__ import annotations

import re
from pathlib import Path

from xafsflow.io.folders import natural_key

# Words in the names of files or of their folders, by setting.
WORDS = {
    "flat_field": re.compile(
        r"flat|white|bkg|background|open|empty|(?:^|[_-])ref(?:[_-]|$)|(?:^|[_-])i0", re.IGNORECASE
    ),
    "dark": re.compile(r"dark|(?:^|[_-])dk(?:[_-]|$)", re.IGNORECASE),
    "foil": re.compile(r"foil|(?:^|[_-])std|standard", re.IGNORECASE),
}
ASKED = re.compile(r"give the setting (\w+) of")
IMAGES = (".tif", ".tiff", ".h5", ".hdf5", ".hdf", ".nxs", ".xrm", ".txrm", ".edf", ".img")
# Files of a folder that are looked at.
MOST = 20_000


def likely_files(folder: Path, setting: str) -> list[str]:
    """Patterns of files in a folder, or one folder below, that look like what a setting asks for.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     for file in ("flats/a_001.tif", "flats/a_002.tif", "ore_001.tif", "dark.tif"):
    ...         Path(name, file).parent.mkdir(exist_ok=True)
    ...         _ = Path(name, file).write_bytes(b"")
    ...     likely_files(Path(name), "flat_field"), likely_files(Path(name), "dark")
    (['flats/*.tif'], ['dark.tif'])
    """
    words = WORDS.get(setting)
    if words is None or not folder.is_dir():
        return []
    groups: dict[str, list[str]] = {}
    for pattern in ("*", "*/*"):
        for number, path in enumerate(folder.glob(pattern)):
            if number >= MOST:
                break
            name = path.relative_to(folder)
            if path.suffix.lower() in IMAGES and words.search(str(name.with_suffix(""))):
                groups.setdefault(_pattern(name, words), []).append(str(name))
    found = [files[0] if len(files) == 1 else pattern for pattern, files in groups.items()]
    return sorted(found, key=natural_key)


def _pattern(name: Path, words: re.Pattern[str]) -> str:
    """The files beside it that are alike: of its folder, or with the same beginning where only the file has the word."""
    parent = "" if str(name.parent) == "." else f"{name.parent.as_posix()}/"
    if words.search(str(name.parent)):
        return f"{parent}*{name.suffix}"
    return f"{parent}{re.split('[0-9]', name.stem, maxsplit=1)[0]}*{name.suffix}"


def with_likely_files(problem: str, folder: Path) -> str:
    """A problem of a recipe; where it asks for a setting of images, with the files that look like them."""
    asked = ASKED.search(problem)
    found = likely_files(folder, asked[1]) if asked else []
    return f"{problem}, such as {' or '.join(found[:3])}" if found else problem
