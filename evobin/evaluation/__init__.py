"""Score networks in bulk; follow one network flip by flip."""

from evobin.evaluation.base import (
    AnyProblem,
    FlipState,
    Population,
    Problem,
    Scores,
    Solution,
    Structure,
)
from evobin.evaluation.flip_state import Batch, NetworkFlipState
from evobin.evaluation.network_problem import NetworkProblem

__all__ = [
    "AnyProblem",
    "Batch",
    "FlipState",
    "NetworkFlipState",
    "NetworkProblem",
    "Population",
    "Problem",
    "Scores",
    "Solution",
    "Structure",
]
