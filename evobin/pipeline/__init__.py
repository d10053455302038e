"""What each command does, as functions."""

from evobin.pipeline.answers import Evaluation, Prediction, evaluate, predict
from evobin.pipeline.difference import Difference, diff
from evobin.pipeline.inspection import Behaviour, Inspection, inspect
from evobin.pipeline.training import RunResult, polish, resume, search
from evobin.pipeline.voices import write_voices

__all__ = [
    "Behaviour",
    "Difference",
    "Evaluation",
    "Inspection",
    "Prediction",
    "RunResult",
    "diff",
    "evaluate",
    "inspect",
    "polish",
    "predict",
    "resume",
    "search",
    "write_voices",
]
