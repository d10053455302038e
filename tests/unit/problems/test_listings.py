"""Files of graphs and QUBOs: what is read, by its content, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from evobin.errors import EvobinError, SettingError
from evobin.problems import QUBO, MaxCut, MaxSat, load_problem

GRAPH = "3 3\n1 2 1\n1 3 -1\n2 3 5\n"
LIBRARY = "2\n2 2\n1 1 7\n1 2 1\n3 3\n1 1 -4\n1 2 3\n3 3 2\n"
QBSOLV = "c made by hand\np qubo 0 3 2 1\n0 0 -4\n2 2 2\nc couplers\n0 1 6\n"
BEASLEY = "3 3\n1 1 -4\n1 2 3\n3 3 2\n"
MATRIX = np.array([[-4, 3, 0], [3, 0, 0], [0, 0, 2]])
ALL = np.array([[1 if word >> place & 1 else -1 for place in range(3)] for word in range(8)], "i1")


def write(folder: Path, text: str, name: str = "problem") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        GRAPH,
        GRAPH.replace("\n", " \r\n"),
        "# a triangle\n\n" + GRAPH.replace(" ", "\t"),
        "\ufeff" + GRAPH,
        GRAPH.replace("-1", "-1.0"),
    ],
)
def test_a_graph_is_read_in_every_spelling(tmp_path: Path, text: str) -> None:
    problem = load_problem(write(tmp_path, text))
    assert isinstance(problem, MaxCut)
    assert [problem.value(signs) for signs in ALL[:4]] == [0, 0, 6, 4]
    assert problem.score(ALL).tolist() == [problem.value(signs) for signs in ALL]


def test_an_edge_without_a_weight_weighs_one(tmp_path: Path) -> None:
    problem = MaxCut.load(write(tmp_path, "3 2\n1 2\n2 3\n"))
    assert problem.value(np.array([1, -1, 1])) == 2


@pytest.mark.parametrize("text", [BEASLEY, QBSOLV])
def test_an_entry_off_the_diagonal_counts_twice_but_in_the_form_of_qbsolv(
    tmp_path: Path, text: str
) -> None:
    problem = load_problem(write(tmp_path, text))
    assert isinstance(problem, QUBO)
    assert problem.sense == "min"
    plain = QUBO(MATRIX)
    assert [problem.value(signs) for signs in ALL] == [plain.energy(signs) for signs in ALL]


def test_the_sense_turns_the_score_and_leaves_the_value(tmp_path: Path) -> None:
    path = write(tmp_path, BEASLEY)
    low, high = load_problem(path), load_problem(path, sense="max")
    assert isinstance(low, QUBO)
    assert isinstance(high, QUBO)
    assert [low.value(signs) for signs in ALL] == [high.value(signs) for signs in ALL]
    assert low.score(ALL).tolist() == (0.0 - high.score(ALL)).tolist()
    assert high.to_dict() == low.to_dict()


def test_a_file_of_several_problems_needs_a_number_and_is_maximised(tmp_path: Path) -> None:
    path = write(tmp_path, LIBRARY)
    with pytest.raises(EvobinError, match="holds 2 problems; say which one by its number"):
        load_problem(path)
    with pytest.raises(EvobinError, match="holds 2 problems, but number 3 is asked for"):
        load_problem(path, number=3)
    second = load_problem(path, number=2)
    assert isinstance(second, QUBO)
    assert second.sense == "max"
    assert [second.value(signs) for signs in ALL] == [QUBO(MATRIX).energy(signs) for signs in ALL]
    assert load_problem(path, number=1).n == 2
    assert load_problem(write(tmp_path, LIBRARY[:18].replace("2", "1", 1), "one")).n == 2


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_is_unpacked_whatever_it_is_called(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "graph.txt"
    path.write_bytes(pack(GRAPH.encode()))  # type: ignore[operator]
    assert load_problem(path).n == 3
    path.write_bytes(pack(GRAPH.encode())[:-3])  # type: ignore[operator]
    with pytest.raises(EvobinError, match=r"graph\.txt: is packed, and damaged; fetch it again"):
        load_problem(path)


def test_formulas_are_told_from_graphs_by_their_content(tmp_path: Path) -> None:
    for text in ("c hi\np cnf 3 1\n1 -2 0\n", "h 1 2 0\n4 -1 0\n", "4 -1 0\n"):
        assert isinstance(load_problem(write(tmp_path, text)), MaxSat)
    assert isinstance(load_problem(write(tmp_path, GRAPH), kind="qubo"), QUBO)
    with pytest.raises(EvobinError, match=r"line 2: found an edge from 1 to itself; as a QUBO, it"):
        load_problem(write(tmp_path, BEASLEY), kind="cut")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "problem: is empty; name the file of a problem"),
        ("# nothing\n\n", "problem: is empty; name the file of a problem"),
        ("hello world\n", r"line 1: expected a graph .*, found 'hello world'; name the file of"),
        ("1 2 3\n", r"line 1: expected a graph .*, found '1 2 3'"),
        ("3 3\n1 2 1\n1 3 -1\n", "line 1: the header in line 1 announces 3 lines .* but 2 are"),
        (GRAPH + "1 2 9\n1 3 4\n", "line 5: the header in line 1 announces 3 lines .* but 5 are"),
        ("3 1\n1 4 1\n", "line 2: numbers go from 1 to 3, found '4'; fix the line"),
        ("3 1\n0 1 1\n", "line 2: numbers go from 1 to 3, found '0'"),
        ("3 1\n1 2 x\n", "line 2: expected `i j value`, .* found '1 2 x'"),
        ("3 1\n1 2 nan\n", "line 2: expected `i j value`"),
        ("3 1\n1 2 1e999\n", "line 2: expected `i j value`"),
        ("3 1\n1 2 1_0\n", "line 2: expected `i j value`"),
        ("3 1\n1 2.5 1\n", "line 2: expected `i j value`"),
        ("3 1\n1\n", "line 2: expected `i j value`"),
        ("3 1\n1 2 3 4\n", "line 2: expected `i j value`"),
        ("3 1\n" + "9" * 5000 + " 2 3\n", "line 2: numbers go from 1 to 3, found '99999"),
        ("0 0\n", "line 1: expected the number of nodes or variables, from 1 to 10,000,000"),
        ("99999999 1\n1 2 1\n", "line 1: expected the number of nodes or variables"),
        ("p qubo 0 3 2\n", "line 1: expected `p qubo 0 VARIABLES DIAGONAL PAIRS`, found"),
        ("p qubo 0 3 1 0\n3 3 1\n", "line 2: numbers go from 0 to 2, found '3'"),
        ("5\n1 1 2\n", r"line 2: expected `n m`, .* found '1 1 2'"),
        ("2\n2 1\n1 1 7\n", "holds 2 problems"),
        ("a\0b", "problem: holds a NUL byte; name a text file"),
        ("PK\x03\x04zip", "problem: is a zip archive; unpack it, and name a file from it"),
    ],
)
def test_what_is_malformed_is_one_line_that_names_the_place(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(EvobinError, match=told) as caught:
        load_problem(write(tmp_path, text))
    assert str(caught.value).startswith(str(tmp_path / "problem"))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_file_that_ends_within_its_problems_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match="ends before problem 2; get the whole file"):
        load_problem(write(tmp_path, "2\n2 1\n1 1 7\n"), number=2)


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match="does not exist; check its name and folder"):
        load_problem(tmp_path / "none")
    with pytest.raises(EvobinError, match="is a folder; name a file"):
        load_problem(tmp_path)


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        (GRAPH, {"sense": "min"}, "`sense` is for a QUBO, but a cut is always maximised"),
        ("4 -1 0\n", {"sense": "max"}, "`sense` is for a QUBO, but a formula's cost is always min"),
        ("4 -1 0\n", {"number": 1}, "`number` is for a file of several problems"),
        (GRAPH, {"kind": "graph"}, "`kind` must be one of cut, qubo, sat, but it is 'graph'"),
        (BEASLEY, {"sense": "up"}, "`sense` must be one of min, max, but it is 'up'"),
    ],
)
def test_arguments_that_do_not_fit_are_told(
    tmp_path: Path, text: str, more: dict[str, object], told: str
) -> None:
    with pytest.raises(SettingError, match=told):
        load_problem(write(tmp_path, text), **more)  # type: ignore[arg-type]


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for matrix in (rng.integers(-9, 10, (9, 9)), rng.normal(size=(9, 9))):
        signs = rng.choice([-1, 1], (20, 9)).astype(np.int8)
        cut, qubo = MaxCut(np.triu(matrix, 1)), QUBO(matrix)
        cut.save(tmp_path / "graph")
        assert MaxCut.load(tmp_path / "graph").score(signs).tolist() == cut.score(signs).tolist()
        for name in ("file.qubo", "file.sparse"):
            qubo.save(tmp_path / name)
            back = QUBO.load(tmp_path / name)
            assert back.score(signs).tolist() == qubo.score(signs).tolist()


def test_a_large_sparse_graph_is_read_and_held_as_a_list(tmp_path: Path) -> None:
    n, rng = 20_000, np.random.default_rng(0)
    ends = rng.integers(1, n + 1, (40_000, 2))
    ends[:, 1] = np.where(ends[:, 0] == ends[:, 1], ends[:, 0] % n + 1, ends[:, 1])
    lines = [f"{i} {j} 1" for i, j in ends.tolist()]
    problem = load_problem(write(tmp_path, "\n".join([f"{n} {len(lines)}", *lines])))
    assert isinstance(problem, MaxCut)
    assert sum(array.nbytes for array in problem._couplings) < 1_000_000
    signs = rng.choice([-1, 1], n).astype(np.int8)
    assert problem.value(signs) == (signs[ends[:, 0] - 1] != signs[ends[:, 1] - 1]).sum()
