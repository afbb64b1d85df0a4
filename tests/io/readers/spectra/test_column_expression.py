from __future__ import annotations

import ast
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.io.readers.spectra.column_expression import MAX_DEPTH, Name, evaluate, names_in, parse

VALUES = {
    "I0": 8.0,
    "It": 2.0,
    "mu_1": -3.0,
    "I0-32": 5.0,
    "XMAP4:DT Corr I0": 7.0,
    "a.b:c[1]": 11.0,
    "$2": 2.0,
    "$3": 3.0,
}


def value(text: str) -> float:
    def column(name: Name) -> np.ndarray:
        return np.array([VALUES[name.text]])

    return float(np.broadcast_to(evaluate(parse(text), column), 1)[0])


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("ln(I0/It)", math.log(4)),
        ("LOG ( I0 / It )", math.log(4)),
        ("It/I0", 0.25),
        ("-ln(It/I0)", math.log(4)),
        ("(I0 + It + 2)/It", 6.0),
        ("I0 - It - 1", 5.0),
        ("I0/It/2", 2.0),
        ("2*-It", -4.0),
        ("1.5e1 - .5", 14.5),
        ("'I0-32' / \"XMAP4:DT Corr I0\"", 5 / 7),
        ("a.b:c[1]", 11.0),
        ("$3*$2", 6.0),
    ],
)
def test_parse__knows_names_numbers_signs_and_logarithms(text: str, right: float) -> None:
    assert value(text) == pytest.approx(right)


def test_names_in__gives_each_once_in_order() -> None:
    assert [name.text for name in names_in(parse("ln(I0/It) + It*'I0-32' + 2"))] == ["I0", "It", "I0-32"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ends too early"),
        ("I0/", "ends too early"),
        ("(I0", "open parenthesis"),
        ("I0)", r"'\)' in the expression"),
        ("I0 It", "'It' in the expression.*stand in quotes"),
        ("I0 ** 2", r"'\*' in the expression"),
        ("exp(I0)", r"'\(' in the expression"),
        ("__import__('os')", "in the expression"),
        ("I0; It", "';' in the expression"),
        ("'I0", "in the expression"),
        ("I0/*It", "in the expression"),
        ("(" * (MAX_DEPTH + 5) + "I0" + ")" * (MAX_DEPTH + 5), "nested"),
        ("-" * 100 + "I0", "nested"),
        ("I0" + "+I0" * 1000, "of more than 200 signs"),
        ("I0" + "+I0" * 5000, "letters"),
    ],
)
def test_parse__says_in_one_sentence_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


numbers = st.floats(0.1, 100).map(lambda x: repr(round(x, 3)))
trees = st.recursive(
    numbers | st.sampled_from(["I0", "It", "mu_1"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        st.tuples(inner, st.sampled_from("+-*"), inner).map("".join),
        inner.map(lambda text: f"-({text})"),
    ),
    max_leaves=12,
)


@given(trees)
def test_evaluate__computes_as_python_does(text: str) -> None:
    def walk(node: ast.AST) -> float:
        if isinstance(node, ast.BinOp):
            a, b = walk(node.left), walk(node.right)
            if isinstance(node.op, ast.Div):
                return a / b if b else math.nan
            return a + b if isinstance(node.op, ast.Add) else a - b if isinstance(node.op, ast.Sub) else a * b
        if isinstance(node, ast.UnaryOp):
            return -walk(node.operand)
        return VALUES[node.id] if isinstance(node, ast.Name) else float(node.value)  # type: ignore[attr-defined]

    right, found = walk(ast.parse(text, mode="eval").body), value(text)
    if math.isfinite(right):
        assert found == pytest.approx(right, rel=1e-9, abs=1e-9)


@given(st.text("I0t+-*/()'$ .ln\"e1", max_size=40))
def test_parse__gives_a_tree_or_an_input_error(text: str) -> None:
    try:
        parse(text)
    except InputError:
        return
    assert text.strip()
