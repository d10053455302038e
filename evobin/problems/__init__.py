"""Problems: functions, QUBO, Ising, MAX-SAT, NK landscapes, and networks for labelled samples."""

from evobin.problems.ising import Ising
from evobin.problems.maxsat import MaxSat
from evobin.problems.network import NetworkProblem
from evobin.problems.nk import NKLandscape
from evobin.problems.qubo import QUBO

__all__ = ["QUBO", "Ising", "MaxSat", "NKLandscape", "NetworkProblem"]
