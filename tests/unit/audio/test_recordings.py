from __future__ import annotations

import errno
import importlib
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from evobin.audio import recordings as audio
from evobin.audio.log_mel import log_mel
from evobin.audio.recordings import cut, load_features, need_packages, read_recording, trim_silence
from evobin.errors import EvobinError

REFERENCE = Path(__file__).parents[4] / "shared" / "data" / "audio"
FRAMES = 57


def noise(seconds: float, rate: int = 16_000, channels: int = 1) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return rng.uniform(-0.3, 0.3, (round(seconds * rate), channels))


def write(
    path: Path, samples: NDArray[Any], rate: int = 16_000, subtype: str | None = None
) -> Path:
    soundfile.write(path, samples, rate, subtype)
    return path


@pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"the recordings are not in {REFERENCE}")
@pytest.mark.parametrize(
    ("name", "tolerance", "share"),
    [
        ("clip0.wav", 0.02, 1.0),
        ("clip1.wav", 0.02, 1.0),
        ("clip2.wav", 0.02, 1.0),
        ("clip3.wav", 0.02, 1.0),
        ("clip4_44k_stereo.wav", 0.1, 0.999),
        ("clip5.flac", 0.02, 1.0),
    ],
)
def test_features_equal_those_expected_of_real_recordings(
    name: str, tolerance: float, share: float
) -> None:
    (have,) = load_features(REFERENCE / name, FRAMES)
    want = np.load((REFERENCE / name).with_suffix(".npy"), allow_pickle=False)
    assert (have.shape, have.dtype) == (want.shape, want.dtype)
    near = abs(have.astype(float) - want.astype(float)) < tolerance
    assert near.mean() >= share


@pytest.mark.parametrize("ending", ["wav", "flac", "aiff"])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels_are_averaged(ending: str, channels: int, tmp_path: Path) -> None:
    samples = noise(1.0, channels=channels)
    path = write(tmp_path / f"a.{ending}", samples, subtype="PCM_24")
    have = read_recording(path)
    assert have.dtype == np.float32
    np.testing.assert_allclose(have, samples.mean(axis=1), atol=1e-6)


def test_the_suffix_of_a_recording_does_not_matter(tmp_path: Path) -> None:
    samples = noise(1.0)
    path = write(tmp_path / "a.flac", samples).rename(tmp_path / "speech.raw")
    np.testing.assert_allclose(read_recording(path), samples[:, 0], atol=1e-4)


