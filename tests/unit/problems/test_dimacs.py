"""DIMACS files: every form that is understood, and one clear line for each that is not."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evobin.errors import EvobinError
from evobin.problems.dimacs import read_dimacs
from evobin.problems.maxsat import Cost, MaxSat


def write(folder: Path, text: str) -> Path:
    path = folder / "a.wcnf"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "p cnf 3 2\n1 -2 0\n3 0\n",
        "c so\nc\np cnf 3 2\nc there\n1 -2 0 3 0\n",
        "p  cnf 3\t2\r\n1\r\n-2 0\r\n  3\r\n0\r\n\r\n",
        "\n c indented\np cnf 3 2\n1 -2 0\n3 0\n%\n0\n\n",
        "comment\np cnf 3 2\n1 -2 0 3\n0",
    ],
)
def test_clauses_are_read_whatever_the_lines(tmp_path: Path, text: str) -> None:
    formula = read_dimacs(write(tmp_path, text))
    assert (formula.n, formula.literals, formula.lengths) == (3, [1, -2, 3], [2, 1])
    assert formula.weights == [1, 1]


def test_the_old_weighted_form_has_its_hard_weight_in_the_header(tmp_path: Path) -> None:
    formula = read_dimacs(write(tmp_path, "p wcnf 2 3 10\n10 1 0 4 -1\n2 0\n12 -2 0\n"))
    assert formula.weights == [np.inf, 4, np.inf]
    assert formula.lengths == [1, 2, 1]


def test_the_old_weighted_form_without_a_hard_weight_has_only_soft_clauses(tmp_path: Path) -> None:
    formula = read_dimacs(write(tmp_path, "p wcnf 2 2\n10 1 0\n4 -1 2 0\n"))
    assert formula.weights == [10, 4]


def test_the_new_weighted_form_has_no_header_and_marks_hard_clauses(tmp_path: Path) -> None:
    formula = read_dimacs(write(tmp_path, "c new\nh 1 -4 0\n7 2 0\n"))
    assert (formula.n, formula.weights, formula.literals) == (4, [np.inf, 7], [1, -4, 2])


def test_an_empty_clause_is_one_that_no_solution_satisfies(tmp_path: Path) -> None:
    problem = MaxSat.load(write(tmp_path, "p cnf 1 2\n0\n1 0\n"))
    assert problem.cost(np.array([1])) == Cost(0, 1.0)


def test_a_loaded_problem_scores_as_one_made_of_clauses(tmp_path: Path) -> None:
    path = write(tmp_path, "h 1 2 0\n3 -1 0\n4 -2 -2 0\n5 1 -1 0\n")
    made = MaxSat(2, [[1, 2], [-1], [-2], [1, -1]], [np.inf, 3, 4, 5])
    population = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.int8)
    np.testing.assert_array_equal(MaxSat.load(str(path)).score(population), made.score(population))
    assert made.score(population).tolist() == [5, 9, 8, 12 - 13]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no clause; name a cnf or wcnf file"),
        ("c only\n", "holds no clause; name a cnf or wcnf file"),
        ("p cnf 3\n1 0\n", "line 1: expected `p cnf VARIABLES CLAUSES`"),
        ("p sat 3 1\n", "line 1: expected `p cnf VARIABLES CLAUSES`"),
        ("p cnf " + "9" * 5000 + " 1\n", "line 1: expected `p cnf VARIABLES CLAUSES`"),
        ("p cnf 3 -1\n", "line 1: expected `p cnf VARIABLES CLAUSES`"),
        ("p cnf 3 1 5\n", "line 1: expected `p cnf VARIABLES CLAUSES`"),
        ("p\n", "line 1: expected `p cnf VARIABLES CLAUSES`"),
        ("p cnf 0 0\n", "line 1: announces 0 variables; expected 1 to 10,000,000"),
        ("p cnf 99999999999 1\n1 0\n", "line 1: announces 99999999999 variables"),
        ("p cnf 3 1\np cnf 3 1\n1 0\n", "line 2: found a header after that of line 1"),
        ("1 2 0\np cnf 3 1\n", "line 2: found a header after clauses"),
        ("p cnf 3 2\n1 0\n", "line 1: 'p cnf 3 2' announces 2 clauses, but 1 are there"),
        ("p cnf 3 1\n1 0 2 0\n", "line 1: 'p cnf 3 1' announces 1 clauses, but 2 are there"),
        ("p cnf 3 2\n1 0\n2\n3\n", "line 3: the clause that begins here lacks its final 0"),
        ("p cnf 3 1\n1 4 0\n", "line 2: found variable 4, but the header announces 3"),
        ("p cnf 3 1\n1 -4 0\n", "line 2: found variable 4, but the header announces 3"),
        ("p cnf 3 1\n1 x 0\n", "line 2: expected a literal, found 'x'"),
        ("p cnf 3 1\n1 +2 0\n", r"line 2: expected a literal, found '\+2'"),
        ("p cnf 3 1\n1 2.0 0\n", r"line 2: expected a literal, found '2\.0'"),
        ("p cnf 3 1\n" + "9" * 50 + " 0\n", r"line 2: expected a literal, found '9{40}\.\.\.'"),
        ("p cnf 3 1\nh 1 0\n", "line 2: expected a literal, found 'h'"),
        ("p wcnf 3 1 9\nh 1 0\n", "line 2: expected a weight, found 'h'"),
        ("p wcnf 3 1 9\n0 1 0\n", r"line 2: expected a weight from 1 to 2\^63 - 1, found '0'"),
        ("-5 1 0\n", r"line 1: expected a weight from 1 to 2\^63 - 1, found '-5'"),
        ("7 99999999 0\n", "line 1: found variable 99999999, but at most 10,000,000 are read"),
        ("h 1 0\n9223372036854775807 1 0\n", r"a\.wcnf: the weights, hard clauses counted"),
    ],
)
def test_what_is_malformed_is_named_by_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(EvobinError, match=message) as caught:
        MaxSat.load(write(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'a.wcnf'}")
    assert "\n" not in str(caught.value)


def test_every_malformed_line_is_named_and_the_clauses_after_it_are_read(tmp_path: Path) -> None:
    text = "p cnf 3 4\n1 x 0\n2 0\n5 0 3 0\n1 2 3 0\n"
    with pytest.raises(EvobinError, match="has 2 problems") as caught:
        read_dimacs(write(tmp_path, text))
    lines = str(caught.value).split("\n")
    assert ["line 2" in lines[1], "line 4" in lines[2], len(lines)] == [True, True, 3]


def test_a_cnf_without_its_header_is_not_taken_for_a_new_wcnf(tmp_path: Path) -> None:
    (tmp_path / "b.cnf").write_text("c none\n1 -2 0\n")
    with pytest.raises(EvobinError, match=r"b\.cnf, line 2: expected `p cnf .*, found '1 -2 0'"):
        MaxSat.load(tmp_path / "b.cnf")


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match=r"b\.cnf: does not exist; check its name and folder"):
        MaxSat.load(tmp_path / "b.cnf")
    with pytest.raises(EvobinError, match="is a folder; name a file"):
        MaxSat.load(tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files_are_read_as_they_are_published(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.cnf.packed"
    path.write_bytes(pack(b"p cnf 3 2\n1 -2 0\n3 0\n"))
    assert read_dimacs(path).literals == [1, -2, 3]
    path.write_bytes(pack(b"c none\n1 -2 0\n"))
    with pytest.raises(EvobinError, match=r"a\.cnf\.packed, line 2: expected `p cnf"):
        read_dimacs(path)
    whole = pack(bytes(1000))
    for damaged in (whole[:-5], whole[:8], whole[:12] + b"?" * 20):
        path.write_bytes(damaged)
        with pytest.raises(EvobinError, match=r"a\.cnf\.packed: is packed, and damaged; .* again"):
            read_dimacs(path)
