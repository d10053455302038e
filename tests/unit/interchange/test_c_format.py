"""The C file: its limits, its promises to compilers, and memory."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from evobin.interchange import c_format
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from tests.builders import GOLDEN_RESULT, TINY
from tests.exported import STRICT, CompiledC, gcc
from tests.strategies import random_samples, random_solution

DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include "network.c"

int main(void)
{
    for (int t = -1; t <= 130; t++) {
        size_t n = (size_t)(t > 0 ? t : 0) * N_IN;
        float *x = malloc(n * sizeof *x + 1);
        for (size_t i = 0; i < n; i++)
            x[i] = (float)(i * 2654435761u % 1024) / 64.0f - 8.0f;
        printf("%d ", predict(x, t));
        free(x);
    }
    return 0;
}
"""

BINARY = [
    Architecture(448, (ConvBlock(64, 1),), 26, 1, binary_inputs=True),
    Architecture(28, (ConvBlock(30, 28), ConvBlock(9, 1)), 10, 28, binary_inputs=True),
    Architecture(70, (ConvBlock(33, 3, 2), ConvBlock(5, 2)), binary_inputs=True),
]


@pytest.fixture(scope="module")
def golden() -> BinaryNetwork:
    return BinaryNetwork.load(GOLDEN_RESULT)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledC:
    network = BinaryNetwork(TINY, random_solution(TINY, np.random.default_rng(0)))
    return CompiledC(network, tmp_path_factory.mktemp("c"))


def zeros(t: int) -> np.ndarray:
    return np.zeros((t, TINY.n_in), np.float32)


def test_samples_outside_the_limits_are_answered_with_minus_1(compiled: CompiledC) -> None:
    shortest, longest = TINY.min_frames, c_format.MAX_FRAMES
    assert [compiled.predict(zeros(t)) for t in (0, 1, shortest - 1, longest + 1)] == [-1] * 4
    assert compiled.predict(zeros(shortest)) in (0, 1)
    assert compiled.predict(zeros(longest)) == compiled.predict(zeros(shortest))


def test_the_longest_sample_is_set_when_the_file_is_compiled(tmp_path: Path) -> None:
    network = BinaryNetwork(TINY, random_solution(TINY, np.random.default_rng(0)))
    compiled = CompiledC(network, tmp_path, "-O1", "-DEVOBIN_MAX_FRAMES=20")
    samples = [np.random.default_rng(t).normal(size=(t, TINY.n_in)) for t in (19, 20, 21)]
    assert [compiled.predict(sample) for sample in samples] == [*network.predict(samples[:2]), -1]
    done = gcc("-c", "-DEVOBIN_MAX_FRAMES=4", tmp_path / "network.c", "-o", tmp_path / "network.o")
    assert done.returncode == 1
    assert f"EVOBIN_MAX_FRAMES must be at least {TINY.min_frames}" in done.stderr


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("frame", [0, 30, 59])
def test_a_feature_that_is_not_finite_is_answered_with_minus_1(
    compiled: CompiledC, value: float, frame: int
) -> None:
    sample = zeros(60)
    assert compiled.predict(sample) >= 0
    sample[frame, 2] = value
    assert compiled.predict(sample) == -1


def test_options_that_reorder_sums_are_refused(golden: BinaryNetwork, tmp_path: Path) -> None:
    (tmp_path / "network.c").write_bytes(c_format.encode(golden))
    for option in ("-ffast-math", "-Ofast"):
        done = gcc(option, "-c", tmp_path / "network.c", "-o", tmp_path / "network.o")
        assert done.returncode == 1
        assert "compile without -ffast-math" in done.stderr


def test_a_library_of_the_file_has_one_public_name_and_no_state(
    golden: BinaryNetwork, tmp_path: Path
) -> None:
    (tmp_path / "network.c").write_bytes(c_format.encode(golden))
    code = tmp_path / "network.s"
    assert gcc(*STRICT, "-O2", "-S", tmp_path / "network.c", "-o", code).returncode == 0
    lines = [line.split() for line in code.read_text().splitlines()]
    assert [line[1].strip("_") for line in lines if line and line[0] == ".globl"] == ["predict"]
    assert not any(line[0] in (".data", ".bss", ".comm", ".lcomm") for line in lines if line)


