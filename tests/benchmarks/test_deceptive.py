"""Evaluations that the pyramid needs on deceptive functions, beside those that were published.

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
