from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from evobin.config import EvaluateConfig
from evobin.core.samples import Dataset, Samples
from evobin.data.dataset import load_dataset
from evobin.errors import EvobinError
from evobin.network.architecture import Architecture, ConvBlock

SMALL = Architecture(4, (ConvBlock(2, 3),))


class Folder:
    """A data set on disk that a test can damage: a.npy to d.npy, labels 0, 1, 0, 1."""

    def __init__(self, root: Path) -> None:
        self.data = root / "train.tsv"
        self.features = root / "features"
        self.groups = root / "speakers.tsv"
        self.features.mkdir()
        for i, name in enumerate("abcd"):
            self.save(f"{name}.npy", np.full((3 + i, 4), i, np.float16))
        self.data.write_text("a.npy\t0\nb.npy\t1\nc.npy\t0\nd.npy\t1\n")
        self.groups.write_text("a.npy\ts1\nb.npy\ts2\nc.npy\ts3\nd.npy\ts2\n")

    def save(self, name: str, array: NDArray[Any]) -> Path:
        np.save(self.features / name, array)
        return self.features / name

    def load(self, groups: bool = False, one_class_ok: bool = False) -> Dataset:
        table = self.groups if groups else None
        where = EvaluateConfig(self.data, self.features, table, architecture=SMALL)
        return load_dataset(where, one_class_ok=one_class_ok)

    def error(self, groups: bool = False) -> str:
        with pytest.raises(EvobinError, match=r"\S") as caught:
            self.load(groups)
        return str(caught.value).replace(str(self.data.parent) + os.sep, "")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_samples_and_labels_come_in_the_order_of_the_data_file(folder: Folder) -> None:
    folder.data.write_text("d.npy\t1\na.npy\t0\n")
    dataset = folder.load()
    assert len(dataset) == 2
    assert dataset.names == ("d.npy", "a.npy")
    assert dataset.labels.tolist() == [1, 0]
    assert dataset.labels.dtype == np.int8
    assert not dataset.labels.flags.writeable
    assert dataset.samples.lengths.tolist() == [6, 3]
    assert (dataset.samples[0] == 3).all()
    assert dataset.samples.stored.dtype == np.float16
    assert dataset.samples.frames.dtype == np.float32
    assert dataset.groups is None


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa.npy\t0\r\nb.npy\t1\r\n\r\n\n",
        b"a.npy\t0\nb.npy\t1",
        b"file\tlabel\na.npy\t0\nb.npy\t1\n",
        b"\xef\xbb\xbffile\tsex\r\na.npy\t0\r\nb.npy\t1\r\n",
    ],
)
def test_line_ends_marks_blank_ends_and_a_header_are_understood(
    folder: Folder, content: bytes
) -> None:
    folder.data.write_bytes(content)
    dataset = folder.load()
    assert dataset.names == ("a.npy", "b.npy")
    assert dataset.labels.tolist() == [0, 1]


def test_a_sample_may_lie_in_a_folder_below_the_features(folder: Folder) -> None:
    (folder.features / "sub").mkdir()
    folder.save("sub/e.npy", np.zeros((3, 4)))
    folder.data.write_text("./sub/e.npy\t0\nb.npy\t1\n")
    folder.groups.write_text("sub//e.npy\ts1\nb.npy\ts2\n")
    dataset = folder.load(groups=True)
    assert dataset.names[0] == "./sub/e.npy"
    assert dataset.groups is not None
    assert dataset.groups["speaker"].tolist() == ["s1", "s2"]


