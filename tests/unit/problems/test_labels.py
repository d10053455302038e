"""Quadratic models of others: dicts, scipy's sparse matrices, dimod's models, and back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pytest
from scipy import sparse

from evobin.errors import EvobinError
from evobin.problems import QUBO, Ising, MaxCut

ALL = np.array([[1 if word >> place & 1 else -1 for place in range(3)] for word in range(8)], "i1")
MATRIX = np.array([[-4, 3, 0], [2, 0, -1], [0, 0, 2]])


@dataclass
class Model:
    """A binary quadratic model with what is read of dimod's, over x in {0, 1}."""

    vartype: str = "BINARY"
    labels: list[Any] = field(default_factory=lambda: ["a", "b", "c"])

    def change_vartype(self, vartype: str, *, inplace: bool) -> Self:
        assert not inplace
        return type(self)(vartype, self.labels)

    def to_numpy_vectors(self, *, return_labels: bool) -> tuple[Any, ...]:
        assert return_labels
        if self.vartype == "BINARY":
            linear, pairs, offset = [-4.0, 0.0, 2.0], [5.0, -1.0], 0.5
        else:  # x = (1 + s) / 2
            linear, pairs, offset = [-0.75, 1.0, 0.75], [1.25, -0.25], 0.5
        ends = np.array([0, 1]), np.array([1, 2]), np.array(pairs, float)
        return np.array(linear[: len(self.labels)], float), ends, offset, self.labels


def test_dicts_make_the_same_problems_as_matrices() -> None:
    terms = {(i, j): MATRIX[i, j] for i in range(3) for j in range(3) if MATRIX[i, j]}
    given, plain = QUBO.from_dict(terms, offset=2), QUBO(MATRIX)
    assert given.score(ALL).tolist() == (plain.score(ALL) - 2).tolist()
    assert given.to_dict() == {(0, 0): -4, (2, 2): 2, (0, 1): 5, (1, 2): -1}
    assert QUBO.from_dict(given.to_dict(), offset=2).score(ALL).tolist() == (
        given.score(ALL).tolist()
    )
    assert given.offset == 2
    assert QUBO.from_dict(terms, offset=2, sense="max").offset == 2


def test_labels_are_placed_as_they_come_and_name_what_was_found() -> None:
    problem = QUBO.from_dict({("b", "a"): 1, ("c", "c"): -1})
    assert problem.variables == ("b", "a", "c")
    assert problem.assignment(np.array([-1, 1, 1])) == {"b": 0, "a": 1, "c": 1}
    assert QUBO.from_dict({(0, 2): 1}).variables == range(3)
    assert QUBO.from_dict({(-1, 2): 1}).variables == (-1, 2)


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({}, "`terms` must have a term, but it is empty"),
        ({"a": 1}, "`terms` must have pairs of variables as keys, but it has 'a'"),
        ({(0, 1, 2): 1}, r"pairs of variables as keys, but it has \(0, 1, 2\)"),
        ({(0, 1): np.inf}, "`terms` must hold finite numbers, but it holds inf at index 0"),
        ({(0, 10**8): 1}, "numbers below 10,000,000 as variables, but it has 100000000"),
    ],
)
def test_a_dict_that_is_none_is_refused(terms: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        QUBO.from_dict(terms)


@pytest.mark.parametrize("names", [["a", "b"], ["a", "a", "b"]])
def test_names_must_be_as_many_as_the_variables_and_differ(names: list[str]) -> None:
    with pytest.raises(ValueError, match="`variables` must be 3 different names"):
        QUBO(MATRIX, variables=names)


def test_an_ising_problem_comes_from_dicts_and_goes_back_to_them() -> None:
    couplings, fields = {("a", "b"): 1.5, ("c", "b"): -2.0}, {"a": 0.5, "c": -1.0}
    problem = Ising.from_dict(couplings, fields, offset=3)
    matrix = np.array([[0, 1.5, 0], [0, 0, 0], [0, -2.0, 0]])
    plain = Ising(matrix, [0.5, 0, -1])
    assert problem.score(ALL).tolist() == (plain.score(ALL) - 3).tolist()
    assert problem.to_dict() == ({("a", "b"): 1.5, ("b", "c"): -2.0}, fields)
    assert problem.spins()[2] == 3
    assert problem.assignment(np.array([1, -1, 1])) == {"a": 1, "b": -1, "c": 1}


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.coo_array, sparse.csc_array])
def test_sparse_matrices_make_the_same_problems_and_come_back(kind: Any) -> None:
    given, plain = QUBO(kind(MATRIX)), QUBO(MATRIX)
    assert given.score(ALL).tolist() == plain.score(ALL).tolist()
    assert QUBO(given.to_scipy()).score(ALL).tolist() == plain.score(ALL).tolist()
    assert Ising(kind(MATRIX)).score(ALL).tolist() == Ising(MATRIX).score(ALL).tolist()
    assert Ising(given.to_scipy()).to_scipy().toarray().tolist() == (
        np.triu(MATRIX + MATRIX.T, 1).tolist()
    )
    graph = np.triu(MATRIX, 1)
    assert MaxCut(kind(graph)).score(ALL).tolist() == MaxCut(graph + graph.T).score(ALL).tolist()
    assert MaxCut(kind(graph)).to_scipy().toarray().tolist() == graph.tolist()


