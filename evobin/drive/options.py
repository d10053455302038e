"""How a search is to go: algorithm, budget, what to do about errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from evobin.algorithms import ALGORITHMS, Algorithm
from evobin.algorithms.base import MANY
from evobin.checks import check_number
from evobin.errors import SettingError
from evobin.results.search import Progress

GIVEN = ("n", "seed", "initial")
"""What an algorithm takes besides its settings."""
BUDGET = 10_000
"""Evaluations where no limit is set."""


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """How a search is to go.

    Attributes:
        algorithm: a name in `evobin.algorithms.ALGORITHMS`, or a subclass of `Algorithm`.
        settings: what that takes besides n, seed and initial.
        batch: whether the function scores a population, [k, n], and returns [k] numbers.
        seed: decides every random number.
        max_evaluations: solutions to score at most; 10,000 where `seconds` is not set either.
        seconds: ends by the clock, behind the evaluation at hand; one is always done.
        target: ends behind the batch that reaches this score.
        initial: [n] or [k, n] of -1 and +1, where to begin; not modified.
        restarts: whether to begin anew, elsewhere, where the algorithm sees no sense in going on.
        callback: told after each batch; the search ends where it returns True.
        on_error: what to do about a function that raises or returns no number: "raise" an
            `EvaluationError`, or "skip" the solution as the worst.
        checkpoint: a file that keeps the search, now and then and at the end. Where it exists, the
            search goes on from it.
    """

    algorithm: str | type[Algorithm] = "default"
    settings: Mapping[str, Any] = field(default_factory=dict)
    batch: bool = False
    seed: int = 0
    max_evaluations: int | None = None
    seconds: float | None = None
    target: float | None = None
    initial: NDArray[Any] | None = None
    restarts: bool = True
    callback: Callable[[Progress], object] | None = None
    on_error: Literal["raise", "skip"] = "raise"
    checkpoint: str | Path | None = None

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_number("seed", self.seed, 0, 2**64)
        if self.max_evaluations is not None:
            check_number("max_evaluations", self.max_evaluations, 1, MANY)
        if self.seconds is not None:
            check_number("seconds", self.seconds, 0.0, 1e9)
        if self.target is not None:
            check_number("target", self.target, -1e308, 1e308)
        if not isinstance(self.settings, Mapping):
            raise SettingError(f"`settings` must be a mapping, but it is {self.settings!r}.")
        known = {k: v for k, v in signature(self.kind).parameters.items() if k not in GIVEN}
        for name in self.settings:
            if name not in known:
                raise unknown("setting", str(name), known)
        if self.callback is not None and not callable(self.callback):
            raise SettingError(f"`callback` must be a function, but it is {self.callback!r}.")
        if not isinstance(self.checkpoint, str | Path | None):
            raise SettingError(f"`checkpoint` must be a path, but it is {self.checkpoint!r}.")
        if self.on_error not in ("raise", "skip"):
            raise SettingError(f"`on_error` must be raise or skip, but it is {self.on_error!r}.")

    @property
    def budget(self) -> int:
        """Evaluations at most."""
        if self.max_evaluations is not None:
            return int(self.max_evaluations)
        return BUDGET if self.seconds is None else MANY

    @property
    def kind(self) -> type[Algorithm]:
        """The algorithm's class.

        Raises:
            SettingError: if there is none of that name.
        """
        if isinstance(self.algorithm, type) and issubclass(self.algorithm, Algorithm):
            return self.algorithm
        name = str(self.algorithm)
        if name not in ALGORITHMS:
            raise unknown("algorithm", name, ALGORITHMS)
        return ALGORITHMS[name]


def unknown(what: str, name: str, known: Mapping[str, Any]) -> SettingError:
    """What to say of a name that is not among those known.

    Example:
        >>> print(unknown("algorithm", "fast", {"fast-ga": 1, "umda": 2}))
        there is no algorithm `fast`; did you mean `fast-ga`? There are fast-ga, umda.
    """
    meant = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean `{meant[0]}`? There are" if meant else "there are"
    return SettingError(f"there is no {what} `{name}`; {hint} {', '.join(known)}.")