def test_the_features_folder_may_be_a_link(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder.features)
    where = EvaluateConfig(folder.data, tmp_path / "link", architecture=SMALL)
    assert len(load_dataset(where)) == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b.npy", "'b.npy' has no label; add a tab and 0 or 1."),
        ("b.npy\t", "expected label 0 or 1, found ''."),
        ("b.npy\t2", "expected label 0 or 1, found '2'."),
        ("b.npy\t1.0", "expected label 0 or 1, found '1.0'."),
        ("b.npy\tmale", "expected label 0 or 1, found 'male'."),
        ("b.npy\t" + "x" * 99, "expected label 0 or 1, found '" + "x" * 60 + "...'."),
        ("b.npy\t1\ts2", "expected a file name and a label, found 3 fields."),
        ("", "the file name is empty; name a file or delete the line."),
        ("\t1", "the file name is empty; name a file or delete the line."),
        ("a.npy\t1", "'a.npy' is listed in line 1 already; keep one."),
        ("./a.npy\t0", "'./a.npy' is listed in line 1 already; keep one."),
        ("sub/../b.npy\t1", "'sub/../b.npy' is outside the features folder"),
        ("../features/b.npy\t1", "'../features/b.npy' is outside the features folder"),
        ("/etc/passwd\t1", "'/etc/passwd' is outside the features folder"),
        ("x.npy\t1", "'x.npy' does not exist"),
        ("x\u2028\x1b.npy\t1", "'x\\u2028\\x1b.npy' does not exist"),
        ("x" * 300 + "\t1", "'" + "x" * 60 + "...' cannot be read (File name too long)"),
        (".\t1", "'.' is a folder; name a file."),
    ],
)
def test_a_wrong_line_of_the_data_file_is_named(folder: Folder, line: str, message: str) -> None:
    folder.data.write_text(f"a.npy\t0\n{line}\nd.npy\t1\n")
    error = folder.error()
    assert error.startswith(f"train.tsv, line 2: {message}")
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("first", ["b.npy\tmale", "B.NPY\tmale", "b\t2", "b\t-1.5", "b"])
def test_a_wrong_first_line_is_no_header(folder: Folder, first: str) -> None:
    folder.data.write_text(f"{first}\na.npy\t0\nd.npy\t1\n")
    assert folder.error().startswith("train.tsv, line 1: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "train.tsv: is empty"),
        (b"name\tlabel\n", "train.tsv: holds no samples"),
        (b"a.npy\t0\n\xff\xfe\t1\n", "train.tsv, line 2: is not UTF-8 text"),
        (b"a.npy\t0\nb.\0npy\t1\n", "train.tsv, line 2: holds a NUL byte"),
    ],
)
def test_a_data_file_without_samples_or_text_is_an_error(
    folder: Folder, content: bytes, message: str
) -> None:
    folder.data.write_bytes(content)
    assert folder.error().startswith(message)


def test_a_missing_data_file_is_an_error(folder: Folder) -> None:
    folder.data.unlink()
    assert folder.error().startswith("train.tsv: does not exist")


def test_a_missing_features_folder_is_one_problem(folder: Folder, tmp_path: Path) -> None:
    folder.features = tmp_path / "other"
    assert folder.error().startswith("other: is not a folder")


def test_a_link_that_leaves_the_features_folder_is_an_error(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "features_2").mkdir()  # shares the beginning of its name
    (folder.features / "b.npy").rename(tmp_path / "features_2" / "b.npy")
    (folder.features / "b.npy").symlink_to(tmp_path / "features_2" / "b.npy")
    assert folder.error().startswith("train.tsv, line 2: 'b.npy' is outside the features folder")


def test_an_absolute_name_is_an_error_even_inside_the_features_folder(folder: Folder) -> None:
    folder.data.write_text(f"a.npy\t0\n{folder.features / 'b.npy'}\t1\n")
    error = folder.error()
    assert error.startswith("train.tsv, line 2: ")
    assert "is outside the features folder; name" in error


def test_a_sample_listed_again_through_a_link_is_an_error(folder: Folder) -> None:
    (folder.features / "b.npy").unlink()
    (folder.features / "b.npy").symlink_to("a.npy")
    assert folder.error().startswith("train.tsv, line 2: 'b.npy' is listed in line 1 already")


def test_a_loop_of_links_is_an_error(folder: Folder) -> None:
    (folder.features / "b.npy").unlink()
    (folder.features / "b.npy").symlink_to("b.npy")
    assert folder.error().startswith("train.tsv, line 2: 'b.npy' ")


def test_samples_of_one_class_are_an_error_unless_that_is_fine(folder: Folder) -> None:
    folder.data.write_text("a.npy\t1\nb.npy\t1\n")
    assert folder.error() == "train.tsv: every sample has label 1; add some of 0."
    assert folder.load(one_class_ok=True).labels.tolist() == [1, 1]


