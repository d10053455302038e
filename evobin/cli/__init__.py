"""The command line."""

from evobin.cli.main import main

__all__ = ["main"]
