"""Problems: functions, QUBO, Ising, polynomials, MAX-SAT, NK landscapes, and networks."""

from evobin.problems.ising import Ising
from evobin.problems.maxsat import MaxSat
from evobin.problems.network import NetworkProblem
from evobin.problems.nk import NKLandscape
from evobin.problems.polynomial import Polynomial
from evobin.problems.qubo import QUBO

__all__ = ["QUBO", "Ising", "MaxSat", "NKLandscape", "NetworkProblem", "Polynomial"]