def test_all_problems_are_reported_together(folder: Folder) -> None:
    folder.data.write_text("a.npy\t0\nb.npy\t7\nx.npy\t1\n")
    folder.groups.write_text("a.npy\ts1\nb.npy\ts2\n")
    assert folder.error(groups=True).splitlines() == [
        "train.tsv and speakers.tsv: 3 problems:",
        "  train.tsv, line 2: expected label 0 or 1, found '7'.",
        "  train.tsv, line 3: 'x.npy' does not exist; check its name and folder.",
        "  speakers.tsv: does not name 'x.npy' (train.tsv, line 3); add a line for it.",
    ]


def test_the_first_ten_of_many_problems_are_listed_in_order(folder: Folder) -> None:
    folder.data.write_text("".join(f"x{i}.npy\t1\n" for i in range(37)))
    lines = folder.error().splitlines()
    assert lines[0] == "train.tsv: 37 problems, the first 10 are:"
    assert [line.split("'")[1] for line in lines[1:]] == [f"x{i}.npy" for i in range(10)]
    assert all(line.startswith("  train.tsv, line ") for line in lines[1:])


def test_speakers_and_other_columns_come_in_the_order_of_the_samples(folder: Folder) -> None:
    folder.data.write_text("d.npy\t1\na.npy\t0\n")
    folder.groups.write_text("a.npy\ts1\t07\tx\nz.npy\ts9\t\t\nd.npy\ts2\t08\t\n")
    groups = folder.load(groups=True).groups
    assert groups is not None
    expected = {"speaker": ["s2", "s1"], "column 3": ["08", "07"], "column 4": ["", "x"]}
    assert groups.to_dict("list") == expected


@pytest.mark.parametrize(
    "header", [b"\xef\xbb\xbffile\tspeaker\tcorpus\r\n", b"sample\tid\tcorpus\n"]
)
def test_a_header_names_the_other_columns_of_the_groups(folder: Folder, header: bytes) -> None:
    folder.data.write_text("a.npy\t0\nb.npy\t1\n")
    folder.groups.write_bytes(header + b"a.npy\ts1\tx\r\nb.npy\ts2\ty\n\n")
    groups = folder.load(groups=True).groups
    assert groups is not None
    assert groups.to_dict("list") == {"speaker": ["s1", "s2"], "corpus": ["x", "y"]}


def test_a_first_sample_without_an_ending_is_no_header_of_the_groups(folder: Folder) -> None:
    (folder.features / "a.npy").rename(folder.features / "a")
    folder.data.write_text("a\t0\nb.npy\t1\n")
    folder.groups.write_text("a\ts1\nb.npy\ts2\n")
    groups = folder.load(groups=True).groups
    assert groups is not None
    assert groups["speaker"].tolist() == ["s1", "s2"]


def test_the_same_line_twice_in_the_groups_is_fine(folder: Folder) -> None:
    with folder.groups.open("a") as file:
        file.write("./a.npy\ts1\n")
    assert len(folder.load(groups=True)) == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.npy\ts2", "'a.npy' differs from line 1; keep one."),
        ("./a.npy\ts2", "'./a.npy' differs from line 1; keep one."),
        ("z.npy", "expected 2 fields (name, speaker, ...), found 1."),
        ("z.npy\ts1\tx", "expected 2 fields (name, speaker, ...), found 3."),
        ("z.npy\t", "the file name or the speaker is empty; fill it in or delete the line."),
        ("\ts1", "the file name or the speaker is empty; fill it in or delete the line."),
    ],
)
def test_a_wrong_line_of_the_groups_file_is_named(folder: Folder, line: str, message: str) -> None:
    with folder.groups.open("a") as file:
        file.write(line + "\n")
    assert folder.error(groups=True) == f"speakers.tsv, line 5: {message}"


@pytest.mark.parametrize("names", ["x\tx", "\tx", "speaker\tx"])
def test_columns_of_one_name_are_an_error(folder: Folder, names: str) -> None:
    rows = "".join(f"{name}.npy\ts\t1\t2\n" for name in "abcd")
    folder.groups.write_text(f"file\tid\t{names}\n{rows}")
    message = "speakers.tsv, line 1: column names must be unique and not empty."
    assert folder.error(groups=True) == message


