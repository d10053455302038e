"""Algorithms that search {-1, +1}^n, one a file, all with `ask`, `tell` and `stop`."""

from evobin.algorithms.base import Algorithm, Walker
from evobin.algorithms.fast_ga import FastGA

ALGORITHMS: dict[str, type[Algorithm]] = {kind.name: kind for kind in (FastGA,)}
"""By name."""

__all__ = ["ALGORITHMS", "Algorithm", "FastGA", "Walker"]
