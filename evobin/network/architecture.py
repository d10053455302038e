"""A binary network's shape as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from evobin.checks import check_range
from evobin.errors import SettingError

if TYPE_CHECKING:  # `evobin --help` must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

MAX_FAN_IN = 32_766  # a binary sum and its bias then fit int16
MAX_CLASSES = 100  # labels fit int8
MAX_FRAMES = 32_767  # of a sample: a search counts positive sums in int16

WHOLE = 0
"""`ConvBlock.pool` of a global max: one window, all frames that are left."""


@dataclass(frozen=True, slots=True)
class ConvBlock:
    """Convolution over time (no padding, with bias), max-pooling in ceil mode, sign.

    A linear layer is a block too, one that sees all frames of a sample at once: of kernel 1 where
    there is one frame, as after a global max, else of as many taps as there are frames. The
    weights [n_out, n_in, kernel] are then those of PyTorch's linear layer on flattened
    [n_in, frames], in the same order.

    Attributes:
        n_out: output channels, at least 1.
        kernel: taps, at least 1; times the input channels at most `MAX_FAN_IN`.
        pool: frames a pooling window, 1 to 4; 1 is no pooling. Or `WHOLE`.
    """

    n_out: int
    kernel: int
    pool: int = 1

    def __post_init__(self) -> None:
        check_range("n_out", self.n_out, 1, 65_536)
        check_range("kernel", self.kernel, 1, MAX_FAN_IN)
        if self.pool != WHOLE:
            check_range("pool", self.pool, 1, 4)

    def frames_out(self, t: NDArray[np.int64] | int) -> Any:
        """Frames after pooling, from frames in; an odd rest is a window of its own."""
        positions = t - self.kernel + 1
        return -(positions // -(positions if self.pool == WHOLE else self.pool))


@dataclass(frozen=True, slots=True)
class Layer:
    """Where one layer's weights lie in a solution: weights first, then the bias vector.

    Attributes:
        name: "conv1", "conv2", ...; "linear", or "linear1", "linear2", ... if there are several.
        shape: shape of the weights, [n_out, n_in, kernel] of a block, else [n_out, n_in].
        start: index of the first weight.
    """

    name: str
    shape: tuple[int, ...]
    start: int

    @property
    def is_linear(self) -> bool:
        """Whether it sees all of a sample at once."""
        return self.name.startswith("linear")

    @property
    def n_weights(self) -> int:
        """Weights without the biases."""
        return math.prod(self.shape)

    @property
    def stop(self) -> int:
        """Index after the last bias."""
        return self.start + self.n_weights + self.shape[0]

    @property
    def fan_in(self) -> int:
        """Products in one sum, without the bias."""
        return self.n_weights // self.shape[0]

    def weights(self, solution: NDArray[Any]) -> NDArray[Any]:
        """A view of this layer's weights, in their shape."""
        return solution[self.start : self.start + self.n_weights].reshape(self.shape)

    def bias(self, solution: NDArray[Any]) -> NDArray[Any]:
        """A view of this layer's biases."""
        return solution[self.start + self.n_weights : self.stop]


