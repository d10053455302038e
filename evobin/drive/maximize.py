"""Maximise and minimise: from a function or a problem to what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, cast

from evobin.algorithms.base import LARGEST
from evobin.checks import check_number
from evobin.core.problem import AnyProblem
from evobin.drive.loop import Search
from evobin.drive.options import Options, unknown
from evobin.errors import SettingError
from evobin.problems.function import Objective
from evobin.results.search import Found

Target = Callable[[Any], Any] | AnyProblem
"""What to maximise or minimise: a function of signs, or a problem."""


def maximize(
    function: Target, n: int | None = None, options: Options | None = None, **changes: Any
) -> Found:
    """Searches the signs for which a function is largest.

    Args:
        function: takes a solution, [n] int8 of -1 and +1, and returns a number; with `batch=True`,
            takes a population, [k, n], and returns [k] numbers. What it does to them harms
            nothing. Or a `Problem`, such as `QUBO`: the same search, faster where the algorithm
            goes by single flips.
        n: length of a solution; a problem knows it.
        options: how the search is to go.
        changes: fields of `Options`, by name, in place of those of `options`: `algorithm`,
            `settings`, `batch`, `seed`, `max_evaluations`, `seconds`, `target`, `initial`,
            `restarts`, `callback`, `on_error`, `checkpoint`.

    Returns:
        The best solution, its score, and how they came about. The same arguments give the same
        again, unless `seconds` ends the search.

    Raises:
        SettingError: if an option is unknown or out of range.
        EvaluationError: if the function raises or returns no number; it has the solution, and
            what was found before. `on_error="skip"` goes on instead.
        EvobinError: if the checkpoint cannot be read or written, or is another search's.

    Example:
        >>> import evobin
        >>> found = evobin.maximize(lambda x: x[:5].sum() - x[5:].sum(), n=8, max_evaluations=500)
        >>> found.solution, found.score
        (array([ 1,  1,  1,  1,  1, -1, -1, -1], dtype=int8), 8.0)
        >>> found.stop
        {'max_evaluations': 500}
    """
    return _search(function, n, _changed(options, changes), 1.0)


def minimize(
    function: Callable[[Any], Any],
    n: int | None = None,
    options: Options | None = None,
    **changes: Any,
) -> Found:
    """Searches the signs for which a function is smallest; all else as `maximize`.

    Scores, target and history are the function's own values. A `Problem` is refused: its score is
    the better the higher it is.

    Example:
        >>> import evobin
        >>> evobin.minimize(lambda x: (x.sum() - 2) ** 2, n=8, target=0).score
        0.0
    """
    return _search(function, n, _changed(options, changes), -1.0)


def _changed(options: Options | None, changes: dict[str, Any]) -> Options:
    if options is not None and not isinstance(options, Options):
        raise TypeError(f"`options` must be Options, but it is {type(options).__name__}.")
    known = {field.name: field for field in fields(Options)}
    for name in changes:
        if name not in known:
            raise unknown("option", name, known)
    return replace(options or Options(), **changes)


def _search(function: Target, n: int | None, options: Options, sign: float) -> Found:
    skip = options.on_error == "skip"
    if hasattr(function, "start") and hasattr(function, "score"):
        problem = cast(AnyProblem, function)
        if sign < 0:
            raise SettingError(
                "a problem's score is the better the higher it is: maximize it, not minimize. The "
                "energy of QUBO and Ising is minus their score."
            )
        if n not in (None, problem.n):
            raise SettingError(
                f"`n` must be the problem's, {problem.n}, but it is {n}; leave it out."
            )
        objective = Objective(problem.score, True, sign, skip)
        return Search(objective, problem, problem.n, options).run()
    if not callable(function):
        kind = type(function).__name__
        raise TypeError(f"`function` must be a function or a problem, but it is {kind}.")
    if n is None:
        raise SettingError("`n` must be set, the number of signs that the function takes.")
    check_number("n", n, 1, LARGEST)
    return Search(Objective(function, options.batch, sign, skip), None, n, options).run()
