"""safetensors files: what is read, and what a damaged one is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.errors import EvobinError
from evobin.interchange import importing
from evobin.interchange.torch_format import parts_of
from evobin.network.architecture import Architecture, ConvBlock
from tests.builders import TINY
from tests.strategies import random_solution

SMALLEST = Architecture(1, (ConvBlock(1, 1),))
WRITTEN_BY_THE_PACKAGE = (
    b'(\x01\x00\x00\x00\x00\x00\x00{"__metadata__":{"format":"pt"},"conv1.bias":{"dtype":"F32",'
    b'"shape":[1],"data_offsets":[0,4]},"conv1.weight":{"dtype":"F32","shape":[1,1,1],'
    b'"data_offsets":[4,8]},"linear.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},'
    b'"linear.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[12,16]}} \x00\x00\x00\xc0'
    b"\x00\x00\x80?\x00\x00\x00\xc0\x00\x00\x80?"
)
"""By safetensors 0.8 of weights of 1 and biases of -2."""
SIGNS = random_solution(TINY, np.random.default_rng(0))
TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
}  # fmt: skip


def parts() -> dict[str, NDArray[Any]]:
    return dict(parts_of(TINY, SIGNS))


def dump(tensors: dict[str, NDArray[Any]], kind: str) -> bytes:
    """The bytes of a file."""
    header: dict[str, Any] = {"__metadata__": {"format": "np"}}
    data = b""
    for name in sorted(tensors):
        raw = tensors[name].tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": tensors[name].shape, "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def load(folder: Path, raw: bytes) -> NDArray[np.int8]:
    path = folder / "model.safetensors"
    path.write_bytes(raw)
    return importing.load(path, TINY).signs


def refusal(folder: Path, raw: bytes) -> str:
    with pytest.raises(EvobinError) as caught:
        load(folder, raw)
    head, _, told = str(caught.value).partition(": ")
    assert head == str(folder / "model.safetensors")
    assert "\n" not in told
    return told


def test_a_file_of_the_package_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(WRITTEN_BY_THE_PACKAGE)
    network = importing.load(tmp_path / "model.bin", SMALLEST)
    assert network.signs.tolist() == [1, -1, 1, -1]


@pytest.mark.parametrize("kind", TYPES)
def test_numbers_of_any_type_are_read_without_pytorch(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    tensors = {name: part.astype(TYPES[kind]) for name, part in parts().items()}
    np.testing.assert_array_equal(load(tmp_path, dump(tensors, kind)), SIGNS)


def test_the_upper_half_of_float32_is_read(tmp_path: Path) -> None:
    halves = {
        name: (part.astype(np.float32).view(np.uint32) >> 16).astype("<u2")
        for name, part in parts().items()
    }
    np.testing.assert_array_equal(load(tmp_path, dump(halves, "BF16")), SIGNS)


def test_names_have_prefixes_here_too_and_no_order(tmp_path: Path) -> None:
    names = {"conv1": "c2", "conv2": "c10", "linear": "a"}
    tensors = {
        f"model.{names[name.partition('.')[0]]}.{name.partition('.')[2]}": part.astype("<f4")
        for name, part in parts().items()
    }
    np.testing.assert_array_equal(load(tmp_path, dump(tensors, "F32")), SIGNS)


def changed(entry: Any) -> bytes:
    header = {"conv1.weight": entry}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(16)


PLACE = "says of 'conv1.weight' no place within the file's 16 bytes of numbers; save it again with"
WHOLE = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "ends within its header; save it again with safetensors.torch.save_file(model.state"),
        (dump(parts(), "I8")[:100], "ends within its header"),
        (dump(parts(), "I8")[:-1], "says of 'linear.weight' no place within the file's 248 bytes"),
        (b"\x04" + bytes(7) + b"{nul", "has a header that is no JSON;"),
        (b"\x04" + bytes(7) + b"null", "has a header that is no JSON object;"),
        (b"\xff" * 8 + b"{", "ends within its header"),
        (changed(3), PLACE),
        (changed(WHOLE | {"shape": None}), PLACE),
        (changed(WHOLE | {"shape": [-4]}), PLACE),
        (changed(WHOLE | {"shape": [True]}), PLACE),
        (changed(WHOLE | {"data_offsets": [0, 17]}), PLACE),
        (changed(WHOLE | {"data_offsets": [8, 4]}), PLACE),
        (changed(WHOLE | {"data_offsets": [0]}), PLACE),
        (changed(WHOLE | {"dtype": ["F32"]}), PLACE),
        (changed(WHOLE | {"dtype": "?"}), "holds 1 entries (conv1.weight), but the network has"),
        (
            changed(WHOLE | {"shape": [5]}),
            "has 16 bytes for 'conv1.weight', which is not what F32 of shape [5] takes;",
        ),
    ],
)
def test_a_damaged_file_is_refused(raw: bytes, message: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, raw).startswith(message)


def test_other_numbers_are_named(tmp_path: Path) -> None:
    raw = dump(parts(), "I8").replace(
        b'"conv1.bias": {"dtype": "I8"', b'"conv1.bias": {"dtype": "F8"'
    )
    assert refusal(tmp_path, raw) == (
        "'conv1.bias' is not a dense tensor of real numbers; save it as float32."
    )
