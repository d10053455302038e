from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.audio.recordings import cut, trim_silence
from tests.oracle import naive


def bursts(n: int, seed: int) -> NDArray[np.float32]:
    """Noise whose level changes from one stretch to the next, by up to 100 dB."""
    rng = np.random.default_rng(seed)
    levels = 10 ** rng.uniform(-5.5, -0.5, n // 500 + 1)
    loudness = np.repeat(levels * (rng.random(len(levels)) < 0.8), 500)[:n]
    return (loudness * rng.normal(0, 1, n)).astype(np.float32)


@pytest.mark.parametrize("n", [400, 401, 559, 560, 4000, 9361, 24000])
@pytest.mark.parametrize("seed", range(4))
def test_trimming_equals_the_naive_version(n: int, seed: int) -> None:
    samples = bursts(n, seed)
    samples[n // 2] = 0.1  # not all of it is silent
    np.testing.assert_array_equal(trim_silence(samples), naive.trimmed(samples))


@pytest.mark.parametrize("n", [1, 159, 160, 161, 320, 321, 1000, 1601])
def test_cutting_equals_the_naive_version(n: int) -> None:
    samples = np.arange(n, dtype=np.float32)
    have, want = cut(samples, 0.01), naive.split(samples, 160)
    assert len(have) == len(want)
    for part, expected in zip(have, want, strict=True):
        np.testing.assert_array_equal(part, expected)
