from __future__ import annotations

import numpy as np
import pytest

from evobin.config import AugmentConfig
from evobin.core.samples import Samples
from evobin.data.augmentation import Crops, draw_crops

PLAIN = AugmentConfig(gain=0, equaliser=0)
STRONG = AugmentConfig(gain=1, equaliser=0.5)


def random_samples(*lengths: int, n_in: int = 5) -> Samples:
    rng = np.random.default_rng(0)
    return Samples.join([rng.normal(-5, 3, (t, n_in)).astype(np.float32) for t in lengths])


def draw(
    samples: Samples, config: AugmentConfig, seed: int = 0, count: int = 200, frames: int = 20
) -> Crops:
    rows = np.arange(count) % len(samples)
    return draw_crops(samples, rows, frames, config, np.random.default_rng(seed))


def test_the_same_seed_draws_the_same_crops_and_another_one_others() -> None:
    samples = random_samples(30, 25)
    first, again, other = (
        draw(samples, STRONG, seed).samples(samples).frames for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_crop_is_a_window_of_its_sample_plus_its_curve() -> None:
    samples = random_samples(30, 25, 20)
    crops = draw(samples, STRONG)
    cut = crops.samples(samples)
    assert cut.lengths.tolist() == [20] * 200
    assert cut.frames.dtype == np.float32
    for i, (row, start) in enumerate(zip(crops.rows, crops.starts, strict=True)):
        assert row == i % 3
        window = samples[int(row)][start : start + 20]
        np.testing.assert_array_equal(cut[i], window + crops.curves[i])


def test_without_variations_crops_are_plain_windows() -> None:
    samples = random_samples(30)
    cut = draw(samples, PLAIN, count=10).samples(samples)
    windows = [samples[0][start : start + 20] for start in range(11)]
    for i in range(10):
        assert any(np.array_equal(cut[i], window) for window in windows)


def test_every_window_of_a_sample_is_drawn_about_equally_often() -> None:
    starts = draw(random_samples(23), PLAIN, count=4000).starts
    counts = np.bincount(starts, minlength=4)
    assert len(counts) == 4
    assert (np.abs(counts - 1000) < 4 * 1000**0.5).all()


def test_a_short_sample_is_repeated_from_its_beginning() -> None:
    samples = random_samples(57)
    crops = draw(samples, PLAIN, count=3, frames=200)
    assert crops.starts.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(crops.samples(samples)[1], samples[0][np.arange(200) % 57])


def test_a_sample_as_long_as_the_crop_has_one_window() -> None:
    samples = random_samples(20)
    crops = draw(samples, PLAIN, count=50)
    assert not crops.starts.any()


def test_a_gain_is_one_constant_with_the_named_spread() -> None:
    curves = draw(random_samples(30), AugmentConfig(gain=0.7, equaliser=0), count=20_000).curves
    np.testing.assert_array_equal(curves, np.repeat(curves[:, :1], 5, axis=1))
    assert curves[:, 0].std() == pytest.approx(0.7, rel=0.02)
    assert abs(curves[:, 0].mean()) < 0.02


@pytest.mark.parametrize("n_in", [5, 64])
def test_an_equaliser_is_a_smooth_curve_with_the_named_spread(n_in: int) -> None:
    samples = random_samples(30, n_in=n_in)
    curves = draw(samples, AugmentConfig(gain=0, equaliser=0.4), count=20_000).curves
    assert np.sqrt(np.mean(curves.astype(float) ** 2)) == pytest.approx(0.4, rel=0.03)
    assert np.abs(curves.mean(axis=0)).max() < 0.03
    if n_in == 64:
        neighbours = np.mean(curves[:, 1:] * curves[:, :-1]) / np.mean(curves**2)
        assert neighbours > 0.97


def test_gain_and_equaliser_are_independent() -> None:
    config = AugmentConfig(gain=0.3, equaliser=0.4)
    curves = draw(random_samples(30), config, count=20_000).curves
    assert np.sqrt(np.mean(curves.astype(float) ** 2)) == pytest.approx(0.5, rel=0.03)


def test_float64_samples_are_cut_to_float32_and_stay_as_they_are() -> None:
    samples = Samples.join([np.random.default_rng(0).normal(size=(30, 5))])
    before = samples.frames.copy()
    crops = draw(samples, STRONG, count=2)
    start = int(crops.starts[1])
    expected = (samples[0][start : start + 20] + crops.curves[1]).astype(np.float32)
    np.testing.assert_array_equal(crops.samples(samples)[1], expected)
    np.testing.assert_array_equal(samples.frames, before)


def variation(**strength: float) -> AugmentConfig:
    return AugmentConfig(**{"gain": 0.0, "equaliser": 0.0, "tract": 0.0} | strength)


def test_a_tilt_is_a_straight_line_over_the_bands_with_the_named_spread() -> None:
    curves = draw(random_samples(30), variation(tilt=0.4), count=20_000).curves
    assert np.abs(np.diff(curves, 2, axis=1)).max() < 1e-5
    assert curves[:, 0].std() == pytest.approx(0.4, rel=0.03)
    np.testing.assert_allclose(curves[:, 0], -curves[:, -1], atol=1e-6)


def test_at_another_speed_frames_are_skipped_or_repeated_in_order() -> None:
    ramp = np.repeat(np.arange(100.0, dtype=np.float32)[:, None], 5, axis=1)
    samples = Samples.join([ramp])
    crops = draw(samples, variation(speed=0.2), count=300, frames=40)
    assert np.log(crops.speeds).std() == pytest.approx(0.2, rel=0.15)
    for index in range(300):
        out = crops.samples(samples)[index][:, 0]
        start, speed = crops.starts[index], crops.speeds[index]
        np.testing.assert_array_equal(out, np.floor((start + np.arange(40)) * speed))


def test_a_sample_that_gets_too_short_at_its_speed_is_repeated() -> None:
    samples = random_samples(21)
    cut = draw(samples, variation(speed=0.3), count=100).samples(samples)
    assert np.isfinite(cut.frames).all()


def test_a_noise_floor_lifts_what_lies_below_it_in_the_named_share() -> None:
    samples = random_samples(30)
    plain = draw(samples, variation(), count=1000)
    noisy = draw(samples, variation(floor=0.3), count=1000)
    has_floor = noisy.floors[:, 0] > -np.inf
    assert has_floor.mean() == pytest.approx(0.3, abs=0.05)
    for index in range(100):
        before, after = plain.samples(samples)[index], noisy.samples(samples)[index]
        if has_floor[index]:
            floor = before.mean() + noisy.floors[index]
            np.testing.assert_allclose(after, np.log(np.exp(before) + np.exp(floor)), atol=1e-5)
        else:
            np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(("name", "axis", "most"), [("bands", 1, 9), ("pauses", 0, 6)])
def test_a_mask_covers_neighbours_in_the_named_share(name: str, axis: int, most: int) -> None:
    samples = random_samples(30, n_in=60)
    plain = draw(samples, variation(), count=400)
    masked = draw(samples, variation(**{name: 0.4}), count=400)
    spans = getattr(masked, name)
    widths = spans[:, 1] - spans[:, 0]
    assert np.mean(widths > 0) == pytest.approx(0.4, abs=0.1)
    assert widths.max() == most
    for index in range(50):
        before, after = plain.samples(samples)[index], masked.samples(samples)[index]
        changed = np.flatnonzero((before != after).any(axis=1 - axis))
        low, high = spans[index]
        np.testing.assert_array_equal(changed, np.arange(low, high))
        if low < high:
            inside = after[:, low:high].ravel() if axis else after[low:high]
            np.testing.assert_allclose(inside, np.broadcast_to(inside[0], inside.shape), rtol=1e-5)


def test_all_variations_together_give_finite_crops_of_the_right_length() -> None:
    samples = random_samples(30, 57, n_in=64)
    config = AugmentConfig(tilt=0.3, speed=0.1, floor=0.5, bands=0.5, pauses=0.5)
    cut = draw(samples, config).samples(samples)
    assert cut.lengths.tolist() == [20] * 200
    assert np.isfinite(cut.frames).all()
