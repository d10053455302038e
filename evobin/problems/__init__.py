"""Problems: functions, QUBO, Ising, cuts, MAX-SAT, NK landscapes, and networks for samples."""

from evobin.problems.ising import Ising
from evobin.problems.loading import load_problem
from evobin.problems.maxcut import MaxCut
from evobin.problems.maxsat import MaxSat
from evobin.problems.network import NetworkProblem
from evobin.problems.nk import NKLandscape
from evobin.problems.qubo import QUBO

__all__ = ["QUBO", "Ising", "MaxCut", "MaxSat", "NKLandscape", "NetworkProblem", "load_problem"]
