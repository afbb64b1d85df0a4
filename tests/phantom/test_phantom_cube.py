"""A phantom as a lazy cube."""

import tracemalloc

import dask
import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.phantom import Phantom, as_dataset, counts, dark
from xafsflow.provenance import HISTORY, history
from xafsflow.vocabulary import MAP, attributes, cube_dims

PHANTOM = Phantom(size=(21, 34), energies=13, dead_share=0.01, drift=(2.0, 1.0))


def test_as_dataset__speaks_the_vocabulary():
    cube = as_dataset(PHANTOM)
    assert list(cube.data_vars) == ["sample", "flat_field", "foil", "dark"]
    for name in cube.data_vars:
        assert cube[name].dims == (MAP if name == "dark" else cube_dims())
        assert cube[name].dtype == (np.float32 if name == "dark" else np.uint16)
    assert history(cube) == []
    for name in cube.variables:
        assert {k: v for k, v in cube[name].attrs.items() if k != HISTORY} == attributes(name)
    np.testing.assert_array_equal(cube.energy, PHANTOM.energy)
    assert "foil" not in as_dataset(Phantom(size=(5, 6), energies=5, foil=None))


@pytest.mark.parametrize("band", [None, 1, 4, 21, 100])
def test_as_dataset__does_not_depend_on_the_band(band):
    cube = as_dataset(PHANTOM, band=band)
    assert cube.sample.data.chunks[0] == (13,)
    assert cube.sample.data.chunks[2] == (34,)
    with dask.config.set(scheduler="synchronous"):
        computed = cube.compute()
    for name, kind in (("sample", "sample"), ("flat_field", "flat"), ("foil", "foil")):
        expected = [counts(PHANTOM, kind, index) for index in range(13)]
        np.testing.assert_array_equal(computed[name], expected)
    mean = np.mean([dark(PHANTOM, frame) for frame in range(5)], axis=0)
    np.testing.assert_allclose(computed.dark, mean, rtol=1e-6)


def test_as_dataset__a_band_of_a_large_phantom_needs_no_other_rows():
    phantom = Phantom(size=(4000, 300), energies=60)
    rows = slice(2000, 2004)
    tracemalloc.start()
    cube = as_dataset(phantom, band=4)
    block = cube.sample.isel(y=rows).compute(scheduler="synchronous")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cube.sample.nbytes > 1.4e8
    np.testing.assert_array_equal(block[40], counts(phantom, "sample", 40, (rows.start, rows.stop)))
    assert peak < 2e7


def test_as_dataset__refuses_a_band_without_rows():
    with pytest.raises(InputError, match="1 row"):
        as_dataset(PHANTOM, band=0)
