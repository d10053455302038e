"""Maximise and minimise: from a function or a problem to what was found."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Literal, SupportsFloat

from numpy.typing import ArrayLike

from evobin.algorithms import ALGORITHMS, Algorithm, ClauseWeighting, Memetic, Walker
from evobin.algorithms.base import LARGEST, MANY, as_population
from evobin.checks import check_number
from evobin.config import ExecutionConfig
from evobin.core.compiled import CompiledProblem
from evobin.core.problem import IncrementalProblem, Problem
from evobin.core.stage import MapTasks, Progress, Stage, in_order
from evobin.drive.checkpoint import SearchFile, fingerprint, settings_of
from evobin.drive.display import SearchDisplay
from evobin.drive.driver import Driver, ignore
from evobin.drive.interrupts import Interrupts
from evobin.drive.islands import Islands
from evobin.drive.search import AlgorithmSearch, Limits
from evobin.errors import SettingError
from evobin.parallel import Workers, worker_count
from evobin.problems.function import FunctionProblem
from evobin.problems.maxsat import MaxSat
from evobin.results.search import EvaluationError, SearchResult

Function = Callable[[Any], SupportsFloat | ArrayLike]
"""Takes [n] int64 of -1 and +1 and returns a number; or [k, n] and returns [k] of them."""
Choice = str | type[Algorithm] | Algorithm
OnError = Literal["raise", "skip"]
BUDGET = 10_000
"""Evaluations where no limit is set; for each sign, where an evaluation is a flip looked at."""
MOST = 100_000_000
"""Evaluations where no limit is set, at most."""


def maximize(
    problem: Function | Problem,
    n: int | None = None,
    *,
    algorithm: Choice = "default",
    max_evaluations: int | None = None,
    seconds: float | None = None,
    target: float | None = None,
    initial: ArrayLike | None = None,
    restarts: bool = True,
    islands: int = 1,
    n_jobs: int = 1,
    seed: int = 0,
    batch: bool = False,
    callback: Callable[[Progress], object] | None = None,
    progress: bool = False,
    on_error: OnError = "raise",
    checkpoint: str | Path | None = None,
    keep: int = 1,
) -> SearchResult:
    """Searches the signs for which a function or a problem's score is largest.

    Args:
        problem: a function that takes a solution, [n] int64 of -1 and +1, and returns a number;
            what it does to the array harms nothing. Or a `Problem`, such as `QUBO`: the same
            search, faster where the problem follows single flips.
        n: length of a solution; a problem knows it.
        algorithm: a name in `evobin.algorithms.ALGORITHMS`, a class, or an instance, which holds
            settings, as `Tabu(tenure=10)`. The default is `Portfolio`, and `Memetic` for a problem
            that keeps the gains of all flips, as `QUBO`;
            `ClauseWeighting` for a `MaxSat`.
        max_evaluations: solutions to score at most; None for 10,000 where `seconds` is not set, and
            where flips that are looked at count, 10,000 for each sign, at most 100 million.
        seconds: ends by the clock, which runs once kernels are compiled, several seconds once a
            machine; one evaluation is always done. None for no limit.
        target: ends after the batch that reaches this score; None for none.
        initial: [n] or [k, n] of -1 and +1, where to begin; not modified. None for anywhere.
        restarts: whether to begin anew, elsewhere, where the algorithm sees no sense in going on.
        islands: independent searches, each with its own restarts and its share of the budget.
        n_jobs: workers, -1 for one a core: populations are scored side by side, islands run side by
            side, threads walk the anneals of `Memetic`. Of an algorithm that asks for one solution
            at a time, those that would come next are scored ahead. The function must give the same
            for the same signs.
        seed: decides every random number.
        batch: whether the function scores a population, [k, n] int64, and returns [k] numbers.
        callback: called after each batch; the search ends where it returns True.
        progress: whether to show a line on stderr.
        on_error: what to do about a function that raises or returns no number: "raise" an
            `EvaluationError`, or "skip" the solution as the worst.
        checkpoint: a file that keeps the search, now and then and at the end. Where it exists, the
            search goes on from it.
        keep: how many of the best different solutions seen the result has in `kept`. Seen is what
            was scored whole; of a walk by single flips, the best of each restart, the results on
            its way where the algorithm notes them, else, every 10 n to 10,000 n evaluations, the
            best and where it stands; and where these are too few, their neighbours by one flip.

    Returns:
        The best solution, its score, and how they came about. The same arguments give the same
        again, for any `n_jobs`, unless `seconds` ends the search.

    Raises:
        SettingError: if an argument, or a setting of the algorithm, is unknown or out of range.
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
    given = _problem_of(problem, n, batch, 1.0)
    call = _Call(
        _algorithm_for(algorithm, given), max_evaluations, seconds, target, initial, restarts,
        islands, n_jobs, seed, callback, progress, on_error, checkpoint, keep,
    )  # fmt: skip
    return call.run(given)


