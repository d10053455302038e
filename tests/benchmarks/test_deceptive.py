"""Evaluations that pyramid and default need on deceptive functions, beside published ones.

python -m pytest -m benchmark -s tests/benchmarks/test_deceptive.py
"""

from __future__ import annotations

import numpy as np
import pytest

import evobin
from tests.deceptive import Function, hiff, trap

pytestmark = pytest.mark.benchmark
SEEDS = 11


@pytest.mark.parametrize(
    ("function", "n", "published"),
    [(hiff, 64, 3_742), (hiff, 128, 11_698), (hiff, 256, 34_082), (trap(7), 105, 45_490)],
    ids=["hiff-64", "hiff-128", "hiff-256", "trap7-105"],
)
def test_the_pyramid_needs_about_what_was_published(
    function: Function, n: int, published: int
) -> None:
    """Medians of 100 runs: Goldman and Punch (2014)."""
    needed = []
    for seed in range(SEEDS):
        found = evobin.maximize(
            function,
            n,
            algorithm="pyramid",
            max_evaluations=10 * published,
            target=function(np.ones(n)),
            seed=seed,
        )
        assert "target" in found.stop
        needed.append(found.evaluations)
    low, median, high = np.quantile(needed, [0, 0.5, 1])
    print(f"\n{median:,.0f} evaluations ({low:,.0f} to {high:,.0f}); published {published:,}")
    assert median <= 1.15 * published


@pytest.mark.parametrize(
    ("function", "n", "most"),
    [(hiff, 128, 30_000), (trap(5), 200, 60_000), (trap(7), 105, 80_000)],
    ids=["hiff-128", "trap5-200", "trap7-105"],
)
def test_the_default_solves_them(function: Function, n: int, most: int) -> None:
    needed = []
    for seed in range(10):
        found = evobin.maximize(
            function, n, max_evaluations=2 * most, target=function(np.ones(n)), seed=seed
        )
        needed.append(found.evaluations if "target" in found.stop else 10 * most)
    solved = sum(count <= most for count in needed)
    print(f"\n{solved} of 10 within {most:,}; evaluations {sorted(needed)}")
    assert solved >= 9
