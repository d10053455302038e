"""The network in PyTorch, for comparison: signs with the straight-through gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.network import Architecture


def logits_of(
    torch: Any, architecture: Architecture, latent: Any, widths: tuple[float, ...], x: Any
) -> Any:
    """[clips] logits of the signs of `latent`, differentiable straight through every sign.

    sign(x) is written as smooth(x) + (sign(x) - smooth(x)) with the bracket held constant, so
    that autograd itself supplies the window's derivative.
    """

    def through(value: Any, smooth: Any) -> Any:
        hard = torch.where(value > 0, 1.0, -1.0).to(value.dtype)
        return smooth + (hard - smooth).detach()

    signs = through(latent, latent)
    h = x.permute(0, 2, 1)
    for number, (block, layer) in enumerate(
        zip(architecture.blocks, architecture.layers, strict=False)
    ):
        h = torch.nn.functional.conv1d(h, layer.weights(signs), layer.bias(signs))
        if number == len(architecture.blocks) - 1:
            h = h.amax(2)
        else:
            h = torch.nn.functional.max_pool1d(h, block.pool, ceil_mode=True)
        h = through(h, torch.tanh(h / widths[number]))
    head = architecture.layers[-1]
    return torch.nn.functional.linear(h, head.weights(signs), head.bias(signs))[:, 0]


def loss_and_gradient(
    torch: Any,
    architecture: Architecture,
    latent: NDArray[np.float32],
    widths: tuple[float, ...],
    x: NDArray[np.float32],
    labels: NDArray[Any],
) -> tuple[float, NDArray[np.float64]]:
    """Cross-entropy and its gradient by `latent`, in float64."""
    weights = torch.tensor(latent, dtype=torch.float64, requires_grad=True)
    logits = logits_of(torch, architecture, weights, widths, torch.tensor(x, dtype=torch.float64))
    target = torch.tensor(labels, dtype=torch.float64)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits / widths[-1], target)
    loss.backward()
    return float(loss), weights.grad.numpy()
