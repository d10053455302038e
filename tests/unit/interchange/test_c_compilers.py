"""The C file with each compiler that is there, as C and as C++: no warning, the same answers."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.data.columns import Column
from evobin.data.encoder import TableEncoder
from evobin.interchange import c_format
from evobin.interchange.exporting import export
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from tests.oracle.test_interchange import ARCHITECTURES
from tests.strategies import random_samples, random_solution
from tests.unit.interchange.test_encoded_exports import fitted, fitted_table

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
COMPILERS = {
    "gcc": ["gcc", "-std=c99", "-O2"],
    "gcc, small": ["gcc", "-std=c99", "-Os"],
    "gcc, 32 bits": ["gcc", "-std=c99", "-m32", "-Os"],
    "g++": ["g++", "-x", "c++", "-std=c++17", "-O2"],
    "g++, C++11": ["g++", "-x", "c++", "-std=c++11", "-O3"],
    "clang": ["clang", "-std=c99", "-O2"],
    "clang, 32 bits": ["clang", "-std=c99", "-m32", "-Os"],
    "clang++": ["clang++", "-x", "c++", "-std=c++17", "-O2"],
    "clang++, C++11": ["clang++", "-x", "c++", "-std=c++11", "-Os"],
    "tcc": ["tcc", "-std=c99"],
}
DRIVER = """
#include <stdio.h>
#include "network.h"

#ifdef NETWORK_FRAMES_MIN
#define FRAMES NETWORK_FRAMES_MIN
#else
#define FRAMES NETWORK_FRAMES
#endif

int main(int n, char **names)
{
    static NUMBER x[FRAMES * NETWORK_FEATURES];
    FILE *file = n == 2 ? fopen(names[1], "rb") : NULL;
    if (file == NULL)
        return 1;
    while (fread(x, sizeof x, 1, file) == 1)
        printf("%d ", predict(x, FRAMES));
    fclose(file);
    return 0;
}
"""
KINDS = {
    "real features": Architecture(9, (ConvBlock(70, 15, 3), ConvBlock(33, 4, 4))),
    "signs": Architecture(70, (ConvBlock(33, 3, 2), ConvBlock(5, 2)), 10, binary_inputs=True),
}


def compile_with(name: str, *arguments: str | Path) -> None:
    """Runs a compiler, or skips where it, or what it needs, is not there."""
    command = COMPILERS[name]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    if "-m32" in command and not has_32_bits(command[0]):
        pytest.skip(f"{command[0]} has no libraries for 32 bits on this machine")
    warnings = WARNINGS if command[0] != "tcc" else ["-Wall", "-Werror"]
    done = subprocess.run(
        [*command, *warnings, *map(str, arguments)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@cache
def has_32_bits(compiler: str) -> bool:
    source = "#include <stdio.h>\nint main(void) { return 0; }\n"
    command = [compiler, "-m32", "-x", "c", "-", "-o", "/dev/null"]
    return (
        subprocess.run(command, check=False, input=source.encode(), capture_output=True).returncode
        == 0
    )


def answers(
    name: str,
    folder: Path,
    rows: NDArray[Any],
    network: BinaryNetwork,
    encoder: TableEncoder | None = None,
) -> list[int]:
    """What a program answers that was linked without libm: rows, each a sample."""
    export(folder / "network.c", "c", network, encoder)
    (folder / "driver.c").write_text(DRIVER)
    rows.tofile(folder / "rows")
    number = "-DNUMBER=float" if rows.dtype == np.float32 else "-DNUMBER=int8_t"
    compile_with(name, number, folder / "driver.c", folder / "network.c", "-o", folder / "program")
    run = subprocess.run(
        [folder / "program", folder / "rows"], check=True, capture_output=True, text=True
    )
    return [int(word) for word in run.stdout.split()]


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", COMPILERS)
def test_a_thousand_rows_of_raw_features_are_answered(
    name: str, n_classes: int, tmp_path: Path
) -> None:
    network, encoder, near = fitted(n_classes)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(1000, 9)) * 10.0 ** rng.integers(-5, 6, (1000, 9))
    rows = np.concatenate([near, rows.astype(np.float32)])
    labels = network.predict(list(encoder.transform(rows)[:, None]))
    assert answers(name, tmp_path, rows, network, encoder) == labels.tolist()
    assert len(set(labels.tolist())) == n_classes


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", COMPILERS)
def test_a_thousand_rows_with_categories_and_missing_values_are_answered(
    name: str, n_classes: int, tmp_path: Path
) -> None:
    network, encoder, frame = fitted_table(n_classes)
    rows = encoder.numbers(frame).astype(np.float32)
    labels = network.predict(list(encoder.transform(frame)[:, None]))
    assert answers(name, tmp_path, rows, network, encoder) == labels.tolist()
    assert len(labels) == 1000
    assert len(set(labels.tolist())) == n_classes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COMPILERS)
def test_samples_of_frames_are_answered(name: str, kind: str, tmp_path: Path) -> None:
    architecture, rng = KINDS[kind], np.random.default_rng(0)
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    size = (architecture.min_frames, architecture.n_in)
    dtype = np.int8 if architecture.binary_inputs else np.float32
    samples = [
        np.resize(sample, size).astype(dtype)
        for sample in random_samples(architecture, 40, rng, halves=True)
    ]
    labels = network.predict(samples).tolist()
    assert answers(name, tmp_path, np.array(samples), network) == labels
    assert len(set(labels)) > 1


@pytest.mark.parametrize(
    ("frames", "blocks"),
    [
        (None, (ConvBlock(9, 3, 2), ConvBlock(7, 3, 4))),
        (14, (ConvBlock(9, 3, 2), ConvBlock(7, 6))),
        (3, (ConvBlock(9, 3), ConvBlock(4, 1))),
    ],
)
@pytest.mark.parametrize("name", COMPILERS)
def test_series_of_raw_features_are_answered(
    name: str, frames: int | None, blocks: tuple[ConvBlock, ...], tmp_path: Path
) -> None:
    """Of any length, of one length, and seen by the first layer at once; values may be missing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 14, 5))[:, : frames or 12].astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    encoder = TableEncoder(3).fit(x.reshape(-1, 5))
    architecture = Architecture(encoder.n_signs, blocks, 3, frames, binary_inputs=True)
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    x = x[:, : architecture.min_frames]
    signs = encoder.transform(x.reshape(-1, 5)).reshape(len(x), -1, encoder.n_signs)
    labels = network.predict(list(signs)).tolist()
    assert answers(name, tmp_path, x.copy(), network, encoder) == labels
    assert len(set(labels)) > 1


