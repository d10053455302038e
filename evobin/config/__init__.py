"""Settings: frozen dataclasses whose field docstrings are the help of the command line."""

from typing import Literal

from evobin.config.data import ClipsConfig, DataConfig, EvaluateConfig, FeaturesConfig
from evobin.config.execution import Backend, ExecutionConfig
from evobin.config.runs import POLISH_RATES, Effort, PolishConfig, SearchConfig
from evobin.config.solving import SolveConfig
from evobin.config.stages import AugmentConfig, FlipConfig, PopulationConfig, SteConfig

Format = Literal["torch", "onnx", "c"]  # what a network can be exported as
Zero = Literal["refuse", "minus", "plus"]  # what 0 counts as in a model that is imported

__all__ = [
    "POLISH_RATES",
    "AugmentConfig",
    "Backend",
    "ClipsConfig",
    "DataConfig",
    "Effort",
    "EvaluateConfig",
    "ExecutionConfig",
    "FeaturesConfig",
    "FlipConfig",
    "Format",
    "PolishConfig",
    "PopulationConfig",
    "SearchConfig",
    "SolveConfig",
    "SteConfig",
    "Zero",
]
