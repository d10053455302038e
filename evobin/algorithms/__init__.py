"""Algorithms that search {-1, +1}^n, one a file, all with `ask`, `tell` and `stop`."""

from evobin.algorithms.annealing import Annealing
from evobin.algorithms.base import Algorithm, Walker
from evobin.algorithms.descent import Descent
from evobin.algorithms.fast_ga import FastGA
from evobin.algorithms.tabu import Tabu

_KINDS: tuple[type[Algorithm], ...] = (FastGA, Annealing, Tabu, Descent)
ALGORITHMS = {kind.name: kind for kind in _KINDS}
"""By name."""

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Annealing",
    "Descent",
    "FastGA",
    "Tabu",
    "Walker",
]
