"""Gradients of a network: with signs, straight through them, or with tanh in their place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import training
from evobin.network.architecture import Architecture
from evobin.training.block_gradient import BlockGradient, BlockWeights
from evobin.training.latent import Floats
from evobin.training.scales import Widths


class Weights:
    """Weights in the forms that a step needs, made once a step for all shards.

    Args:
        architecture: the network's shape.
        latent: [n_weights] float32 in window order. Not modified, and not copied.
        smooth: whether the weights are these real numbers: activations are then tanh(sum / width).
            Else they are the signs of these, activations are signs too, and sums come from the
            packed kernels.
    """

    def __init__(self, architecture: Architecture, latent: Floats, *, smooth: bool = False) -> None:
        values = latent
        if not smooth:
            values = np.empty_like(latent)
            training.signs(latent, values)
        self.blocks = [
            BlockWeights(architecture, number, values, smooth=smooth)
            for number in range(len(architecture.blocks))
        ]
        head = architecture.layers[-1]
        self.head: Floats = head.weights(values)
        self.head_bias: Floats = head.bias(values)


class ShardGradient:
    """Loss and gradient of a fixed number of equally long samples; owns all its buffers.

    Of a binary network, binary sums come from the packed kernels of the forward pass, those of
    real features from its tables. On the way back, a pooling window's gradient goes to all of its
    frames in equal shares: the windows that two neighbouring frames begin differ little, and a
    gradient by window has that many times fewer rows than one by frame. Under a max over all of
    time, the frames that reach it share its gradient alone.

    A gradient by the weights of a convolution, or by its input, is a product with signs, by tables.
    Where both factors are real, it is `span` matrix products: the windows that start `span` periods
    apart do not overlap, so that each product reads flat rows as a matrix without a copy. Windows
    that straddle two samples meet gradients of 0.

    Args:
        architecture: the network's shape.
        samples: samples a shard.
        frames: length of each, at least `architecture.min_frames`, or `architecture.frames`.
        widths: of each block's straight-through window, or tanh, and of the logits.
        smooth: whether it takes smooth `Weights`.
    """

    def __init__(
        self,
        architecture: Architecture,
        samples: int,
        frames: int,
        widths: Widths,
        *,
        smooth: bool = False,
    ) -> None:
        self.architecture = architecture
        self.samples, self.frames = samples, frames
        self.logit_width = np.float32(widths.logit)
        self.blocks: list[BlockGradient] = []
        paired = zip(architecture.blocks, widths.windows, strict=True)
        for number, (block, width) in enumerate(paired):
            shape = samples, frames
            self.blocks.append(BlockGradient(architecture, number, shape, width, smooth=smooth))
            frames = int(block.frames_out(frames))

    @property
    def features(self) -> Floats:
        """[samples, frames, n_in] float32: write the features here before `run`."""
        return self.blocks[0].inputs.reshape(self.samples, self.frames, self.architecture.n_in)

    def run(
        self, weights: Weights, labels: NDArray[Any], scale: float, gradients: Floats
    ) -> tuple[float, Floats]:
        """One pass forward and backward.

        The loss is cross-entropy, of the logistic function or the softmax of logits / width;
        its gradient goes through each sign as if it were tanh(sum / width).

        Args:
            weights: of the kind that the buffers are for.
            labels: [samples], from 0.
            scale: factor of the loss, one over the size of the whole batch.
            gradients: [n_weights] float32 in window order, overwritten with the gradient.

        Returns:
            The loss, already scaled, and the logits, [samples] or [samples, n_classes] float32.
        """
        hidden = np.empty_like(self.blocks[-1].peaks).reshape(self.samples, -1)
        outputs = [*(block.inputs for block in self.blocks[1:]), hidden]
        for block, of_block, out in zip(self.blocks, weights.blocks, outputs, strict=True):
            block.forward(of_block, out)
        logits: Floats = hidden @ weights.head.T + weights.head_bias
        loss_of = _logistic_loss if logits.shape[1] == 1 else _softmax_loss
        loss, by_logit = loss_of(logits / self.logit_width, labels)
        by_logit *= np.float32(scale) / self.logit_width
        head = self.architecture.layers[-1]
        head.weights(gradients)[:] = by_logit.T @ hidden
        head.bias(gradients)[:] = by_logit.sum(axis=0)
        by_output = by_logit @ weights.head
        for block, of_block in zip(self.blocks[::-1], weights.blocks[::-1], strict=True):
            by_output = block.backward(by_output, of_block, gradients)
        return loss * scale, logits[:, 0] if logits.shape[1] == 1 else logits


def _logistic_loss(z: Floats, labels: NDArray[Any]) -> tuple[float, Floats]:
    """Cross-entropy of one scaled logit a sample, [samples, 1], and its gradient by them."""
    targets = labels[:, None]
    loss = float(np.logaddexp(0.0, np.where(targets > 0, -z, z)).sum())
    return loss, (1 / (1 + np.exp(-z)) - targets).astype(np.float32)


def _softmax_loss(z: Floats, labels: NDArray[Any]) -> tuple[float, Floats]:
    """Cross-entropy of several scaled logits a sample, [samples, n_classes], and its gradient."""
    own = np.arange(len(z)), labels
    z -= z.max(axis=1, keepdims=True)
    powers = np.exp(z)
    mass = powers.sum(axis=1, keepdims=True)
    loss = float((np.log(mass[:, 0]) - z[own]).sum())
    by_logit = powers / mass
    by_logit[own] -= 1
    return loss, by_logit