def test_ogg_is_decoded(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 / 16_000 * np.arange(32_000))
    have = read_recording(write(tmp_path / "a.ogg", tone))
    assert len(have) == 32_000
    np.testing.assert_allclose(have[8000:24_000], tone[8000:24_000], atol=0.05)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_blocks_of_another_rate_give_what_the_whole_would(
    rate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = noise(1.1, rate, channels=2)
    path = write(tmp_path / "a.wav", samples, rate, "DOUBLE")
    monkeypatch.setattr(audio, "_BLOCK", 2 * 4099)
    have = read_recording(path)
    want = soxr.resample(samples.mean(axis=1), rate, 16_000, "VHQ")
    np.testing.assert_array_equal(have, want.astype(np.float32))


def test_features_are_those_of_the_parts(tmp_path: Path) -> None:
    samples = noise(3.0)[:, 0].astype(np.float32)
    path = write(tmp_path / "a.wav", samples, subtype="FLOAT")
    parts = load_features(path, FRAMES, clip_seconds=1.25)
    assert [part.shape for part in parts] == [(98, 64)] * 3
    for part, start in zip(parts, (0, 16_000, 32_000), strict=True):
        assert part.dtype == np.float16
        assert part.flags.c_contiguous
        expected = log_mel(samples[start : start + 16_000]).astype(np.float16)
        np.testing.assert_array_equal(part, expected)


def test_trimming_comes_before_cutting(tmp_path: Path) -> None:
    samples = np.zeros(80_000)
    samples[32_000:48_000] = noise(1.0)[:, 0]
    path = write(tmp_path / "a.wav", samples)
    assert len(load_features(path, FRAMES, clip_seconds=4.0)) == 2
    (part,) = load_features(path, FRAMES, trim=True, clip_seconds=4.0)
    assert part.shape == (1 + (len(trim_silence(read_recording(path))) - 400) // 160, 64)


def test_pauses_inside_are_kept() -> None:
    samples = np.zeros(48_000, np.float32)
    samples[[8000, 40_000]] = 0.5
    kept = trim_silence(samples)
    assert np.flatnonzero(kept)[-1] - np.flatnonzero(kept)[0] == 32_000
    assert 1600 <= np.flatnonzero(kept)[0] < 2000


def test_the_shortest_recording_has_57_frames(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(0.585))
    assert load_features(path, FRAMES)[0].shape == (57, 64)


def test_a_long_recording_needs_little_more_memory_than_its_samples(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"  # silence takes no room
    with soundfile.SoundFile(path, "w", 8000, 2) as file:
        for _ in range(10):
            file.write(np.zeros((8000 * 60, 2), np.int16))
    tracemalloc.start()
    samples = read_recording(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples.nbytes == 10 * 60 * 16_000 * 4
    assert peak < 1.3 * samples.nbytes + 2**25


def test_a_wav_file_that_announces_gigabytes_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(1.0))
    head, samples = path.read_bytes().split(b"data", 1)
    path.write_bytes(head + b"data" + b"\xff" * 4 + samples[4:])
    assert read_recording(path).shape == (16_000,)


@pytest.mark.parametrize("announced", [0, 2**32 - 1, 2**31 - 1])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT", "ULAW"])
def test_a_streamed_wav_file_is_read_to_its_end(
    announced: int, subtype: str, tmp_path: Path
) -> None:
    samples = noise(1.3, channels=2)
    path = write(tmp_path / "a.wav", samples, 22_050, subtype)
    want = read_recording(path)
    streamed(path, announced)
    np.testing.assert_array_equal(read_recording(path), want)


def streamed(path: Path, announced: int) -> None:
    """A wav file as a program writes it into a pipe: it cannot know its length beforehand."""
    head, samples = path.read_bytes().split(b"data", 1)
    size = announced.to_bytes(4, "little")
    path.write_bytes(head[:4] + size + head[8:] + b"data" + size + samples[4:])


def test_a_wav_file_that_holds_no_samples_stays_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(0))
    path.write_bytes(path.read_bytes() + b"LIST\x04\0\0\0INFO")
    assert len(read_recording(path)) == 0


def changed_flac(path: Path, frames: int, keep: float = 1.0) -> None:
    """Announces `frames`, and ends early."""
    write(path, noise(2.0))
    raw = bytearray(path.read_bytes())
    head = int.from_bytes(raw[18:26], "big") >> 36 << 36
    raw[18:26] = (head | frames).to_bytes(8, "big")
    path.write_bytes(raw[: int(keep * len(raw))])


def planted(value: float) -> Callable[[Path], Any]:
    samples = noise(1.0, channels=2)
    samples[1600, 1] = value
    return lambda path: write(path, samples, subtype="DOUBLE")


def text(path: Path) -> None:
    path.write_text("hello\n" * 99)


def of(samples: NDArray[Any], rate: int = 16_000) -> Callable[[Path], Any]:
    return lambda path: write(path, samples, rate)


HZ = "samples a second; they must be from 1,000 to 1,000,000"
BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: None, "does not exist; check its name and folder"),
    "a folder": (Path.mkdir, "is a folder; name a file"),
    "a pipe": (os.mkfifo, "is not a regular file"),
    "no bytes": (Path.touch, "is empty; record it again"),
    "text": (text, r"no recording that libsndfile knows \("),
    "only a header": (of(noise(0)), "is 0 s long, but a clip needs 0.585 s"),
    "too short": (of(noise(0.58)), r"is 0.58 s long, .*\(57 frames\); leave it out"),
    "silent": (of(1e-4 * np.eye(1, 16_000)[0]), "holds nothing but silence; leave it out"),
    "digital silence": (of(np.zeros(16_000)), "holds no sound: all of its samples are 0; leave"),
    "an offset": (of(np.full(16_000, 0.5)), r"holds no sound: all of its samples are 0\.5; leave"),
    "antiphase": (
        of(noise(1.0) * [1, -1]),
        r"channels that cancel each other \(one is the other upside down\); save one of them",
    ),
    "nearly antiphase": (of(noise(1.0) * [1, -0.95]), "channels that cancel each other"),
    "a click": (of(np.eye(1, 16_000, 8000)[0]), "is 0.245 s long without the silence around it"),
    "nan": (planted(np.nan), r"holds the sample nan at 0\.100 s; samples must be finite"),
    "inf": (planted(np.inf), r"holds the sample inf at 0\.100 s"),
    "integers as floats": (planted(-32768.0), r"the sample -32768 at 0\.100 s; .*scale is 1"),
    "1 Hz": (of(noise(2.0), 1), f"has 1 {HZ}"),
    "2 GHz": (of(noise(2.0), 2**31 - 1), f"has 2,147,483,647 {HZ}"),
    "a flac file cut in two": (lambda path: changed_flac(path, 32_000, 0.5), "is damaged or no"),
    "a flac file of years": (lambda path: changed_flac(path, 2**36 - 1), "is damaged or no"),
}


@pytest.mark.parametrize("problem", BAD)
def test_a_bad_recording_is_named_with_what_is_wrong(problem: str, tmp_path: Path) -> None:
    make, expected = BAD[problem]
    path = tmp_path / ("bad.flac" if "flac" in problem else "bad.wav")
    make(path)
    with pytest.raises(EvobinError, match=expected) as caught:
        load_features(path, FRAMES, trim=True)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_an_mp3_file_that_ends_early_is_truncated(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3", noise(4.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(EvobinError, match=r"a\.mp3: is truncated: \d\.\d of 4\.0 s; copy it again"):
        read_recording(path)


def test_a_recording_that_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "LONGEST", 600)
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 1000, 1) as file:
        file.write(np.zeros(600_001, np.int16))
    with pytest.raises(EvobinError, match=r"long\.flac: is longer than 10 minutes; split it"):
        read_recording(path)


def test_a_recording_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_args: Any, **_more: Any) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path = write(tmp_path / "a.wav", noise(1.0))
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(EvobinError, match=r"a\.wav: cannot be read \(Permission denied\); check"):
        read_recording(path)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ModuleNotFoundError("no"), r"a\.wav: needs a package .*; pip install 'evobin\[audio\]'\."),
        (OSError("no library"), r"a\.wav: needs libsndfile, which is not installed; install"),
    ],
)
def test_a_missing_package_names_the_extra(
    error: Exception, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_name: str) -> NoReturn:
        raise error

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(EvobinError, match=expected):
        need_packages("a.wav")


def test_cutting_into_parts_longer_than_the_recording_leaves_it_whole() -> None:
    samples = np.arange(16_000, dtype=np.float32)
    (part,) = cut(samples, 1.0)
    np.testing.assert_array_equal(part, samples)