def test_a_ragged_line_counts_as_naming_its_sample(folder: Folder) -> None:
    folder.groups.write_text("a.npy\ts1\nb.npy\ts2\nc.npy\nd.npy\ts2\n")
    message = "speakers.tsv, line 3: expected 2 fields (name, speaker, ...), found 1."
    assert folder.error(groups=True) == message


@pytest.mark.parametrize("content", [b"", b"a.npy\ts\0\n", b"\xff"])
def test_a_groups_file_that_is_no_text_is_one_problem(folder: Folder, content: bytes) -> None:
    folder.groups.write_bytes(content)
    error = folder.error(groups=True)
    assert error.startswith("speakers.tsv")
    assert len(error.splitlines()) == 1


def test_a_missing_groups_file_is_reported_with_the_other_problems(folder: Folder) -> None:
    folder.groups.unlink()
    folder.data.write_text("a.npy\t0\nb.npy\t7\n")
    assert folder.error(groups=True).splitlines() == [
        "train.tsv and speakers.tsv: 2 problems:",
        "  train.tsv, line 2: expected label 0 or 1, found '7'.",
        "  speakers.tsv: does not exist; check its name and folder.",
    ]


def test_a_subset_takes_every_part_in_the_order_of_its_rows(folder: Folder) -> None:
    part = folder.load(groups=True).subset(np.array([3, 0]))
    assert part.names == ("d.npy", "a.npy")
    assert part.labels.tolist() == [1, 0]
    assert part.samples.lengths.tolist() == [6, 3]
    assert part.groups is not None
    assert part.groups["speaker"].tolist() == ["s2", "s1"]
    assert part.groups.index.tolist() == [0, 1]


def test_parts_of_different_lengths_are_wrong_arguments() -> None:
    samples = Samples.join([np.zeros((3, 4))] * 2)
    labels = np.array([0, 1], np.int8)
    with pytest.raises(ValueError, match="`labels` must have shape"):
        Dataset(("a", "b"), samples, labels[:1], None)
    with pytest.raises(ValueError, match=r"`samples\.lengths` must have shape"):
        Dataset(("a", "b", "c"), samples, np.array([0, 1, 1], np.int8), None)
    with pytest.raises(ValueError, match="`groups` must have shape"):
        Dataset(("a", "b"), samples, labels, pd.DataFrame({"speaker": ["s"]}))


TEN = Architecture(4, (ConvBlock(2, 1),), n_classes=10, frames=1)


def save_vectors(folder: Folder, labels: list[str]) -> None:
    lines = []
    for i, label in enumerate(labels):
        folder.save(f"v{i}.npy", np.arange(4.0) + i)
        lines.append(f"v{i}.npy\t{label}\n")
    folder.data.write_text("".join(lines))


def test_labels_go_up_to_the_number_of_classes(folder: Folder) -> None:
    save_vectors(folder, list("3019"))
    dataset = load_dataset(
        EvaluateConfig(folder.data, folder.features, architecture=TEN), one_class_ok=True
    )
    assert dataset.labels.tolist() == [3, 0, 1, 9]
    assert dataset.samples.lengths.tolist() == [1, 1, 1, 1]
    assert dataset.samples[2].tolist() == [[2.0, 3.0, 4.0, 5.0]]


@pytest.mark.parametrize("label", ["10", "-1", "03", "1.0", "a", ""])
def test_a_label_beyond_the_classes_is_named(folder: Folder, label: str) -> None:
    save_vectors(folder, ["0", label])
    with pytest.raises(EvobinError, match=r"line 2: expected label 0 to 9, found '"):
        load_dataset(EvaluateConfig(folder.data, folder.features, architecture=TEN))


def test_a_line_without_a_label_says_which_there_are(folder: Folder) -> None:
    folder.data.write_text("v0.npy\n")
    with pytest.raises(EvobinError, match=r"'v0.npy' has no label; add a tab and 0 to 9\."):
        load_dataset(EvaluateConfig(folder.data, folder.features, architecture=TEN))


def test_labels_that_no_sample_has_are_named(folder: Folder) -> None:
    save_vectors(folder, list("01245689"))
    with pytest.raises(
        EvobinError, match=r"tsv: no sample has label 3, 7; add some, or name fewer"
    ):
        load_dataset(EvaluateConfig(folder.data, folder.features, architecture=TEN))
