"""The rows of the benchmark of small networks: evobin's, its peers', and others for context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import evobin
from evobin.config import PopulationConfig, SearchConfig
from evobin.core.samples import Samples
from evobin.drive.driver import Driver
from evobin.drive.pipeline import SearchPlan
from evobin.estimators.budget import Clock, Job, in_time, within
from evobin.estimators.fitting import Watch, dataset_of, fit_network, problem_of
from evobin.parallel import one_blas_thread
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training.population import Refinement
from evobin.training.ste import Pretraining
from tests.benchmarks.small_data import Split
from tests.benchmarks.small_tasks import Fitted, Task, of_signs


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
    """Training alone, by evobin, on all training samples, again and again; the best by these."""
    problem, config = _of_all_samples(task)
    plan, watch = SearchPlan.of(config).without_search(), Watch(Clock(task.seconds))
    fitted = fit_network(Job(problem, plan, 1), config, watch, None)
    starts = sum(row["step"] == 1 for row in watch.history)
    return of_signs(task, fitted.network.signs, {"starts": starts})


def population(task: Task) -> Fitted:
    """Training for half of the time, and population refinement of its starts; on all samples."""
    problem, config = _of_all_samples(task)
    plan, clock = SearchPlan.of(config), Clock(task.seconds)
    host = Driver(observer=clock.watch, is_over=clock.is_over)
    with one_blas_thread():
        job, pace = in_time(Job(problem, plan.without_search(), 1), clock)
        with clock.part(0.5):
            ste = within(job, pace, clock).plan.ste
            begun = host.run(Pretraining(problem, ste, plan.seeds["ste"]))
        relatives = PopulationConfig(rounds=1_000_000)
        stage = Refinement(problem, begun, relatives, plan.seeds["population"], ste)
        found = host.run(stage)
    return of_signs(task, found.solution, {"starts": ste.starts, "rounds": stage.done})


def _of_all_samples(task: Task) -> tuple[SampledNetworkProblem, SearchConfig]:
    """What is maximised: all training samples, by which candidates are chosen, too."""
    dtype = np.int8 if task.split.bits else np.float32
    inputs: Any = task.inputs.astype(dtype)
    each = Samples(inputs, np.arange(len(inputs) + 1))
    samples = dataset_of(each, task.split.labels.astype(np.int8), None)
    config = SearchConfig(seed=task.seed, n_jobs=1)
    return problem_of(task.architecture, samples, samples, config), config


def default(task: Task) -> Fitted:
    """The default settings of evobin."""
    learner = evobin.BinaryClassifier(
        hidden=task.hidden,
        encoder="thermometer" if task.split.bits else None,
        bits=task.split.bits or 7,
        seconds=task.seconds,
        random_state=task.seed,
        n_jobs=1,
    )
    learner.fit(task.split.train, task.split.labels)
    n_weights = learner.network_.architecture.n_weights
    settings = {"scores": learner.scores_}
    return Fitted(learner.predict, -(-n_weights // 8), settings, takes_features=True)


def annealing(task: Task) -> Fitted:
    """Annealing by single flips, from random signs: no gradient, no real weight."""
    problem = evobin.NetworkProblem(task.architecture, task.inputs, task.split.labels)
    found = evobin.maximize(problem, algorithm="annealing", seconds=task.seconds, seed=task.seed)
    settings = {"evaluations": found.evaluations, "log-likelihood": found.score}
    return of_signs(task, found.solution, settings)


def _peer(module: str, name: str) -> Callable[[Task], Fitted]:
    """A function of a module that is imported when it is called."""

    def fit(task: Task) -> Fitted:
        fitted: Fitted = getattr(import_module(f"tests.benchmarks.peers.{module}"), name)(task)
        return fitted

    return fit


ROWS = {
    "training": Row("training alone, restarts", training),
    "default": Row("default", default),
    "population": Row("training and population", population),
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
