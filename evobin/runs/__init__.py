"""Run folders: what a run leaves on disk, how it is kept, and who may write to it."""

from evobin.runs.checkpoint import Checkpoint
from evobin.runs.folder import RESULT, SUMMARY, RunFolder, default_path

__all__ = ["RESULT", "SUMMARY", "Checkpoint", "RunFolder", "default_path"]
