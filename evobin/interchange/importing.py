"""Networks from other programs' weights, cut by sign: PyTorch's files and safetensors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_choice
from evobin.config import Zero
from evobin.errors import EvobinError, several
from evobin.files import reading
from evobin.interchange import safetensors_format, torch_format
from evobin.interchange.matching import Shape, Stored, match, shown
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork, Signs

_BYTES_A_WEIGHT = 64  # eight times float64: optimisers keep theirs, a tensor may be part of another
_SLACK = 1 << 20  # bytes for all that is no weight


def load(
    path: Path, architecture: Architecture, zero: Zero = "refuse", layers: Sequence[str] = ()
) -> BinaryNetwork:
    """Reads a model's weights and cuts them by sign.

    No code in the file is run, and no more of it is read than such a network can take.

    Args:
        path: a file of `torch.save`, in the format that it has written since PyTorch 1.6, with a
            state dict or a checkpoint that holds one; or a safetensors file, for which PyTorch is
            not needed.
        architecture: of the network, from which follows the shape of each tensor.
        zero: what 0 counts as in the model, of weights and of sums: "minus" is evobin's convention.
            Under "plus" the network is rewritten to give the same answers; see `of_zero_plus`.
            "refuse" refuses weights of exactly 0.
        layers: the model's names of the layers, in the network's order; by default they are found,
            see `match`.

    Raises:
        EvobinError: if PyTorch is needed and not installed, or if the file cannot be read, holds no
            such network, more than one way to read it, NaN, or a 0 that is refused.
        SettingError: if there is no such `zero`.
    """
    check_choice("zero", zero, get_args(Zero))
    limit = _BYTES_A_WEIGHT * architecture.n_weights + _SLACK
    with reading(path, "name another file"), path.open("rb") as file:
        raw = file.read(limit + 1)
    safe = safetensors_format.is_safetensors(raw) or path.suffix == ".safetensors"
    if not safe:
        torch_format.torch_for(str(path))
    try:
        if len(raw) > limit:
            raise torch_format.too_long(limit)
        state = safetensors_format.read(raw) if safe else torch_format.read(raw, limit)
        return _network(state, architecture, zero, layers, ordered=not safe)
    except EvobinError as error:
        raise EvobinError(f"{path}: {error}") from error


def _network(
    state: dict[str, Stored],
    architecture: Architecture,
    zero: Zero,
    layers: Sequence[str],
    *,
    ordered: bool,
) -> BinaryNetwork:
    solution = np.empty(architecture.n_weights, np.int8)
    parts = torch_format.parts_of(architecture, solution)
    shapes = {name: part.shape for name, part in parts.items()}
    found = match(state, shapes, layers, ordered=ordered)
    problems, any_minus = [], False
    for name, part in parts.items():
        try:
            values = _values(state[found[name]], part.shape, zero)
        except EvobinError as error:
            problems.append(f"'{shown(found[name])}' {error}")
            continue
        any_minus |= bool((values < 0).any())
        part[:] = np.where(values >= 0 if zero == "plus" else values > 0, np.int8(1), np.int8(-1))
    if problems:
        raise several(f"{len(problems)} of {len(parts)} tensors have problems", problems)
    if zero == "plus" and not any_minus:
        raise EvobinError(
            "holds no number below 0, so that with --zero plus all its weights would be +1; if its "
            "1 stands for -1, save 1 - 2 * weight instead."
        )
    if zero == "plus":
        of_zero_plus(architecture, solution)
    return BinaryNetwork(architecture, solution)


def _values(stored: Stored, shape: Shape, zero: Zero) -> NDArray[Any]:
    """A tensor's values; the text of an EvobinError lacks its subject, the tensor."""
    if stored.shape is None:
        raise EvobinError("is not a dense tensor of real numbers; save it as float32.")
    if stored.shape != shape:
        raise EvobinError(f"must have shape {list(shape)}, but it has {shown(list(stored.shape))}.")
    values = stored.read()
    missing = np.argwhere(np.isnan(values))
    if len(missing):
        raise EvobinError(f"holds nan at {missing[0].tolist()}; name a model that has weights.")
    zeros = np.argwhere(values == 0)
    if len(zeros) and zero == "refuse":
        raise EvobinError(
            f"holds 0 at {zeros[0].tolist()}, {len(zeros):,} in all, and which sign the model "
            "gives it is not known; say so with --zero minus or --zero plus."
        )
    return values


def of_zero_plus(architecture: Architecture, solution: Signs) -> None:
    """Rewrites a network in which sign(0) is +1 as one in which it is -1.

    With x >= 0 for +1, the activations are those of -(sign(-x)) here. So, where nothing is pooled,
    the first layer and the later biases change their signs, and so do the last layer's weights:
    every activation is then the opposite one, and the logits are the same. Where there is pooling,
    the network is left as it is, provided that no sum of signs can be 0: with its bias it has an
    odd number of terms. A sum of real features that is exactly 0 then has the other sign.

    Args:
        architecture: the network's shape.
        solution: its signs, overwritten.

    Raises:
        EvobinError: if there is pooling after sums that can be 0; it lacks its subject, the file.
    """
    first, *later, head = architecture.layers
    if _pools(architecture):
        binary = [first, *later] if architecture.binary_inputs else later
        for layer in binary:
            if layer.fan_in % 2:
                raise EvobinError(
                    f"is to have sign(0) = +1, but a sum of its layer {layer.name}, of "
                    f"{layer.fan_in} signs and a bias, can be 0, and a maximum comes after it: no "
                    "network with sign(0) = -1 answers the same; train one that has it."
                )
        return
    solution[: first.stop] *= np.int8(-1)
    for layer in later:
        layer.bias(solution)[:] *= np.int8(-1)
    head.weights(solution)[:] *= np.int8(-1)


def _pools(architecture: Architecture) -> bool:
    """Whether a maximum is taken anywhere, the last one over time included."""
    frames = architecture.frames
    if frames is None:
        return True
    for block in architecture.blocks:
        before = frames - block.kernel + 1
        frames = int(block.frames_out(frames))
        if frames != before:
            return True
    return frames > 1