@pytest.mark.parametrize("name", ["gcc", "g++", "clang++"])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_no_shape_of_a_network_is_warned_about(name: str, kind: str, tmp_path: Path) -> None:
    architecture = ARCHITECTURES[kind]
    solution = random_solution(architecture, np.random.default_rng(0))
    export(tmp_path / "network.c", "c", BinaryNetwork(architecture, solution))
    strict = ["-Wconversion", "-Wshadow"]
    compile_with(name, *strict, "-c", tmp_path / "network.c", "-o", tmp_path / "network.o")


def test_a_threshold_below_all_of_float32_is_compared_with(tmp_path: Path) -> None:
    encoder = TableEncoder(4)
    encoder.columns_ = (Column(thresholds=np.array([-1e300, -1e-60, 1e-42, 0.1])),)
    architecture = Architecture(4, (ConvBlock(3, 1),), 2, 1, binary_inputs=True)
    network = BinaryNetwork(architecture, np.ones(architecture.n_weights))
    rows = np.array([[-3.4e38], [-1], [0], [1e-42], [2e-42], [0.1], [1], [3.4e38]], np.float32)
    labels = network.predict(list(encoder.transform(rows)[:, None])).tolist()
    for number, name in enumerate(("gcc", "g++, C++11")):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert answers(name, folder, rows, network, encoder) == labels
    assert len(set(labels)) == 2


def test_a_program_in_cpp_calls_the_file_compiled_as_c(tmp_path: Path) -> None:
    network, encoder, rows = fitted(2)
    export(tmp_path / "network.c", "c", network, encoder)
    (tmp_path / "main.cpp").write_text(DRIVER)
    compile_with("gcc", "-c", tmp_path / "network.c", "-o", tmp_path / "network.o")
    paths = tmp_path / "main.cpp", "-x", "none", tmp_path / "network.o"
    compile_with("g++", "-DNUMBER=float", *paths, "-o", tmp_path / "program")
    rows.tofile(tmp_path / "rows")
    run = subprocess.run(
        [tmp_path / "program", tmp_path / "rows"], check=True, capture_output=True, text=True
    )
    labels = network.predict(list(encoder.transform(rows)[:, None])).tolist()
    assert [int(word) for word in run.stdout.split()] == labels


@pytest.mark.parametrize("kind", [*ARCHITECTURES, "encoder", "table"])
def test_code_and_weights_are_about_as_large_as_the_file_says(kind: str, tmp_path: Path) -> None:
    """Of this machine's gcc: the file speaks of ARM, whose code is 0.7 to 1.5 times as long."""
    encoder = None
    if kind == "encoder":
        network, encoder, _ = fitted(2)
    elif kind == "table":
        network, encoder, _ = fitted_table(2)
    else:
        solution = random_solution(ARCHITECTURES[kind], np.random.default_rng(0))
        network = BinaryNetwork(ARCHITECTURES[kind], solution)
    export(tmp_path / "network.c", "c", network, encoder)
    compile_with("gcc, small", "-c", tmp_path / "network.c", "-o", tmp_path / "network.o")
    if shutil.which("size") is None:
        pytest.skip("size, of binutils, is not on this machine")
    listed = subprocess.run(
        ["size", "-A", tmp_path / "network.o"], check=True, capture_output=True, text=True
    ).stdout
    sections = [line.split() for line in listed.splitlines() if line.startswith(".")]
    code = sum(int(size) for name, size, *_ in sections if name.startswith(".text"))
    data = sum(int(size) for name, size, *_ in sections if name.startswith((".rodata", ".data")))
    said = c_format.sizes(network, encoder)
    text = (tmp_path / "network.c").read_text()
    assert f" {said.weights:,}  weights" in text
    assert 0 <= data - said.weights <= 250  # the table of layers, and what aligns
    assert 0.4 * said.code <= code <= 1.5 * said.code
