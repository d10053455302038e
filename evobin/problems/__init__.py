"""Problems: functions, QUBO, Ising, cuts, polynomials, MAX-SAT, NK landscapes, networks."""

from evobin.problems.ising import Ising
from evobin.problems.loading import load_problem
from evobin.problems.maxcut import MaxCut
from evobin.problems.maxsat import MaxSat
from evobin.problems.network import NetworkProblem
from evobin.problems.nk import NKLandscape
from evobin.problems.polynomial import Polynomial
from evobin.problems.qubo import QUBO

__all__ = [
    "QUBO",
    "Ising",
    "MaxCut",
    "MaxSat",
    "NKLandscape",
    "NetworkProblem",
    "Polynomial",
    "load_problem",
]
