"""What each command does, as functions."""

from evobin.pipeline.answers import Evaluation, Prediction, evaluate, predict
from evobin.pipeline.difference import Difference, diff
from evobin.pipeline.exchange import export_network, import_network
from evobin.pipeline.inspection import Behaviour, Inspection, inspect
from evobin.pipeline.recordings import WrittenFeatures, write_features
from evobin.pipeline.training import RunResult, polish, resume, search
from evobin.pipeline.voices import write_voices

__all__ = [
    "Behaviour",
    "Difference",
    "Evaluation",
    "Inspection",
    "Prediction",
    "RunResult",
    "WrittenFeatures",
    "diff",
    "evaluate",
    "export_network",
    "import_network",
    "inspect",
    "polish",
    "predict",
    "resume",
    "search",
    "write_features",
    "write_voices",
]
