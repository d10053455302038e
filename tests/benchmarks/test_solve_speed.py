"""What `evobin solve` takes beside searching: reading, starting, ending, on graphs like Gset's.

python -m pytest -m benchmark -s tests/benchmarks/test_solve_speed.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest

import evobin

pytestmark = pytest.mark.benchmark
SECONDS = 5


def torus(path: Path, rows: int, columns: int) -> Path:
    """A grid whose ends meet, with weights -1 and +1, as G81 is one of 100 x 200."""
    places = np.arange(rows * columns).reshape(rows, columns)
    ends = [np.roll(places, -1, axis).ravel() for axis in (0, 1)]
    rng = np.random.default_rng(0)
    lines = [
        f"{i + 1} {j + 1} {rng.choice([-1, 1])}"
        for other in ends
        for i, j in zip(places.ravel().tolist(), other.tolist(), strict=True)
    ]
    path.write_text("\n".join([f"{places.size} {len(lines)}", *lines]) + "\n")
    return path


@pytest.mark.parametrize(("rows", "columns"), [(50, 100), (100, 200)])
def test_a_sparse_graph_is_read_in_a_moment_and_takes_little_memory(
    rows: int, columns: int, tmp_path: Path
) -> None:
    path = torus(tmp_path / "torus", rows, columns)
    took = []
    for _ in range(3):
        begun = time.process_time()
        problem = evobin.load_problem(path)
        took.append(time.process_time() - begun)
    assert isinstance(problem, evobin.MaxCut)
    held = sum(array.nbytes for array in problem._couplings)
    print(f"\n{problem.n:,} nodes: read in {median(took):.2f} s, {held / 1e6:.1f} MB")
    assert median(took) < 1
    assert held < 2_000_000


def test_a_limit_of_seconds_is_kept_by_the_whole_process(tmp_path: Path) -> None:
    path = torus(tmp_path / "torus", 100, 200)
    command = [sys.executable, "-m", "evobin", "solve", str(path), "--algorithm", "annealing"]
    more = []
    for seconds in (1, SECONDS, SECONDS, SECONDS):  # the first one may compile
        begun = time.monotonic()
        argv = [*command, "--seconds", str(seconds)]
        subprocess.run(argv, check=True, capture_output=True, cwd=tmp_path)
        more.append(time.monotonic() - begun - seconds)
    print(f"\nbeside {SECONDS} s of searching: {median(more[1:]):.2f} s")
    assert median(more[1:]) < 3


@pytest.mark.parametrize(
    ("algorithm", "n"), [("annealing", 2 * 10**8), ("tabu", 5 * 10**9), ("descent", 5 * 10**9)]
)
def test_keeping_ten_costs_little(algorithm: str, n: int, tmp_path: Path) -> None:
    problem = evobin.load_problem(torus(tmp_path / "torus", 40, 50))
    took: dict[int, list[float]] = {1: [], 10: []}
    for _ in range(4):  # the first one compiles
        for keep, times in took.items():
            begun = time.process_time()
            evobin.maximize(problem, algorithm=algorithm, max_evaluations=n, keep=keep)
            times.append(time.process_time() - begun)
    one, ten = (median(times[1:]) for times in took.values())
    print(f"\n{algorithm}: {one:.2f} s, {ten:.2f} s with keep=10")
    assert ten < one + 2
