"""A network as a PyTorch state dict, and back.

The names are those of a module whose layers are `conv1`, `conv2`, ... (`torch.nn.Conv1d`) and
`linear` (`torch.nn.Linear`): `conv1.weight`, `conv1.bias`, ..., `linear.weight`, `linear.bias`, in
the order of `model.parameters()`, which is that of the result file. Several linear layers are
`linear1`, `linear2`, ..., the first of them on the flattened [channels, frames].
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.errors import EvobinError
from evobin.extras import need
from evobin.interchange.matching import Stored, shown
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork, Signs

_PLACES = ("state_dict", "model_state_dict", "model", "net", "network", "module")
"""Where checkpoints have their state dict."""
_NESTED = 2  # dicts around it
_GLOBAL = re.compile(r"GLOBAL ([\w.]+) was not an allowed global")
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
    torch = torch_for("--format torch")
    parts = parts_of(network.architecture, network.signs)
    state = {name: torch.tensor(part.astype(np.float32)) for name, part in parts.items()}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def torch_for(what: str) -> ModuleType:
    """PyTorch, for what the user named; it may warn of what is missing on a machine.

    Raises:
        EvobinError: if it is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return need("torch", "torch", what)


def read(raw: bytes, limit: int) -> dict[str, Stored]:
    """The tensors of the state dict in a file, by name, in the order of their definition.

    A checkpoint may hold it: at "state_dict" (as Lightning's do), "model" and the like, or as the
    only dict of tensors. No code in the file is run, and PyTorch's warnings are kept back.

    Args:
        raw: the whole file.
        limit: bytes that it may unpack to.

    Raises:
        EvobinError: if PyTorch is not installed, or the file is damaged or holds no state dict, or
            several; the text lacks its subject, the file.
    """
    torch = torch_for("a file of PyTorch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = _state_dict(torch, _unpacked(torch, raw, limit))
    return {str(name): _stored(torch, value) for name, value in state.items()}


def parts_of(architecture: Architecture, solution: Signs) -> dict[str, Signs]:
    """Views of the weights and biases of all layers, by their names in a state dict."""
    parts = {}
    for layer in architecture.layers:
        weights = layer.weights(solution)
        shape = (len(weights), -1) if layer.is_linear else weights.shape
        parts[f"{layer.name}.weight"] = weights.reshape(shape)
        parts[f"{layer.name}.bias"] = layer.bias(solution)
    return parts


def too_long(limit: int) -> EvobinError:
    """What is said of a file that is longer; it lacks its subject, the file."""
    return EvobinError(
        f"is longer than the {limit:,} bytes that the network's weights can take; save the model's "
        "state dict alone."
    )


def _unpacked(torch: Any, raw: bytes, limit: int) -> Any:
    """What a file holds, packed and unpacked of at most `limit` bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            scripted = any(name.endswith("/constants.pkl") for name in archive.namelist())
        if size > limit:
            raise too_long(limit)
        if scripted:
            raise EvobinError(f"is a TorchScript archive, which is code; {_SAVE}.")
        return torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except EvobinError:
        raise
    except Exception as error:
        # PyTorch's reader can fail in many ways, among them by refusing to run code.
        refused = _GLOBAL.search(str(error))
        if refused:
            raise EvobinError(
                f"holds more than tensors ({shown(refused[1])}), which could run code, and is not "
                f"loaded; {_SAVE}."
            ) from error
        raise EvobinError(
            f"is damaged or no PyTorch state dict (only tensors are loaded, never code); {_SAVE}."
        ) from error


def _state_dict(torch: Any, held: Any) -> Mapping[Any, Any]:
    """The dict of tensors in what a file holds."""
    if not isinstance(held, Mapping):
        raise EvobinError(f"holds a {type(held).__name__}, not a state dict; {_SAVE}.")
    for _ in range(_NESTED):
        if _is_state_dict(torch, held):
            break
        inner = {key: value for key, value in held.items() if _holds_one(torch, value)}
        keys = [key for key in _PLACES if key in inner] or list(inner)
        if len(keys) > 1:
            names = " and ".join(map(shown, keys))
            raise EvobinError(
                f"holds several state dicts, {names}; save the one that you mean alone."
            )
        held = inner[keys[0]] if keys else held
    return dict(held)


def _holds_one(torch: Any, held: Any) -> bool:
    """Whether something in a checkpoint is a state dict, or has one at a usual place."""
    return isinstance(held, Mapping) and (
        _is_state_dict(torch, held)
        or any(
            isinstance(held.get(key), Mapping) and _is_state_dict(torch, held[key])
            for key in _PLACES
        )
    )


def _is_state_dict(torch: Any, held: Mapping[Any, Any]) -> bool:
    return any(
        isinstance(key, str) and key.endswith(("weight", "bias")) and torch.is_tensor(value)
        for key, value in held.items()
    )


def _stored(torch: Any, tensor: Any) -> Stored:
    """A value of a state dict; what is no dense tensor of real numbers has no shape."""
    dense = (
        torch.is_tensor(tensor)
        and tensor.layout is torch.strided
        and not (tensor.is_complex() or tensor.is_quantized or tensor.is_nested or tensor.is_meta)
    )

    def read_values() -> NDArray[Any]:
        values: NDArray[np.float64] = tensor.detach().to(torch.float64).numpy()
        return values

    return Stored(tuple(tensor.shape) if dense else None, read_values)
