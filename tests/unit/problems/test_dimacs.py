"""DIMACS files: every form that is understood, and one clear line for each that is not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evobin.errors import EvobinError
from evobin.problems.dimacs import Formula, Scanner, read_dimacs
from evobin.problems.dimacs_scan import scan_dimacs
from evobin.problems.maxsat import Cost, MaxSat

both = pytest.mark.parametrize("scan", [None, scan_dimacs], ids=["lines", "arrays"])
"""Read line by line, and all at once."""


def write(folder: Path, text: str, name: str = "a.wcnf") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def plain(formula: Formula) -> list[Any]:
    """Comparable; a hard clause weighs infinity."""
    weights = [
        np.inf if hard else weight
        for hard, weight in zip(formula.hard.tolist(), formula.weights.tolist(), strict=True)
    ]
    return [formula.n, formula.literals.tolist(), formula.lengths.tolist(), weights]


def is_scanned(text: str) -> bool:
    """Whether a file without a name of its own is read all at once."""
    return scan_dimacs(text.encode(), False) is not None


@pytest.mark.parametrize(
    "text",
    [
        "p cnf 3 2\n1 -2 0\n3 0\n",
        "c so\nc\np cnf 3 2\nc there\n1 -2 0 3 0\n",
        "p  cnf 3\t2\r\n1\r\n-2 0\r\n  3\r\n0\r\n\r\n",
        "\np cnf 3 2\n1 -2 0\n3 0\n%\n0\n\n",
        "comment\np cnf 3 2\n1 -2 0 3\n0",
        "p cnf 3 2\n1 -2 -0\nc h 7 x\nc\n003 00",
    ],
)
@both
def test_clauses_are_read_whatever_the_lines(
    tmp_path: Path, text: str, scan: Scanner | None
) -> None:
    formula = read_dimacs(write(tmp_path, text), scan)
    assert plain(formula) == [3, [1, -2, 3], [2, 1], [1, 1]]
    assert is_scanned(text)


@both
def test_an_indented_comment_is_one_too(tmp_path: Path, scan: Scanner | None) -> None:
    path = write(tmp_path, "\n c indented\np cnf 3 2\n1 -2 0\n3 0\n")
    assert plain(read_dimacs(path, scan)) == [3, [1, -2, 3], [2, 1], [1, 1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p wcnf 2 3 10\n10 1 0 4 -1\n2 0\n12 -2 0\n", [np.inf, 4, np.inf]),
        ("p wcnf 2 3\n10 1 0\n4 -1 2 0\n1 -2 0\n", [10, 4, 1]),
        ("h 1 0\n7 -1 2 0\nh -2 0\n", [np.inf, 7, np.inf]),
        ("0 1 0\n0 -1 2 0\n9223372036854775807 -2 0\n", [0, 0, 2**63 - 1]),
        (
            "p wcnf 2 3 18446744073709551615\n18446744073709551615 1 0\n4 -1 2 0\n0 -2 0\n",
            [np.inf, 4, 0],
        ),
        ("p wcnf 2 3 99999999999999999999999\n5 1 0\n4 -1 2 0\n1 -2 0\n", [5, 4, 1]),
    ],
    ids=["old", "old without a top", "new", "weights of 0", "top of 2^64 - 1", "larger top"],
)
@both
def test_weights_are_read_exactly(
    tmp_path: Path, text: str, expected: list[float], scan: Scanner | None
) -> None:
    formula = read_dimacs(write(tmp_path, text), scan)
    assert plain(formula) == [2, [1, -1, 2, -2], [1, 2, 1], expected]
    assert is_scanned(text)


def test_weights_need_not_be_whole(tmp_path: Path) -> None:
    problem = MaxSat.load(
        write(tmp_path, "p wcnf 2 3 100.\n".replace(".", "") + "0.5 1 0\n1e1 -1 0\n100 2 0\n")
    )
    assert problem.cost(np.array([1, -1])) == Cost(1, 10.0)
    assert problem.cost(np.array([-1, 1])) == Cost(0, 0.5)


@given(st.data())
def test_both_ways_of_reading_agree(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    literal = st.integers(-4, 4).filter(bool).map(str)
    weight = st.sampled_from(["h", "0", "1", "7", "18446744073709551615", "9223372036854775807"])
    form = data.draw(st.sampled_from(["cnf", "wcnf", "wcnf top", "new"]))
    clauses = data.draw(st.lists(st.lists(literal, max_size=4), min_size=1, max_size=6))
    space = st.sampled_from([" ", "  ", "\t", "\n", "\r\n", "\nc 1 0\n"])
    text = "" if form == "new" else f"p {form.split()[0]} 4 {len(clauses)}"
    text += (" 7" if form == "wcnf top" else "") + "\n"
    for clause in clauses:
        for word in [*([] if form == "cnf" else [data.draw(weight)]), *clause, "0"]:
            text += word + data.draw(space)
        text += data.draw(st.sampled_from(["", "\n"]))
    path = write(tmp_path_factory.mktemp("files"), text)
    found = scan_dimacs(text.encode(), False)
    if found is not None:
        assert plain(found) == plain(read_dimacs(path))


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
        ("p wcnf 3 1 9\n1.5.2 1 0\n", "line 2: expected a weight, found '1.5.2'"),
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
        ("-5 1 0\n", r"line 1: expected a weight from 0 to 2\^63 - 1, found '-5'"),
        ("9223372036854775808 1 0\n", r"line 1: expected a weight from 0 to 2\^63 - 1"),
        ("7 99999999 0\n", "line 1: found variable 99999999, but at most 10,000,000 are read"),
        ("1 1 0\n9223372036854775807 1 0\n", r"a\.wcnf: the weights of the soft .* divide them"),
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


@pytest.mark.parametrize("name", ["b.cnf", "b.cnf.gz", "b.wcnf.cnf"])
def test_a_cnf_without_its_header_is_not_taken_for_a_new_wcnf(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, "c none\n1 -2 0\n", name)
    with pytest.raises(EvobinError, match=r"cnf.*, line 2: expected `p cnf .*, found '1 -2 0'"):
        MaxSat.load(path)


@pytest.mark.parametrize("name", ["soft.cnf.wcnf", "a", "soft.cnf.wcnf.xz"])
def test_whatever_else_its_name_a_file_is_read_by_its_content(tmp_path: Path, name: str) -> None:
    assert MaxSat.load(write(tmp_path, "3 -2 0\n", name)).cost(np.array([1, 1])) == Cost(0, 3)


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
    assert read_dimacs(path).literals.tolist() == [1, -2, 3]
    path.write_bytes(pack(b"c none\n1 -2 0\n"))
    with pytest.raises(EvobinError, match=r"a\.cnf\.packed, line 2: expected `p cnf"):
        read_dimacs(path)
    whole = pack(bytes(1000))
    for damaged in (whole[:-5], whole[:8], whole[:12] + b"?" * 20):
        path.write_bytes(damaged)
        with pytest.raises(EvobinError, match=r"a\.cnf\.packed: is packed, and damaged; .* again"):
            read_dimacs(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.cnf"
    path.write_bytes(gzip.compress("p cnf 3 2\n1 -2 0\n3 0\n".encode(encoding)))
    assert read_dimacs(path, scan_dimacs).literals.tolist() == [1, -2, 3]


def archive(kind: str) -> bytes:
    """An archive with a file in it."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as packed:
            packed.writestr("a.cnf", "p cnf 1 1\n1 0\n")
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz" if kind == "tar.gz" else "w") as bundle:
            bundle.addfile(tarfile.TarInfo("a.cnf"))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_an_archive_is_refused_in_a_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(archive(kind))
    what = kind.removesuffix(".gz")
    with pytest.raises(EvobinError, match=f"{kind}: is a {what} archive; unpack it, and name a"):
        MaxSat.load(path)


