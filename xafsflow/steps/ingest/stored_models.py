"""A model that an earlier run trained."""

from __future__ import annotations

from typing import Any

from xafsflow.learning.models.model import Model, read_model
from xafsflow.step_table import step


@step(makes="model", example={"file": "model.npz"})
def model(data: Any, /, *, file: str) -> Model:
    """A model of an earlier run, from its file in `models/` of the run folder.

    Parameters
    ----------
    file
        Relative to the data folder, or with the prefix `references:` to that of the references.

    Raises
    ------
    InputError
        There is no such file, or it is no model that this version knows.
    """
    from xafsflow.io.folders import Folders

    return read_model(Folders.of(data).resolve(file)).load()
