"""Recordings that libsndfile does not read: ffmpeg decodes them, here a stand-in for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile

from evobin.audio.recordings import read_recording
from evobin.audio.sources import FOREIGN, needs_ffmpeg
from evobin.errors import EvobinError
from tests.builders import stand_in_for_ffmpeg


@pytest.fixture
def m4a(tmp_path: Path) -> Path:
    """A recording whose ending libsndfile does not know, though it would read what is in it."""
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, (22_050, 2))
    soundfile.write(tmp_path / "a.flac", samples, 22_050)
    return (tmp_path / "a.flac").rename(tmp_path / "-a.M4A")


def test_ffmpeg_decodes_what_libsndfile_does_not_read(
    m4a: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_ffmpeg(tmp_path / "bin", monkeypatch)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    have = read_recording(m4a)
    want = read_recording(Path(shutil.copy(m4a, tmp_path / "a.flac")))
    np.testing.assert_array_equal(have, want)
    assert not list(temporary.iterdir())


def test_a_name_that_begins_with_a_dash_is_no_option_of_ffmpeg(
    m4a: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_ffmpeg(m4a.parent / "bin", monkeypatch)
    monkeypatch.chdir(m4a.parent)
    assert read_recording(Path("-a.M4A")).shape == (16_000,)


def test_without_ffmpeg_it_is_named(
    m4a: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvobinError, match=r"-a\.M4A: needs ffmpeg, which is not installed; inst"):
        read_recording(m4a)


def test_what_ffmpeg_cannot_decode_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_ffmpeg(tmp_path / "bin", monkeypatch)
    path = tmp_path / "a.webm"
    path.write_text("hello")
    expected = r"a\.webm: is damaged or no recording that ffmpeg knows \(.*not recognised\); check"
    with pytest.raises(EvobinError, match=expected) as caught:
        read_recording(path)
    assert "\n" not in str(caught.value)


def test_an_ffmpeg_that_hangs_is_ended(
    m4a: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_args: Any, timeout: float, **_more: Any) -> NoReturn:
        raise subprocess.TimeoutExpired("ffmpeg", timeout)

    stand_in_for_ffmpeg(tmp_path / "bin", monkeypatch)
    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(EvobinError, match="takes ffmpeg more than 30 minutes; save it as wav"):
        read_recording(m4a)


def test_endings_count_in_any_case() -> None:
    assert all(needs_ffmpeg(Path(f"a{ending.upper()}")) for ending in FOREIGN)
    assert not needs_ffmpeg(Path("a.wav"))
