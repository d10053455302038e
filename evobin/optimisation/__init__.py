"""Maximise or minimise any function of signs."""

from evobin.optimisation.found import EvaluationError, Found, Progress
from evobin.optimisation.options import Options
from evobin.optimisation.verbs import maximize, minimize

__all__ = ["EvaluationError", "Found", "Options", "Progress", "maximize", "minimize"]
