"""MaxSAT: time to the known optima, beside an exact solver, and time to load large files.

python -m pytest -n 0 -m benchmark -s tests/benchmarks/test_maxsat.py
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

import evobin

pytestmark = pytest.mark.benchmark

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "problems" / "maxsat"
OPTIMA = {
    "uf250-01.cnf": 0,
    "file_rwms_wcnf_L2_V100_C300_0.wcnf": 40,
    "mot_comb1._red-gate-0.dimacs.seq.filtered.cnf": 1,
    "c1355_F1229gat@1.wcnf": 33,
}
"""Lowest cost of each file: weight of broken soft clauses, with no hard clause broken."""
files = pytest.mark.parametrize("name", OPTIMA)
CLAUSES = 900_000


def path_of(name: str) -> Path:
    if not (FOLDER / name).exists():
        pytest.skip("the public instances are not here")
    return FOLDER / name


@files
def test_the_optimum_is_found_in_no_time(name: str) -> None:
    problem = evobin.MaxSat.load(path_of(name))
    best = problem._clauses.base - OPTIMA[name]
    evobin.maximize(problem, max_evaluations=1)  # compiles
    took, flips = [], []
    for seed in range(11):
        begun = time.process_time()
        found = evobin.maximize(problem, target=best, seconds=5, seed=seed)
        took.append(time.process_time() - begun)
        flips.append(found.evaluations)
        assert problem.cost(found.solution) == (0, OPTIMA[name])
    print(
        f"\n{name}: cost {OPTIMA[name]} in {median(took):.3f} s ({max(took):.3f} at most), "
        f"{median(flips):,.0f} flips"
    )
    assert median(took) < 0.1
    assert max(took) < 5


@files
def test_an_exact_solver_beside_it(name: str) -> None:
    rc2 = pytest.importorskip("pysat.examples.rc2")
    formulas: Any = pytest.importorskip("pysat.formula")
    path = path_of(name)
    if path.suffix == ".cnf":
        formula = formulas.CNF(from_file=str(path)).weighted()
    else:
        formula = formulas.WCNF(from_file=str(path))
    begun = time.process_time()
    with rc2.RC2Stratified(formula, solver="g4", adapt=True, exhaust=True, minz=True) as solver:
        solver.compute()
        print(f"\n{name}: cost {solver.cost} in {time.process_time() - begun:.3f} s by RC2")
        assert solver.cost == OPTIMA[name]


@pytest.mark.parametrize("form", ["cnf", "wcnf"])
def test_a_large_file_is_loaded_in_two_seconds(form: str, tmp_path: Path) -> None:
    n, rng = CLAUSES // 4, np.random.default_rng(0)
    literals = rng.integers(1, n + 1, (CLAUSES, 3)) * rng.choice([-1, 1], (CLAUSES, 3))
    firsts = rng.integers(1, 1000, CLAUSES).astype("U3")
    firsts[rng.random(CLAUSES) < 0.5] = "h"
    rows = [f"{a} {b} {c} 0" for a, b, c in literals.tolist()]
    if form == "cnf":
        lines = [f"p cnf {n} {CLAUSES}", *rows]
    else:
        lines = [f"{first} {row}" for first, row in zip(firsts.tolist(), rows, strict=True)]
    path = tmp_path / "large"
    path.write_text("\n".join(lines))
    took = []
    for _ in range(3):
        begun = time.process_time()
        evobin.MaxSat.load(path)
        took.append(time.process_time() - begun)
    size = path.stat().st_size / 1e6
    print(f"\n{form} of {CLAUSES:,} clauses, {size:.0f} MB: loaded in {median(took):.2f} s")
    assert median(took) < 2
