"""Latent weights: real numbers whose signs are a solution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.network.architecture import Architecture

Floats = NDArray[np.float32]
Signs = NDArray[np.int8]


def to_window_order(architecture: Architecture, solution: NDArray[Any]) -> NDArray[Any]:
    """Reorders each convolution from [n_out, n_in, kernel] to [n_out, kernel, n_in].

    Training works in window order, where a filter and a window of its input are contiguous;
    files and solutions are in file order.

    Args:
        architecture: the network's shape.
        solution: [n_weights], any type, in file order; not modified.

    Returns:
        [n_weights], the same type.
    """
    out = solution.copy()
    for layer in architecture.layers[:-1]:
        n_out, n_in, kernel = layer.shape
        windows = layer.weights(out).reshape(n_out, kernel, n_in)
        windows[:] = layer.weights(solution).transpose(0, 2, 1)
    return out


def to_file_order(architecture: Architecture, solution: NDArray[Any]) -> NDArray[Any]:
    """The inverse of `to_window_order`."""
    out = solution.copy()
    for layer in architecture.layers[:-1]:
        n_out, n_in, kernel = layer.shape
        windows = layer.weights(solution).reshape(n_out, kernel, n_in)
        layer.weights(out)[:] = windows.transpose(0, 2, 1)
    return out


def signs_of(latent: Floats) -> Signs:
    """The solution of latents: +1 where a latent is positive, else -1."""
    return np.where(latent > 0, np.int8(1), np.int8(-1))


def random_latent(n: int, spread: float, rng: np.random.Generator) -> Floats:
    """[n] float32, uniform in [-spread, spread]."""
    return rng.uniform(-spread, spread, n).astype(np.float32)


def latent_from(solution: Signs, spread: float, rng: np.random.Generator) -> Floats:
    """Latents whose signs are `solution`, magnitudes uniform in (0, spread]."""
    return (solution * spread * (1.0 - rng.random(len(solution)))).astype(np.float32)