def stack_of(network: BinaryNetwork, tmp_path: Path) -> tuple[int, int]:
    """Bytes of stack that the compiler counts, and that the file says."""
    text = c_format.encode(network).decode()
    (tmp_path / "network.c").write_text(text)
    done = gcc("-O2", "-fstack-usage", "-c", tmp_path / "network.c", "-o", tmp_path / "network.o")
    usage = tmp_path / "network.su"
    if done.returncode or not usage.exists():
        pytest.skip("the compiler does not report the stack's size")
    used = sum(int(line.split("\t")[1]) for line in usage.read_text().splitlines())
    said = c_format.sizes(network).stack
    assert f" {said:,}  stack" in text
    return used, said


def test_the_stack_is_as_large_as_the_file_says(golden: BinaryNetwork, tmp_path: Path) -> None:
    used, said = stack_of(golden, tmp_path)
    assert said - 1000 <= used <= said + 100


def test_nothing_outside_the_sample_is_read_and_nothing_is_undefined(
    golden: BinaryNetwork, tmp_path: Path
) -> None:
    (tmp_path / "network.c").write_bytes(c_format.encode(golden))
    (tmp_path / "driver.c").write_text(DRIVER)
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    program = tmp_path / "driver"
    done = gcc("-std=c99", "-O1", *checks, tmp_path / "driver.c", "-o", program)
    if done.returncode:
        pytest.skip("the compiler has no sanitizers")
    run = subprocess.run([program], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    answers = [int(word) for word in run.stdout.split()]
    samples = []
    for t in range(SPEAKER_SEX.min_frames, 131):
        place = np.arange(t * 64, dtype=np.uint64) * np.uint64(2654435761)
        samples.append((place % 1024 / 64 - 8).reshape(t, 64).astype(np.float32))
    assert answers == [-1] * 58 + golden.predict(samples).tolist()


def signs_for(architecture: Architecture, samples: int) -> list[np.ndarray]:
    return random_samples(architecture, samples, np.random.default_rng(0))


@pytest.mark.parametrize("architecture", BINARY)
def test_a_file_for_binary_inputs_has_no_floating_point_number(
    architecture: Architecture, tmp_path: Path
) -> None:
    network = BinaryNetwork(architecture, random_solution(architecture, np.random.default_rng(0)))
    text = c_format.encode(network).decode("ascii")
    assert not re.search(r"float|double|math\.h|\d\.\d", text)
    assert "int predict(const int8_t *x, int t);" in text
    compiled = CompiledC(network, tmp_path)
    # not loaded: a library linked with it has this process take subnormal numbers for 0
    done = gcc("-O2", "-ffast-math", "-c", tmp_path / "network.c", "-o", tmp_path / "network.o")
    assert (done.returncode, done.stderr) == (0, "")
    samples = signs_for(architecture, 20)
    assert [compiled.predict(sample) for sample in samples] == network.predict(samples).tolist()


@pytest.mark.parametrize("architecture", BINARY)
def test_a_feature_that_is_no_sign_is_answered_with_minus_1(
    architecture: Architecture, tmp_path: Path
) -> None:
    network = BinaryNetwork(architecture, random_solution(architecture, np.random.default_rng(0)))
    compiled, (sample,) = CompiledC(network, tmp_path), signs_for(architecture, 1)
    assert compiled.predict(sample) >= 0
    for wrong in (0, 2, -2, 127, -128):
        sample[-1, -1] = wrong
        assert compiled.predict(sample) == -1
    assert compiled.predict(sample[:0]) == -1


@pytest.mark.parametrize("architecture", BINARY)
def test_the_stack_of_a_file_for_binary_inputs_is_as_large_as_it_says(
    architecture: Architecture, tmp_path: Path
) -> None:
    network = BinaryNetwork(architecture, random_solution(architecture, np.random.default_rng(0)))
    used, said = stack_of(network, tmp_path)
    assert said - 500 <= used <= said + 100


def test_the_file_is_narrow_ascii_and_always_the_same(golden: BinaryNetwork) -> None:
    text = c_format.encode(golden)
    assert max(map(len, text.decode("ascii").splitlines())) <= 100
    assert b"$" not in text
    assert c_format.encode(golden) == text
