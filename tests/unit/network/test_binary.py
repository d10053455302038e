from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evobin.core.samples import Samples
from evobin.core.scores import predictions
from evobin.errors import EvobinError
from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from tests.builders import GOLDEN_RESULT, TINY
from tests.strategies import architectures, random_samples, random_solution, seeds


def random_network(architecture: Architecture = TINY, seed: int = 0) -> BinaryNetwork:
    return BinaryNetwork(architecture, random_solution(architecture, np.random.default_rng(seed)))


def has_answer(architecture: Architecture, t: int) -> bool:
    for block in architecture.blocks:
        t -= block.kernel - 1
        if t < 1:
            return False
        t = 1 if block.pool == WHOLE else math.ceil(t / block.pool)
    return True


@given(architectures())
def test_min_frames_is_the_shortest_length_with_an_answer(architecture: Architecture) -> None:
    shortest = next(t for t in range(1, 10_000) if has_answer(architecture, t))
    if architecture.frames is None:
        assert architecture.min_frames == shortest
    else:
        assert architecture.min_frames == architecture.frames >= shortest


@given(st.integers(1, 15), st.integers(1, 4), st.integers(15, 60))
def test_frames_out_counts_windows_with_an_odd_rest_as_one(kernel: int, pool: int, t: int) -> None:
    windows = range(0, t - kernel + 1, pool)
    assert ConvBlock(1, kernel, pool).frames_out(t) == len(windows)