@dataclass(frozen=True)
class Architecture:
    """A binary network's shape: blocks, max over the frames that are left, linear output.

    Attributes:
        n_in: features a frame.
        blocks: at least one block.
        n_classes: 2 to `MAX_CLASSES`. Two classes have one logit, and label 1 where it is above 0;
            more have a logit each, and the label of the largest, the lower one of equals.
        frames: length of every sample; None if lengths differ.
        binary_inputs: whether features are -1 and +1 and nothing else; the first layer is then
            computed on packed words, as the others are.

    Example:
        >>> tiny = Architecture(n_in=3, blocks=(ConvBlock(n_out=5, kernel=2, pool=2),))
        >>> tiny.n_weights, tiny.min_frames
        (41, 2)
        >>> from evobin.network.presets import SPEAKER_SEX
        >>> SPEAKER_SEX.n_weights, SPEAKER_SEX.min_frames
        (369153, 57)
        >>> dense = Architecture(64, (ConvBlock(256, 1), ConvBlock(128, 1)), 10, frames=1)
        >>> [layer.name for layer in dense.layers]
        ['linear1', 'linear2', 'linear3']
    """

    n_in: int
    blocks: tuple[ConvBlock, ...]
    n_classes: int = 2
    frames: int | None = None
    binary_inputs: bool = False

    def __post_init__(self) -> None:
        check_range("n_in", self.n_in, 1, 65_536)
        check_range("len(blocks)", len(self.blocks), 1, 64)
        check_range("n_classes", self.n_classes, 2, MAX_CLASSES)
        shortest = self._shortest()
        if self.frames is not None:
            check_range("frames", self.frames, shortest, MAX_FRAMES)
        for layer in self.layers:
            check_range(f"fan-in of {layer.name}", layer.fan_in, 1, MAX_FAN_IN)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Architecture:
        """The architecture that `dataclasses.asdict` took apart, as config.json holds it.

        Raises:
            TypeError: if it has other fields, or values of other types.
            KeyError: if it has no blocks.
            SettingError: if a value is out of range.

        Example:
            >>> plain = {"n_in": 3, "blocks": [{"n_out": 5, "kernel": 2, "pool": 2}]}
            >>> Architecture.from_plain(plain).n_weights
            41
        """
        blocks = tuple(ConvBlock(**block) for block in plain["blocks"])
        for fields in ({**plain, "blocks": 0}, *plain["blocks"]):
            for name, value in fields.items():
                if name == "binary_inputs":
                    if type(value) is not bool:
                        raise TypeError(f"{name} must be true or false, but it is {value!r:.60}")
                elif type(value) is not int and (name, value) != ("frames", None):
                    raise TypeError(f"{name} must be a whole number, but it is {value!r:.60}")
        return cls(**{**plain, "blocks": blocks})

    def _shortest(self) -> int:
        """Frames of the shortest sample that leaves one after each block."""
        frames = 1
        for number, block in reversed(list(enumerate(self.blocks))):
            if block.pool == WHOLE and frames > 1:
                raise SettingError(
                    f"after the global max of `blocks[{number}]` a single frame is left, but "
                    f"the blocks that follow need {frames}; give them a `kernel` of 1."
                )
            frames = (frames - 1) * block.pool + block.kernel
        return frames

    @cached_property
    def n_convolutions(self) -> int:
        """Blocks that slide over time; those after them see all of a sample at once: are linear."""
        frames = self.frames
        for number, block in enumerate(self.blocks):
            if frames == block.kernel:
                return number
            if block.pool == WHOLE:
                frames = 1
            elif frames is not None:
                frames = int(block.frames_out(frames))
        return len(self.blocks)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All layers in the order of a solution and of the result file."""
        n_linear = len(self.blocks) + 1 - self.n_convolutions
        names = [f"conv{number}" for number in range(1, self.n_convolutions + 1)]
        names += [f"linear{number}" for number in range(1, n_linear + 1)]
        head = names.pop() if n_linear > 1 else "linear"
        layers, start, n_in = [], 0, self.n_in
        for name, block in zip(names, self.blocks, strict=False):
            layers.append(Layer(name, (block.n_out, n_in, block.kernel), start))
            start, n_in = layers[-1].stop, block.n_out
        layers.append(Layer(head, (self.n_logits, n_in), start))
        return tuple(layers)

    @property
    def n_logits(self) -> int:
        """Outputs of the last layer: one for two classes, else one a class."""
        return 1 if self.n_classes == 2 else self.n_classes

    @property
    def logit_names(self) -> tuple[str, ...]:
        """What tables call its outputs: "logit"; of more than two classes "logit_0" and so on."""
        if self.n_logits == 1:
            return ("logit",)
        return tuple(f"logit_{label}" for label in range(self.n_logits))

    @property
    def n_weights(self) -> int:
        """Weights and biases of all layers: the length of a solution."""
        return self.layers[-1].stop

    @property
    def n_hidden(self) -> int:
        """Inputs of the last layer: channels after the max over the frames that are left."""
        return self.blocks[-1].n_out

    @property
    def min_frames(self) -> int:
        """Frames of the shortest sample that has a prediction."""
        return self._shortest() if self.frames is None else self.frames
