"""Settings of `evobin solve`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from evobin.checks import check_choice, check_settings, setting
from evobin.config.execution import check_n_jobs

Kind = Literal["auto", "cut", "qubo", "sat"]
"""What a problem file holds: a graph to cut, a QUBO, a formula; what its content says."""
Sense = Literal["auto", "min", "max"]
"""Whether a value is to be small or large; what is usual for such a file."""
SECONDS = 60.0
"""Where no limit is set."""


@dataclass(frozen=True)
class SolveConfig:
    """From a problem file, or a function, to the best solution that is found in time."""

    seconds: float | None = setting(None, 0.0, 1e9)
    """End after this time, that of reading the file included, but not that of compiling, which only
    the first search after an installation does. By default 60, or no limit with
    --max-evaluations."""
    max_evaluations: int | None = setting(None, 1, 10**15)
    """End after as many solutions scored, or flips looked at; then the seed decides the result."""
    target: float | None = setting(None, -1e308, 1e308)
    """End where the value is as good as this. A formula's target is 0, which nothing can beat."""
    algorithm: str = "default"
    """Name of an algorithm; the page algorithms.md of the guide lists them."""
    n_jobs: int = 1
    """Workers, -1 for one a core."""
    seed: int = setting(0, 0, 2**63 - 1)
    """Decides every random number."""
    keep: int = setting(1, 1, 1_000_000)
    """How many of the best different solutions to keep; of more than one, kept.tsv has them all."""
    out: Path | None = None
    """Run folder, new or empty; by default runs/solve-<file>-<date>-<time>."""
    kind: Kind = "auto"
    """What the file holds: a graph to cut, a QUBO, a formula. Its content says it (auto), but that
    of a QUBO with nothing on the diagonal, which looks like a graph."""
    sense: Sense = "auto"
    """Whether the value of a QUBO or a function is to be small or large. Left alone (auto), a QUBO
    is minimised, one of an OR-Library file that holds several is maximised, as is a function."""
    number: int | None = setting(None, 1, 10_000)
    """Which problem of a file of OR-Library that holds several, from 1."""
    n: int | None = setting(None, 1, 10_000_000)
    """Signs that a function of a Python file takes."""

    def __post_init__(self) -> None:
        check_n_jobs(self.n_jobs)
        check_settings(self)
        check_choice("kind", self.kind, get_args(Kind))
        check_choice("sense", self.sense, get_args(Sense))

    @property
    def limit(self) -> float | None:
        """Seconds, where these end the search."""
        return SECONDS if self.seconds is None and self.max_evaluations is None else self.seconds

    def plain(self) -> dict[str, Any]:
        """All settings as JSON values; the path is absolute."""
        return asdict(self) | {"out": None if self.out is None else str(self.out.absolute())}
