from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from evobin.data.corpus import find_recordings, survey
from evobin.data.knowledge import known_folders
from evobin.errors import EvobinError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_recordings_are_found_at_any_depth_in_order_and_hidden_files_left_out(
    tmp_path: Path,
) -> None:
    touch(
        tmp_path, "b/2.FLAC", "b/1.wav", "a.ogg", "._a.wav", ".git/x.wav", "a.txt", "a.npy", "b/x"
    )
    assert find_recordings([tmp_path]) == {
        "a.ogg": tmp_path / "a.ogg",
        "b/1.wav": tmp_path / "b/1.wav",
        "b/2.FLAC": tmp_path / "b/2.FLAC",
    }


def test_of_several_folders_each_ones_own_name_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "male/a.wav", "female/a.wav", "b.raw")
    monkeypatch.chdir(tmp_path / "male")
    found = find_recordings([Path(), Path("../female"), Path("../b.raw")])
    assert list(found) == ["male/a.wav", "female/a.wav", "b.raw"]
    assert list(find_recordings([Path("..")])) == ["female/a.wav", "male/a.wav"]


def test_a_link_to_a_folder_keeps_its_own_name(tmp_path: Path) -> None:
    touch(tmp_path, "x1/a.wav", "x2/a.wav")
    (tmp_path / "male").symlink_to("x1")
    assert list(find_recordings([tmp_path / "male", tmp_path / "x2"])) == ["male/a.wav", "x2/a.wav"]


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "a.flac")
    expected = r"a\.wav: would be a\.npy, and so would .*a\.flac; rename or leave out one\."
    with pytest.raises(EvobinError, match=expected):
        find_recordings([tmp_path])


def test_a_recording_that_is_met_twice_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "in", "male/a.wav")
    with pytest.raises(EvobinError, match=r"in/male/a\.wav: is named twice, also as .*male/a\.wav"):
        find_recordings([tmp_path / "in", tmp_path / "in/male"])
    (tmp_path / "in/b.wav").symlink_to("male/a.wav")
    with pytest.raises(
        EvobinError, match=r"male/a\.wav: is named twice, also as .*in/b\.wav; leave"
    ):
        find_recordings([tmp_path / "in"])


@pytest.mark.parametrize("name", ["a\tb.wav", "a\nb.wav", "a\udcffb.wav"])
def test_a_name_that_no_table_can_hold_is_refused(name: str, tmp_path: Path) -> None:
    touch(tmp_path, name)
    with pytest.raises(
        EvobinError, match="has a tab, a line break or no UTF-8 in its name"
    ) as told:
        find_recordings([tmp_path])
    assert "\n" not in str(told.value)


def test_all_that_is_wrong_with_the_named_paths_is_reported(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "empty/readme.txt")
    named = [tmp_path / name for name in ("a.wav", "none", "empty")]
    with pytest.raises(EvobinError, match="2 problems with recordings") as told:
        find_recordings(named)
    _, missing, empty = str(told.value).splitlines()
    assert missing == f"  {tmp_path}/none: does not exist; check its name and folder."
    assert empty.startswith(f"  {tmp_path}/empty: holds no recordings; they end with .wav, .wave, ")


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walk(folder: Path, onerror: Any) -> Any:
        onerror(PermissionError(errno.EACCES, os.strerror(errno.EACCES), f"{folder}/sub"))

    monkeypatch.setattr(os, "walk", walk)
    expected = rf"{tmp_path}: cannot be read at {tmp_path}/sub \(Permission denied\); check it\."
    with pytest.raises(EvobinError, match=expected):
        find_recordings([tmp_path])


def labels(*names: str) -> list[int] | None:
    known = known_folders({name: Path(name) for name in names}, strict=True)
    return None if known is None else list(known.labels.values())


def test_folders_give_labels_wherever_they_are() -> None:
    assert labels("s1/male/a.wav", "Female/s2/b.wav") == [0, 1]
    assert labels("0/a.wav", "x/1/a.wav") == [0, 1]


def test_numbered_folders_are_no_labels_where_others_say_male_and_female() -> None:
    assert labels("male/1/a.wav", "female/0/a.wav", "female/7/a.wav") == [0, 1, 1]


def test_names_of_files_and_other_folders_are_no_labels() -> None:
    assert labels("male.wav", "01/a.wav", "females/b.wav") is None


@pytest.mark.parametrize("other", ["b.wav", "s1/b.wav", "male/female/b.wav"])
def test_a_recording_without_a_label_among_others_is_named(other: str) -> None:
    with pytest.raises(EvobinError, match=rf"^{other}: must lie in a folder named male or female"):
        labels("male/a.wav", other)


def test_a_table_of_labels_overrules_folders(tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "male/a.wav", "male/b.wav")
    (tmp_path / "labels.tsv").write_text("male/b.wav\t0\nmale/a.wav\t1\n")
    assert survey([folder], tmp_path / "labels.tsv", None).labels == [1, 0]


def test_problems_of_both_tables_are_reported_together(tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "a.wav")
    (tmp_path / "l.tsv").write_text("a.wav\t3\n")
    (tmp_path / "g.tsv").write_text("b.wav\ts1\n")
    with pytest.raises(EvobinError, match=r"l\.tsv and .*g\.tsv: 2 problems:\n.*\n.*in/a\.wav"):
        survey([folder], tmp_path / "l.tsv", tmp_path / "g.tsv")