def test_a_sparse_matrix_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`matrix` must have shape \[\*, 2\], but it has shape"):
        QUBO(sparse.coo_array(np.ones((2, 3))))
    with pytest.raises(ValueError, match="`matrix` must hold finite numbers"):
        QUBO(sparse.coo_array(np.array([[np.nan]])))


def test_a_matrix_of_weights_has_each_edge_once_or_twice_the_same() -> None:
    with pytest.raises(ValueError, match=r"but \[0, 1\] is 3.0 and \[1, 0\] is 2.0; give each"):
        MaxCut(MATRIX)
    assert MaxCut.from_entries(2, [0, 1], [1, 0]).value(np.array([1, -1])) == 2


def test_a_model_keeps_its_energy_its_offset_and_its_names() -> None:
    binary, spin = QUBO(Model()), Ising(Model())
    plain = QUBO([[-4, 5, 0], [0, 0, -1], [0, 0, 2]], offset=0.5)
    assert binary.score(ALL).tolist() == spin.score(ALL).tolist() == plain.score(ALL).tolist()
    assert binary.variables == spin.variables == ("a", "b", "c")
    assert binary.offset == 0.5
    with pytest.raises(ValueError, match="`fields` must be left out for a model"):
        Ising(Model(), [1, 2, 3])
    with pytest.raises(ValueError, match="`model` must have a variable"):
        QUBO(Model(labels=[]))


def test_models_of_dimod_come_and_go() -> None:
    dimod = pytest.importorskip("dimod", reason="needs the extra dimod")
    model = dimod.BinaryQuadraticModel({"a": 1, "b": -2}, {("a", "b"): 3}, 0.5, "BINARY")
    for problem in (QUBO(model), Ising(model), QUBO(model.spin), Ising(model.spin)):
        back = problem.to_dimod()
        assert list(back.variables) == ["a", "b"]
        for signs in np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.int8):
            energy = model.energy(dict(zip("ab", (signs > 0).astype(int), strict=True)))
            assert problem.energy(signs) == energy == back.energy(problem.assignment(signs))


def test_what_dimod_is_needed_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dimod", None)
    with pytest.raises(EvobinError, match=r"to_dimod: needs a package .* 'evobin\[dimod\]'"):
        QUBO(MATRIX).to_dimod()
    with pytest.raises(EvobinError, match="to_dimod: needs a package"):
        Ising(MATRIX).to_dimod()


def test_neither_dimod_nor_scipy_is_imported_for_a_problem() -> None:
    code = (
        "import sys; from evobin.problems import QUBO; QUBO([[1]]); QUBO.from_dict({(0, 1): 1}); "
        "sys.exit(len({'dimod', 'scipy.sparse'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
