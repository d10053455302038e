from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evobin.config import DataConfig, EvaluateConfig
from evobin.core.samples import Dataset
from evobin.data import splits as splits_module
from evobin.data.dataset import load_dataset
from evobin.data.splits import Splits, load_splits, synthesised_splits
from evobin.errors import EvobinError, SettingError
from evobin.network.architecture import Architecture, ConvBlock
from evobin.voices import synthesise_clips
from tests.builders import DataFolder, random_folder, sides_of, small_voices

SMALL = Architecture(3, (ConvBlock(2, 2),))


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return random_folder(tmp_path, n_in=3, frames=2, samples=40)


def load(folder: DataFolder, seed: int = 0, groups: bool = False, **more: Any) -> Splits:
    speakers = folder.groups if groups else None
    settings = {"folds": None if "valid" in more else 1} | more
    config = DataConfig(folder.data, folder.features, speakers, architecture=SMALL, **settings)
    return load_splits(config, seed)


def names(part: Dataset | None) -> set[str]:
    assert part is not None
    return set(part.names)


def speakers(part: Dataset | None) -> set[str]:
    assert part is not None
    assert part.groups is not None
    return set(part.groups["speaker"])


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_every_sample_is_in_exactly_one_part_of_both_labels(
    folder: DataFolder, seed: int, groups: bool
) -> None:
    sides = sides_of(load(folder, seed, groups, valid_share=0.25, test_share=0.25))
    whole = [name for part in sides.values() for name in part.names]
    assert sorted(whole) == sorted(f"c{i}.npy" for i in range(40))
    for part in sides.values():
        assert set(part.labels) == {0, 1}
    speaker = 2 if groups else 0  # samples that cannot be split
    assert len(sides["valid"]) == pytest.approx(10, abs=speaker)
    assert len(sides["test"]) == pytest.approx(10, abs=speaker)


@pytest.mark.parametrize("groups", [False, True])
def test_few_samples_have_five_folds_of_whole_speakers(folder: DataFolder, groups: bool) -> None:
    splits = load(folder, groups=groups, folds=None, test_share=0.2)
    labelled, folds = splits.labelled, splits.folds
    assert len(folds) == 5
    assert len(folds.answered) == len(labelled) == 32
    assert splits.sizes == {"labelled": 32, "test": 8}
    for k in range(5):
        held, trained = labelled.subset(folds.held(k)), labelled.subset(folds.trained(k))
        assert not groups or not speakers(held) & speakers(trained)
        assert set(trained.labels) == {0, 1}


@pytest.mark.parametrize("seed", range(5))
def test_with_groups_no_speaker_is_in_two_parts(folder: DataFolder, seed: int) -> None:
    parts = load(folder, seed, groups=True, valid_share=0.3, test_share=0.3)
    assert parts.note == "Split by group."
    train, valid, test = map(speakers, sides_of(parts).values())
    assert not train & valid
    assert not train & test
    assert not valid & test


def test_without_groups_the_note_says_what_may_be_shared(folder: DataFolder) -> None:
    parts = load(folder)
    assert parts.note.endswith("samples that belong together may be in different parts.")
    assert parts.test is None


@pytest.mark.parametrize("groups", [True, False])
def test_only_parts_for_the_built_in_network_speak_of_speakers(
    tmp_path: Path, groups: bool
) -> None:
    voices = random_folder(tmp_path / "voices", samples=16)
    config = DataConfig(voices.data, voices.features, voices.groups if groups else None)
    told = load_splits(config, 0).note
    assert told == "Split by speaker." if groups else told.endswith("too high for new speakers.")


def test_features_and_labels_stay_with_their_names(folder: DataFolder) -> None:
    for part in sides_of(load(folder, groups=True, test_share=0.2)).values():
        assert part.groups is not None
        for i, name in enumerate(part.names):
            number = int(name[1:-4])
            assert part.labels[i] == number % 2
            assert part.groups["room"][i] == f"r{number % 3}"
            np.testing.assert_array_equal(part.samples[i], np.load(folder.features / name))


def test_the_seed_decides_the_parts(folder: DataFolder) -> None:
    one, again, other = (sides_of(load(folder, seed))["valid"].names for seed in (1, 1, 2))
    assert one == again != other


def test_named_parts_are_used_as_they_are(folder: DataFolder) -> None:
    train = folder.write("a.tsv", *(f"c{i}.npy {i % 2}" for i in range(10)))
    valid = folder.write("b.tsv", "c20.npy 0", "c23.npy 1")
    test = folder.write("c.tsv", "c31.npy 1", "c30.npy 0", "c32.npy 0")
    config = DataConfig(train, folder.features, None, valid, test, architecture=SMALL)
    parts = load_splits(config, 0)
    assert sides_of(parts)["train"].names == tuple(f"c{i}.npy" for i in range(10))
    assert sides_of(parts)["valid"].names == ("c20.npy", "c23.npy")
    assert parts.sizes == {"train": 10, "valid": 2, "test": 3}
    assert names(parts.test) == {"c30.npy", "c31.npy", "c32.npy"}
    assert parts.note == ""


def test_a_named_test_part_leaves_the_rest_to_be_split(folder: DataFolder) -> None:
    folder.write("train.tsv", *(f"c{i}.npy {i % 2}" for i in range(32)))
    test = folder.write("test.tsv", "c36.npy 0", "c37.npy 1")
    parts = load(folder, test=test, valid_share=0.25)
    assert names(parts.test) == {"c36.npy", "c37.npy"}
    assert parts.sizes == {"train": 24, "valid": 8, "test": 2}


