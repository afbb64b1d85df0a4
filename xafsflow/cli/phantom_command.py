"""`xafsflow phantom`: a simulated measurement with a known answer."""

from __future__ import annotations

from pathlib import Path

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.shared_options import LOCAL_PATH

# Added to the seed of a library: that of spectra which are not in it
OTHER_SEED = 900


@click.command()
@click.argument("out", type=LOCAL_PATH)
@click.option(
    "--size",
    nargs=2,
    type=int,
    default=(128, 160),
    metavar="Y X",
    show_default=True,
    help="Rows and columns.",
)
@click.option("--energies", type=int, default=210, show_default=True, help="Number of energies.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives another sample.")
@click.option("--multipage", is_flag=True, help="One file per kind of image instead of one per energy.")
@click.option(
    "--library",
    type=click.IntRange(min=50),
    default=None,
    metavar="SPECTRA",
    help="Simulate a library of so many spectra, too (library.npz): the sample is made of some of them. Beside it are 8 "
    "spectra of other structures (measured.npz).",
)
def phantom(
    out: Path, size: tuple[int, int], energies: int, seed: int, multipage: bool, library: int | None
) -> None:
    """Simulate a measurement with a known answer.

    The TIFF files and the answer are written into the folder OUT. With a library, energies are those of its spectra.
    """
    from xafsflow.phantom import Phantom, library_phantom, simulated_library, write_library, write_phantom

    simulated = Phantom(size=size, energies=energies, seed=seed)
    spectra = None if library is None else simulated_library(library, seed, energies=160)
    if spectra is not None:
        simulated = library_phantom(spectra, size=size, seed=seed)
    with ProgressDisplay() as report_progress:
        write_phantom(
            simulated,
            out,
            multipage=multipage,
            progress=lambda done, total: report_progress("images", done / total),
        )
    if spectra is not None:
        write_library(spectra, out / "library.npz")
        others = simulated_library(8, seed + OTHER_SEED, energies=160)
        write_library(others, out / "measured.npz")
    click.echo(out)
