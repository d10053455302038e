"""Architectures as files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from evobin.errors import EvobinError
from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.network.blueprint import load_architecture
from evobin.network.presets import SPEAKER_SEX

VOICES = """\
inputs = 64
classes = 2
global = "max"
[[conv]]
outputs = 128
kernel = 9
pool = 2
[[conv]]
outputs = 128
kernel = 9
pool = 2
[[conv]]
outputs = 128
kernel = 9
"""
DENSE = "inputs = 64\nframes = 1\n"
CONV = "inputs = 3\n[[conv]]\noutputs = 5\nkernel = 2\npool = 2\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "network.toml"


def read(path: Path, text: str) -> Architecture:
    path.write_text(text)
    return load_architecture(path)


def problem_of(path: Path) -> str:
    with pytest.raises(EvobinError, match=r"\S") as caught:
        load_architecture(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert len(told.splitlines()) == 1
    return told.removeprefix(f"{path}: ")


def test_the_built_in_network_can_be_written_down(path: Path) -> None:
    assert read(path, VOICES) == SPEAKER_SEX


def test_a_dense_network_has_a_block_a_hidden_layer(path: Path) -> None:
    architecture = read(path, DENSE + "classes = 10\nlinear = [256, 128]\n")
    assert architecture == Architecture(64, (ConvBlock(256, 1), ConvBlock(128, 1)), 10, 1)
    assert [layer.name for layer in architecture.layers] == ["linear1", "linear2", "linear3"]


def test_hidden_layers_follow_the_global_max(path: Path) -> None:
    architecture = read(path, "classes = 3\nlinear = [7]\n" + CONV)
    assert architecture == Architecture(3, (ConvBlock(5, 2, WHOLE), ConvBlock(7, 1)), 3)


def test_without_a_global_max_the_first_linear_layer_takes_all_frames(path: Path) -> None:
    head = 'frames = 9\nglobal = "none"\nlinear = [7, 6]\n'
    architecture = read(path, head + CONV)
    assert architecture.blocks == (ConvBlock(5, 2, 2), ConvBlock(7, 4), ConvBlock(6, 1))
    assert architecture.frames == 9
    assert [layer.shape for layer in architecture.layers[1:]] == [(7, 5, 4), (6, 7, 1), (1, 6)]


def test_without_convolutions_the_first_linear_layer_takes_all_frames(path: Path) -> None:
    architecture = read(path, "inputs = 8\nframes = 8\nclasses = 10\nlinear = [32]\n")
    assert architecture == Architecture(8, (ConvBlock(32, 8),), 10, 8)


def test_inputs_can_be_declared_binary(path: Path) -> None:
    assert read(path, "binary_inputs = true\n" + CONV).binary_inputs
    assert not read(path, "binary_inputs = false\n" + CONV).binary_inputs
    assert not read(path, CONV).binary_inputs


def test_a_length_can_be_fixed_before_a_global_max(path: Path) -> None:
    assert read(path, "frames = 20\n" + CONV) == Architecture(3, (ConvBlock(5, 2, 2),), 2, 20)


def test_one_frame_after_the_convolutions_needs_no_hidden_layer(path: Path) -> None:
    head = 'frames = 3\nglobal = "none"\n'
    assert read(path, head + CONV) == Architecture(3, (ConvBlock(5, 2, 2),), 2, 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "`inputs` is missing; add a line `inputs = ...`."),
        ("inputs = 4", "has no hidden layer; add `linear = [128]` or a table [[conv]]."),
        ("input = 4", "there is no key `input`; did you mean `inputs`?"),
        ("inputs = 4\nxyz = 1", "there is no key `xyz`; keys are inputs, frames, classes, "),
        ('"a\\nb" = 4', "there is no key `a b`; keys are inputs, "),
        ("inputs = 1" + "0" * 400, "`inputs` must be from 1 to 65536, but it is 1000000"),
        ("inputs = 1" + "0" * 5000, "is no TOML file: Exceeds the limit"),
        ("inputs = 4.5", "`inputs` must be a whole number, but it is 4.5."),
        (
            DENSE + "linear = [8]\nbinary_inputs = 1",
            "`binary_inputs` must be true or false, but it is 1.",
        ),
        ("inputs = true", "`inputs` must be a whole number, but it is True."),
        ("inputs = '64'", "`inputs` must be a whole number, but it is '64'."),
        ("inputs = 0", "`inputs` must be from 1 to 65536, but it is 0."),
        (DENSE + "classes = 1", "`classes` must be from 2 to 100, but it is 1."),
        (DENSE + "classes = 101", "`classes` must be from 2 to 100, but it is 101."),
        ("inputs = 4\nframes = 0", "`frames` must be from 1 to 32767, but it is 0."),
        ("inputs = 4\nlinear = [8]", "`frames` is missing: without a global max, all samples have"),
        (DENSE + "linear = 8", "`linear` must be a list as [256, 128], but it is 8."),
        (DENSE + "linear = [8, 0]", "`linear[1]` must be from 1 to 65536, but it is 0."),
        (DENSE + "linear = ['8']", "`linear[0]` must be a whole number, but it is '8'."),
        (DENSE + "linear = [8]\nglobal = 'max'", "`global` is what comes after [[conv]], and"),
        (DENSE + "[conv]\noutputs = 3", "`conv` must be tables; begin each with a line [[conv]]."),
        (DENSE + "conv = 3", "`conv` must be tables; begin each with a line [[conv]]."),
        ("global = 'mean'\n" + CONV, '`global` must be "max" or "none", but it is \'mean\'.'),
        ("global = []\n" + CONV, '`global` must be "max" or "none", but it is [].'),
        ("global = 'none'\n" + CONV, "`frames` is missing: without a global max, all samples have"),
        (
            "global = 'none'\nframes = 9\n" + CONV,
            '`global = "none"` leaves 4 frames, which a linear layer must take; add `linear = ',
        ),
        (
            "global = 'none'\nframes = 3\nlinear = [2]\n" + CONV + "[[conv]]\noutputs=1\nkernel=2",
            "`frames` is 3, which leaves 1 for [[conv]] 2, less than its kernel of 2; raise ",
        ),
        (CONV + "[[conv]]\nkernel = 3", "`outputs` is missing in [[conv]] 2; add a line `outputs"),
        (CONV + "[[conv]]\nwidth = 3", "there is no key `width` in [[conv]] 2; keys are outputs, "),
        (CONV.replace("pool = 2", "pool = 5"), "`pool` in [[conv]] 1 must be from 1 to 4, but it "),
        (CONV.replace("kernel = 2", "kernel = 'x'"), "`kernel` in [[conv]] 1 must be a whole numb"),
        ("inputs = 4000\n" + CONV[11:].replace("kernel = 2", "kernel = 9"), "`fan-in of conv1` mu"),
        ("frames = 1\n" + CONV, "`frames` must be from 2 to 32767, but it is 1."),
        (
            "inputs = 30000\nframes = 1\nlinear = [30000]",
            "has 900,060,001 weights, but at most 100,000,000 can be searched; make its layers",
        ),
        ("inputs = ", "is no TOML file: Invalid value (at "),
        ("inputs = " + "[" * 5000, "is nested too deeply; name a TOML file."),
        ("x" * 2_000_000, "is longer than 1,048,576 bytes; name a TOML file."),
    ],
)
def test_what_is_wrong_is_reported_with_its_key(path: Path, text: str, told: str) -> None:
    path.write_text(text)
    assert problem_of(path).startswith(told)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, path: Path) -> None:
    assert problem_of(path) == "does not exist; check its name and folder."
    path.write_bytes(b"\xff")
    assert problem_of(path) == "is not UTF-8 text; name a TOML file."


def run_folder(tmp_path: Path, config: Any) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def test_a_run_folder_knows_its_network(tmp_path: Path) -> None:
    dense = Architecture(64, (ConvBlock(256, 1), ConvBlock(128, 1)), 10, 1)
    for architecture in (dense, dataclasses.replace(dense, binary_inputs=True), SPEAKER_SEX):
        plain = dataclasses.asdict(architecture)
        assert load_architecture(run_folder(tmp_path, {"architecture": plain})) == architecture


@pytest.mark.parametrize(
    "config",
    [
        [],
        {},
        {"architecture": 3},
        {"architecture": {"n_in": 3}},
        {"architecture": {"n_in": 3.0, "blocks": [{"n_out": 5, "kernel": 2}]}},
        {"architecture": {"n_in": 3, "blocks": [{"n_out": 0, "kernel": 2}]}},
        {"architecture": {"n_in": 3, "blocks": [{"n_out": 5, "kernel": "2"}]}},
        {"architecture": {"n_in": 3, "blocks": [{"n_out": 5, "kernel": 2}], "more": 1}},
        {"architecture": {"n_in": 3, "blocks": [{"n_out": 5, "kernel": 2}], "binary_inputs": 1}},
        {"architecture": {"n_in": 3, "blocks": []}},
    ],
)
def test_a_run_folder_that_was_edited_is_refused(tmp_path: Path, config: Any) -> None:
    message = r"config\.json: holds no architecture \(.*\); name a TOML file\."
    with pytest.raises(EvobinError, match=message):
        load_architecture(run_folder(tmp_path, config))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        EvobinError, match=r"holds no config\.json; name a TOML file or a run folder"
    ):
        load_architecture(tmp_path)
