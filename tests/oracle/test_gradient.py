"""The straight-through gradient: true where activations are smooth, equal to the naive version."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from numpy.typing import NDArray

from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.network.presets import SPEAKER_SEX
from evobin.training.gradient import ShardGradient, Weights
from evobin.training.latent import random_latent, signs_of, to_file_order, to_window_order
from evobin.training.scales import Widths
from tests.oracle import naive
from tests.strategies import architectures, random_signs, seeds

pytestmark = pytest.mark.kernels


def random_batch(
    architecture: Architecture, seed: int, samples: int = 3
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    frames = architecture.frames or architecture.min_frames + int(rng.integers(0, 9))
    shape = samples, frames, architecture.n_in
    x = rng.normal(-1.0, 2.0, shape).astype(np.float32)
    if architecture.binary_inputs:
        x = random_signs(rng, shape)
    return (
        x,
        rng.integers(0, architecture.n_classes, samples),
        random_latent(architecture.n_weights, 0.5, rng),
    )


def random_widths(architecture: Architecture, rng: np.random.Generator) -> Widths:
    """A quarter to four times the roots of the fan-ins."""
    *windows, logit = (
        layer.fan_in**0.5 * 2.0 ** rng.uniform(-2, 2) for layer in architecture.layers
    )
    return Widths(tuple(windows), logit)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(3, (ConvBlock(4, 2, 2), ConvBlock(3, 3, 3), ConvBlock(2, 2))),
        Architecture(3, (ConvBlock(4, 2, 2), ConvBlock(3, 3, WHOLE), ConvBlock(2, 1)), 3),
        Architecture(3, (ConvBlock(4, 2, 2), ConvBlock(3, 4), ConvBlock(2, 1)), 3, frames=8),
    ],
)
def test_the_naive_smooth_gradient_equals_finite_differences(
    architecture: Architecture, seed: int
) -> None:
    x, labels, latent = random_batch(architecture, seed)
    weights, widths = latent.astype(np.float64), Widths((2.0, 1.5, 1.2), 1.0)
    _, gradient = naive.loss_and_gradient(
        architecture, weights, widths, x, labels, smooth=True, shares=False
    )
    step = 1e-6
    for index in range(architecture.n_weights):
        up, down = weights.copy(), weights.copy()
        up[index] += step
        down[index] -= step
        losses = [
            naive.loss_and_gradient(architecture, w, widths, x, labels, smooth=True, shares=False)[
                0
            ]
            for w in (up, down)
        ]
        assert gradient[index] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("smooth", [False, True])
@example(Architecture(3, (ConvBlock(4, 1, 4), ConvBlock(2, 1))), 23)  # one frame, pooled by four
@given(architectures(widths=(1, 3, 6), max_kernel=5), seeds)
def test_the_fast_gradient_equals_the_naive_one(
    smooth: bool, architecture: Architecture, seed: int
) -> None:
    x, labels, latent = random_batch(architecture, seed)
    widths = random_widths(architecture, np.random.default_rng(seed))
    shard = ShardGradient(architecture, x.shape[0], x.shape[1], widths, smooth=smooth)
    gradient = np.empty(architecture.n_weights, np.float32)
    weights = Weights(architecture, to_window_order(architecture, latent), smooth=smooth)
    expected_loss, expected = naive.loss_and_gradient(
        architecture,
        (latent if smooth else signs_of(latent)).astype(float),
        widths,
        x,
        labels,
        smooth=smooth,
        shares=True,
    )
    for _ in range(2):  # buffers are reused: nothing may be left over
        shard.features[:] = x
        loss, _ = shard.run(weights, labels, 1 / len(x), gradient)
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        scale = np.abs(expected).max()
        actual = to_file_order(architecture, gradient)
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-5 * scale)


@given(architectures(), seeds)
def test_window_order_and_back_is_the_identity(architecture: Architecture, seed: int) -> None:
    latent = random_latent(architecture.n_weights, 1.0, np.random.default_rng(seed))
    there = to_window_order(architecture, latent)
    np.testing.assert_array_equal(to_file_order(architecture, there), latent)


@pytest.mark.needs_jit
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize(
    "architecture",
    [
        SPEAKER_SEX,
        Architecture(24, (ConvBlock(64, 5, 2), ConvBlock(32, 5, WHOLE), ConvBlock(64, 1)), 7),
        Architecture(24, (ConvBlock(32, 5, 4), ConvBlock(64, 29), ConvBlock(32, 1)), 7, frames=120),
        Architecture(24, (ConvBlock(256, 120), ConvBlock(32, 1)), 2, frames=120),
    ],
    ids=["speaker sex", "global max", "linear over frames", "linear"],
)
def test_the_gradient_equals_pytorchs_autograd(architecture: Architecture, smooth: bool) -> None:
    pytest.importorskip("torch", reason="PyTorch is missing: pip install 'evobin[bench]'")
    from tests.benchmarks.torch_twin import loss_and_gradient

    rng = np.random.default_rng(0)
    x = rng.normal(-5.0, 3.0, (4, 120, architecture.n_in)).astype(np.float32)
    labels = rng.integers(0, architecture.n_classes, 4)
    latent = random_latent(architecture.n_weights, 1.0, rng)
    widths = random_widths(architecture, rng)
    shard = ShardGradient(architecture, 4, 120, widths, smooth=smooth)
    shard.features[:] = x
    gradient = np.empty(architecture.n_weights, np.float32)
    weights = Weights(architecture, to_window_order(architecture, latent), smooth=smooth)
    loss, _ = shard.run(weights, labels, 1 / 4, gradient)
    expected_loss, expected = loss_and_gradient(
        architecture, latent, widths, x, labels, smooth=smooth
    )
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    actual = to_file_order(architecture, gradient)
    for layer in architecture.layers:
        part = slice(layer.start, layer.stop)
        scale = np.abs(expected[part]).max()
        np.testing.assert_allclose(actual[part], expected[part], rtol=0, atol=1e-5 * scale)
