from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evobin.config import EvaluateConfig
from evobin.core.samples import Dataset, Samples
from evobin.data.dataset import hold_out, load_dataset
from evobin.errors import EvobinError

VOICES = Path(__file__).parents[4] / "shared" / "data" / "voices"


def dataset_of(labels: Sequence[int], speakers: Sequence[str] | None = None) -> Dataset:
    names = tuple(f"{i:04}.npy" for i in range(len(labels)))
    samples = Samples.join([np.zeros((1, 1), np.float32)] * len(labels))
    groups = None if speakers is None else pd.DataFrame({"speaker": list(speakers)})
    return Dataset(names, samples, np.array(labels, np.int8), groups)


def test_a_split_without_speakers_holds_the_share_of_each_label() -> None:
    dataset = dataset_of([0] * 40 + [1] * 80)
    kept, held = hold_out(dataset, 0.25, seed=1)
    assert np.bincount(dataset.labels[held]).tolist() == [10, 20]
    assert sorted([*kept, *held]) == list(range(120))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held) > 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_split_with_speakers_holds_whole_speakers_near_the_share(seed: int) -> None:
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(60), rng.integers(1, 11, 60))
    labels = speakers % 3 == 0
    dataset = dataset_of(labels.tolist(), [f"s{i}" for i in speakers])
    kept, held = hold_out(dataset, 0.2, seed)
    assert not set(speakers[kept]) & set(speakers[held])
    for label in (False, True):
        # Half of the largest speaker is as far as the nearest count can be.
        assert abs((labels[held] == label).sum() - 0.2 * (labels == label).sum()) <= 5


def test_a_speaker_counts_for_the_label_of_most_of_its_samples() -> None:
    speakers = [s for s in "abcd" for _ in range(3)]
    dataset = dataset_of([0, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0], speakers)
    for seed in range(10):
        _, held = hold_out(dataset, 0.5, seed)
        sides = "".join(sorted({speakers[row] for row in held}))
        assert sides in {"ac", "ad", "bc", "bd"}


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_at_least_one_speaker_of_each_label_is_on_either_side(share: float) -> None:
    dataset = dataset_of([0, 0, 0, 1, 1, 1], ["a", "a", "b", "c", "d", "d"])
    kept, held = hold_out(dataset, share, seed=0)
    assert set(dataset.labels[kept]) == set(dataset.labels[held]) == {0, 1}


def test_the_seed_alone_decides_the_split() -> None:
    dataset = dataset_of([0, 1] * 50)
    splits = [hold_out(dataset, 0.3, seed)[1].tolist() for seed in (0, 0, 1, 2)]
    assert splits[0] == splits[1]
    assert len({tuple(split) for split in splits}) == 3


@pytest.mark.parametrize("with_speakers", [False, True])
def test_the_split_does_not_depend_on_the_order_of_the_samples(with_speakers: bool) -> None:
    speakers = [f"s{i // 4}" for i in range(80)] if with_speakers else None
    dataset = dataset_of([i // 4 % 2 for i in range(80)], speakers)
    shuffled = dataset.subset(np.random.default_rng(0).permutation(80))
    _, held = hold_out(dataset, 0.3, seed=5)
    _, held_again = hold_out(shuffled, 0.3, seed=5)
    assert {dataset.names[row] for row in held} == {shuffled.names[row] for row in held_again}


def test_a_split_needs_two_groups_of_each_label() -> None:
    dataset = dataset_of([0, 0, 1, 1, 1], ["a", "a", "b", "c", "d"])
    message = (
        "at least 2 groups of each label, but there are 1 with label 0 and 3 with label 1; "
        "add groups"
    )
    with pytest.raises(EvobinError, match=message):
        hold_out(dataset, 0.5, seed=0)


def test_a_split_needs_two_samples_of_each_label() -> None:
    with pytest.raises(EvobinError, match="2 samples of each label, but there are 0 with label 0"):
        hold_out(dataset_of([1, 1, 1]), 0.5, seed=0)


def test_a_split_of_many_labels_is_stratified() -> None:
    labels = np.repeat(np.arange(5), [10, 20, 30, 40, 2]).tolist()
    kept, held = hold_out(dataset_of(labels), 0.3, seed=0)
    assert np.bincount(np.array(labels)[held]).tolist() == [3, 6, 9, 12, 1]
    assert sorted([*kept, *held]) == list(range(102))


def test_a_speaker_of_several_labels_counts_by_the_one_of_most_samples() -> None:
    dataset = dataset_of([2, 2, 0, 0, 1, 1, 2], ["a", "a", "a", "b", "c", "d", "e"])
    message = "2 groups of each label, but there are 1 with label 0; add groups"
    with pytest.raises(EvobinError, match=message):
        hold_out(dataset, 0.5, seed=0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_a_share_outside_0_to_1_is_a_wrong_argument(share: float) -> None:
    with pytest.raises(ValueError, match="`share` must be above 0 and below 1, but it is"):
        hold_out(dataset_of([0, 0, 1, 1]), share, seed=0)


@pytest.mark.skipif(not VOICES.is_dir(), reason="the recorded voices are not on this machine")
def test_the_recorded_voices_load_and_split_by_speaker() -> None:
    where = EvaluateConfig(VOICES / "train.tsv", VOICES / "features", VOICES / "speakers.tsv")
    dataset = load_dataset(where)
    assert dataset.groups is not None
    speakers = dataset.groups["speaker"].to_numpy()
    assert len(dataset) == 2037
    assert len(set(speakers)) == 107
    assert dataset.samples.frames.dtype == np.float32
    kept, held = hold_out(dataset, 1 / 6, seed=0)
    assert not set(speakers[kept]) & set(speakers[held])
    assert set(dataset.labels[kept]) == set(dataset.labels[held]) == {0, 1}
    assert abs(len(held) / 2037 - 1 / 6) < 0.02
