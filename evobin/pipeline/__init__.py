"""What each command does, as functions."""

from evobin.pipeline.answers import Evaluation, Prediction, evaluate, predict
from evobin.pipeline.training import RunResult, polish, resume, search
from evobin.pipeline.voices import write_voices

__all__ = [
    "Evaluation",
    "Prediction",
    "RunResult",
    "evaluate",
    "polish",
    "predict",
    "resume",
    "search",
    "write_voices",
]