def test_named_parts_that_share_groups_say_so(folder: DataFolder) -> None:
    folder.write("train.tsv", *(f"c{i}.npy {i % 2}" for i in range(1, 36)))
    valid = folder.write("valid.tsv", "c0.npy 0", "c39.npy 1")
    parts = load(folder, groups=True, valid=valid)
    assert parts.note == "1 group of the validation part is in the training part too."


@pytest.mark.parametrize(
    ("valid", "test", "blamed"),
    [
        (["c3.npy 1", "c38.npy 0"], None, r"valid\.tsv: names c3\.npy that .*train\.tsv names too"),
        (
            None,
            ["c2.npy 0", "c3.npy 1"],
            r"test\.tsv: names c2\.npy and 1 more samples that .*train",
        ),
        (["c38.npy 0", "c39.npy 1"], ["c38.npy 0", "c37.npy 1"], r"test\.tsv: names c38.* .*valid"),
        (["./c3.npy 1", "c38.npy 0"], None, r"valid\.tsv: names \./c3\.npy that .*train\.tsv"),
    ],
)
def test_a_sample_in_two_parts_is_refused(
    folder: DataFolder, valid: list[str] | None, test: list[str] | None, blamed: str
) -> None:
    folder.write("train.tsv", *(f"c{i}.npy {i % 2}" for i in range(36)))
    named = {"valid": valid, "test": test}
    paths: dict[str, Any] = {
        name: folder.write(f"{name}.tsv", *rows) for name, rows in named.items() if rows
    }
    with pytest.raises(EvobinError, match=f"{blamed}.*; a sample can be in one part only"):
        load(folder, **paths)


def test_data_and_features_need_each_other(folder: DataFolder) -> None:
    with pytest.raises(
        SettingError, match="`data` needs `features`, the folder of the files that it"
    ):
        DataConfig(data=folder.data)
    with pytest.raises(SettingError, match="`features` needs `data` as well; name both or neither"):
        DataConfig(features=folder.features)


def test_a_test_part_is_named_or_held_out_but_not_both(folder: DataFolder) -> None:
    with pytest.raises(SettingError, match="`test` and `test_share` exclude each other"):
        DataConfig(folder.data, folder.features, test=folder.data, test_share=0.1)


def test_without_data_there_are_no_parts_to_load() -> None:
    with pytest.raises(ValueError, match="`config` must name `data` and `features`"):
        load_splits(DataConfig(), 0)


def test_problems_of_a_named_part_name_its_file(folder: DataFolder) -> None:
    valid = folder.write("valid.tsv", "c38.npy 0", "c39.npy 2")
    with pytest.raises(EvobinError, match=r"valid\.tsv, line 2: expected label 0 or 1, found '2'"):
        load(folder, valid=valid)


def test_synthesised_voices_are_split_by_speaker_with_their_own_labels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def synthesise(seed: int, make_clips: Any) -> Any:
        asked.append((seed, make_clips))
        return small_voices()

    monkeypatch.setattr(splits_module, "synthesise", synthesise)
    parts = synthesised_splits(DataConfig(folds=1), 5, synthesise_clips)
    assert asked == [(5, synthesise_clips)]
    assert parts.sizes == {"train": 24, "valid": 8, "test": 8}
    train, valid, test = sides_of(parts).values()
    assert not speakers(train) & (speakers(valid) | speakers(test))
    voices = small_voices()
    for part in (train, valid, test):
        rows = [voices.names.index(name) for name in part.names]
        assert part.labels.tolist() == voices.labels[rows].tolist()
        np.testing.assert_array_equal(part.samples[0], voices.features[rows[0]])
    by_folds = synthesised_splits(DataConfig(), 5, synthesise_clips)
    assert by_folds.sizes == {"labelled": 32, "test": 8}
    assert len(by_folds.folds) == 5


def test_a_validation_part_is_named_or_there_are_folds_but_not_both(folder: DataFolder) -> None:
    with pytest.raises(SettingError, match="`valid` and `folds` exclude each other"):
        DataConfig(folder.data, folder.features, valid=folder.data, folds=5)


def test_kept_samples_are_always_trained_on_and_never_held_out(folder: DataFolder) -> None:
    new = folder.write("new.tsv", *(f"c{i}.npy {i % 2}" for i in range(20)))
    config = DataConfig(new, folder.features, folder.groups, architecture=SMALL)
    splits = load_splits(config, 0)
    old = folder.write("old.tsv", *(f"c{i}.npy {i % 2}" for i in range(20, 40)))
    kept = load_dataset(EvaluateConfig(old, folder.features, architecture=SMALL))
    more = splits.keeping(kept)
    assert more.sizes == {"labelled": 20, "kept": 20}
    assert more.labelled.names[:20] == splits.labelled.names
    assert more.folds.answered.tolist() == list(range(20))
    for k in range(len(splits.folds)):
        assert set(more.folds.trained(k)) >= set(range(20, 40))
    assert more.fingerprint() != splits.fingerprint()
    with pytest.raises(
        EvobinError, match=r"--keep-data names c0\.npy, which --data or --test names"
    ):
        splits.keeping(splits.labelled)
