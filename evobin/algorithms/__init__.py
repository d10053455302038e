"""Algorithms that search {-1, +1}^n, one a file, all with `ask`, `tell` and `stop`."""

from evobin.algorithms.annealing import Annealing as Annealing
from evobin.algorithms.base import Algorithm as Algorithm
from evobin.algorithms.base import Walker as Walker
from evobin.algorithms.clause_weighting import ClauseWeighting as ClauseWeighting
from evobin.algorithms.compact_ga import CompactGA as CompactGA
from evobin.algorithms.cross_entropy import CrossEntropy as CrossEntropy
from evobin.algorithms.descent import Descent as Descent
from evobin.algorithms.fast_ga import FastGA as FastGA
from evobin.algorithms.genetic import Genetic as Genetic
from evobin.algorithms.latent_cma import LatentCMA as LatentCMA
from evobin.algorithms.memetic import Memetic as Memetic
from evobin.algorithms.path_relinking import PathRelinking as PathRelinking
from evobin.algorithms.pbil import PBIL as PBIL
from evobin.algorithms.portfolio import Portfolio as Portfolio
from evobin.algorithms.pyramid import Pyramid as Pyramid
from evobin.algorithms.sweeps import Sweeps as Sweeps
from evobin.algorithms.tabu import Tabu as Tabu
from evobin.algorithms.two_rate import TwoRate as TwoRate
from evobin.algorithms.umda import UMDA as UMDA

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
    Memetic,
    Annealing,
    Tabu,
    Descent,
    ClauseWeighting,
)
ALGORITHMS = {kind.name: kind for kind in _KINDS}
"""By name."""
