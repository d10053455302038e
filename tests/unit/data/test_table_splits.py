"""Tables as training, validation and test samples: what is asked for, and all that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evobin.config import DataConfig
from evobin.core.samples import Dataset
from evobin.data.encoder import TableEncoder
from evobin.data.table_splits import Meaning, Usual, table_splits
from evobin.errors import EvobinError, SettingError
from evobin.estimators.splitting import split, targets_of
from tests.builders import sides_of


def pets(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """Rows of numbers, words and missing values."""
    rng = np.random.default_rng(seed)
    age = rng.integers(1, 90, n).astype(float)
    age[::7] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "kind": rng.choice(["cat", "dog", "cow"], n),
            "same": 3,
            "weight": rng.normal(size=n).round(3),
            "owner": [f"o{i // 3}" for i in range(n)],
            "sold": np.where(rng.random(n) > 0.5, "yes", "no"),
        }
    )


class Folder:
    """Writes tables and reads them back."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, frame: pd.DataFrame | str, name: str = "t.csv") -> Path:
        path = self.root / name
        text = frame if isinstance(frame, str) else frame.to_csv(index=False)
        path.write_text(text)
        return path

    def load(
        self, frame: pd.DataFrame | str, meaning: Meaning | None = None, **more: Any
    ) -> tuple[Any, Meaning]:
        folds = None if "valid" in more else 1
        settings = {"label": "sold", "drop": ("owner",), "folds": folds} | more
        return table_splits(DataConfig(self.path(frame), **settings), 0, meaning)

    def told(self, frame: pd.DataFrame | str, **more: Any) -> list[str]:
        """What is wrong, without the file."""
        with pytest.raises(EvobinError) as caught:
            self.load(frame, **more)
        return [line.strip() for line in str(caught.value).replace(f"{self.root}/", "").split("\n")]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def rows_of(part: Dataset) -> list[int]:
    """The rows of a part, from 0."""
    return [int(name.removeprefix("line ")) - 2 for name in part.names]


def test_the_parts_are_what_an_encoder_makes_of_the_frame(folder: Folder) -> None:
    frame = pets()
    splits, meaning = folder.load(frame, test_share=0.25)
    assert meaning.usual.constant == ("same",)
    assert meaning.feature_names == ("age", "kind", "weight")
    assert meaning.classes.tolist() == ["no", "yes"]
    features, train = frame[["age", "kind", "weight"]], rows_of(sides_of(splits)["train"])
    expected = TableEncoder().fit(features.iloc[train])
    assert meaning.encoder is not None
    assert meaning.encoder.to_plain() == expected.to_plain()
    everything = []
    for part in sides_of(splits).values():
        rows = rows_of(part)
        everything += rows
        assert np.array_equal(part.samples.frames, expected.transform(features.iloc[rows]))
        assert part.labels.tolist() == (frame["sold"].iloc[rows] == "yes").tolist()
    assert sorted(everything) == list(range(60))
    assert "same is constant in the training part and is left out." in splits.note


def test_validation_rows_are_those_that_the_classifier_holds_out(folder: Folder) -> None:
    frame = pets()
    rows = split(targets_of(frame["sold"].to_numpy(), 60), None, 0)
    assert rows_of(sides_of(folder.load(frame)[0])["valid"]) == rows.valid.tolist()


def test_without_a_validation_part_an_encoder_is_of_all_folds(folder: Folder) -> None:
    frame = pets()
    splits, meaning = folder.load(frame, folds=None, test_share=0.25)
    assert len(splits.folds) == 5
    rows = rows_of(splits.labelled)
    expected = TableEncoder().fit(frame[["age", "kind", "weight"]].iloc[rows])
    assert meaning.encoder is not None
    assert meaning.encoder.to_plain() == expected.to_plain()
    kept = set(rows_of(splits.test))
    assert not kept & set(rows)


def test_no_group_is_in_two_parts(folder: Folder) -> None:
    splits, meaning = folder.load(pets(), group="owner", drop=(), test_share=0.3)
    tables = [part.groups for part in sides_of(splits).values()]
    owners = [set(table["speaker"]) for table in tables if table is not None]
    assert len(set.union(*owners)) == sum(map(len, owners)) == 20
    assert meaning.feature_names == ("age", "kind", "weight")
    assert splits.note.startswith("Split by group.")


@pytest.mark.parametrize("labels", [["3", "1", "2"], ["3.0", " 1", "2"]])
def test_labels_that_are_whole_numbers_are_numbers(labels: list[str], folder: Folder) -> None:
    text = "x,y\n" + "".join(f"{i},{labels[i % 3]}\n" for i in range(30))
    splits, meaning = folder.load(text, label="y", drop=())
    assert meaning.classes.tolist() == [1, 2, 3]
    assert sides_of(splits)["train"].labels.tolist() == [
        [2, 0, 1][row % 3] for row in rows_of(sides_of(splits)["train"])
    ]


