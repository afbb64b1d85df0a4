from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import read_spectra, read_spectrum
from xafsflow.io.readers.spectra import athena_project
from xafsflow.io.readers.spectra.perl_data import Value, statements

ENERGY = 7000.0 + np.arange(60) * 5.0
MU = np.arctan((ENERGY - 7112) / 3) + 2


def perl(value: Value) -> str:
    """A value as Perl writes it."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return "[" + ",".join(map(perl, value)) + "]"


def group(name: str, label: str, mu: np.ndarray, **args: str) -> str:
    told = {"label": label, "bkg_z": "Fe", "fft_edge": "k", "bkg_eshift": "0", **args}
    pairs = ",".join(f"'{key}',{perl(value)}" for key, value in told.items())
    x = ",".join(f"'{e!r}'" for e in ENERGY.tolist())
    y = ",".join(f"'{m!r}'" for m in mu.tolist())
    return (
        f"$old_group = '{name}';\n@args = ({pairs},'titles',['a \\'quoted\\' (title)',\"b\"],'detectors',[]);\n"
        f"@x = ({x});\n@y = ({y});\n[record]   # create object and set arrays in ifeffit\n\n"
    )


HEAD = "# Athena project file -- Demeter version 0.9.20\n# a comment with $x = 'nothing';\n\n"
TAIL = "@journal = ('line = 1');\n%plot_features = ('emin' => '-200','key' => undef);\n1;\n\n# End:\n"


def project(*groups: str) -> bytes:
    return (HEAD + "".join(groups) + TAIL).encode()


def json_project() -> bytes:
    content = {
        "_____header1": "# Athena project file -- Demeter version 0.9.26",
        "abcd": {
            "args": {"label": "foil", "bkg_z": "Fe", "fft_edge": "k", "bkg_eshift": 0},
            "x": [repr(e) for e in ENERGY.tolist()],
            "y": MU.tolist(),
        },
        "_____journal": [],
    }
    return json.dumps(content).encode()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "content", [project(group("abcd", "foil", MU)), json_project()], ids=["perl", "json"]
)
def test_read_spectrum__reads_a_project_of_one_group(
    tmp_path: Path, content: bytes, pack: type[bytes]
) -> None:
    path = tmp_path / "foil.prj"
    path.write_bytes(pack(content))
    spectrum = read_spectrum(path)
    np.testing.assert_array_equal(spectrum.energy, ENERGY)
    np.testing.assert_array_equal(spectrum.mu, MU)
    assert (spectrum.name, spectrum.element, spectrum.edge) == ("foil", "Fe", "K")


def test_read_spectrum__tells_a_shift_that_is_not_in_the_energies(tmp_path: Path) -> None:
    path = tmp_path / "a.prj"
    path.write_bytes(project(group("aa", "foil", MU, bkg_eshift="1.5")))
    with pytest.warns(
        XafsflowWarning, match=r"foil: the energies are as measured, without the shift of \+1\.5 eV"
    ):
        found = read_spectrum(path)
    np.testing.assert_array_equal(found.energy, ENERGY)
    assert found.metadata["athena.bkg_eshift"] == "1.5"


def test_read_spectrum__asks_which_group_and_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "two.prj"
    path.write_bytes(project(group("aaaa", "Fe (II)", MU), group("bbbb", "Fe (III)", 2 * MU)))
    with pytest.raises(InputError, match=r"2 scans of the energy: Fe \(II\) \(Fe K.*entry: Fe \(II\)"):
        read_spectrum(path)
    np.testing.assert_array_equal(read_spectrum(path, entry="fe (iii)").mu, 2 * MU)
    assert [one.name for one in read_spectra(path)] == ["Fe (II)", "Fe (III)"]
    with pytest.raises(InputError, match=r"without an entry 'Fe \(IV\)'.*Fe \(II\), Fe \(III\)"):
        read_spectrum(path, entry="Fe (IV)")


def test_read_tables__tells_groups_of_one_label_apart_and_leaves_chi_out(tmp_path: Path) -> None:
    path = tmp_path / "a.prj"
    chi = group("cccc", "chi", MU, is_chi="1")
    path.write_bytes(
        project(group("aaaa", "a", MU), group("bbbb", "a", MU), chi, group("dddd", "d", MU, bkg_z="H"))
    )
    tables = athena_project.read_tables(path)
    assert [table.entry for table in tables] == ["a (aaaa)", "a (bbbb)", "d"]
    assert read_spectrum(path, entry="d").element == ""
    assert tables[0].header["athena.bkg_eshift"] == "0"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (gzip.compress(project(group("a", "a", MU)))[:-300], "ends too early"),
        (gzip.compress(b"7112 0.5\n7113 0.6\n"), "packed and no Athena project"),
        (gzip.compress(project(group("a", "a", MU)))[:60] + b"\0" * 200, "gzip"),
        (project(group("a", "a", MU))[:900], "line [0-9]+: .*Perl"),
        (
            project(group("a", "a", MU)).replace(b"'7000.0'", b"'seven'"),
            "a, with something that is no number",
        ),
        (project(group("a", "a", MU)).replace(b"'7000.0',", b""), "59 energies and 60 values"),
        (project(), "an Athena project with 0 groups"),
        (project(group("a", "a", MU)).replace(b"@x", b"@z"), "with 1 groups. Expected a group with mu"),
        (json_project()[:500], "broken JSON"),
        (project().replace(b"@journal = (", b"@journal = (" + b"[" * 3000), "nested"),
    ],
)
def test_read_spectrum__refuses_a_damaged_project(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "bad.prj"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=message) as caught:
        read_spectrum(path)
    assert "bad.prj" in str(caught.value)


def test_read_spectrum__does_not_unpack_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(athena_project, "MAX_BYTES", 1_000_000)
    path = tmp_path / "bomb.prj"
    path.write_bytes(gzip.compress(HEAD.encode() + b" " * 20_000_000))
    with pytest.raises(InputError, match="of more than 1000000 bytes"):
        read_spectrum(path)


values: st.SearchStrategy[Value] = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=15,
)


@given(st.lists(st.tuples(st.sampled_from(["$a", "@b", "%c"]), values), max_size=4))
def test_statements__give_back_what_was_written(written: list[tuple[str, Value]]) -> None:
    text = "".join(f"{name} = {perl(value)};\n" for name, value in written)
    assert statements(text, "a.prj") == written


@given(st.text("$@%ab=(),'\"[]{}>\\;\n 19.e", max_size=80))
@settings(max_examples=300)
def test_statements__parse_or_refuse_any_text(text: str) -> None:
    refusal = ""
    try:
        statements("@x = (" + text, "a.prj")
    except InputError as error:
        refusal = str(error)
    assert not refusal or "a.prj, line" in refusal
