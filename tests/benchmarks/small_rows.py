"""The rows of the benchmark of small networks: evobin's, its peers', and others for context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import evobin
from tests.benchmarks.small_data import Split
from tests.benchmarks.small_tasks import Clock, Fitted, Task, of_signs


@dataclass(frozen=True)
class Row:
    """A method.

    Attributes:
        title: what tables call it.
        fit: learns a task.
        needs: package that it needs and evobin does not, as it is imported.
        install: what pip has to install for that.
        binary: whether it has the weights of a binary network, and all of the seconds.
        by_width: whether the number of hidden units changes it.
    """

    title: str
    fit: Callable[[Task], Fitted]
    needs: str = "numpy"
    install: str = ""
    binary: bool = True
    by_width: bool = True

    @property
    def is_installed(self) -> bool:
        """Whether it can run here."""
        return find_spec(self.needs) is not None

    def warm_up(self) -> None:
        """Imports and compiles what it needs, outside of its seconds."""
        rng = np.random.default_rng(0)
        samples = rng.normal(size=(200, 4)).astype(np.float32)
        for n_classes in (2, 3):
            labels = np.arange(200) % n_classes
            self.fit(Task(Split(samples, labels, samples, labels), (4,), 0.5, 0))


def training(task: Task) -> Fitted:
    """Training alone, by evobin, from new random latents until the time is over."""
    clock, best, score, starts = Clock(task.seconds), None, -np.inf, 0
    while clock.left > 0 or best is None:
        learner = _classifier(task, 1000 * task.seed + starts, max(0.0, clock.left), search=False)
        value = task.likelihood(learner.decision_function(task.split.train))
        if best is None or value > score:
            best, score = learner, value
        starts += 1
    return _of_classifier(best, {"starts": starts})


def default(task: Task) -> Fitted:
    """The default settings of evobin."""
    return _of_classifier(_classifier(task, task.seed, task.seconds, search=True), {})


def annealing(task: Task) -> Fitted:
    """Annealing by single flips, from random signs: no gradient, no real weight."""
    problem = evobin.NetworkProblem(task.architecture, task.inputs, task.split.labels)
    found = evobin.maximize(problem, algorithm="annealing", seconds=task.seconds, seed=task.seed)
    settings = {"evaluations": found.evaluations, "log-likelihood": found.score}
    return of_signs(task, found.solution, settings)


def _classifier(task: Task, seed: int, seconds: float, *, search: bool) -> Any:
    """A fitted classifier of one process."""
    learner = evobin.BinaryClassifier(
        hidden=task.hidden,
        encoder="thermometer" if task.split.bits else None,
        bits=task.split.bits or 7,
        search=search,
        seconds=seconds,
        random_state=seed,
        n_jobs=1,
    )
    return learner.fit(task.split.train, task.split.labels)


def _of_classifier(learner: Any, settings: dict[str, Any]) -> Fitted:
    n_weights = learner.network_.architecture.n_weights
    settings = settings | {"scores": learner.scores_}
    return Fitted(learner.predict, -(-n_weights // 8), settings, takes_features=True)


def _peer(module: str, name: str) -> Callable[[Task], Fitted]:
    """A function of a module that is imported when it is called."""

    def fit(task: Task) -> Fitted:
        fitted: Fitted = getattr(import_module(f"tests.benchmarks.peers.{module}"), name)(task)
        return fitted

    return fit


ROWS = {
    "training": Row("training alone, restarts", training),
    "default": Row("default", default),
    "annealing": Row("annealing, no gradient", annealing),
    "bop": Row("Bop, PyTorch", _peer("small_torch", "bop"), "torch", "torch==2.13.0"),
    "ste": Row("straight-through, PyTorch", _peer("small_torch", "ste"), "torch", "torch==2.13.0"),
    "logistic": Row(
        "logistic regression, float",
        _peer("small_context", "logistic"),
        "sklearn",
        "scikit-learn",
        binary=False,
        by_width=False,
    ),
    "mlp": Row(
        "same shape, float",
        _peer("small_context", "perceptron"),
        "sklearn",
        "scikit-learn",
        binary=False,
    ),
    "trees": Row(
        "boosted trees", _peer("small_context", "trees"), "sklearn", "scikit-learn", binary=False
    ),
    "tsetlin": Row(
        "Tsetlin machine", _peer("small_context", "tsetlin"), "tmu", "tmu==0.8.3", binary=False
    ),
    "gates": Row(
        "logic gates",
        _peer("small_context", "gates"),
        "torchlogix",
        "--no-deps torchlogix==0.1.1",
        binary=False,
    ),
}