def minimize(
    function: Function,
    n: int | None = None,
    *,
    algorithm: Choice = "default",
    max_evaluations: int | None = None,
    seconds: float | None = None,
    target: float | None = None,
    initial: ArrayLike | None = None,
    restarts: bool = True,
    islands: int = 1,
    n_jobs: int = 1,
    seed: int = 0,
    batch: bool = False,
    callback: Callable[[Progress], object] | None = None,
    progress: bool = False,
    on_error: OnError = "raise",
    checkpoint: str | Path | None = None,
    keep: int = 1,
) -> SearchResult:
    """Searches the signs for which a function is smallest; all else as `maximize`.

    Scores, target and history are the function's own values. A `Problem` is refused: its score is
    the better the higher it is.

    Example:
        >>> import evobin
        >>> evobin.minimize(lambda x: (x.sum() - 2) ** 2, n=8, target=0).score
        0.0
    """
    if isinstance(function, Problem):
        raise SettingError(
            "a problem's score is the better the higher it is: maximize it, not minimize. The "
            "energy of QUBO and Ising is minus their score."
        )
    call = _Call(
        algorithm_of(algorithm), max_evaluations, seconds, target, initial, restarts, islands,
        n_jobs, seed, callback, progress, on_error, checkpoint, keep,
    )  # fmt: skip
    return call.run(_problem_of(function, n, batch, -1.0))


def algorithm_of(choice: Choice) -> Algorithm:
    """The settings of an algorithm, from its name, its class, or themselves.

    Raises:
        SettingError: if there is none of that name.

    Example:
        >>> algorithm_of("fast")
        Traceback (most recent call last):
        ...
        evobin.errors.SettingError: there is no algorithm `fast`; did you mean `fast-ga`? There \
are default, sweeps, fast-ga, two-rate, genetic, umda, pbil, compact-ga, cross-entropy, pyramid, \
path-relinking, latent-cma, memetic, annealing, tabu, descent, clause-weighting.
    """
    if isinstance(choice, Algorithm):
        return choice.unstarted()
    if isinstance(choice, type) and issubclass(choice, Algorithm):
        return choice()
    name = str(choice)
    if name in ALGORITHMS:
        return ALGORITHMS[name]()
    meant = get_close_matches(name, ALGORITHMS, n=1, cutoff=0.5)
    hint = f"did you mean `{meant[0]}`? There are" if meant else "there are"
    raise SettingError(f"there is no algorithm `{name}`; {hint} {', '.join(ALGORITHMS)}.")


def _algorithm_for(choice: Choice, problem: Problem) -> Algorithm:
    """The settings of an algorithm; the default depends on the problem."""
    if choice == "default" and isinstance(problem, MaxSat):
        return ClauseWeighting()
    if choice == "default" and _keeps_gains(problem):
        return Memetic()
    return algorithm_of(choice)


def _keeps_gains(problem: Problem) -> bool:
    return isinstance(problem, CompiledProblem) and problem.keeps_gains


def _problem_of(given: Any, n: int | None, batch: bool, sign: float) -> Problem:
    if isinstance(given, Problem):
        if n not in (None, given.n):
            raise SettingError(
                f"`n` must be the problem's, {given.n}, but it is {n}; leave it out."
            )
        return given
    if not callable(given):
        kind = type(given).__name__
        raise TypeError(f"`problem` must be a function or a problem, but it is {kind}.")
    if n is None:
        raise SettingError("`n` must be set, the number of signs that the function takes.")
    check_number("n", n, 1, LARGEST)
    return FunctionProblem(given, int(n), batch, sign)


