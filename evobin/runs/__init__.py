"""Run folders: their files, checkpoints, and the lock of the process that writes."""

from evobin.results.run import RESULT
from evobin.runs.folder import SUMMARY, RunFolder, default_path

__all__ = ["RESULT", "SUMMARY", "RunFolder", "default_path"]
