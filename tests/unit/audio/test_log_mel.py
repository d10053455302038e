from __future__ import annotations

import math
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.audio.log_mel import log_mel

AUDIO = Path(__file__).parents[4] / "shared" / "data" / "audio"
CLIPS = ["clip0", "clip1", "clip2", "clip3"]  # those at 16 kHz in one channel


def read_wave(path: Path) -> NDArray[np.float64]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def naive_log_mel(samples: NDArray[Any]) -> NDArray[np.float64]:
    """The recipe, sentence by sentence, with a discrete Fourier transform by its definition."""
    top = [2595 * math.log10(1 + f / 700) for f in (20, 7600)]
    mels = [top[0] + (top[1] - top[0]) * i / 65 for i in range(66)]
    corners = [700 * (10 ** (mel / 2595) - 1) for mel in mels]
    window = [0.5 - 0.5 * math.cos(2 * math.pi * i / 400) for i in range(400)]
    waves = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(400)) / 512)
    rows = []
    for start in range(0, len(samples) - 399, 160):
        power = abs(waves @ (samples[start : start + 400].astype(float) * window)) ** 2
        row = []
        for left, peak, right in zip(corners, corners[1:], corners[2:], strict=False):
            energy = 0.0
            for k in range(257):
                hertz = k * 16_000 / 512
                if left < hertz <= peak:
                    energy += power[k] * (hertz - left) / (peak - left)
                elif peak < hertz < right:
                    energy += power[k] * (right - hertz) / (right - peak)
            row.append(math.log(energy + 1e-6))
        rows.append(row)
    return np.array(rows)


@pytest.mark.skipif(not AUDIO.is_dir(), reason=f"the reference recordings are not in {AUDIO}")
@pytest.mark.parametrize("name", CLIPS)
def test_features_equal_those_expected_of_real_recordings(name: str) -> None:
    want = np.load(AUDIO / f"{name}.npy", allow_pickle=False)
    have = log_mel(read_wave(AUDIO / f"{name}.wav"))
    assert have.shape == want.shape
    # Both sides are rounded to float16, whose steps are 0.0078 between 8 and 16.
    assert abs(have.astype(np.float16).astype(float) - want.astype(float)).max() < 0.02


@pytest.mark.parametrize("n_samples", [400, 559, 560, 1999])
def test_features_equal_the_naive_version(n_samples: int) -> None:
    samples = np.random.default_rng(n_samples).normal(0, 0.1, n_samples)
    np.testing.assert_allclose(log_mel(samples), naive_log_mel(samples), atol=1e-5)


def test_quiet_bands_next_to_a_loud_tone_are_exact() -> None:
    samples = 0.9 * np.sin(2 * np.pi * 1000 / 16_000 * np.arange(880))
    have = log_mel(samples)
    assert have.min() < -12
    assert have.max() > 9
    np.testing.assert_allclose(have, naive_log_mel(samples), atol=1e-5)


def test_blocks_leave_no_seam() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 400 + 160 * 599)
    whole = log_mel(samples)
    assert whole.shape == (600, 64)
    tail = log_mel(samples[160 * 250 :])
    np.testing.assert_allclose(whole[250:], tail, atol=1e-6)


def test_float32_samples_give_the_features_of_their_float64_copy() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)
    np.testing.assert_array_equal(log_mel(samples), log_mel(samples.astype(np.float64)))


def test_a_gain_adds_a_constant() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 1000)
    difference = log_mel(3 * samples) - log_mel(samples)
    np.testing.assert_allclose(difference, 2 * np.log(3), atol=1e-2)


def test_a_recording_shorter_than_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 400 samples \(25 ms\), but it holds 399"):
        log_mel(np.zeros(399))


def test_integer_samples_are_refused() -> None:
    with pytest.raises(TypeError, match="but they are int16; convert them"):
        log_mel(np.zeros(400, np.int16))


def test_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must have shape \[\*\], but it has shape \[400, 2\]"):
        log_mel(np.zeros((400, 2)))


def test_a_sample_that_is_not_finite_is_refused() -> None:
    samples = np.zeros(400)
    samples[17] = np.nan
    with pytest.raises(ValueError, match="but it holds nan at index 17"):
        log_mel(samples)
