"""ingest.model: a model of an earlier run."""

from __future__ import annotations

from pathlib import Path

import pytest

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.learning.models.model import Model, save_model


def test_a_model__is_read_from_the_data_or_the_references(union_model: Model, tmp_path: Path) -> None:
    save_model(union_model, tmp_path / "models" / "union.npz")
    assert xf.ingest.model(tmp_path, file="models/union.npz") == union_model
    folders = Folders(tmp_path / "models", tmp_path)
    assert xf.ingest.model(folders, file="references:models/union.npz") == union_model


def test_what_is_no_model__is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no model")
    with pytest.raises(InputError, match=r"model file .*text\.npz: BadZipFile"):
        xf.ingest.model(tmp_path, file="text.npz")
    with pytest.raises(InputError, match=r"no file 'test\.npz'.*did you mean 'text\.npz'"):
        xf.ingest.model(tmp_path, file="test.npz")
    with pytest.raises(InputError, match="which leaves"):
        xf.ingest.model(tmp_path, file="../text.npz")
