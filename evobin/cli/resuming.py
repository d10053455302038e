"""The command that goes on with a run, of whatever command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from evobin.cli.commands import Lines, Quiet, show
from evobin.cli.solving import show_solve
from evobin.config import ExecutionConfig


def resume_command(
    run: Annotated[Positional[Path], arg(metavar="RUN", help="Run folder.")],
    execution: Annotated[ExecutionConfig, arg(name="")],
    quiet: Quiet = False,
    lines: Lines = False,
) -> None:
    """Go on with a search, polish or solve that was interrupted or killed.

    It goes on from the last checkpoint in its run folder, with the settings that it began with, and
    ends with the same bytes as if it had never been interrupted. The workers may be others.

    Example: evobin resume runs/search-20260101-120000
    """
    from evobin.commands.resume import resume
    from evobin.commands.solve import is_solve_run, resume_solve

    if is_solve_run(run):
        show_solve(lambda watch, stop: resume_solve(run, watch=watch, stop=stop), quiet, lines)
    else:
        show(lambda observer, stop: resume(run, execution, observer, stop), quiet, lines)