def test_a_value_that_is_missing_in_one_part_alone_has_a_sign(folder: Folder) -> None:
    frame = pets().drop(columns="age")
    valid = rows_of(sides_of(folder.load(frame)[0])["valid"])
    frame.loc[valid[0], "weight"] = np.nan
    splits, meaning = folder.load(frame)
    assert meaning.encoder is not None
    assert meaning.encoder.columns_[-1].has_missing
    assert (sides_of(splits)["train"].samples.frames[:, -1] == -1).all()
    assert sides_of(splits)["valid"].samples.frames[0, -1] == 1


def test_parts_of_their_own_have_the_columns_and_classes_of_the_first(folder: Folder) -> None:
    other = folder.path(pets(20, 1)[["sold", "weight", "kind", "owner", "age", "same"]], "v.csv")
    test = folder.path(pets(20, 2).astype({"age": object}).fillna("NA"), "w.csv")
    splits, _ = folder.load(pets(), valid=other, test=test)
    assert [len(part) for part in sides_of(splits).values()] == [60, 20, 20]
    assert "Split by" not in splits.note
    bad = pets(20, 1).rename(columns={"weight": "wait"})
    bad["kind"] = 7
    bad.loc[3, "sold"] = "perhaps"
    told = folder.told(pets(), valid=folder.path(bad, "v.csv"))
    assert told == [
        "v.csv: 3 problems:",
        "v.csv: there is no column 'weight'; did you mean 'wait'? It is one of the features.",
        "v.csv: column 'wait' is no known feature; delete it.",
        "v.csv, line 5, column 'sold': is 'perhaps', but classes are no, yes; correct it.",
    ]


def test_one_table_cannot_be_two_parts(folder: Folder) -> None:
    (told,) = folder.told(pets(), valid=folder.root / "." / "t.csv")
    assert told == "t.csv: is named twice; a row can be in one part only."


def test_the_fingerprint_sees_every_cell_and_the_split(folder: Folder) -> None:
    frame, known = pets(), set()
    variants = [frame, frame.assign(weight=frame["weight"] + 1e-9), frame.iloc[::-1]]
    variants += [frame.replace({"kind": {"cow": "Cow"}}), frame.rename(columns={"age": "Age"})]
    for variant in variants:
        known.add(folder.load(variant)[0].fingerprint())
    known.add(folder.load(frame, valid_share=0.3)[0].fingerprint())
    known.add(folder.load(frame, group="owner", drop=())[0].fingerprint())
    assert len(known) == len(variants) + 2
    assert folder.load(frame)[0].fingerprint() in known


def test_columns_of_codes_are_categories_where_they_are_named(folder: Folder) -> None:
    frame = pets().assign(code=np.arange(60) % 3)
    _, meaning = folder.load(frame, categorical=("code",))
    assert meaning.encoder is not None
    assert meaning.encoder.columns_[-1].categories == ("0", "1", "2")


