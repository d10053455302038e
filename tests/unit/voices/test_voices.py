from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.kernels.synthesis import glottal_source, resonate
from evobin.voices import ClipKey, SpokenClip, Voices, VoicesSettings, synthesise
from evobin.voices.phones import draw_tracks
from evobin.voices.speech import synthesise_clip
from evobin.voices.traits import draw_speaker, generator

Floats = NDArray[np.float64]
SMALL = VoicesSettings(train_speakers=6, valid_speakers=2, test_speakers=4, clips_per_speaker=2)
RATE = 16_000.0


@pytest.fixture(scope="module")
def voices() -> Voices:
    return synthesise(3, SMALL)


@pytest.fixture(scope="module")
def sample() -> list[SpokenClip]:
    """A clip of each of 160 speakers."""
    return [synthesise_clip(ClipKey(0, speaker, 0)) for speaker in range(160)]


def best_threshold(values: Floats, labels: NDArray[Any]) -> float:
    """Accuracy of the best rule "female above a threshold", or below it."""
    above = [np.mean((values > cut) == labels) for cut in [*values, -np.inf]]
    return float(max(*above, 1 - min(above)))


def in_reverse(keys: Sequence[ClipKey]) -> Iterable[SpokenClip]:
    """Makes the last first, as workers may, and hands the clips over in order."""
    return [synthesise_clip(key) for key in keys[::-1]][::-1]


# ---- the data set


def test_the_same_seed_gives_the_same_bytes_in_whatever_order_clips_are_made(
    voices: Voices,
) -> None:
    again = synthesise(3, SMALL, make_clips=in_reverse)
    assert again.names == voices.names
    assert [x.tobytes() for x in again.features] == [x.tobytes() for x in voices.features]
    np.testing.assert_array_equal(again.labels, voices.labels)
    assert again.table.equals(voices.table)


def test_another_seed_gives_other_clips() -> None:
    one, other = (synthesise_clip(ClipKey(seed, 0, 0)) for seed in (0, 1))
    assert one.features.tobytes() != other.features.tobytes()


def test_the_clips_of_a_speaker_differ() -> None:
    one, other = (synthesise_clip(ClipKey(0, 0, clip)) for clip in (0, 1))
    assert one.features.tobytes() != other.features.tobytes()
    assert one.room == other.room


def test_parts_share_no_speaker(voices: Voices) -> None:
    assert (voices.table.groupby("speaker")["part"].nunique() == 1).all()
    sizes = voices.table.groupby("part")["speaker"].nunique().to_dict()
    assert sizes == {"train": 6, "valid": 2, "test": 4}


def test_half_of_every_part_is_female(voices: Voices) -> None:
    shares = voices.table.assign(label=voices.labels).groupby("part")["label"].mean()
    assert shares.to_dict() == {"train": 0.5, "valid": 0.5, "test": 0.5}


def test_features_are_finite_half_precision_matrices_long_enough_for_the_network(
    voices: Voices,
) -> None:
    for features in voices.features:
        assert features.dtype == np.float16
        assert features.shape[1] == 64
        assert 57 <= len(features) <= 350
        assert np.isfinite(features).all()


def test_the_table_names_every_clip_in_order(voices: Voices) -> None:
    assert tuple(voices.table["file"]) == voices.names
    assert len(set(voices.names)) == len(voices.features) == len(voices.labels) == 24
    assert list(voices.table) == ["file", "speaker", "part", "room", "f0"]


def test_names_do_not_give_the_label_or_the_part_away() -> None:
    settings = VoicesSettings(40, 40, 40, clips_per_speaker=1)
    blank = SpokenClip(np.zeros((57, 64), np.float16), 100.0, female=True, room=0)
    keys: list[ClipKey] = []

    def note(wanted: Sequence[ClipKey]) -> Iterable[SpokenClip]:
        keys.extend(wanted)
        return [blank] * len(wanted)

    table = synthesise(0, settings, make_clips=note).table
    female = np.array([key.speaker % 2 == 0 for key in keys])
    assert 10 < female[:40].sum() < 30
    assert 40 < np.count_nonzero(female[1:] != female[:-1]) < 80
    assert set(table["part"][:30]) == {"train", "valid", "test"}


