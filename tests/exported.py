"""What other programs answer for an exported network."""

from __future__ import annotations

import ctypes
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.data.encoder import TableEncoder
from evobin.interchange import c_format, onnx_format, torch_format
from evobin.network.architecture import WHOLE, Architecture
from evobin.network.binary import BinaryNetwork

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


def gcc(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the compiler; its messages are in `stderr`."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not on this machine")
    command = [compiler, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


class CompiledC:
    """A network's C file as a shared library, and with it what the file keeps to itself.

    Args:
        network: to export.
        folder: where to write; one network a folder.
        flags: for the compiler.
        encoder: in front of the network.
    """

    def __init__(
        self,
        network: BinaryNetwork,
        folder: Path,
        *flags: str,
        encoder: TableEncoder | None = None,
    ) -> None:
        (folder / "network.c").write_bytes(c_format.encode(network, encoder))
        binary = network.architecture.binary_inputs
        arguments = f"(const {'int8_t' if binary else 'float'} *x, int t, int *out)"
        inside = f"int logits{arguments};\n"
        inside += f"int logits{arguments} {{ return answer(x, t, out); }}\n"
        (folder / "open.c").write_text(f'#include "network.c"\n{inside}')
        library = folder / "open.so"
        done = gcc(
            *STRICT, *(flags or ["-O1"]), "-shared", "-fPIC", folder / "open.c", "-o", library
        )
        assert (done.returncode, done.stderr) == (0, "")
        self._library = ctypes.CDLL(str(library))
        self._n_logits = network.architecture.n_logits
        self._dtype = np.int8 if binary else np.float32
        self._raw = self._dtype if encoder is None else np.float32

    def predict(self, sample: NDArray[Any]) -> int:
        """The file's one function."""
        frames = np.ascontiguousarray(sample, self._raw)
        answer: int = self._library.predict(frames.ctypes.data_as(ctypes.c_void_p), len(frames))
        return answer

    def logits(self, sample: NDArray[Any]) -> list[int]:
        """What `predict` answers by."""
        frames = np.ascontiguousarray(sample, self._dtype)
        logits = (ctypes.c_int * self._n_logits)()
        pointer = frames.ctypes.data_as(ctypes.c_void_p)
        assert self._library.logits(pointer, len(frames), logits) == 1
        return list(logits)

    def answer(self, sample: NDArray[Any]) -> tuple[list[int], int]:
        """Logits and label."""
        return self.logits(sample), self.predict(sample)


class OnnxModel:
    """A network's ONNX model in onnxruntime, with an encoder in front if there is one."""

    def __init__(self, network: BinaryNetwork, encoder: TableEncoder | None = None) -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # errors are raised as well
        model, providers = onnx_format.encode(network, encoder), ["CPUExecutionProvider"]
        self._frames = network.architecture.frames
        self.session = onnxruntime.InferenceSession(model, options, providers=providers)

    def run(self, samples: NDArray[Any]) -> list[NDArray[Any]]:
        """Logits and labels of samples of one length, [n, t, n_in]."""
        answers: list[NDArray[Any]] = self.session.run(None, {"features": np.float32(samples)})
        return answers

    def answer(self, sample: NDArray[Any]) -> tuple[list[int], int]:
        """Logits and label of one sample; where it has one frame, the model takes vectors."""
        logits, labels = self.run(sample if self._frames == 1 else sample[None])
        return np.atleast_1d(logits[0]).tolist(), int(labels[0])


class TorchModule:
    """A network's state dict in a module as a user of PyTorch would write it."""

    def __init__(self, network: BinaryNetwork, dtype: str) -> None:
        self._torch = pytest.importorskip("torch")
        self._torch.set_num_threads(1)  # its threads wait for each other where others run too
        self._module = module_of(network.architecture)
        file = io.BytesIO(torch_format.encode(network))
        self._module.load_state_dict(self._torch.load(file, weights_only=True))
        self._dtype = getattr(self._torch, dtype)
        self._module.to(self._dtype)

    def answer(self, sample: NDArray[Any]) -> tuple[list[int], int]:
        """Logits and label of one sample."""
        x = self._torch.tensor(np.ascontiguousarray(sample)).to(self._dtype)
        with self._torch.no_grad():
            logits = self._module(x[None])[0]
        label = logits.argmax() if len(logits) > 1 else logits[0] > 0
        return [int(logit) for logit in logits], int(label)


def module_of(architecture: Architecture) -> Any:
    """The network as a torch.nn.Module, [n, t, n_in] to [n, n_logits], with random weights."""
    import torch
    from torch import nn

    def sign(x: Any) -> Any:
        return torch.where(x > 0, 1.0, -1.0).to(x.dtype)

    def pooled(x: Any, size: int) -> Any:
        if size == WHOLE:
            return x.amax(2, keepdim=True)
        return nn.functional.max_pool1d(x, size, ceil_mode=True)

    blocks = list(zip(architecture.blocks, architecture.layers, strict=False))

    class Network(nn.Module):  # type: ignore[misc, unused-ignore]  # PyTorch may be missing
        def __init__(self) -> None:
            super().__init__()
            for layer in architecture.layers:
                n_out, n_in, *kernel = layer.shape
                made = nn.Linear(layer.fan_in, n_out) if layer.is_linear else None
                self.add_module(layer.name, made or nn.Conv1d(n_in, n_out, *kernel))

        def forward(self, x: Any) -> Any:
            x = x.transpose(1, 2)
            for block, layer in blocks:
                module = getattr(self, layer.name)
                if layer.is_linear:
                    x = sign(module(x.flatten(1)))[:, :, None]
                else:
                    x = sign(pooled(module(x), block.pool))
            return getattr(self, architecture.layers[-1].name)(x.amax(2))

    return Network()