@dataclass(frozen=True, eq=False)
class _Call:
    """The arguments of `maximize`, under their names."""

    algorithm: Algorithm
    max_evaluations: int | None
    seconds: float | None
    target: float | None
    initial: ArrayLike | None
    restarts: bool
    islands: int
    n_jobs: int
    seed: int
    callback: Callable[[Progress], object] | None
    progress: bool
    on_error: OnError
    checkpoint: str | Path | None
    keep: int

    def run(self, problem: Problem) -> SearchResult:
        """The whole search."""
        self._check()
        sign = problem.sign if isinstance(problem, FunctionProblem) else 1.0
        limits = self._limits(problem, sign)
        with self._workers(problem) as (map_tasks, n_jobs):
            skip = self.on_error == "skip"
            if self.islands > 1:
                make = partial(AlgorithmSearch, self.algorithm, problem, skip=skip)
                stage: AlgorithmSearch | Islands = Islands(make, limits, self.islands, n_jobs)
            else:
                stage = AlgorithmSearch(self.algorithm, problem, limits, skip=skip, n_jobs=n_jobs)
            file = self._file(problem.n, sign)
            if file is not None:
                if (kept := file.restore()) is not None:
                    stage.load(kept)
                file.save(stage)  # so that a path that cannot be written to is known now
            with SearchDisplay(self.seconds) if self.progress else contextlib.nullcontext() as show:
                return self._drive(stage, file, show or ignore, map_tasks)

    def _drive(
        self,
        stage: AlgorithmSearch | Islands,
        file: SearchFile | None,
        show: Callable[[Progress], None],
        map_tasks: MapTasks,
    ) -> SearchResult:
        called_off = False

        def observe(progress: Progress) -> None:
            nonlocal called_off
            show(progress)
            if self.callback is not None and progress.done:
                called_off = self.callback(progress) is True

        def is_over() -> bool:
            if stage.interrupts.came:
                raise KeyboardInterrupt
            return called_off

        quiet = self.callback is None and show is ignore
        keep: Callable[[Stage], None] = ignore if file is None else file.keep
        driver = Driver(map_tasks, ignore if quiet else observe, is_over, keep)
        with _kept(stage, file, stage.interrupts):
            reasons = driver.run(stage).stop
        return stage.result(reasons or {"callback": True})

    def _check(self) -> None:
        check_number("seed", self.seed, 0, 2**64)
        check_number("islands", self.islands, 1, 10_000)
        check_number("keep", self.keep, 1, 1_000_000)
        for name, value, low, high in (
            ("max_evaluations", self.max_evaluations, 1, MANY),
            ("seconds", self.seconds, 0.0, 1e9),
            ("target", self.target, -1e308, 1e308),
        ):
            if value is not None:
                check_number(name, value, low, high)
        check_number("n_jobs", self.n_jobs, -10_000, 10_000)
        if self.n_jobs == 0:
            raise SettingError("`n_jobs` must be at least 1, or -1 for one a core, but it is 0.")
        if self.callback is not None and not callable(self.callback):
            raise SettingError(f"`callback` must be a function, but it is {self.callback!r}.")
        if not isinstance(self.checkpoint, str | Path | None):
            raise SettingError(f"`checkpoint` must be a path, but it is {self.checkpoint!r}.")
        if self.on_error not in ("raise", "skip"):
            raise SettingError(f"`on_error` must be raise or skip, but it is {self.on_error!r}.")

    def _limits(self, problem: Problem, sign: float) -> Limits:
        n, budget = problem.n, BUDGET
        if isinstance(self.algorithm, Walker) and _keeps_gains(problem):
            budget = max(BUDGET, min(BUDGET * n, MOST))
        if self.seconds is not None:
            budget = MANY
        return Limits(
            budget if self.max_evaluations is None else int(self.max_evaluations),
            math.inf if self.seconds is None else float(self.seconds),
            math.inf if self.target is None else sign * self.target,
            self.restarts,
            (int(self.seed),),
            None if self.initial is None else as_population("initial", self.initial, n),
            int(self.keep),
        )

    def _file(self, n: int, sign: float) -> SearchFile | None:
        if self.checkpoint is None:
            return None
        whose = {
            "n": n,
            "sense": "maximise" if sign > 0 else "minimise",
            "algorithm": self.algorithm.name,
            "settings": settings_of(self.algorithm),
            "seed": int(self.seed),
            "islands": int(self.islands),
            "initial": fingerprint(self.initial),
        }
        if self.keep > 1:  # a search that kept fewer has no more
            whose["keep"] = int(self.keep)
        return SearchFile(Path(self.checkpoint), whose)

    @contextlib.contextmanager
    def _workers(self, problem: Problem) -> Iterator[tuple[MapTasks, int]]:
        """Who does tasks, and how many they are; a walk has threads."""
        n_jobs = worker_count(self.n_jobs)
        walks = isinstance(self.algorithm, Walker) and isinstance(problem, IncrementalProblem)
        if n_jobs == 1 or (walks and self.islands == 1):
            yield in_order, n_jobs
            return
        with (
            tempfile.TemporaryDirectory(prefix="evobin-") as scratch,
            Workers(ExecutionConfig(n_jobs=n_jobs), Path(scratch)) as workers,
        ):
            yield workers.map, n_jobs


@contextlib.contextmanager
def _kept(
    stage: AlgorithmSearch | Islands, file: SearchFile | None, interrupts: Interrupts
) -> Iterator[None]:
    """Around a search: what is saved where it ends, in whatever way."""
    try:
        with interrupts if file is not None else contextlib.nullcontext():
            yield
    except EvaluationError as error:
        if stage.done:
            error.found = stage.result({"error": str(error)})
        if file is not None:
            file.save(stage)
        raise
    except KeyboardInterrupt:
        if file is None or interrupts.rushed:
            raise
        file.save(stage)
        raise KeyboardInterrupt(
            f"{file.path} keeps the search after {stage.done} evaluations; the same call goes on "
            "from it."
        ) from None
    if file is not None:
        file.save(stage)