def test_a_threshold_on_true_mean_f0_is_wrong_on_many_clips(sample: list[SpokenClip]) -> None:
    female = np.array([clip.female for clip in sample])
    assert 0.75 < best_threshold(np.array([clip.f0 for clip in sample]), female) < 0.93


def test_within_a_sex_f0_and_vocal_tract_length_are_independent() -> None:
    men = [draw_speaker(0, i) for i in range(1, 801, 2)]
    log_f0 = np.array([man.log_f0 for man in men])
    lengths = np.array([np.log(man.formant_scales).mean() for man in men])
    # The standard error of a correlation of 0 in 400 pairs is 0.05.
    assert abs(np.corrcoef(log_f0, lengths)[0, 1]) < 0.15


def test_a_threshold_on_a_band_is_wrong_on_more(sample: list[SpokenClip]) -> None:
    female = np.array([clip.female for clip in sample])
    means = np.array([clip.features.astype(float).mean(axis=0) for clip in sample])
    assert max(best_threshold(band, female) for band in means.T) < 0.88


def test_levels_differ_as_those_of_real_recordings(sample: list[SpokenClip]) -> None:
    levels = np.array([clip.features.astype(float).mean() for clip in sample])
    assert -7 < levels.mean() < -4
    assert 0.7 < levels.std() < 2.0


def test_reported_f0_is_that_of_the_speaker() -> None:
    clips = [synthesise_clip(ClipKey(0, 7, clip)) for clip in range(10)]
    mean = np.mean([math.log(clip.f0) for clip in clips])
    # A clip's mood has a standard deviation of 0.08.
    assert abs(mean - draw_speaker(0, 7).log_f0) < 0.1


@pytest.mark.parametrize("name", ["train_speakers", "valid_speakers", "test_speakers"])
@pytest.mark.parametrize("value", [0, 3])
def test_a_part_that_cannot_be_balanced_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be even and at least 2, .* is {value}"):
        VoicesSettings(**{name: value})


def test_no_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="`clips_per_speaker` must be from 1 to 99, but it is 0"):
        VoicesSettings(clips_per_speaker=0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="`seed` must be 0 or more, but it is -1"):
        synthesise(-1, SMALL)


# ---- what is said


@pytest.mark.parametrize("n_frames", [200, 560])
def test_tracks_fill_every_frame_and_are_silent_at_both_ends(n_frames: int) -> None:
    tracks = draw_tracks(n_frames, 1.0, generator(0, 9, n_frames))
    assert tracks.formants.shape == (n_frames, 3)
    assert len(tracks.voicing) == len(tracks.accent) == len(tracks.since_pause) == n_frames
    assert tracks.voicing.max() > 0.5
    for end in (slice(0, 17), slice(-17, None)):
        assert abs(tracks.voicing[end]).max() < 1e-12
        assert abs(tracks.frication[end]).max() < 1e-12


# ---- the kernels


def pulses(f0: float, tilt: float = 0.0, noise: Floats | None = None) -> Floats:
    """One second of steady voicing."""
    still = np.zeros(1)
    noise = np.zeros(16_000) if noise is None else noise
    frames = np.ones(200)
    return glottal_source(f0 * frames, frames, 0.1 * frames, noise, still, still, 0.6, tilt, RATE)


def test_a_steady_voice_has_all_its_energy_at_the_harmonics() -> None:
    power = abs(np.fft.rfft(pulses(125.0) * np.hanning(16_000))) ** 2
    harmonics = np.arange(1, 20) * 125
    near = sum(power[harmonics + shift].sum() for shift in range(-2, 3))
    assert near / power[:2400].sum() > 0.999
    assert power.argmax() == 125


def test_the_flow_of_a_period_is_an_open_pulse_that_closes() -> None:
    flow = np.cumsum(pulses(100.0))[:160]
    assert flow[1:96].min() > 0
    # The pulse peaks at two thirds of the open phase, 0.6 of the period.
    assert abs(int(flow.argmax()) - 64) <= 1
    assert abs(flow[96:]).max() < 0.05 * flow.max()


def test_tilt_takes_from_the_high_harmonics() -> None:
    flat, tilted = (abs(np.fft.rfft(pulses(100.0, tilt))) for tilt in (0.0, 0.7))
    assert tilted[100] / flat[100] > 0.9
    assert tilted[5000] / flat[5000] < 0.3


