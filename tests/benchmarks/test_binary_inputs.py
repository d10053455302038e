"""Binary inputs beside the same network on real ones, in turn, on one core, by its time.

python -m pytest -m benchmark -s tests/benchmarks/test_binary_inputs.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.core.samples import Samples
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.batch import Batch
from evobin.network.flips.state import NetworkFlipState
from evobin.parallel import one_blas_thread
from evobin.training.gradient import ShardGradient, Weights
from evobin.training.latent import random_latent
from evobin.training.scales import default_widths
from tests.strategies import random_solution

pytestmark = pytest.mark.benchmark
REAL = Architecture(448, (ConvBlock(64, 1),), n_classes=26, frames=1)
BINARY = replace(REAL, binary_inputs=True)
SAMPLES, TURNS, TRIED = 4000, 31, 64


def medians(cases: Mapping[str, Callable[[], object]], of: int) -> dict[str, float]:
    """Nanoseconds of each case in turn, divided by what it is `of`; printed with ratios.

    Time of the thread: where other processes wait for the core too, a wait falls on long cases.
    """
    for case in cases.values():
        case()
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(TURNS):
        for name, case in cases.items():
            start = time.thread_time()
            case()
            seconds[name].append(time.thread_time() - start)
    found = {name: 1e9 * float(np.median(times)) / of for name, times in seconds.items()}
    first = next(iter(found.values()))
    print()
    for name, time_of in found.items():
        print(f"{name:44} {time_of:9,.0f} ns, {first / time_of:5.1f} times as fast")
    return found


def features() -> NDArray[np.int8]:
    """Random signs."""
    rng = np.random.default_rng(0)
    return rng.choice(np.array([-1, 1], np.int8), (SAMPLES, REAL.n_in))


def test_the_forward_pass_of_a_dense_network() -> None:
    signs, starts = features(), np.arange(SAMPLES + 1)
    floats = signs.astype(np.float32)
    solution = random_solution(REAL, np.random.default_rng(1))
    real, binary = BinaryNetwork(REAL, solution), BinaryNetwork(BINARY, solution)
    packed = Samples(signs, starts)
    expected = real.logits(Samples(floats, starts))
    np.testing.assert_array_equal(binary.logits(packed), expected)
    found = medians(
        {
            "a sample, real inputs, float32": lambda: real.logits(Samples(floats, starts)),
            "binary inputs, float32, packed each time": lambda: binary.logits(
                Samples(floats, starts)
            ),
            "binary inputs, int8, packed each time": lambda: binary.logits(Samples(signs, starts)),
            "binary inputs, packed before": lambda: binary.logits(packed),
        },
        of=SAMPLES,
    )
    slowest, *others = found.values()
    assert all(slowest / other > 3 for other in others)


def test_flips_of_the_first_layer() -> None:
    shape = replace(REAL, blocks=(ConvBlock(64, 1), ConvBlock(64, 1)))
    signs, starts, rng = features(), np.arange(SAMPLES + 1), np.random.default_rng(1)
    solution, labels = random_solution(shape, rng), rng.integers(0, 26, SAMPLES).astype(np.int8)
    real = NetworkFlipState(
        shape, solution, Batch(Samples(signs.astype(np.float32), starts), labels)
    )
    binary = NetworkFlipState(
        replace(shape, binary_inputs=True), solution, Batch(Samples(signs, starts), labels)
    )
    changes = np.stack([rng.integers(0, 64, TRIED), rng.integers(0, 64, TRIED)], axis=1)
    changes = np.concatenate([changes, np.tile([0, 1], (TRIED, 1))], axis=1)
    found = medians(
        {
            "signs that a flip toggles, real inputs": lambda: real._blocks[0].preview(changes),
            "binary inputs": lambda: binary._blocks[0].preview(changes),
            "second layer": lambda: binary._blocks[1].preview(changes),
        },
        of=TRIED,
    )
    first, second = found["binary inputs"], found["second layer"]
    assert first < 2 * second


def test_a_step_of_training() -> None:
    rng, batch = np.random.default_rng(1), 100
    latent = random_latent(REAL.n_weights, 0.1, rng)
    labels, gradients = rng.integers(0, 26, batch), np.empty(REAL.n_weights, np.float32)

    def step_of(architecture: Architecture) -> Callable[[], object]:
        shard = ShardGradient(architecture, batch, 1, default_widths(architecture, 1.0))
        shard.features[:, 0] = features()[:batch]
        return lambda: shard.run(Weights(architecture, latent), labels, 1 / batch, gradients)

    with one_blas_thread():
        cases = {"a step of 100 samples, real inputs": step_of(REAL), "binary": step_of(BINARY)}
        medians(cases, of=1)
