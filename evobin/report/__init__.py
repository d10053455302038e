"""What a person sees, or a program reads: progress of a run, and figures at the end."""

from evobin.report.console import show_evaluation, show_run
from evobin.report.machine import JsonLines, evaluation_json
from evobin.report.progress import ProgressDisplay

__all__ = ["JsonLines", "ProgressDisplay", "evaluation_json", "show_evaluation", "show_run"]
