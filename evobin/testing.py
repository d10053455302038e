"""Checks for algorithms and problems of your own: what evobin's own tests ask of its own.

Each check raises an AssertionError that says what is wrong.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import numpy as np

from evobin.algorithms.base import Algorithm, Walker
from evobin.core.problem import FlipState, IncrementalProblem, Population, Problem, Scores, Solution
from evobin.core.state import pack_state, unpack_state
from evobin.drive.maximize import Choice, algorithm_of, maximize
from evobin.drive.speculation import Speculation
from evobin.problems import QUBO

EVALUATIONS = 300
FLIPS = 40


def check_algorithm(algorithm: Choice, sizes: tuple[int, ...] = (1, 2, 7, 20)) -> None:
    """Checks that an algorithm keeps to the contract of `Algorithm`.

    It asks for signs alone; the seed decides all it does; it begins at `initial` and leaves that as
    it was; scores may come in parts and as a list; a state that was written down, a pickle and a
    copy go on as itself would have, and what they are told changes nothing in it, so that it has
    the same result on several workers; NaN is refused; a `Walker` walks as it asks; `maximize`
    keeps to the budget, and what it returns has the score that it says.

    Args:
        algorithm: a class, an instance with settings, or a name.
        sizes: lengths of solutions to try.

    Raises:
        AssertionError: if it does not; says what.

    Example:
        >>> import evobin
        >>> evobin.testing.check_algorithm(evobin.algorithms.FastGA)
    """
    settings = algorithm_of(algorithm)
    for n in sizes:
        _check_walk(settings, n)
        _check_state(settings, n)
        _check_initial(settings, n)
        _check_flip_by_flip(settings, n)
        _check_budget(settings, n)


def check_problem(problem: Problem, seed: int = 0) -> None:
    """Checks that a problem keeps to its contract.

    Scores are finite numbers, one a row, that depend on the row alone and change nothing. Of an
    `IncrementalProblem`, a flip state has the score of a full evaluation after any flips, a flip
    taken back restores it, `scores`, `effects`, `gains` and `exact` agree with it, and a copy and a
    pickle of it go on by themselves.

    Args:
        problem: at most some thousand signs long.
        seed: of the solutions that are tried.

    Raises:
        AssertionError: if it does not; says what.
    """
    rng = np.random.default_rng(seed)
    population = 2 * rng.integers(0, 2, (5, problem.n), np.int8) - 1
    before = population.copy()
    scores = np.asarray(problem.score(population))
    _require(scores.shape == (5,), f"score must return [5] numbers, but has shape {scores.shape}")
    _require(not np.isnan(scores).any(), "score must not return NaN")
    _require(bool((population == before).all()), "score must not change the population")
    alone = [float(problem.score(row[None])[0]) for row in population]
    _require(
        bool(np.allclose(alone, scores, rtol=1e-9, atol=1e-9)),
        "the score of a solution must not depend on the others of its population",
    )
    if isinstance(problem, IncrementalProblem):
        _check_flips(problem, population[0], rng)


def _check_flips(problem: IncrementalProblem, solution: Solution, rng: np.random.Generator) -> None:
    given = solution.copy()
    state = problem.start(solution)
    _check_state_of(problem, state)
    some = rng.choice(problem.n, min(problem.n, 20), replace=False)
    for index in rng.integers(0, problem.n, FLIPS).tolist():
        before, score = state.solution, state.score
        state.flip(index)
        state.flip(index)
        same = bool((state.solution == before).all()) and _close(state.score, score)
        _require(same, f"flipping sign {index} twice must restore solution and score")
        state.flip(index)
        expected = before.copy()
        expected[index] *= -1
        flipped = bool((state.solution == expected).all())
        _require(flipped, f"flip({index}) must flip sign {index} and no other")
        _check_state_of(problem, state)
    for name, other in (
        ("a copy", copy.deepcopy(state)),
        ("a pickle", pickle.loads(pickle.dumps(state))),
    ):
        for index in some.tolist():
            other.flip(index)
        _require(
            _close(other.score, float(problem.score(other.solution[None])[0])),
            f"{name} of a flip state must go on by itself",
        )
    neighbours = np.tile(state.solution, (len(some), 1))
    neighbours[np.arange(len(some)), some] *= -1
    full, score = problem.score(neighbours), state.score
    _require(_close(state.scores(some), full), "scores must be those of full evaluations")
    _require(_close(state.effects(some), full - score), "effects must be changes of the score")
    exact, gains = state.exact()[some], state.gains()[some]
    _require(
        _close(gains[exact], (full - score)[exact]), "exact gains must be changes of the score"
    )
    _require(_close(state.score, score), "looking at flips must leave none made")
    _require(bool((solution == given).all()), "start must copy the solution")


def _check_state_of(problem: Problem, state: FlipState) -> None:
    full = float(problem.score(state.solution[None])[0])
    _require(
        _close(state.score, full),
        f"the state's score is {state.score}, but a full evaluation gives {full}",
    )


def _close(a: Scores | float, b: Scores | float) -> bool:
    return bool(np.allclose(a, b, rtol=1e-7, atol=1e-9))


def bumpy(population: Population) -> Scores:
    """[k] float64: sums of weighted signs and of products of neighbours, with local optima."""
    weights = np.arange(population.shape[1]) % 3
    pairs = population[:, :-1] * population[:, 1:]
    scores: Scores = (population * weights).sum(axis=1) - 1.5 * pairs.sum(axis=1)
    return scores


def _walk(search: Algorithm, evaluations: int, part: int = 10**9) -> Iterator[Population]:
    """Asks and tells, at most `part` solutions at a time; yields what was asked."""
    while search.evaluations < evaluations:
        asked = search.ask()[: min(evaluations - search.evaluations, part)]
        yield asked
        search.tell(asked, bumpy(asked).tolist())


def _check_walk(settings: Algorithm, n: int) -> None:
    search = copy.deepcopy(settings).start(n, 3)
    for asked in _walk(search, EVALUATIONS):
        is_signs = asked.dtype == np.int8 and asked.shape[1:] == (n,) and len(asked) > 0
        _require(
            is_signs and bool((np.abs(asked) == 1).all()),
            f"ask must return [k, {n}] int8 of -1 and +1, k at least 1",
        )
        again = search.ask()[: len(asked)]
        _require(bool((again == asked).all()), "ask must return the same until tell is called")
    _require(search.best is not None, "the best solution must be kept")
    assert search.best is not None
    _require(float(bumpy(search.best[None])[0]) == search.score, "score must be that of best")
    equals = [copy.deepcopy(settings).start(n, 3) for _ in range(2)]
    walks = [[asked.tobytes() for asked in _walk(one, EVALUATIONS)] for one in equals]
    _require(walks[0] == walks[1], "all random numbers must come from rng, which the seed decides")
    copied, ahead, walk = copy.deepcopy(settings).start(n, 3), Speculation(2, 0.1), []
    for asked in _walk(copied, EVALUATIONS):
        walk.append(asked.tobytes())
        if len(asked) == 1:
            ahead.round(copied, asked)
    _require(walk == walks[0], "what a copy is asked and told must not change the algorithm")
    same = copy.deepcopy(settings).start(n, 3)
    parts = [*_walk(same, EVALUATIONS, 3)]
    _require(len(parts) > 0 and same.score == search.score, "parts of a batch must do as a whole")
    asked = search.ask()
    try:
        search.tell(asked[:1], [float("nan")])
    except ValueError:
        return
    raise AssertionError("tell must refuse a score that is NaN")


def _check_state(settings: Algorithm, n: int) -> None:
    search = copy.deepcopy(settings).start(n, 1)
    for _ in _walk(search, EVALUATIONS // 2, 4):
        pass
    written = unpack_state(*pack_state(search.state()))
    loaded = copy.deepcopy(settings).start(n, 1)
    loaded.load(written)
    try:
        pickled = pickle.loads(pickle.dumps(search))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(
            f"a running algorithm must survive pickle, but: {error}. Define its class at the top "
            "of a module, and keep only data in its attributes."
        ) from error
    others = {"a loaded state": loaded, "a pickle": pickled, "a copy": copy.deepcopy(search)}
    expected = [asked.tobytes() for asked in _walk(search, EVALUATIONS)]
    for name, other in others.items():
        asked = [some.tobytes() for some in _walk(other, EVALUATIONS)]
        _require(asked == expected, f"{name} must go on as the algorithm itself would have")


def _check_initial(settings: Algorithm, n: int) -> None:
    initial = np.ones((2, n), np.int8)
    initial[1, 0] = -1
    given = initial.copy()
    search = copy.deepcopy(settings).start(n, 2, initial)
    for _ in _walk(search, EVALUATIONS):
        pass
    _require(bool((initial == given).all()), "initial must be left as it was")


def _check_flip_by_flip(settings: Algorithm, n: int) -> None:
    if not isinstance(settings, Walker):
        return
    problem = QUBO(np.diag(np.arange(n) % 3) - np.eye(n, k=1, dtype=int))
    asking, walking = (copy.deepcopy(settings).start(n, 4) for _ in range(2))
    while asking.evaluations < EVALUATIONS and not asking.stop():
        asked = asking.ask()[: EVALUATIONS - asking.evaluations]
        asking.tell(asked, problem.score(asked))
    while walking.evaluations < EVALUATIONS and not walking.stop():
        walking.walk(problem, min(n, EVALUATIONS - walking.evaluations))
    assert walking.best is not None
    assert asking.best is not None
    _require(
        walking.evaluations == asking.evaluations
        and walking.score == asking.score
        and bool((walking.best == asking.best).all()),
        "walk must go on as ask, score and tell would",
    )


def _check_budget(settings: Algorithm, n: int) -> None:
    for budget in (1, 50):
        found = maximize(bumpy, n, algorithm=settings, max_evaluations=budget, batch=True)
        _require(found.evaluations == budget, f"a budget of {budget} must be kept to")
        score = float(bumpy(found.solution[None])[0])
        _require(found.score == score, "what maximize returns must have the score it says")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(f"{what}.")
