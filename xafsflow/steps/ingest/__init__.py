"""Measurements and references come in."""

from xafsflow.steps.ingest.image_stacks import tiff_stack
from xafsflow.steps.ingest.reference_spectra import candidates, check_cover, references
from xafsflow.steps.ingest.stored_cubes import phantom, phantom_references, store

__all__ = ["candidates", "check_cover", "phantom", "phantom_references", "references", "store", "tiff_stack"]
