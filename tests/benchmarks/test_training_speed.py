"""Clips a second of training, straight through the signs and smooth, evobin and PyTorch in turn.

python -m pytest -m benchmark -s tests/benchmarks/test_training_speed.py
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest

from evobin.network.presets import SPEAKER_SEX
from evobin.parallel import one_blas_thread
from evobin.training.gradient import ShardGradient, Weights
from evobin.training.latent import random_latent
from evobin.training.scales import default_widths
from evobin.training.ste import SHARDS, Training

pytestmark = pytest.mark.benchmark
SAMPLES, FRAMES, TURNS = 32, 200, 15
LOG_MEL = 6.7  # root mean square of log-mel of voices


def evobin_step(threads: int, *, smooth: bool) -> Callable[[], None]:
    """One step as `Pretraining` takes it: weights, gradient by shards, Adam."""
    rng = np.random.default_rng(0)
    size = SAMPLES // SHARDS
    widths = default_widths(SPEAKER_SEX, LOG_MEL)
    shards = [
        ShardGradient(SPEAKER_SEX, size, FRAMES, widths, smooth=smooth) for _ in range(SHARDS)
    ]
    gradients = np.empty((SHARDS, SPEAKER_SEX.n_weights), np.float32)
    start = Training.start(random_latent(SPEAKER_SEX.n_weights, 0.1, rng), rng, 1e-3)
    labels = rng.integers(0, 2, (SHARDS, size))
    for shard in shards:
        shard.features[:] = rng.normal(-5.0, 3.0, shard.features.shape)
    pool = ThreadPoolExecutor(threads)

    def step() -> None:
        weights = Weights(SPEAKER_SEX, start.latent, smooth=smooth)

        def work(number: int) -> None:
            shards[number].run(weights, labels[number], 1 / SAMPLES, gradients[number])

        list(pool.map(work, range(SHARDS)))
        start.step(gradients, start.rate, 0.98)

    return step


def torch_step(threads: int, *, smooth: bool) -> Callable[[], None]:
    """The same step in PyTorch."""
    import torch

    from tests.benchmarks.torch_twin import loss_of, parameters

    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    latents = parameters(SPEAKER_SEX, random_latent(SPEAKER_SEX.n_weights, 0.1, rng), torch.float32)
    optimiser = torch.optim.Adam(latents, lr=1e-3)
    x = torch.tensor(rng.normal(-5.0, 3.0, (SAMPLES, FRAMES, 64)), dtype=torch.float32)
    labels = torch.tensor(rng.integers(0, 2, SAMPLES), dtype=torch.float32)
    widths = default_widths(SPEAKER_SEX, LOG_MEL)

    def step() -> None:
        optimiser.zero_grad()
        loss_of(SPEAKER_SEX, latents, widths, x, labels, smooth=smooth).backward()
        optimiser.step()
        with torch.no_grad():
            for latent in latents:
                latent.clamp_(-1, 1)

    return step


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_training_step_is_at_least_as_fast_as_in_pytorch(threads: int, smooth: bool) -> None:
    pytest.importorskip("torch", reason="PyTorch is missing: pip install 'evobin[bench]'")
    steps = {
        "evobin": evobin_step(threads, smooth=smooth),
        "PyTorch": torch_step(threads, smooth=smooth),
    }
    # only our BLAS is held to one thread: the same limit would take PyTorch's threads away
    pools: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "evobin": one_blas_thread,
        "PyTorch": nullcontext,
    }
    took: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(TURNS):
        for name, step in steps.items():
            with pools[name]():
                step()  # warms caches and compiles
                start = time.perf_counter()
                step()
                took[name].append(time.perf_counter() - start)
    rates = {name: SAMPLES / float(np.median(times)) for name, times in took.items()}
    ratio = rates["evobin"] / rates["PyTorch"]
    print(
        f"\n{'smooth' if smooth else 'binary'}, {threads} threads, "
        f"{SAMPLES} clips of {FRAMES} frames, {platform.machine()}: "
        f"evobin {rates['evobin']:.0f} clips/s, PyTorch {rates['PyTorch']:.0f} clips/s, "
        f"ratio {ratio:.2f}"
    )
    assert ratio >= 1.0
