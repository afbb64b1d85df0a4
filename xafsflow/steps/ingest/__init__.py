"""Measurements and references come in."""

from xafsflow.steps.ingest.cubes import phantom, phantom_references, store
from xafsflow.steps.ingest.library import candidates, check_cover, references
from xafsflow.steps.ingest.scan import tiff_stack

__all__ = ["candidates", "check_cover", "phantom", "phantom_references", "references", "store", "tiff_stack"]
