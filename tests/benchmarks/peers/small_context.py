"""Other learners beside small binary networks: with floats, trees, clauses and logic gates.

They end by themselves, but for the Tsetlin machine and the logic gates, which have the seconds of
a binary network, and as many again to choose their settings in. Settings are chosen on a fifth of
the training samples. "Of equal bytes" is by the shortest forms that we can think of:

- a boosted tree of L leaves has 4 L - 3 bytes: a byte each for the feature, threshold and right
  child of an inner node, and one for a leaf's value, although scikit-learn's are floats. The table
  of thresholds is left out, as that of the thermometers is;
- a clause of a Tsetlin machine has a bit for each input and for its negation, and a byte for its
  weight in each class;
- a logic gate has 4 bits for its function and the places of its two inputs.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.small_data import Floats
from tests.benchmarks.small_tasks import Clock, Fitted, Task, chosen

FLOAT = 4
"""Bytes of a float weight."""
PASS = 2_000
"""Samples that a Tsetlin machine sees between two looks at the clock."""


def logistic(task: Task) -> Fitted:
    """Logistic regression on the same inputs."""

    def fit(task: Task, penalty: float) -> Fitted:
        from sklearn.linear_model import LogisticRegression

        learner = LogisticRegression(C=penalty, max_iter=200)
        _quietly(learner, task.inputs, task)
        return Fitted(learner.predict, FLOAT * (learner.coef_.size + learner.intercept_.size))

    settings = chosen(task, [{"penalty": value} for value in (0.001, 0.01, 0.1, 1.0)], fit)
    return _with(fit(task, **settings), settings)


def perceptron(task: Task) -> Fitted:
    """The same shape with float weights and ReLU, ended early by a tenth of the samples."""
    from sklearn.neural_network import MLPClassifier

    settings = {"early_stopping": True, "n_iter_no_change": 20, "max_iter": 200}
    learner = MLPClassifier(task.hidden, random_state=task.seed, **settings)
    _quietly(learner, task.inputs, task)
    return Fitted(learner.predict, FLOAT * task.architecture.n_weights, settings)


def trees(task: Task) -> Fitted:
    """Boosted trees of equal bytes, on the features."""

    def fit(task: Task, leaves: int, rate: float, rounds: int) -> Fitted:
        from sklearn.ensemble import HistGradientBoostingClassifier

        learner = HistGradientBoostingClassifier(
            max_leaf_nodes=leaves, learning_rate=rate, max_iter=rounds, early_stopping=False
        )
        _quietly(learner, task.split.train, task)
        made = [tree.get_n_leaf_nodes() for round_ in learner._predictors for tree in round_]
        return Fitted(learner.predict, 4 * sum(made) - 3 * len(made), {}, takes_features=True)

    each = task.architecture.n_logits
    most = {leaves: task.n_bytes // (each * (4 * leaves - 3)) for leaves in (2, 4, 8, 16)}
    candidates = [
        {"leaves": leaves, "rate": rate, "rounds": max(1, rounds)}
        for leaves, rounds in most.items()
        for rate in (0.1, 0.3, 1.0)
        if leaves == 2 or rounds >= 1
    ]
    settings = chosen(task, candidates, fit)
    return _with(fit(task, **settings), settings)


def tsetlin(task: Task) -> Fitted:
    """A Tsetlin machine of equal bytes, whose clauses are shared by the classes; tmu's.

    Source: Glimsdal and Granmo (2021), Coalesced multi-output Tsetlin machines with clause sharing.
    """

    def fit(task: Task, target: int, specificity: float) -> Fitted:
        logging.disable()  # tmu reports at length that there is no CUDA
        from tmu.clause_bank import clause_bank
        from tmu.models.classification.coalesced_classifier import TMCoalescedClassifier

        logging.disable(logging.NOTSET)
        clause_bank.np = _Numpy1()
        clause_bits = 2 * task.architecture.n_in + 8 * task.n_classes
        clauses = max(2, round(8 * task.n_bytes / clause_bits))
        clock, passes, rng = Clock(task.seconds), 0, np.random.default_rng(task.seed)
        seed = task.seed + 1  # 0 never ends: its generator then draws nothing but 0
        machine = TMCoalescedClassifier(clauses, target * clauses, specificity, seed=seed)
        inputs, labels = _bits(task.inputs), task.split.labels.astype(np.uint32)
        while clock.left > 0 or not passes:
            rows = rng.permutation(len(labels))[:PASS]
            machine.fit(inputs[rows], labels[rows])
            passes += 1
        ran = {"clauses": clauses, "passes": passes}
        return Fitted(lambda x: machine.predict(_bits(x)), -(-clauses * clause_bits // 8), ran)

    candidates = [
        {"target": target, "specificity": specificity}
        for target in (1, 4, 16)
        for specificity in (3.0, 10.0)
    ]
    settings = chosen(task, candidates, fit, 1.0)
    return _with(fit(task, **settings), settings)


def gates(task: Task) -> Fitted:
    """Two layers of logic gates of equal bytes, or of as few as can see all inputs; torchlogix's.

    Source: Petersen et al. (2022), Deep differentiable logic gate networks.
    """

    def fit(task: Task, rate: float, temperature: float) -> Fitted:
        import torch
        from torchlogix.layers import GroupSum, LogicDense

        torch.set_num_threads(1)
        torch.manual_seed(task.seed)
        n_in, n_classes = task.architecture.n_in, task.n_classes
        first, second, n_bytes = _gate_counts(n_in, n_classes, task.n_bytes)
        x = torch.from_numpy(task.inputs > 0).float()
        model = torch.nn.Sequential(
            LogicDense(n_in, first),
            LogicDense(first, second),
            GroupSum(n_classes, temperature * (second / n_classes) ** 0.5),
        )
        optimiser = torch.optim.Adam(model.parameters(), rate)
        labels, clock, steps = torch.from_numpy(task.split.labels), Clock(task.seconds), 0
        while clock.left > 0 or not steps:
            for rows in torch.randperm(len(labels)).split(100):
                left = max(0.0, clock.left / task.seconds)
                optimiser.param_groups[0]["lr"] = rate * np.sin(np.pi / 2 * left)
                torch.nn.functional.cross_entropy(model(x[rows]), labels[rows]).backward()
                optimiser.step()
                optimiser.zero_grad()
                steps += 1
                if not left:
                    break
        ran = {"gates": [first, second], "steps": steps}
        return Fitted(lambda x: _labels_of(model, x), n_bytes, ran)

    candidates = [
        {"rate": rate, "temperature": temperature}
        for rate in (0.01, 0.05)
        for temperature in (0.3, 1.0)
    ]
    settings = chosen(task, candidates, fit, 1.0)
    return _with(fit(task, **settings), settings)


class _Uint32:
    """NumPy's type of that name, with all bits set in -1, as before NumPy 2."""

    dtype = np.dtype(np.uint32)

    def __call__(self, value: int) -> np.uint32:
        return np.uint32(value & 0xFFFFFFFF)


