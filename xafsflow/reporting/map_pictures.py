"""The pictures that can be drawn without findings, in the order of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import xarray as xr

from xafsflow.findings.run_findings import RunFindings
from xafsflow.reporting.map_views import views_of
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.page_parts import ReportInput, parts_of
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import sections_in_order


def map_pictures(maps: xr.Dataset, models: Mapping[str, ModelView] | None = None) -> Iterator[Picture]:
    """Draw the maps one after the other.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x, and `mean_norm`.
    models
        Those that made them, by entry, where they are known.

    Returns
    -------
    Pictures in the order in which a report shows them; one is drawn when it is asked for.

    Raises
    ------
    InputError
        If there is no map.
    """
    given = ReportInput(views_of(maps), models or {}, RunFindings(), {})
    parts = ((section, part) for section in sections_in_order() for part in parts_of(section, given))
    blocks = (block for section, part in parts for block in section.show(part))
    return (block for block in blocks if isinstance(block, Picture))