def test_breath_is_halved_while_the_glottis_is_shut() -> None:
    noise = np.ones(16_000)
    difference = pulses(100.0, noise=noise) - pulses(100.0)
    np.testing.assert_allclose(difference[:96], 0.1)
    np.testing.assert_allclose(difference[97:160], 0.05)


@pytest.mark.parametrize(("centre", "width"), [(500.0, 70.0), (1500.0, 100.0), (3500.0, 200.0)])
def test_a_resonator_peaks_at_its_frequency(centre: float, width: float) -> None:
    click = np.zeros(16_000)
    click[0] = 1.0
    heard = resonate(click, np.full((200, 1), centre), np.full((200, 1), width), RATE)
    gain = abs(np.fft.rfft(heard))
    assert abs(int(gain.argmax()) - centre) < width / 10
    assert gain[0] == pytest.approx(1.0, abs=1e-6)
    # At half a bandwidth to either side it is 3 dB down.
    half = (gain[int(centre + width / 2)] / gain.max()) ** 2
    assert half == pytest.approx(0.5, abs=0.05)


def naive_source(
    tracks: tuple[Floats, Floats, Floats],
    noise: Floats,
    changes: tuple[Floats, Floats],
    shape: tuple[float, float],
) -> list[float]:
    """Period by period: where each starts, how long it is, and then its samples."""
    (f0, voicing, breath), (jitter, shimmer), (open_quotient, tilt) = tracks, changes, shape
    hop = len(noise) // len(f0)
    out = [0.0] * len(noise)
    start, pulse = 0.0, 0
    while math.ceil(start) < len(noise):
        frame = math.ceil(start) // hop
        length = RATE / f0[frame] * (1 + jitter[pulse % len(jitter)])
        height = voicing[frame] * (1 + shimmer[pulse % len(shimmer)])
        for i in range(math.ceil(start), min(math.ceil(start + length), len(noise))):
            x = (i - start) / (open_quotient * length)
            is_open = x < 1
            out[i] = height * 27 / 4 * (2 * x - 3 * x * x) if is_open else 0.0
        start, pulse = start + length, pulse + 1
    smoothed, last = [], 0.0
    for value in out:
        last = (1 - tilt) * value + tilt * last
        smoothed.append(last)
    start, pulse = 0.0, 0
    while math.ceil(start) < len(noise):
        frame = math.ceil(start) // hop
        length = RATE / f0[frame] * (1 + jitter[pulse % len(jitter)])
        for i in range(math.ceil(start), min(math.ceil(start + length), len(noise))):
            shut = i - start >= open_quotient * length and voicing[frame] > 0
            smoothed[i] += (0.5 if shut else 1.0) * breath[i // hop] * noise[i]
        start, pulse = start + length, pulse + 1
    return smoothed


@pytest.mark.kernels
def test_the_source_equals_the_naive_version() -> None:
    rng = np.random.default_rng(1)
    f0 = np.linspace(90.0, 260.0, 20)
    voicing, breath = rng.uniform(0, 1, (2, 20))
    voicing[8:12] = 0.0
    noise = rng.normal(size=1600)
    jitter, shimmer = 0.02 * rng.normal(size=7), 0.1 * rng.normal(size=5)
    have = glottal_source(f0, voicing, breath, noise, jitter, shimmer, 0.6, 0.4, RATE)
    want = naive_source((f0, voicing, breath), noise, (jitter, shimmer), (0.6, 0.4))
    np.testing.assert_allclose(have, want, atol=1e-9)


@pytest.mark.kernels
def test_the_resonators_equal_the_naive_version() -> None:
    rng = np.random.default_rng(2)
    signal = rng.normal(size=120)
    centres, widths = rng.uniform(300, 4000, (6, 3)), rng.uniform(50, 300, (6, 3))
    want = list(signal)
    for k in range(3):
        heard: list[float] = []
        for i, x in enumerate(want):
            width, centre = widths[i // 20, k], centres[i // 20, k]
            c = -math.exp(-2 * math.pi * width / RATE)
            b = 2 * math.exp(-math.pi * width / RATE) * math.cos(2 * math.pi * centre / RATE)
            before = [0.0, 0.0, *heard]
            heard.append((1 - b - c) * x + b * before[-1] + c * before[-2])
        want = heard
    np.testing.assert_allclose(resonate(signal, centres, widths, RATE), want, rtol=1e-12)
