"""A network as a PyTorch state dict, and back.

The names are those of a module whose layers are `conv1`, `conv2`, ... (`torch.nn.Conv1d`) and
`linear` (`torch.nn.Linear`): `conv1.weight`, `conv1.bias`, ..., `linear.weight`, `linear.bias`, in
the order of `model.parameters()`, which is that of the result file. Several linear layers are
`linear1`, `linear2`, ..., the first of them on the flattened [channels, frames].
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evobin.errors import EvobinError, several
from evobin.extras import need
from evobin.files import reading
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork, Signs

_BYTES_A_WEIGHT = 64  # eight times float64: a tensor may be a part of a larger one
_SLACK = 1 << 20  # bytes for all that is no weight
_SHOWN = 60  # characters of a name in a message
_SAVE = "write it with torch.save(model.state_dict(), file)"


def encode(network: BinaryNetwork) -> bytes:
    """Writes the weights as `torch.save` writes a state dict: float32, -1 and +1.

    PyTorch rounds: in float32, and hardly ever in float64, its convolution can miss the sign of a
    sum of the first layer that is close to 0. Sums of binary inputs are exact.

    Args:
        network: of any architecture.

    Returns:
        The file; the same network gives the same bytes.

    Raises:
        EvobinError: if PyTorch is not installed.
    """
    torch = need("torch", "torch", "--format torch")
    parts = _parts(network.architecture, network.signs)
    state = {name: torch.tensor(part.astype(np.float32)) for name, part in parts.items()}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def load(path: Path, architecture: Architecture) -> BinaryNetwork:
    """Reads a state dict and cuts its weights by sign; 0 counts as not positive.

    Tensors are found by their names; if any of these is not ours, all are found by their order. No
    code in the file is run, and no more of it is read than such a network can take.

    Args:
        path: a file of `torch.save`, in the format that it has written since PyTorch 1.6.
        architecture: of the network, from which follows the shape of each tensor.

    Raises:
        EvobinError: if PyTorch is not installed, or if the file cannot be read, is no state dict,
            holds other tensors than such a network has, or NaN.
    """
    torch = need("torch", "torch", str(path))
    state = _read(torch, path, _BYTES_A_WEIGHT * architecture.n_weights + _SLACK)
    solution = np.empty(architecture.n_weights, np.int8)
    parts = _parts(architecture, solution)
    if not isinstance(state, Mapping):
        raise EvobinError(f"{path}: holds a {type(state).__name__}, not a state dict; {_SAVE}.")
    if len(state) != len(parts):
        raise EvobinError(
            f"{path}: holds {len(state)} entries, but the network has {len(parts)} tensors "
            f"({', '.join(parts)}); save a model with these parameters and no others."
        )
    names = list(parts if set(state) == set(parts) else state)
    problems = []
    for name, part in zip(names, parts.values(), strict=True):
        try:
            part[:] = _signs(torch, state[name], part.shape)
        except EvobinError as error:
            problems.append(f"{str(name)[:_SHOWN]!r} {error}")
    if len(problems) > 1:
        raise several(f"{path}: {len(problems)} of {len(parts)} tensors have problems", problems)
    if problems:
        raise EvobinError(f"{path}: {problems[0]}")
    return BinaryNetwork(architecture, solution)


def _parts(architecture: Architecture, solution: Signs) -> dict[str, Signs]:
    """Views of the weights and biases of all layers, by their names in a state dict."""
    parts = {}
    for layer in architecture.layers:
        weights = layer.weights(solution)
        shape = (len(weights), -1) if layer.is_linear else weights.shape
        parts[f"{layer.name}.weight"] = weights.reshape(shape)
        parts[f"{layer.name}.bias"] = layer.bias(solution)
    return parts


def _read(torch: Any, path: Path, limit: int) -> Any:
    """What a file of at most `limit` bytes holds, packed and unpacked."""
    with reading(path, "name another file"), path.open("rb") as file:
        raw = file.read(limit + 1)
    if len(raw) <= limit:
        try:
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
            if size <= limit:
                return torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
        except Exception as error:
            # PyTorch's reader can fail in many ways, among them by refusing to run code.
            raise EvobinError(
                f"{path}: is damaged or no PyTorch state dict (only tensors are loaded, never "
                f"code); {_SAVE}."
            ) from error
    raise EvobinError(
        f"{path}: is longer than the {limit:,} bytes that the network's weights can take; save "
        "the model's state dict alone."
    )


def _signs(torch: Any, tensor: Any, shape: tuple[int, ...]) -> Signs:
    """The signs of a tensor's values; the text of an EvobinError lacks its subject, the tensor."""
    if not (
        torch.is_tensor(tensor)
        and tensor.layout is torch.strided
        and not (tensor.is_complex() or tensor.is_quantized or tensor.is_nested or tensor.is_meta)
    ):
        raise EvobinError("is not a dense tensor of real numbers; save it as float32.")
    if tuple(tensor.shape) != shape:
        raise EvobinError(f"must have shape {list(shape)}, but it has {list(tensor.shape)}.")
    values = tensor.detach().to(torch.float64).numpy()
    missing = np.argwhere(np.isnan(values))
    if len(missing):
        raise EvobinError(f"holds nan at {missing[0].tolist()}; name a model that has weights.")
    return np.where(values > 0, np.int8(1), np.int8(-1))
