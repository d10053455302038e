"""What each command does, as functions."""

from evobin.pipeline.answers import Evaluation, Prediction, evaluate, predict
from evobin.pipeline.exchange import export_network, import_network
from evobin.pipeline.recordings import WrittenFeatures, write_features
from evobin.pipeline.training import RunResult, polish, resume, search
from evobin.pipeline.voices import write_voices

__all__ = [
    "Evaluation",
    "Prediction",
    "RunResult",
    "WrittenFeatures",
    "evaluate",
    "export_network",
    "import_network",
    "polish",
    "predict",
    "resume",
    "search",
    "write_features",
    "write_voices",
]
