"""The network in PyTorch, for comparison: signs with the straight-through gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from evobin.network.architecture import WHOLE, Architecture
from evobin.training.scales import Widths, default_widths


def sign(x: Any) -> Any:
    """+1 above 0, else -1."""
    return torch.where(x > 0, 1.0, -1.0).to(x.dtype)


LOG_MEL = 6.7
"""Root mean square of log-mel features of voices."""


class Window(torch.autograd.Function):  # type: ignore[misc, unused-ignore]  # PyTorch may be missing
    """Sign; backward, the derivative of tanh(x / width)."""

    @staticmethod
    def forward(ctx: Any, x: Any, width: float) -> Any:
        ctx.save_for_backward(x)
        ctx.width = width
        return sign(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grad * (1 - torch.tanh(x / ctx.width) ** 2) / ctx.width, None


class Through(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
    """Sign; backward, the identity."""

    @staticmethod
    def forward(ctx: Any, latent: Any) -> Any:
        return sign(latent)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad


def parameters(architecture: Architecture, latent: NDArray[Any], dtype: Any) -> list[Any]:
    """Weights and biases of each layer as leaves of the graph."""
    leaves = []
    for layer in architecture.layers:
        for part in (layer.weights(latent), layer.bias(latent)):
            leaves.append(torch.tensor(part, dtype=dtype, requires_grad=True))
    return leaves


def pooled(architecture: Architecture, number: int, sums: Any) -> Any:
    """A block's sums, [clips, n_out, positions], after its pooling."""
    if _is_whole(architecture, number):
        return sums.amax(2, keepdim=True)
    return functional.max_pool1d(sums, architecture.blocks[number].pool, ceil_mode=True)


def _is_whole(architecture: Architecture, number: int) -> bool:
    """Whether a block's max is over all of time."""
    ends = number == len(architecture.blocks) - 1
    return ends or architecture.blocks[number].pool == WHOLE


def binary_logits(architecture: Architecture, weights: list[Any], x: Any) -> Any:
    """The network's outputs, as a user would write it: [clips, n_logits].

    Args:
        architecture: the network's shape.
        weights: from `parameters`, -1 and +1.
        x: [clips, frames, n_in].
    """
    h = x.permute(0, 2, 1)
    for number in range(len(architecture.blocks)):
        h = functional.conv1d(h, weights[2 * number], weights[2 * number + 1])
        h = sign(pooled(architecture, number, h))
    return functional.linear(h[:, :, 0], weights[-2], weights[-1])


def loss_of(
    architecture: Architecture,
    latents: list[Any],
    widths: Widths,
    x: Any,
    labels: Any,
    *,
    shares: bool = False,
    smooth: bool = False,
) -> Any:
    """Cross-entropy of the signs of `latents`, or of a smooth network.

    Args:
        architecture: the network's shape.
        latents: from `parameters`.
        widths: of straight-through windows and logits.
        x: [clips, frames, n_in].
        labels: [clips] int64.
        shares: whether a pooling window's gradient goes to all its frames in equal shares, as
            evobin has it; PyTorch gives it to the first that is largest.
        smooth: whether weights are the latents themselves, and activations tanh(sum / width).
    """
    signs = latents if smooth else [Through.apply(latent) for latent in latents]
    h = x.permute(0, 2, 1)
    for number in range(len(architecture.blocks)):
        h = functional.conv1d(h, signs[2 * number], signs[2 * number + 1])
        peaks = pooled(architecture, number, h)
        if shares and not _is_whole(architecture, number):
            means = functional.avg_pool1d(h, architecture.blocks[number].pool, ceil_mode=True)
            peaks = means + (peaks - means).detach()
        width = widths.windows[number]
        h = torch.tanh(peaks / width) if smooth else Window.apply(peaks, width)
    z = functional.linear(h[:, :, 0], signs[-2], signs[-1]) / widths.logit
    if z.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(z[:, 0], labels.to(z.dtype))
    return functional.cross_entropy(z, labels)


def loss_and_gradient(
    architecture: Architecture,
    latent: NDArray[np.float32],
    widths: Widths,
    x: NDArray[np.float32],
    labels: NDArray[Any],
    *,
    smooth: bool = False,
) -> tuple[float, NDArray[np.float64]]:
    """Cross-entropy and its gradient by `latent` in evobin's way, in float64 and file order."""
    latents = parameters(architecture, latent, torch.float64)
    inputs = torch.tensor(x, dtype=torch.float64)
    targets = torch.tensor(labels, dtype=torch.int64)
    loss = loss_of(architecture, latents, widths, inputs, targets, shares=True, smooth=smooth)
    loss.backward()
    return float(loss.detach()), np.concatenate([leaf.grad.numpy().ravel() for leaf in latents])


def smooth_weights(
    architecture: Architecture,
    samples: list[NDArray[np.float32]],
    labels: NDArray[Any],
    epochs: int,
) -> NDArray[np.float32]:
    """Real weights of the same network with tanh for every sign, in file order.

    Args:
        architecture: the network's shape.
        samples: [t, n_in] each, at least 200 frames or repeated to that length.
        labels: of 0 and 1.
        epochs: passes over the clips, in random crops of 200 frames.
    """
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    start = rng.normal(0.0, 1.0, architecture.n_weights).astype(np.float32)
    leaves = parameters(architecture, start, torch.float32)
    widths = default_widths(architecture, LOG_MEL)
    optimiser = torch.optim.Adam(leaves, 0.01)
    steps = epochs * (len(samples) // 32)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(epochs):
        order = rng.permutation(len(samples))
        for low in range(0, len(samples) - 31, 32):
            rows = order[low : low + 32]
            crops = []
            for row in rows:
                sample = np.resize(
                    samples[row], (max(200, len(samples[row])), samples[row].shape[1])
                )
                first = int(rng.integers(0, len(sample) - 199))
                crops.append(sample[first : first + 200] + np.float32(rng.normal()))
            x, targets = torch.tensor(np.stack(crops)), torch.tensor(labels[rows])
            loss = loss_of(architecture, leaves, widths, x, targets, smooth=True)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return np.concatenate([leaf.detach().numpy().ravel() for leaf in leaves])