class _Numpy1:
    """NumPy for tmu 0.8, which has `np.uint32(~0)`."""

    uint32 = _Uint32()

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _gate_counts(n_in: int, n_classes: int, n_bytes: int) -> tuple[int, int, int]:
    """Gates of both layers, and their bytes; each layer can see all that is before it."""

    def bits(inputs: int) -> int:
        return 4 + 2 * (inputs - 1).bit_length()

    first = max(-(-n_in // 2), n_classes, 8 * n_bytes // (2 * bits(n_in)))
    left = (8 * n_bytes - first * bits(n_in)) / bits(first)
    groups = max(-(-first // 2 // n_classes) + 1, int(left / n_classes))
    second = groups * n_classes
    return first, second, -(-(first * bits(n_in) + second * bits(first)) // 8)


def _labels_of(model: Any, inputs: Floats) -> NDArray[Any]:
    """Of gates that are cut to their likeliest functions."""
    import torch

    model.eval()
    with torch.no_grad():
        labels: NDArray[Any] = model(torch.from_numpy(inputs > 0).float()).argmax(1).numpy()
    return labels


def _bits(inputs: Floats) -> NDArray[np.uint32]:
    return (inputs > 0).astype(np.uint32)


def _quietly(learner: Any, samples: Floats, task: Task) -> None:
    """Fits, without a word about iterations that were not enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learner.fit(samples, task.split.labels)


def _with(fitted: Fitted, settings: dict[str, Any]) -> Fitted:
    return Fitted(fitted.predict, fitted.n_bytes, settings | fitted.settings, fitted.takes_features)
