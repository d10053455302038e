"""Models of other programs: which tensor is which layer's, and what is asked for."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evobin.errors import EvobinError
from evobin.interchange import importing, torch_format
from evobin.network.architecture import Architecture, ConvBlock
from tests.exported import module_of
from tests.oracle import naive
from tests.strategies import random_samples, random_solution

torch = pytest.importorskip("torch")
State = dict[str, Any]

TWINS = Architecture(4, (ConvBlock(4, 3), ConvBlock(6, 3), ConvBlock(6, 3), ConvBlock(6, 3)))
"""conv3 and conv4 have one shape; so have no others."""


def latents() -> State:
    torch.manual_seed(0)
    state: State = module_of(TWINS).state_dict()
    return state


def solution_of(state: State) -> np.ndarray:
    return np.concatenate([np.where(part.numpy().ravel() > 0, 1, -1) for part in state.values()])


EXPECTED = solution_of(latents())


def renamed(pattern: Callable[[str], str], order: tuple[int, ...] = (0, 1, 2, 3, 4)) -> State:
    """The layers with other names, defined in another order."""
    state = latents()
    layers = list(dict.fromkeys(name.partition(".")[0] for name in state))
    return {
        f"{pattern(layers[place])}.{kind}": state[f"{layers[place]}.{kind}"]
        for place in order
        for kind in ("weight", "bias")
    }


def load(folder: Path, state: Any, **options: Any) -> np.ndarray:
    torch.save(state, folder / "model.pt")
    return importing.load(folder / "model.pt", TWINS, **options).signs


def refusal(folder: Path, state: Any, **options: Any) -> str:
    path = folder / "model.pt"
    with pytest.raises(EvobinError, match=re.escape(f"{path}: ")) as caught:
        load(folder, state, **options)
    return str(caught.value).removeprefix(f"{path}: ")


BACKWARDS = (0, 1, 3, 2, 4)
"""conv4 defined before conv3."""


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "_orig_mod.module.", "model.", "net.body.", "module.0."]
)
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), BACKWARDS, (4, 3, 2, 1, 0)])
def test_a_prefix_does_not_hide_the_names(
    prefix: str, order: tuple[int, ...], tmp_path: Path
) -> None:
    state = renamed(lambda name: prefix + name, order)
    np.testing.assert_array_equal(load(tmp_path, state), EXPECTED)


def test_compiled_parts_of_a_module_keep_their_names(tmp_path: Path) -> None:
    state = renamed(lambda name: f"net.{name}._orig_mod", BACKWARDS)
    np.testing.assert_array_equal(load(tmp_path, state), EXPECTED)


NUMBERED = {"conv1": "0", "conv2": "2", "conv3": "4", "conv4": "10", "linear": "head"}


def test_numbers_in_names_that_rise_with_the_order_are_the_layers_order(tmp_path: Path) -> None:
    for pattern in ("{}", "layers.{}", "encoder.{}.0.conv", "c{}"):
        state = renamed(lambda name, pattern=pattern: pattern.format(NUMBERED[name]))  # type: ignore[misc]
        np.testing.assert_array_equal(load(tmp_path, state), EXPECTED)


def test_layers_of_shapes_of_their_own_may_have_any_names_and_any_order(tmp_path: Path) -> None:
    names = {"conv1": "stem", "conv2": "widen", "conv3": "c1", "conv4": "c2", "linear": "out"}
    state = renamed(names.__getitem__, (4, 1, 0, 2, 3))
    np.testing.assert_array_equal(load(tmp_path, state), EXPECTED)


OTHERS = {"conv1": "stem", "conv2": "widen", "conv3": "early", "conv4": "late", "linear": "out"}


@pytest.mark.parametrize(
    ("state", "pair"),
    [
        (renamed(OTHERS.__getitem__), "early and late"),
        (renamed(NUMBERED.__getitem__, BACKWARDS), "10 and 4"),
        (renamed(lambda name: name.replace("linear", "fc"), BACKWARDS), "conv4 and conv3"),
    ],
)
def test_an_order_that_is_not_certain_is_asked_for(state: State, pair: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, state) == (
        f"has {pair}, of one shape, and which comes first is not certain; name all layers in their "
        "order with --layers, or rename them conv1, conv2, conv3, conv4, linear."
    )


def test_layers_can_be_named_in_their_order(tmp_path: Path) -> None:
    state = renamed(lambda name: f"module.{OTHERS[name]}", BACKWARDS)
    layers = list(OTHERS.values())
    np.testing.assert_array_equal(load(tmp_path, state, layers=layers), EXPECTED)
    layers = [f"module.{name}" for name in layers]
    np.testing.assert_array_equal(load(tmp_path, state, layers=layers), EXPECTED)
    more = state | {"module.loss.pos_weight": torch.ones(1)}
    np.testing.assert_array_equal(load(tmp_path, more, layers=layers), EXPECTED)
    assert refusal(tmp_path, more).startswith("holds 11 entries (module.stem.weight, module.stem.")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            ["stem"],
            "needs 5 different names with --layers, of conv1, conv2, conv3, conv4, linear in this ",
        ),
        (["stem"] * 5, "needs 5 different names with --layers, of conv1, conv2, "),
        (
            ["stem", "widen", "early", "last", "out"],
            "has no weight and bias of a layer 'last'; its",
        ),
    ],
)
def test_layers_that_are_not_there_are_named(
    layers: list[str], message: str, tmp_path: Path
) -> None:
    assert refusal(tmp_path, renamed(OTHERS.__getitem__), layers=layers).startswith(message)


def test_layers_that_do_not_fit_are_named(tmp_path: Path) -> None:
    state = renamed(OTHERS.__getitem__)
    assert refusal(tmp_path, state | {"late.weight": torch.ones(6, 6, 5)}) == (
        "has 1 weights of shape [6, 6, 3], but the network has 2 (conv3, conv4); say the model's "
        "shape with --architecture."
    )
    del state["late.bias"]
    assert refusal(tmp_path, state | {"scale": torch.ones(6)}).startswith(
        "holds 'late.weight', but all that belongs there is a weight and a bias of each layer; name"
    )


CHECKPOINTS: dict[str, Callable[[State], Any]] = {
    "model": lambda state: {"model": state, "epoch": 3},
    "state_dict": lambda state: {"state_dict": state, "optimizer": {"state": {}, "lr": 0.1}},
    "nested": lambda state: {"model": {"state_dict": state, "step": 1}},
    "with the state of random numbers": lambda state: {"net": state, "rng": torch.ones(5)},
    "beside settings": lambda state: {"model": {"width": 3}, "state_dict": state},
    "any other key": lambda state: {"generator": state, "epoch": 3},
    "the usual key among others": lambda state: {"ema": latents(), "model": state},
    "Lightning": lambda state: {
        "epoch": 1,
        "global_step": 2,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": OrderedDict((f"net.{name}", part) for name, part in state.items()),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 2}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_path": ""}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []}],
        "hyper_parameters": {"width": 3},
    },
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_checkpoints_are_looked_into(kind: str, tmp_path: Path) -> None:
    state = CHECKPOINTS[kind](renamed(str, BACKWARDS))
    np.testing.assert_array_equal(load(tmp_path, state), EXPECTED)


def test_several_state_dicts_are_asked_about(tmp_path: Path) -> None:
    assert refusal(tmp_path, {"teacher": latents(), "student": latents()}) == (
        "holds several state dicts, teacher and student; save the one that you mean alone."
    )
    assert refusal(tmp_path, {"model": latents(), "state_dict": latents()}).startswith(
        "holds several state dicts, state_dict and model;"
    )
    assert refusal(tmp_path, {"epoch": 3}).startswith("holds 1 entries (epoch), but the network")


def test_no_warning_of_pytorch_is_passed_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):  # that of writing it
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), tmp_path / "model.pt")
    with pytest.raises(EvobinError, match="is a TorchScript archive, which is code; write it with"):
        importing.load(tmp_path / "model.pt", TWINS)
    assert capfd.readouterr() == ("", "")


def test_a_weight_of_0_is_asked_about(tmp_path: Path) -> None:
    state = latents()
    state["conv2.bias"][4:] = 0.0
    assert refusal(tmp_path, state) == (
        "'conv2.bias' holds 0 at [4], 2 in all, and which sign the model gives it is not known; "
        "say so with --zero minus or --zero plus."
    )
    bias = TWINS.layers[1].bias(load(tmp_path, state, zero="minus"))
    assert bias[4:].tolist() == [-1, -1]
    assert np.array_equal(load(tmp_path, state, zero="minus"), solution_of(state))
    with pytest.raises(ValueError, match="`zero` must be one of refuse, minus, plus"):
        load(tmp_path, state, zero="one")


def test_bits_are_read_where_0_is_said_to_be_minus(tmp_path: Path) -> None:
    bits = {name: part > 0 for name, part in latents().items()}
    np.testing.assert_array_equal(load(tmp_path, bits, zero="minus"), EXPECTED)
    assert " of 10 tensors have problems:\n" in refusal(tmp_path, bits)
    assert refusal(tmp_path, bits, zero="plus") == (
        "holds no number below 0, so that with --zero plus all its weights would be +1; if its 1 "
        "stands for -1, save 1 - 2 * weight instead."
    )


ZERO_PLUS = {
    "dense": Architecture(5, (ConvBlock(6, 1), ConvBlock(7, 1)), 3, 1),
    "dense, binary": Architecture(5, (ConvBlock(6, 1), ConvBlock(7, 1)), 2, 1, binary_inputs=True),
    "over frames": Architecture(3, (ConvBlock(5, 3), ConvBlock(4, 5), ConvBlock(3, 1)), 2, 7),
    "even fan-in, a maximum": Architecture(
        2, (ConvBlock(4, 3, 2), ConvBlock(3, 2)), binary_inputs=True
    ),
}


@pytest.mark.parametrize("name", ZERO_PLUS)
def test_a_model_whose_sign_of_0_is_plus_gives_its_answers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture, rng = ZERO_PLUS[name], np.random.default_rng(0)
    latent = random_solution(architecture, rng)
    parts = torch_format.parts_of(architecture, latent)
    state = {part: torch.tensor(signs.astype(np.float32)) for part, signs in parts.items()}
    weight = state[next(iter(state))]
    weight[weight > 0] = 0.0  # which is +1 there
    torch.save(state, tmp_path / "model.pt")
    network = importing.load(tmp_path / "model.pt", architecture, "plus")
    samples = random_samples(architecture, 20, rng, halves=True)
    ours = network.logits(samples).reshape(len(samples), -1).tolist()
    before = [naive.answer(architecture, latent, sample).logits for sample in samples]
    monkeypatch.setattr(naive, "sign", lambda x: 1 if x >= 0 else -1)
    theirs = [naive.answer(architecture, latent, sample).logits for sample in samples]
    assert ours == theirs
    assert "even" in name or theirs != before


def test_a_sign_of_0_that_has_no_equal_is_refused(tmp_path: Path) -> None:
    architecture = Architecture(3, (ConvBlock(5, 3, 2), ConvBlock(4, 3)))
    torch.save(module_of(architecture).state_dict(), tmp_path / "model.pt")
    with pytest.raises(EvobinError) as caught:
        importing.load(tmp_path / "model.pt", architecture, "plus")
    assert str(caught.value).endswith(
        "is to have sign(0) = +1, but a sum of its layer conv2, of 15 signs and a bias, can be 0, "
        "and a maximum comes after it: no network with sign(0) = -1 answers the same; train one "
        "that has it."
    )