def test_the_speaker_sex_network_has_the_lengths_of_the_specification() -> None:
    for t in range(57, 400):
        first, second, third = SPEAKER_SEX.blocks
        assert first.frames_out(t) == (t + 1) // 2 - 4
        assert second.frames_out(first.frames_out(t)) == (t + 3) // 4 - 6
        assert third.frames_out((t + 3) // 4 - 6) == (t + 3) // 4 - 14


@given(architectures())
def test_layers_follow_each_other_without_gaps(architecture: Architecture) -> None:
    everything = np.arange(architecture.n_weights)
    parts = []
    for layer in architecture.layers:
        assert layer.weights(everything).shape == layer.shape
        assert layer.fan_in == math.prod(layer.shape[1:])
        parts += [layer.weights(everything).ravel(), layer.bias(everything)]
    np.testing.assert_array_equal(np.concatenate(parts), everything)


def test_the_speaker_sex_network_has_the_tensors_of_the_specification() -> None:
    assert SPEAKER_SEX.n_weights == 369_153
    assert SPEAKER_SEX.min_frames == 57
    tensors = [(layer.name, layer.shape, layer.start) for layer in SPEAKER_SEX.layers]
    assert tensors == [
        ("conv1", (128, 64, 9), 0),
        ("conv2", (128, 128, 9), 73_856),
        ("conv3", (128, 128, 9), 221_440),
        ("linear", (1, 128), 369_024),
    ]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_lines_of_the_file_are_in_the_order_of_the_specification(number: int) -> None:
    layer = SPEAKER_SEX.layers[number]
    _, n_in, kernel = layer.shape
    weights = layer.weights(np.arange(SPEAKER_SEX.n_weights))
    i = np.arange(layer.n_weights)
    read = weights[i // (n_in * kernel), (i // kernel) % n_in, i % kernel]
    np.testing.assert_array_equal(read, layer.start + i)


def test_a_layer_gives_views_so_that_one_can_write_through_them() -> None:
    solution = np.zeros(TINY.n_weights, np.int8)
    TINY.layers[1].weights(solution)[:] = 1
    TINY.layers[1].bias(solution)[:] = 2
    assert solution[TINY.layers[1].start : TINY.layers[1].stop].all()
    assert not solution[: TINY.layers[1].start].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3, 1), "`n_out` must be from 1"),
        ((3, 0, 1), "`kernel` must be from 1 to 32766, but it is 0"),
        ((3, 32_767, 1), "`kernel` must be from 1 to 32766, but it is 32767"),
        ((3, 3, -1), "`pool` must be from 1 to 4, but it is -1"),
        ((3, 3, 5), "`pool` must be from 1 to 4, but it is 5"),
    ],
)
def test_a_block_that_cannot_be_is_refused(arguments: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConvBlock(*arguments)


@pytest.mark.parametrize(
    ("n_in", "blocks", "message"),
    [
        (0, (ConvBlock(1, 1),), "`n_in` must be from 1"),
        (1, (), r"`len\(blocks\)` must be from 1"),
        (4096, (ConvBlock(2, 8),), "`fan-in of conv1` must be from 1 to 32766, but it is 32768"),
        (1, (ConvBlock(4096, 1), ConvBlock(1, 8)), "`fan-in of conv2` must be"),
        (1, (ConvBlock(32_767, 1),), "`fan-in of linear` must be"),
    ],
)
def test_an_architecture_that_cannot_be_is_refused(
    n_in: int, blocks: tuple[ConvBlock, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Architecture(n_in, blocks)


@pytest.mark.parametrize(
    ("blocks", "n_classes", "frames", "message"),
    [
        ((ConvBlock(2, 1),), 1, None, "`n_classes` must be from 2 to 100, but it is 1"),
        ((ConvBlock(2, 1),), 101, None, "`n_classes` must be from 2 to 100, but it is 101"),
        ((ConvBlock(2, 3, 2), ConvBlock(2, 2)), 2, 4, "`frames` must be from 5 to 32767, but it"),
        (
            (ConvBlock(2, 3, WHOLE), ConvBlock(2, 2)),
            2,
            None,
            r"after the global max of `blocks\[0\]` a single frame is left, but the blocks that "
            "follow need 2; give them a `kernel` of 1",
        ),
    ],
)
def test_classes_lengths_and_layers_that_do_not_fit_are_refused(
    blocks: tuple[ConvBlock, ...], n_classes: int, frames: int | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Architecture(3, blocks, n_classes, frames)


@pytest.mark.parametrize(
    ("blocks", "frames", "names"),
    [
        ((ConvBlock(2, 3, WHOLE),), None, ["conv1", "linear"]),
        ((ConvBlock(2, 3), ConvBlock(4, 1)), None, ["conv1", "conv2", "linear"]),
        ((ConvBlock(2, 3, WHOLE), ConvBlock(4, 1)), None, ["conv1", "linear1", "linear2"]),
        ((ConvBlock(2, 3, 2), ConvBlock(4, 3)), 8, ["conv1", "linear1", "linear2"]),
        ((ConvBlock(2, 1), ConvBlock(4, 1)), 1, ["linear1", "linear2", "linear3"]),
        ((ConvBlock(2, 3), ConvBlock(4, 3)), 8, ["conv1", "conv2", "linear"]),
    ],
)
def test_layers_that_see_all_of_a_sample_at_once_are_linear(
    blocks: tuple[ConvBlock, ...], frames: int | None, names: list[str]
) -> None:
    layers = Architecture(3, blocks, 5, frames).layers
    assert [layer.name for layer in layers] == names
    assert layers[-1].shape == (5, blocks[-1].n_out)


def test_a_linear_layer_over_frames_is_pytorchs_on_flattened_channels_and_frames() -> None:
    rng = np.random.default_rng(0)
    network = random_network(Architecture(3, (ConvBlock(4, 1), ConvBlock(6, 5)), 4, frames=5))
    samples = random_samples(network.architecture, 7, rng, halves=False)
    first, hidden, head = network.architecture.layers
    x = np.array(samples).transpose(0, 2, 1)  # [samples, channels, frames]
    for layer in (first, hidden, head):
        weights, bias = layer.weights(network.signs), layer.bias(network.signs)
        if layer is first:
            x = np.einsum("oi,nit->not", weights[:, :, 0], x) + bias[:, None]
        else:
            x = x.reshape(len(x), -1) @ weights.reshape(len(weights), -1).T + bias
        logits, x = x, np.where(x > 0, 1, -1)
    np.testing.assert_array_equal(network.logits(samples), logits)


def test_equal_logits_answer_the_lower_label() -> None:
    network = BinaryNetwork(Architecture(1, (ConvBlock(1, 1),), 3), np.ones(8))
    assert network.logits([np.ones((1, 1))]).tolist() == [[2, 2, 2]]
    assert network.predict([np.ones((1, 1))]).tolist() == [0]


def test_samples_of_another_than_the_fixed_length_are_refused() -> None:
    network = random_network(Architecture(2, (ConvBlock(3, 2),), frames=4))
    message = "must have exactly 4 frames each, but sample 1 has 5; leave it out"
    with pytest.raises(ValueError, match=message):
        network.predict([np.zeros((4, 2)), np.zeros((5, 2))])


@pytest.mark.parametrize("length", [0, TINY.n_weights - 1, TINY.n_weights + 1])
def test_signs_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match=rf"`signs` must have shape \[{TINY.n_weights}\]"):
        BinaryNetwork(TINY, np.ones(length))


@pytest.mark.parametrize("wrong", [0, 2, np.nan, 0.5])
def test_weights_that_are_no_signs_are_refused(wrong: float) -> None:
    signs = np.ones(TINY.n_weights)
    signs[17] = wrong
    with pytest.raises(ValueError, match=rf"`signs` must hold only .* {wrong:g}(\.0)? at index 17"):
        BinaryNetwork(TINY, signs)


def test_a_network_keeps_a_read_only_copy_of_its_signs() -> None:
    signs = np.ones(TINY.n_weights, np.int8)
    network = BinaryNetwork(TINY, signs)
    signs[:] = -1
    assert (network.signs == 1).all()
    assert network.signs.dtype == np.int8
    with pytest.raises(ValueError, match="read-only"):
        network.signs[0] = -1


def test_samples_that_are_too_short_are_refused_and_the_shortest_answer() -> None:
    network = random_network()
    shortest = TINY.min_frames
    assert network.logits([np.zeros((shortest, 4))]).shape == (1,)
    message = rf"must have at least {shortest} frames each, but sample 1 has {shortest - 1}; leave"
    with pytest.raises(ValueError, match=message):
        network.predict([np.zeros((shortest, 4)), np.zeros((shortest - 1, 4))])


@pytest.mark.parametrize("ask", ["predict", "logits", "activations"])
def test_samples_of_another_width_are_refused_by_every_question(ask: str) -> None:
    with pytest.raises(ValueError, match=r"`samples` must have shape \[\*, 4\], but it has shape"):
        getattr(random_network(), ask)([np.zeros((9, 5))])


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="`samples` must hold at least one sample"):
        random_network().predict([])


@given(architectures(widths=(1, 5, 64)), seeds)
def test_type_order_and_container_of_the_samples_do_not_change_the_answer(
    architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(architecture, seed)
    samples = random_samples(architecture, 3, rng)  # multiples of 1/2: exact in every type
    expected = network.logits(samples)
    variants: list[Any] = [
        [sample.astype(np.float16) for sample in samples],
        [sample.astype(np.float64) for sample in samples],
        [sample.astype(dtype) for sample, dtype in zip(samples, ("f2", "f4", ">f8"), strict=True)],
        [np.asfortranarray(sample) for sample in samples],
        [np.repeat(sample, 2, axis=1)[:, ::2] for sample in samples],
        Samples.join(samples),
    ]
    for variant in variants:
        np.testing.assert_array_equal(network.logits(variant), expected)
    np.testing.assert_array_equal(network.predict(samples), predictions(expected))


def test_integers_are_answered_as_the_numbers_they_are() -> None:
    sample = np.random.default_rng(0).integers(-3, 4, (12, 4))
    network = random_network()
    assert network.logits([sample]) == network.logits([sample.astype(float)])


@given(architectures(widths=(1, 5, 64)), seeds)
def test_logits_are_odd_or_even_as_the_hidden_width_demands(
    architecture: Architecture, seed: int
) -> None:
    samples = random_samples(architecture, 3, np.random.default_rng(seed))
    logits = random_network(architecture, seed).logits(samples)
    assert ((logits - architecture.n_hidden - 1) % 2 == 0).all()
    assert (np.abs(logits) <= architecture.n_hidden + 1).all()


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5, 50])
def test_any_number_of_threads_gives_the_same_answers(n_threads: int) -> None:
    network = random_network()
    samples = random_samples(TINY, 5, np.random.default_rng(1))
    expected = [int(network.logits([sample])[0]) for sample in samples]
    assert network.logits(samples, n_threads).tolist() == expected


def test_samples_are_not_modified() -> None:
    samples = random_samples(TINY, 2, np.random.default_rng(1), halves=False)
    before = [sample.copy() for sample in samples]
    random_network().logits(samples)
    for sample, old in zip(samples, before, strict=True):
        np.testing.assert_array_equal(sample, old)


def test_a_loaded_network_is_saved_byte_for_byte(tmp_path: Path) -> None:
    network = BinaryNetwork.load(str(GOLDEN_RESULT))
    network.save(tmp_path / "copy.txt")
    assert (tmp_path / "copy.txt").read_bytes() == GOLDEN_RESULT.read_bytes()


def test_a_file_for_another_architecture_is_refused_by_name() -> None:
    message = f"{re.escape(str(GOLDEN_RESULT))}: expected {TINY.n_weights} lines"
    with pytest.raises(EvobinError, match=message):
        BinaryNetwork.load(GOLDEN_RESULT, TINY)


def test_a_network_of_binary_inputs_refuses_other_features() -> None:
    network = random_network(Architecture(3, (ConvBlock(2, 1),), frames=1, binary_inputs=True))
    x = [np.array([[1.0, -1.0, 1.0]]), np.array([[1.0, 0.5, 1.0]])]
    message = "feature 1 of sample 1, frame 0, is 0.5; binarise them first"
    for ask in (network.predict, network.logits, network.activations):
        with pytest.raises(ValueError, match=message):
            ask(x)
    assert network.predict(x[:1]).shape == (1,)


def test_a_network_of_real_inputs_refuses_int8_samples() -> None:
    samples = Samples.join([np.ones((TINY.min_frames, TINY.n_in), np.int8)], np.int8)
    with pytest.raises(ValueError, match="`samples` must be float16, float32 or float64 where"):
        random_network().predict(samples)