def test_arrays_are_split_and_encoded_in_place(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    x[:, 1] = 5
    x[3, 0] = np.nan
    np.savez_compressed(tmp_path / "a.npz", X=x, y=y, groups=np.arange(40) // 2)
    splits, meaning = table_splits(DataConfig(tmp_path / "a.npz", folds=1), 0, None)
    assert (meaning.usual, meaning.feature_names, meaning.n_features) == (Usual(), None, 3)
    assert "Split by group. 1 of 3 columns are constant, and not looked at." in splits.note
    rows = [int(name.removeprefix("row ")) for name in sides_of(splits)["train"].names]
    expected = TableEncoder().fit(x, np.array(rows))
    assert np.array_equal(sides_of(splits)["train"].samples.frames, expected.transform(x[rows]))


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"x": np.ones(3)}, "must hold an array X, but it holds x"),
        ({"X": np.ones(3), "y": np.ones(3)}, "X must hold numbers, [samples, features], but it ha"),
        (
            {"X": np.array([["a"]])},
            "X must hold numbers, [samples, features], but it has dtype <U1",
        ),
        ({"X": np.ones((3, 2)), "y": np.ones(2)}, "y must hold 3 numbers or texts, one a row of X"),
        ({"X": np.ones((3, 2))}, "has no array y; add one, with a label for each row of X"),
        ({"X": np.array([[1], [np.inf]]), "y": [0, 1]}, "row 1, column '0': must be finite, but"),
        (
            {"X": np.ones((2, 1)), "y": [0, 1], "groups": [0.0, np.nan]},
            "row 1, column 'groups': names no group; fill it in, or delete the row",
        ),
        ({"X": np.ones((2, 1)), "y": [0.0, np.nan]}, "row 1, column 'y': has no label; fill it in"),
        (
            {"X": np.array([[object()]], object)},
            "is damaged or no npz file of plain arrays (Object",
        ),
    ],
)
def test_arrays_that_are_no_samples_are_told(
    arrays: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(EvobinError) as caught:
        table_splits(DataConfig(tmp_path / "a.npz", folds=1), 0, None)
    assert expected in str(caught.value)


def test_a_file_that_is_no_npz_file_is_told(tmp_path: Path) -> None:
    for raw in (b"", b"PK\x03\x04 no more", b"a,b\n1,2\n"):
        (tmp_path / "a.npz").write_bytes(raw)
        with pytest.raises(EvobinError, match=r"a\.npz: is damaged or no npz file"):
            table_splits(DataConfig(tmp_path / "a.npz", folds=1), 0, None)


def test_columns_that_are_not_there_are_told_all_together(folder: Folder) -> None:
    told = folder.told(pets(), label="sould", group="oner", drop=("x",), categorical=("kinds",))
    assert told == [
        "t.csv: 4 problems:",
        "t.csv: there is no column 'sould'; did you mean 'sold'?",
        "t.csv: there is no column 'oner'; did you mean 'owner'?",
        "t.csv: there is no column 'x'; columns are age, kind, same, weight, owner, sold.",
        "t.csv: there is no column 'kinds'; did you mean 'kind'?",
    ]


def test_without_a_label_the_columns_are_listed(folder: Folder) -> None:
    (told,) = folder.told(pets(), label=None, drop=())
    assert told == (
        "t.csv: --label must name the column of classes; columns are age, kind, same, weight, "
        "owner, sold."
    )


def test_rows_without_a_label_or_group_are_told_by_line(folder: Folder) -> None:
    frame = pets()
    frame.loc[2, "sold"] = None
    frame.loc[4, "owner"] = "?"
    assert folder.told(frame, group="owner", drop=()) == [
        "t.csv: 2 problems:",
        "t.csv, line 4, column 'sold': has no label; fill it in, or delete the row.",
        "t.csv, line 6, column 'owner': names no group; fill it in, or delete the row.",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sold": "yes"}, "the labels must be of 2 to 100 classes, but they are of 1, 'yes'; name"),
        (
            {"sold": range(60)},
            "holding out needs at least 2 rows of each class, but there are 1 of",
        ),
        (
            {"sold": [*"ab"] * 29 + ["c", "a"]},
            "at least 2 rows of each class, but there are 1 of 'c'",
        ),
        (
            {"age": 1, "kind": "cat", "weight": 2},
            "every column of features is constant in the train",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_told(
    change: dict[str, Any], expected: str, folder: Folder
) -> None:
    (told,) = folder.told(pets().assign(**change))
    assert expected in told


def test_labels_of_too_many_values_are_no_classes(folder: Folder) -> None:
    frame = pets(300).assign(sold=np.arange(300) // 2)
    (told,) = folder.told(frame)
    assert "must be of 2 to 100 classes, but they are of 150; name another column" in told


def test_a_column_of_names_is_no_feature(folder: Folder) -> None:
    frame = pets(400).assign(name=[f"n{row}" for row in range(400)])
    (told,) = folder.told(frame)
    assert told == (
        "t.csv: column 'name': has 336 different values, more than 255; leave it out, or make "
        "groups of them. Leave columns out with --drop."
    )


def test_a_table_of_labels_alone_has_no_features(folder: Folder) -> None:
    (told,) = folder.told(pets()[["sold", "owner"]])
    assert told == "t.csv: has no column of features; leave some in."


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"data": Path("t.tsv")}, "`data` needs `features`, the folder of the files that it lists"),
        ({"label": "x"}, "`label` is for a table, but `data` is not named"),
        ({"hidden": (3,)}, "`hidden` is for a table, but `data` is not named"),
        (
            {"data": Path("t.tsv"), "features": Path("f"), "bits": 3},
            "`bits` is for a table, but `features` makes `data` a list of files",
        ),
        ({"data": Path("t.csv"), "groups": Path("g.tsv")}, "`groups` is for lists of files; name"),
        ({"data": Path("t.npz"), "label": "x"}, "`label` names a column, but an npz file has arra"),
        ({"data": Path("t.csv"), "label": "x", "drop": ("x",)}, "`label` and `drop` both name the"),
        ({"data": Path("t.csv"), "hidden": (0,)}, "`hidden` must be from 1 to 32766, but it is 0"),
        ({"data": Path("t.csv"), "bits": 33}, "`bits` must be from 1 to 32, but it is 33"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, Any], expected: str
) -> None:
    with pytest.raises(SettingError, match=expected):
        DataConfig(**settings)
