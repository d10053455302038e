"""What a person sees, or a program reads: progress of a run, and figures at the end."""

from evobin.report.console import show_evaluation, show_run
from evobin.report.inspection import show_difference, show_inspection
from evobin.report.machine import JsonLines, evaluation_json, to_json
from evobin.report.progress import ProgressDisplay
from evobin.report.solving import SolveDisplay, SolveLines, show_solved

__all__ = [
    "JsonLines",
    "ProgressDisplay",
    "SolveDisplay",
    "SolveLines",
    "evaluation_json",
    "show_difference",
    "show_evaluation",
    "show_inspection",
    "show_run",
    "show_solved",
    "to_json",
]
