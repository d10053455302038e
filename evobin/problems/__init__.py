"""Problems known from inside: QUBO, Ising, MAX-SAT, NK landscapes."""

from evobin.problems.base import WhiteBox
from evobin.problems.ising import Ising
from evobin.problems.maxsat import MaxSat
from evobin.problems.nk import NKLandscape
from evobin.problems.qubo import QUBO

__all__ = ["QUBO", "Ising", "MaxSat", "NKLandscape", "WhiteBox"]