CLAUSES = [[1, -2], [], [2, 2, 3], [-3, 3]]


@pytest.mark.parametrize(
    ("weights", "old", "expected"),
    [
        (None, False, "p cnf 3 4\n1 -2 0\n0\n2 2 3 0\n-3 3 0\n"),
        ([np.inf, 2**60 + 1, 0, 3], False, "h 1 -2 0\n{0} 0\n0 2 2 3 0\n3 -3 3 0\n"),
        (
            [np.inf, 2**60 + 1, 0, 3],
            True,
            "p wcnf 3 4 {1}\n{1} 1 -2 0\n{0} 0\n0 2 2 3 0\n3 -3 3 0\n",
        ),
        ([1, 0.25, 3, 1], False, "1.0 1 -2 0\n0.25 0\n3.0 2 2 3 0\n1.0 -3 3 0\n"),
    ],
)
def test_clauses_are_written_as_they_are_read(
    tmp_path: Path, weights: Any, old: bool, expected: str
) -> None:
    problem, path = MaxSat(3, CLAUSES, weights), tmp_path / "a"
    problem.save(path, old=old)
    assert path.read_text() == expected.format(2**60 + 1, 2**60 + 5)
    again = MaxSat.load(path)
    assert plain(again._formula) == plain(problem._formula)
    again.save(path, old=old)
    assert path.read_text() == expected.format(2**60 + 1, 2**60 + 5)


def test_what_the_old_form_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match="a: weights must be whole for the old form; use the new"):
        MaxSat(3, CLAUSES, [1, 0.25, 3, 1]).save(tmp_path / "a", old=True)
