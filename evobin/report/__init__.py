"""What a person sees: progress while a run goes on, and figures at the end."""

from evobin.report.console import show_evaluation, show_run
from evobin.report.progress import ProgressDisplay

__all__ = ["ProgressDisplay", "show_evaluation", "show_run"]
