"""`xafsflow info`: what a file or a folder holds, without reading pixels."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xafsflow.io.readers.file_contents import Contents

WIDTH = 80
# What is told in one line each; what is not among these stands under its own name.
SENTENCES = {
    "inside": "taken      ::{}",
    "quantity": "quantity   {}",
    "pixel_size_um": "pixel      {:.6g} um",
    "beam_monitor": "monitor    one reading an image",
    "flat_field_images": "flat field {}",
    "dark_images": "dark       {}",
    "spectra": "spectra    {}",
    "points": "points     {}",
    "wavelength_angstrom": "wavelength {:.6g} Angstrom",
}
# What a format's name goes on with is told by the layout.
SHORT = re.compile(r"[,(]")
MOST_INSIDE, MOST_TOLD = 40, 220


@click.command()
@click.argument("place", metavar="FILE|DIR")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(place: str, as_json: bool) -> None:
    """Show what a FILE or the files of a DIR hold.

    Of images: format, shape, type, energies, what a pixel's value means, flat field and dark; what can be named behind `::`
    in files with several things (FILE::PATH shows one of them). Of spectra and diffraction patterns: columns, points and
    range. Only headers are read of images.
    """
    from xafsflow.io.readers.file_contents import contents_of, groups_of
    from xafsflow.io.readers.image_scan import split_inside

    file, inside = split_inside(place)
    path = Path(file)
    whole = inside is None and path.is_dir() and not _is_one_stack(path)
    found = groups_of(path) if whole else contents_of(path, inside)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=1))
        return
    for one in found:
        click.echo("\n".join(_line(one) if whole else _lines(one)))


def _is_one_stack(path: Path) -> bool:
    """Whether a folder is one thing, such as a Zarr array."""
    from xafsflow.errors import InputError
    from xafsflow.io.readers import is_readable

    try:
        return is_readable(path, "images")
    except InputError:
        return False


def _lines(one: Contents) -> Iterator[str]:
    """All that is told of a file."""
    yield from _wrapped(one.place, "")
    facts = one.facts
    yield from _wrapped(f"{one.kind}: {_format(one)}", "  ", "    ")
    if "images" in facts:
        yield f"  images     {facts['images']} of {facts['rows']} x {facts['columns']} {facts['dtype']}"
    elif isinstance(facts.get("columns"), list):
        yield from _wrapped("columns    " + ", ".join(map(str, _listed(facts["columns"]))))
    if "energies" in facts:
        yield from _wrapped(_energies(facts))
    if "first_two_theta" in facts:
        yield f"  2 theta    {facts['first_two_theta']:.6g} to {facts['last_two_theta']:.6g} degrees"
    for name, sentence in SENTENCES.items():
        if facts.get(name):
            value = _several(facts[name]) if name.endswith("_images") else facts[name]
            yield from _wrapped(sentence.format(value))
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _wrapped(_spectrum(name, value))
    if one.refused:
        yield from _wrapped(f"refused    {one.refused}")
    for note in one.notes:
        yield from _wrapped(f"note       {note}")
    if len(one.inside) > 1 or (one.inside and one.refused):
        yield "  can be chosen:"
        for choice in one.inside[:MOST_INSIDE]:
            yield f"    ::{choice.path}  {' x '.join(map(str, choice.shape))} {choice.dtype}"
        if len(one.inside) > MOST_INSIDE:
            yield f"    and {len(one.inside) - MOST_INSIDE} more"


def _line(one: Contents) -> Iterator[str]:
    """A group of files in one line, and why it cannot be read."""
    facts, files = one.facts, one.facts["files"]
    name = _format(one) if facts.get("layout") else SHORT.split(one.format)[0].strip()
    told = [f"{files} file{'s' if files != 1 else ''}", name or one.kind]
    if "images" in facts:
        told.append(f"{facts['images']} x {facts['rows']} x {facts['columns']} {facts['dtype']}")
    if facts.get("energies") == 1:
        told.append(f"{facts['first_energy']:.10g} eV")
    elif "energies" in facts:
        told.append(f"{facts['first_energy']:.10g} to {facts['last_energy']:.10g} eV")
    yield from _wrapped(f"{one.place}: {', '.join(told)}", "", "    ")
    # Of notes and the like nobody asks why they are no measurement; `info FILE` tells.
    if one.refused and one.kind != "unknown":
        yield from _wrapped(textwrap.shorten(one.refused, MOST_TOLD, placeholder=" ..."), "    ", "    ")


def _format(one: Contents) -> str:
    """The format, and of several layouts the one that the file has."""
    layout = one.facts.get("layout")
    return f"{SHORT.split(one.format)[0].strip()} ({layout})" if layout else one.format


def _energies(facts: Mapping[str, object]) -> str:
    unit = facts["energy_unit_in_file"]
    where = f"{unit} in the file" if unit else f"from the {facts['energies_from']}"
    if facts["energies"] == 1:
        return f"energy     {facts['first_energy']:.10g} eV, {where}"
    first, last = facts["first_energy"], facts["last_energy"]
    return f"energies   {facts['energies']}, {first:.10g} to {last:.10g} eV, {where}"


def _several(count: object) -> str:
    return f"{count} image{'s' if count != 1 else ''}"


def _spectrum(name: str, value: Mapping[str, object]) -> str:
    of = " ".join(str(value[key]) for key in ("element", "edge") if value[key]) or "no element told"
    return (
        f"{name}: {of}, {value['points']} points, {value['first_energy']:.10g} to {value['last_energy']:.10g} eV, "
        f"values {value['lowest']:.4g} to {value['highest']:.4g}"
    )


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _wrapped(text: str, first: str = "  ", further: str = "             ") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_on_hyphens=False,
        break_long_words=False,
    ) or [first]
