"""PyTorch state dicts: what is read, what is refused, and that no code is run."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evobin.config import Zero
from evobin.errors import EvobinError
from evobin.interchange import importing, torch_format
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from tests.builders import TINY
from tests.exported import module_of
from tests.strategies import random_solution

DENSE = Architecture(3, (ConvBlock(5, 7), ConvBlock(4, 1)), 3, 7)
torch = pytest.importorskip("torch")
State = dict[str, Any]


def latents() -> State:
    """A state dict of real weights, as training leaves it."""
    torch.manual_seed(0)
    state: State = module_of(TINY).state_dict()
    return state


def solution_of(state: State) -> np.ndarray:
    """The signs of all values in their order."""
    return np.concatenate([np.where(part.numpy().ravel() > 0, 1, -1) for part in state.values()])


def load(folder: Path, state: Any, zero: Zero = "refuse") -> np.ndarray:
    torch.save(state, folder / "model.pt")
    return importing.load(folder / "model.pt", TINY, zero).signs


def refusal(path: Path) -> str:
    """The one line that says why a file is refused, without its name."""
    with pytest.raises(EvobinError, match=re.escape(f"{path}: ")) as caught:
        importing.load(path, TINY)
    return str(caught.value).removeprefix(f"{path}: ")


def test_linear_layers_have_matrices() -> None:
    signs = random_solution(DENSE, np.random.default_rng(0))
    state = torch.load(io.BytesIO(torch_format.encode(BinaryNetwork(DENSE, signs))))
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items() if "weight" in name}
    assert shapes == {"linear1.weight": (5, 21), "linear2.weight": (4, 5), "linear3.weight": (3, 4)}
    np.testing.assert_array_equal(solution_of(state), signs)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    for architecture in (TINY, SPEAKER_SEX, DENSE):
        signs = random_solution(architecture, np.random.default_rng(0))
        data = torch_format.encode(BinaryNetwork(architecture, signs))
        (tmp_path / "model.pt").write_bytes(data)
        network = importing.load(tmp_path / "model.pt", architecture)
        np.testing.assert_array_equal(network.signs, signs)
        assert torch_format.encode(network) == data


def test_a_state_dict_has_the_names_and_the_order_of_the_modules_parameters(tmp_path: Path) -> None:
    signs = random_solution(TINY, np.random.default_rng(0))
    (tmp_path / "model.pt").write_bytes(torch_format.encode(BinaryNetwork(TINY, signs)))
    state = torch.load(tmp_path / "model.pt", weights_only=True)
    assert list(state) == [name for name, _ in module_of(TINY).named_parameters()]
    assert {part.dtype for part in state.values()} == {torch.float32}
    np.testing.assert_array_equal(solution_of(state), signs)


def test_real_weights_are_cut_by_sign(tmp_path: Path) -> None:
    state = latents()
    np.testing.assert_array_equal(load(tmp_path, state), solution_of(state))


def test_0_can_count_as_not_positive_and_infinity_has_a_sign(tmp_path: Path) -> None:
    state = latents()
    state["conv1.bias"][:4] = torch.tensor([0.0, -0.0, np.inf, -np.inf])
    bias = TINY.layers[0].bias(load(tmp_path, state, "minus"))
    assert bias[:4].tolist() == [-1, -1, 1, -1]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int8", "int64"])
def test_weights_of_any_real_type_are_read(tmp_path: Path, dtype: str) -> None:
    state = {name: (100 * part).to(getattr(torch, dtype)) for name, part in latents().items()}
    expected = solution_of({name: part.to(torch.float64) for name, part in state.items()})
    np.testing.assert_array_equal(load(tmp_path, state, "minus"), expected)


def test_parameters_and_parts_of_larger_tensors_are_read(tmp_path: Path) -> None:
    state = {name: torch.nn.Parameter(part) for name, part in latents().items()}
    state["conv2.bias"] = torch.cat([state["conv2.bias"].detach()] * 3)[8:16]
    np.testing.assert_array_equal(load(tmp_path, state), solution_of(latents()))


def test_our_names_may_come_in_any_order_and_other_names_in_ours(tmp_path: Path) -> None:
    expected = solution_of(latents())
    backwards = OrderedDict(reversed(latents().items()))
    np.testing.assert_array_equal(load(tmp_path, backwards), expected)
    others = {f"module.{name}": part for name, part in latents().items()}
    np.testing.assert_array_equal(load(tmp_path, others), expected)


def planted(name: str, value: Any) -> State:
    return latents() | {name: value}


BAD_STATE: dict[str, tuple[Callable[[], Any], str]] = {
    "a tensor": (lambda: torch.zeros(3), "holds a Tensor, not a state dict; write it with torch."),
    "a list": (lambda: [torch.zeros(3)], "holds a list, not a state dict"),
    "nothing": (
        dict,
        "holds 0 entries (), but the network has 6 tensors (conv1.weight, conv1.bias",
    ),
    "more": (
        lambda: planted("norm.weight", torch.zeros(8)),
        "holds 7 entries (conv1.weight, conv1.",
    ),
    "no tensor": (
        lambda: planted("conv1.bias", [1.0] * 8),
        "'conv1.bias' is not a dense tensor of real numbers; save it as float32.",
    ),
    "complex": (lambda: planted("conv1.bias", torch.ones(8) * 1j), "'conv1.bias' is not a dense"),
    "sparse": (lambda: planted("conv1.bias", torch.ones(8).to_sparse()), "'conv1.bias' is not a"),
    "meta": (lambda: planted("conv1.bias", torch.ones(8, device="meta")), "'conv1.bias' is not a"),
    "another shape": (
        lambda: planted("conv2.weight", torch.ones(8, 8, 3)),
        "'conv2.weight' must have shape [8, 8, 2], but it has [8, 8, 3].",
    ),
    "a huge view of one number": (
        lambda: planted("conv1.bias", torch.ones(1).expand(10**12)),
        "'conv1.bias' must have shape [8], but it has [1000000000000].",
    ),
    "nan": (
        lambda: planted("conv1.weight", torch.full((8, 4, 3), torch.nan)),
        "'conv1.weight' holds nan at [0, 0, 0]; name a model that has weights.",
    ),
}


@pytest.mark.parametrize("problem", BAD_STATE)
def test_what_is_no_state_dict_of_the_network_is_refused(tmp_path: Path, problem: str) -> None:
    make, message = BAD_STATE[problem]
    torch.save(make(), tmp_path / "model.pt")
    told = refusal(tmp_path / "model.pt")
    assert told.startswith(message)
    assert "\n" not in told


def test_several_problems_are_reported_together(tmp_path: Path) -> None:
    state = latents() | {"conv1.bias": torch.ones(9), "linear.bias": torch.full((1,), torch.nan)}
    torch.save(state, tmp_path / "model.pt")
    first, *more = refusal(tmp_path / "model.pt").splitlines()
    assert first == "2 of 6 tensors have problems:"
    assert [line.split()[0] for line in more] == ["'conv1.bias'", "'linear.bias'"]


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    torch.save({"conv1.weight": Payload(tmp_path / "ran")}, tmp_path / "model.pt")
    assert refusal(tmp_path / "model.pt").startswith("holds more than tensors (getattr), which")
    assert not (tmp_path / "ran").exists()


def written(path: Path, change: Callable[[bytes], bytes]) -> Path:
    torch.save(latents(), path)
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"1\n-1\n" * 50,
        lambda data: data[:-200],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"conv1.weight", b"conv1.weighs", 1)[:-1],
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    told = refusal(written(tmp_path / "model.pt", change))
    assert told == (
        "is damaged or no PyTorch state dict (only tensors are loaded, never code); write it with "
        "torch.save(model.state_dict(), file)."
    )


def test_a_class_of_someone_elses_is_named(tmp_path: Path) -> None:
    change = written(tmp_path / "model.pt", lambda data: data.replace(b"ctorch", b"cnorch"))
    assert refusal(change) == (
        "holds more than tensors (norch._utils._rebuild_tensor_v2), which could run code, and is "
        "not loaded; write it with torch.save(model.state_dict(), file)."
    )


def test_a_file_that_is_huge_or_unpacks_to_something_huge_is_refused(tmp_path: Path) -> None:
    path, limit = tmp_path / "model.pt", 64 * TINY.n_weights + 2**20
    message = f"is longer than the {limit:,} bytes that the network's weights can take; save the"
    path.write_bytes(bytes(limit + 1))
    assert refusal(path).startswith(message)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", bytes(limit + 1))
    assert path.stat().st_size < 10_000
    assert refusal(path).startswith(message)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "is a folder; name a file."
    assert refusal(tmp_path / "model.pt") == "does not exist; check its name and folder."


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    message = r"needs a package that is not installed; pip install 'evobin\[torch\]'"
    (tmp_path / "model.pt").write_bytes(b"PK")
    with pytest.raises(EvobinError, match=f"model.pt: {message}"):
        importing.load(tmp_path / "model.pt", TINY)
    with pytest.raises(EvobinError, match=f"--format torch: {message}"):
        torch_format.encode(BinaryNetwork(TINY, np.ones(TINY.n_weights)))
