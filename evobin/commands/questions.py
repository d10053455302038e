"""What `evobin solve` is asked: a problem file of any form, or a function of a Python file."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evobin.config.solving import SolveConfig
from evobin.core.problem import Problem, Solution
from evobin.errors import EvobinError, SettingError
from evobin.files import reading
from evobin.problems import QUBO, MaxCut, MaxSat, load_problem
from evobin.problems.function import FunctionProblem
from evobin.results.solving import Found, Question, Sense, Value


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question, and what answers are measured by.

    Attributes:
        question: in the problem's own terms.
        problem: what is searched.
        measure: the value of a solution, counted from scratch.
        glance: the same of a solution whose score, as `maximize` has it, is known.
        enough: target for `maximize`; None where there is none, or only `measure` can say.
        digest: SHA-256 of the file.
    """

    question: Question
    problem: Problem
    measure: Callable[[Solution], Found]
    glance: Callable[[float, Solution], Found]
    enough: float | None
    digest: str

    def reached(self, found: Found | None) -> bool:
        """Whether the target is."""
        return found is not None and not found.hard and self.question.gap(found.value) == 0


def ask(file: str, config: SolveConfig) -> Asked:
    """Reads what is to be solved.

    Args:
        file: a problem file, or a Python file and the name of a function or problem in it, as
            `problem.py:score`.
        config: what it is, where the file does not say it.

    Raises:
        EvobinError: if the file cannot be read, or is malformed.
        SettingError: if a setting is not for such a file.
    """
    path, name = _split(file)
    with reading(path, "name another file"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if name is None:
        if path.suffix == ".py":
            raise SettingError(
                f"`{file}` must name a function in it, as {path}:score, but it names none."
            )
        _refuse("n", config.n, "a function of a Python file")
        problem: Problem = load_problem(
            path, kind=_chosen(config.kind), sense=_chosen(config.sense), number=config.number
        )
        return _of_problem(file, problem, config, digest)
    _refuse("kind", _chosen(config.kind), "a problem file")
    _refuse("number", config.number, "a problem file")
    given = _named(path, name)
    if isinstance(given, Problem):
        _refuse("n", config.n, "a function, and a problem has its own")
        _refuse("sense", _chosen(config.sense), "a function, and a problem has its own")
        return _of_problem(file, given, config, digest)
    if not callable(given):
        raise EvobinError(
            f"{path}: `{name}` must be a function or a problem, but it is a "
            f"{type(given).__name__}; name another one."
        )
    if config.n is None:
        raise SettingError("`n` must be set, the number of signs that the function takes.")
    return _of_function(file, given, config.n, config, digest)


def _split(file: str) -> tuple[Path, str | None]:
    """The path, and the name after the colon of a Python file."""
    path, colon, name = file.rpartition(":")
    return (Path(path), name or None) if colon and path.endswith(".py") else (Path(file), None)


def _chosen(word: Any) -> Any:
    """What was chosen; None for what was left alone."""
    return None if word == "auto" else word


def _refuse(name: str, value: object, of: str) -> None:
    if value is not None:
        raise SettingError(f"`{name}` is for {of}; leave it out.")


def _named(path: Path, name: str) -> Any:
    """What a Python file calls by a name; runs the file."""
    spec = importlib.util.spec_from_file_location(f"_evobin_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # it finds its neighbours, as a script does; so do workers
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        text = str(error).strip().partition("\n")[0]
        raise EvobinError(
            f"{path}: cannot be run ({type(error).__name__}: {text}); fix it."
        ) from error
    if not hasattr(module, name):
        others = [word for word, what in vars(module).items() if callable(what) and word[0] != "_"]
        has = f"it has {', '.join(others[:5])}" if others else "it has no function"
        raise EvobinError(f"{path}: has no `{name}`; {has}.")
    return getattr(module, name)


def _of_problem(file: str, problem: Problem, config: SolveConfig, digest: str) -> Asked:
    target = None if config.target is None else as_whole(config.target)
    if isinstance(problem, MaxSat):
        return _of_formula(file, problem, target or 0, digest)
    question = _about(file, problem, target)
    sign = 1 if question.sense == "max" else -1

    def glance(score: float, _solution: Solution) -> Found:
        return Found(as_whole(sign * score))

    def measure(solution: Solution) -> Found:
        return glance(float(problem.score(solution[None])[0]), solution)

    enough = None if target is None else float(sign * target)
    return Asked(question, problem, measure, glance, enough, digest)


def _of_formula(file: str, problem: MaxSat, target: Value, digest: str) -> Asked:
    about = f"a formula of {problem.n:,} variables, the weight that it breaks to be small"
    question = Question(file, "sat", "cost", "min", about, problem.n, target)

    def measure(solution: Solution) -> Found:
        hard, soft = problem.cost(solution)
        return Found(math.inf if hard else as_whole(soft), hard)

    return Asked(question, problem, measure, lambda _, x: measure(x), None, digest)


def _about(file: str, problem: Problem, target: Value | None) -> Question:
    """A problem in its own terms; what has an energy, such as Ising, has it minimised."""
    n = problem.n
    if isinstance(problem, MaxCut):
        edges = len(problem.edges().values)
        about = f"a graph of {n:,} nodes and {edges:,} edges, its cut to be large"
        return Question(file, "cut", "cut", "max", about, n, target)
    if isinstance(problem, QUBO):
        wish = "large" if problem.sense == "max" else "small"
        about = f"a QUBO of {n:,} variables, its value to be {wish}"
        return Question(file, "qubo", "value", problem.sense, about, n, target)
    if hasattr(problem, "energy"):
        about = f"a problem of {n:,} signs, its energy to be small"
        return Question(file, "function", "energy", "min", about, n, target)
    return Question(file, "function", "score", "max", f"{_many(n)}, to be large", n, target)


def _of_function(
    file: str, function: Callable[..., Any], n: int, config: SolveConfig, digest: str
) -> Asked:
    sense: Sense = _chosen(config.sense) or "max"
    problem = FunctionProblem(function, n, sign=1.0 if sense == "max" else -1.0)
    about = f"{_many(n)}, its value to be {'large' if sense == 'max' else 'small'}"
    target = None if config.target is None else as_whole(config.target)
    question = Question(file, "function", "value", sense, about, n, target)

    def measure(solution: Solution) -> Found:
        return Found(as_whole(problem.sign * float(problem.score(solution[None])[0])))

    return Asked(
        question, problem, measure, lambda score, _: Found(as_whole(score)), target, digest
    )


def _many(n: int) -> str:
    return f"a function of {n:,} signs"


def as_whole(number: Value) -> Value:
    """A number, as int where it is whole, for text and JSON."""
    if isinstance(number, int):
        return number
    return int(number) if math.isfinite(number) and number == int(number) else float(number)
