"""Energies come out in eV and in the order of the images, or are refused with what is at fault."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.energy_names import energies_by_pattern, energies_from_names
from xafsflow.io.readers.stack_energies import (
    check_energies,
    read_energies,
    sorted_order,
    to_ev,
)
from xafsflow.io.readers.tiff_stack import find_files

DATA = Path(__file__).parents[4] / "shared" / "data"
with_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared measurements are not in {DATA}")

EV = [7112.0, 7110.5, 7113.25]
XDI = (
    "# XDI/1.0\n# Column.1: {0}\n# Column.2: {1}\n# Facility.energy: 7.00 GeV\n# ///\n# note\n#---\n#  a  b\n"
)


@pytest.fixture
def table(tmp_path):
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "energies.txt"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "7112\n7110.5\n7113.25\n",
        "\n\n7112\n\n7110.5\n7113.25",
        "energy_eV\n7112.000\n7110.5\n7113.25\n",
        "\ufeffenergy\r\n7112.000\r\n7110.5\r\n7113.25\r\n",
        "energy,i0\n7112,1\n7110.5,2\n7113.25,3\n",
        "image,Energy (eV)\na.tif,7112\nb.tif,7110.5\nc.tif,7113.25\n",
        "7112.0,0.5\n7110.5,0.6\n7113.25,0.7\n",
        "a.tif,7112\nb.tif,7110.5\nc.tif,7113.25\n",
        "7112;0,5\n7110,5;0,6\n7113,25;0,7\n",
        "Bild\tEnergie [eV]\na\t7112\nb\t7110,5\nc\t7113,25\n",
        "file;energy;energy_error\n1;7112;0.1\n2;7110.5;0.1\n3;7113.25;0.1\n",
        '"index","photon energy"\n"1","7112"\n"2","7110.5"\n"3","7113.25"\n',
        "i0\tmono_energy\n1\t7112\n2\t7110.5\n3\t7113.25\n",
        "I0 (counts) Energy (eV)\n1 7112\n2 7110.5\n3 7113.25\n",
        "# beamline 5, 3 GeV\n% foil\n7.112e3 1\n7.1105e3 2\n7.11325e3 3\n",
        "# i0 energy\n1 7112\n2 7110.5\n3 7113.25\n",
        "# i0,energy_eV\n1,7112\n2,7110.5\n3,7113.25\n",
        XDI.format("energy eV", "i0") + "7112 1\n7110.5 2\n7113.25 3\n",
        XDI.format("i0", "energy eV || 13IDE:En:Energy.VAL") + "1 7112\n2 7110.5\n3 7113.25\n",
    ],
)
def test_read_energies__finds_the_column(table, text):
    np.testing.assert_array_equal(read_energies(table(text)), EV)


@pytest.mark.parametrize(
    "text",
    [
        "7.112\n7.1105\n7.11325\n",
        "energy_keV\n7.112\n7.1105\n7.11325\n",
        "image,Energy [keV]\n1,7.112\n2,7.1105\n3,7.11325\n",
        "# energy (keV) mu\n7.112 1\n7.1105 2\n7.11325 3\n",
        XDI.format("energy keV", "i0") + "7.112 1\n7.1105 2\n7.11325 3\n",
    ],
)
def test_read_energies__converts_kev_aloud(table, text):
    with pytest.warns(XafsflowWarning, match=r"energies\.txt: energies from 7\.1105 to 7\.11325 are keV"):
        found = read_energies(table(text))
    np.testing.assert_array_equal(found, EV)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "without numbers"),
        ("# only a comment\n", "without numbers"),
        ("energy\n", "a header and no numbers"),
        ("II*\0\1\2", "no known format of energies"),
        ("7112\n7113\nabout 7114\n", "line 3: 'about'"),
        ("energy\n7112\n\nnan\n", "line 4: 'nan'"),
        ("7112\ninf\n", "line 2: 'inf'"),
        ("7112\n7_113\n", "line 2: '7_113'"),
        ("1,7112\n", "decimals after a point"),
        ("7112,5\n7113,5\n", "line 1: 7112,5"),
        ("7112;1\n7112,5,0;1\n", "line 2: '7112,5,0'"),
        ("image,energy\n1,7112\n2\n", "line 3: 1 columns"),
        ("image,energy\n1,7112\n2,\n", "line 3: 2 columns"),
        ("a.tif,b.tif,7112\nb.tif,c.tif,mono\n", "line 2: 'mono'"),
        ("image,angle\n1,16.1\n", "columns image, angle"),
        ("energy_set,energy_read\n7112,7112\n", "columns energy_set, energy_read"),
        (XDI.format("angle deg", "i0") + "16.1 1\n", "columns angle, i0"),
        ("7112\n-7113\n", "-7113 at numbers 2"),
        ("7112\n0\n", "0 at numbers 2"),
    ],
)
def test_read_energies__names_what_is_wrong(table, text, words):
    with pytest.raises(InputError) as caught:
        read_energies(table(text))
    for word in ("energies.txt", "Expected", words):
        assert word in str(caught.value)


def test_read_energies__names_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="absent"):
        read_energies(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="a readable file"):
        read_energies(tmp_path)


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60), start=st.sampled_from(["", "energy,b\n7112,1\n", "# Column.1: energy\n"]))
def test_read_energies__any_text_is_read_or_refused(tmp_path_factory, text, start):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_text(start + text, encoding="utf-8", errors="replace")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XafsflowWarning)
        try:
            found = read_energies(path)
        except InputError:
            return
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    "names",
    [
        ["sample_0012_07112.00_eV.tif", "sample_0013_07110.50_eV.tif", "sample_0014_07113.25_eV.tif"],
        ["prefix_7112eV.tif", "prefix_7110.5eV.tif", "prefix_7113.25eV.tif"],
        ["fe_7112p0eV_001.ome.tiff", "fe_7110p5eV_002.ome.tiff", "fe_7113p25eV_003.ome.tiff"],
        ["7112.00 EV", "7110.50 EV", "7113.25 EV"],
        ["a/1_10s_7112.00.tif", "a/2_10s_7110.50.tif", "b/3_10s_7113.25.tif"],
        ["2eV_step_7112.00eV.tif", "2eV_step_7110.50eV.tif", "2eV_step_7113.25eV.tif"],
        ["fe_7112_000eV.tif", "fe_7110_500eV.tif", "fe_7113_250eV.tif"],
        ["7112,0eV", "7110,5eV", "7113,25eV"],
        ["7112_00eV.tif", "7110_50eV.tif", "7113_25eV.tif"],
        ["07112.00_eV_001of003.tif", "07110.50_eV_002of003.tif", "07113.25_eV_003of003.tif"],
        ["x_7112.00_20230412_101530.tif", "x_7110.50_20230412_101601.tif", "x_7113.25_20230412_101633.tif"],
    ],
)
def test_energies_from_names__finds_the_number(names):
    np.testing.assert_array_equal(energies_from_names(names).values, EV)


@pytest.mark.parametrize(
    "names",
    [
        ["scan_7.1120_keV.tif", "scan_7.1105_keV.tif", "scan_7.11325_keV.tif"],
        ["scan_1_7.1120.tif", "scan_2_7.1105.tif", "scan_3_7.11325.tif"],
    ],
)
def test_energies_from_names__converts_kev_aloud(names):
    with pytest.warns(XafsflowWarning, match="keV"):
        np.testing.assert_array_equal(energies_from_names(names).values, EV)


def test_energies_from_names__reads_one_name_with_a_unit():
    np.testing.assert_array_equal(energies_from_names(["flat_7112.5_eV.tif"]).values, [7112.5])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "no file names"),
        (["sample_0.tif", "sample_1.tif"], "no number that varies"),
        (["sample_345.tif", "sample_346.tif", "sample_347.tif"], "no number that varies"),
        (["sample_101530.tif", "sample_101640.tif"], "no number that varies"),
        (["sample_7112.5.tif"], "no number that varies"),
        (
            ["a_7112.5_300.5.tif", "a_7113.5_310.5.tif"],
            "7112.5 to 7113.5 (a_{energy}_*.tif) or 300.5 to 310.5",
        ),
        (["a_7112eV_7000eV.tif", "a_7113eV_7001eV.tif"], "one number that can be the energy"),
        (["a_7112.5eV.tif", "a_7.1135keV.tif"], "eV and keV"),
        (["a_7112.5eV.tif", "dark.tif"], "1 numbers in a_7112.5eV.tif and 0 in dark.tif"),
        (["run_120_708eV.tif", "run_121_709eV.tif"], "120.708 to 121.709 eV or 708 to 709 eV"),
        (["fe_7110_25.tif", "fe_7110_75.tif", "fe_7112_00.tif"], "7110 with 25, 75 beside it"),
        (["a_1_7112.5.tif", "a_7113.5.tif"], "2 numbers in a_1_7112.5.tif and 1 in a_7113.5.tif"),
    ],
)
def test_energies_from_names__refuses_what_is_not_clear(names, words):
    with pytest.raises(InputError) as caught:
        energies_from_names(names)
    assert words in str(caught.value)
    assert "{energy}" in str(caught.value)


def test_energies_from_names__may_be_those_of_several_images():
    names = [
        f"rep01_sample_{energy}_eV_{k:03}of003.tif" for energy in ("08324.0", "08325.5") for k in (1, 2, 3)
    ]
    np.testing.assert_array_equal(energies_from_names(names).values, [8324] * 3 + [8325.5] * 3)
    counted = [f"fe_{energy}_{k}.tif" for energy in (7110, 7112, 7115) for k in (1, 2)]
    np.testing.assert_array_equal(energies_from_names(counted).values, [7110, 7110, 7112, 7112, 7115, 7115])


@pytest.mark.parametrize(
    ("pattern", "names", "wanted"),
    [
        ("fe_{energy}eV", ["fe_7112_100eV.tif", "fe_7114_200eV.tif"], [7112.1, 7114.2]),
        ("*_{energy}_*.tif", ["a_7112p5_001.tif", "b_7113_002.tif"], [7112.5, 7113.0]),
        ("run_*_{energy}eV", ["run_120_708eV.tif", "run_121_709,5eV.tif"], [708.0, 709.5]),
    ],
)
def test_energies_by_pattern__stand_where_it_says(pattern, names, wanted):
    np.testing.assert_array_equal(energies_by_pattern(names, pattern).values, wanted)


def test_energies_by_pattern__names_what_is_of_another_kind():
    with pytest.raises(InputError, match=r"dark_1\.tif, which is not of the pattern fe_\{energy\}eV"):
        energies_by_pattern(["fe_7112eV.tif", "dark_1.tif"], "fe_{energy}eV")
    with pytest.warns(XafsflowWarning, match="keV"):
        found = energies_by_pattern(["7.112keV.tif", "7.113keV.tif"], "{energy}keV")
    np.testing.assert_array_equal(found.values, [7112.0, 7113.0])


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.integers(50_00, 60_000_00), min_size=1, max_size=20, unique=True),
    shape=st.sampled_from(["s_{k:04}_{e:09.2f}_eV.tif", "{e}eV_{k}.tif", "run12_{k}_{e:.2f}-ev_2x2.TIFF"]),
)
def test_energies_from_names__brings_back_what_names_say(values, shape):
    energies = np.array(values) / 100
    names = [shape.format(k=k, e=energy) for k, energy in enumerate(energies)]
    np.testing.assert_array_equal(energies_from_names(names).values, energies)


@settings(max_examples=100, deadline=None)
@given(low=st.floats(130, 29_000), steps=st.lists(st.floats(0.1, 20), min_size=2, max_size=50))
def test_to_ev__is_the_same_for_ev_and_kev(low, steps):
    energies = np.round(low + np.cumsum(steps), 6)
    np.testing.assert_array_equal(to_ev(energies, "a file"), energies)
    with pytest.warns(XafsflowWarning):
        np.testing.assert_allclose(to_ev(energies / 1000, "a file"), energies, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("unit", "wanted"), [("eV", 1.0), ("EV", 1.0), ("keV", 1000.0)])
def test_to_ev__lets_the_unit_decide(unit, wanted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XafsflowWarning)
        np.testing.assert_array_equal(to_ev([54.0, 54.01], "a file", unit), np.array([54.0, 54.01]) * wanted)


def test_to_ev__leaves_its_input_alone():
    energies = np.array(EV)
    to_ev(energies, "a file")[:] = 0
    np.testing.assert_array_equal(energies, EV)


@pytest.mark.parametrize(
    ("energies", "unit", "words"),
    [
        ([54.0, 54.1, 54.2], None, "without a unit"),
        ([65.0], None, "without a unit"),
        ([7.112, 7113.0], None, "without a unit"),
        ([7112.0, 7113.0], "keV", "7112 to 7113 keV"),
        ([7.112, 7.113], "eV", "7.112 to 7.113 eV"),
        ([7112.0], "nm", "unit nm"),
        ([7112.0, np.nan], None, "nan at numbers 2"),
        (["7112", "x"], None, "x"),
        ([[7112.0, 7113.0]], None, "shape"),
        ([], None, "shape"),
    ],
)
def test_to_ev__refuses_what_cannot_be(energies, unit, words):
    with pytest.raises(InputError, match="a file") as caught:
        to_ev(energies, "a file", unit)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("energies", "count", "words"),
    [
        (EV, 4, "3 energies and 4 images"),
        (EV, 2, "3 energies and 2 images"),
        ([7112.0, np.inf], 2, "inf at numbers 2"),
        ([7112.0, -1.0], 2, "-1 at numbers 2"),
        ([7112.0, None], 2, "numbers"),
    ],
)
def test_check_energies__names_what_is_wrong(energies, count, words):
    with pytest.raises(InputError, match="a file") as caught:
        check_energies(energies, count, "a file")
    assert words in str(caught.value)


def test_check_energies__takes_any_order():
    check_energies(EV, 3, "a file")
    np.testing.assert_array_equal(np.array(EV)[sorted_order(EV)], sorted(EV))


@with_data
def test_measured_energies__agree_between_names_and_files():
    energies = read_energies(DATA / "scan_fe" / "energies.csv")
    check_energies(energies, 210, "energies.csv")
    names = [path.name for path in find_files(DATA / "scan_fe", "sample/*.tif")]
    np.testing.assert_array_equal(energies_from_names(names).values, energies)


@with_data
@pytest.mark.parametrize(
    ("name", "count", "low", "high"),
    [
        ("als_fe2p/energies_eV.txt", 123, 700.0, 730.4),
        ("als_fe2p/i0.xsp", 123, 700.0, 730.4),
        ("fe_library/energy_list_corr.txt", 73, 7075.85, 7190.0),
        ("standards/Fe/Fe_metal_rt_01.xdi", 348, 6962.0, 8100.0),
    ],
)
def test_read_energies__reads_measured_tables(name, count, low, high):
    energies = read_energies(DATA / name)
    assert energies[0] == low
    assert len(energies) == count
    assert 0.9 * high < energies.max() < 1.1 * high
