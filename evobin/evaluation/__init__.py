"""Score networks in bulk; follow one network flip by flip."""

from evobin.evaluation.base import (
    AnyProblem,
    Course,
    FlipState,
    Population,
    Problem,
    Scores,
    Solution,
    Structure,
    WalkingState,
)
from evobin.evaluation.flip_state import Batch, NetworkFlipState
from evobin.evaluation.network_problem import NetworkProblem

__all__ = [
    "AnyProblem",
    "Batch",
    "Course",
    "FlipState",
    "NetworkFlipState",
    "NetworkProblem",
    "Population",
    "Problem",
    "Scores",
    "Solution",
    "Structure",
    "WalkingState",
]
