"""Algorithms that search {-1, +1}^n, one a file, all with `ask`, `tell` and `stop`."""

from evobin.algorithms.annealing import Annealing
from evobin.algorithms.base import Algorithm, Walker
from evobin.algorithms.compact_ga import CompactGA
from evobin.algorithms.cross_entropy import CrossEntropy
from evobin.algorithms.descent import Descent
from evobin.algorithms.fast_ga import FastGA
from evobin.algorithms.genetic import Genetic
from evobin.algorithms.latent_cma import LatentCMA
from evobin.algorithms.path_relinking import PathRelinking
from evobin.algorithms.pbil import PBIL
from evobin.algorithms.portfolio import Portfolio
from evobin.algorithms.pyramid import Pyramid
from evobin.algorithms.sweeps import Sweeps
from evobin.algorithms.tabu import Tabu
from evobin.algorithms.two_rate import TwoRate
from evobin.algorithms.umda import UMDA

_KINDS: tuple[type[Algorithm], ...] = (
    Portfolio,
    Sweeps,
    FastGA,
    TwoRate,
    Genetic,
    UMDA,
    PBIL,
    CompactGA,
    CrossEntropy,
    Pyramid,
    PathRelinking,
    LatentCMA,
    Annealing,
    Tabu,
    Descent,
)
ALGORITHMS = {kind.name: kind for kind in _KINDS}
"""By name."""

__all__ = [
    "ALGORITHMS",
    "PBIL",
    "UMDA",
    "Algorithm",
    "Annealing",
    "CompactGA",
    "CrossEntropy",
    "Descent",
    "FastGA",
    "Genetic",
    "LatentCMA",
    "PathRelinking",
    "Portfolio",
    "Pyramid",
    "Sweeps",
    "Tabu",
    "TwoRate",
    "Walker",
]
