"""The command that solves a problem file, and how its runs are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from evobin.cli.commands import SIGNALS, Quiet
from evobin.config import SolveConfig

if TYPE_CHECKING:  # `evobin --help` must not wait for numpy
    from evobin.commands.solve import Watch
    from evobin.results.solving import Solved

Lines = Annotated[
    bool,
    arg(
        name="json",
        help="Print a JSON object a line on stdout instead of progress and text: one at each new "
        "best, and at the end one with the solution.",
    ),
]


def solve_command(
    file: Annotated[
        Positional[str],
        arg(metavar="FILE", help="Problem file, or problem.py:name for a function in Python."),
    ],
    config: Annotated[SolveConfig, arg(name="")],
    quiet: Quiet = False,
    lines: Lines = False,
) -> None:
    """Find the best solution of a problem file: a cut, a QUBO, MaxSAT, or your own function.

    What FILE is, its content says, packed (gz, bz2, xz) or not:

      n m, then i j weight       largest cut of a graph: Gset, rudy, Biq Mac, MQLib
      the same with entries i i  QUBO: Beasley, OR-Library, Biq Mac, MQLib; i < j counts twice
      p qubo ...                 QUBO of qbsolv
      p cnf, p wcnf, h ...       MaxSAT: DIMACS of every age
      problem.py:score           function of a vector of -1 and +1; with --n, how many

    Prints the solution in the field's own form, and in the last line its value: `value 13359`. The
    run folder keeps the best so far, solution.txt, also after Ctrl-C; then evobin resume goes on.

    Example: evobin solve G22.txt --seconds 30 --target 13359

    A QUBO whose value is to be large, the ten best solutions, and a function of one's own:

      evobin solve bqp1000.sparse --sense max --keep 10
      evobin solve problem.py:score --n 100 --sense min
    """
    from evobin.commands.solve import solve

    show_solve(lambda watch, stop: solve(file, config, watch, stop), quiet, lines)


def show_solve(
    run: Callable[[Watch, Callable[[], bool]], Solved], quiet: bool, lines: bool
) -> None:
    """Does a run of `solve`, and shows it; also what an interrupted one has found."""
    from rich.console import Console

    from evobin.commands.solve import SolveInterrupted
    from evobin.report import SolveDisplay, SolveLines, show_solved

    console = Console(highlight=False)
    printer = SolveLines(SIGNALS.lose_stdout)
    try:
        if lines:
            with SIGNALS:
                solved = run(printer, SIGNALS.has_come)
        else:
            with SolveDisplay(quiet=quiet, lose=SIGNALS.lose_stdout) as display, SIGNALS:
                solved = run(display, SIGNALS.has_come)
    except SolveInterrupted as end:
        if end.solved is not None and lines:
            printer.end(end.solved, finished=False)
        elif end.solved is not None:
            show_solved(console, end.solved)
        raise
    if lines:
        printer.end(solved)
    else:
        show_solved(console, solved)
