"""What tables of corpora say of recordings; the tables as the corpora have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evobin.data.corpus import Corpus, survey
from evobin.data.listings import Columns
from evobin.errors import EvobinError
from tests.unit.data.test_corpus import touch


def corpus(
    root: Path,
    names: str,
    labels: str | None = None,
    groups: str | None = None,
    *,
    labels_name: str = "labels.tsv",
    groups_name: str = "groups.tsv",
    only_labelled: bool = False,
    **columns: str,
) -> Corpus:
    """Surveys empty files of these names, with tables of these texts."""
    folder = touch(root / "in", *names.split())
    by_label, by_group = (
        None if text is None else write(root / name, text)
        for name, text in ((labels_name, labels), (groups_name, groups))
    )
    return survey([folder], by_label, by_group, Columns(**columns), only_labelled=only_labelled)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def labels_and_speakers(found: Corpus) -> dict[str, tuple[int | None, str | None]]:
    nothing = [None] * len(found.recordings)
    speakers = nothing if found.groups is None else found.groups["speaker"].tolist()
    return dict(
        zip(found.recordings, zip(found.labels or nothing, speakers, strict=True), strict=True)
    )


def told(root: Path, *args: Any, **more: Any) -> list[str]:
    """The lines of the error, without the folder."""
    with pytest.raises(EvobinError) as error:
        corpus(root, *args, **more)
    return str(error.value).replace(f"{root}/", "").splitlines()


VCTK = """\
ID  AGE  GENDER  ACCENTS  REGION COMMENTS
p225  23  F    English    Southern  England
p226  22  M    English    Surrey
p315  18  M    American   New  England  (mic2 files unavailable)
"""
LIBRISPEECH = """\
; Some pieces of information, with the sex: 'F' for female, 'M' for male
; |SEX|
;
;ID  |SEX| SUBSET           |MINUTES| NAME
14   | F | train-clean-360  | 25.03 | Kristin LeMoine
60   | M | train-clean-100  | 20.18 | | CarolBrown
198  | F | train-other-500  | 25.11 | Someone
"""
COMMON_VOICE = """\
client_id\tpath\tsentence\tup_votes\tage\tgender\taccents
ab\tcommon_voice_en_1.mp3\tHe said "no.\t2\t\tmale_masculine\t
cd\tcommon_voice_en_2.mp3\tA, b\t2\t\tfemale_feminine\t
cd\tcommon_voice_en_3.mp3\tC\t2\t\tfemale\t
ef\tcommon_voice_en_4.mp3\tD\t2\t\tother\t
ef\tcommon_voice_en_5.mp3\tE\t2\t\t\t
"""


def test_vctk_is_read_as_it_is(tmp_path: Path) -> None:
    names = "p225/p225_001_mic1.flac p226/p226_001_mic1.flac p315/p315_002_mic1.flac"
    assert labels_and_speakers(corpus(tmp_path, names, VCTK, labels_name="speaker-info.txt")) == {
        "p225/p225_001_mic1.flac": (1, "p225"),
        "p226/p226_001_mic1.flac": (0, "p226"),
        "p315/p315_002_mic1.flac": (0, "p315"),
    }


def test_vctks_first_edition_has_numbers_in_its_table(tmp_path: Path) -> None:
    table = VCTK.replace("\np", "\n").replace(" COMMENTS", "")
    found = corpus(tmp_path, "p225/p225_001.wav p226/p226_366.wav", table)
    assert list(labels_and_speakers(found).values()) == [(1, "p225"), (0, "p226")]


@pytest.mark.parametrize("above", ["", "train-clean-100/"])
def test_librispeech_is_read_as_it_is_also_where_a_chapter_has_the_number_of_a_speaker(
    above: str, tmp_path: Path
) -> None:
    names = [f"{above}14/198/14-198-0000.flac", f"{above}60/121/60-121-0003.flac"]
    found = corpus(tmp_path, " ".join(names), LIBRISPEECH, labels_name="SPEAKERS.TXT")
    assert list(labels_and_speakers(found).values()) == [(1, "14"), (0, "60")]


@pytest.mark.parametrize("above", ["", "clips/"])
def test_of_common_voice_what_has_a_sex_is_taken_and_the_rest_counted(
    above: str, tmp_path: Path
) -> None:
    names = " ".join(f"{above}common_voice_en_{i}.mp3" for i in range(1, 8))
    found = corpus(tmp_path, names, COMMON_VOICE, only_labelled=True)
    assert list(labels_and_speakers(found).values()) == [(0, "ab"), (1, "cd"), (1, "cd")]
    assert found.notes == (
        "Left out: 4 of 7 recordings: 2 not in labels.tsv, 1 with label 'other', 1 without a "
        "label.",
    )
    assert found.label_note == (
        "Label 1 is female: 2 of 3 recordings; label 0 is male: 1 of 3 recordings."
    )


def test_without_leave_to_leave_out_all_that_is_unknown_is_named(tmp_path: Path) -> None:
    names = "common_voice_en_1.mp3 common_voice_en_4.mp3 x.mp3"
    assert told(tmp_path, names, COMMON_VOICE) == [
        "labels.tsv: 2 problems:",
        "  labels.tsv, line 5: expected label 0 or 1, found 'other'; 0 is male and 1 is female, as "
        "a number or a word.",
        "  labels.tsv: does not name 'x.mp3' (in/x.mp3); add a line for it, or leave such "
        "recordings out with --only-labelled.",
    ]


def test_kaldi_says_who_speaks_and_what_sex_that_is(tmp_path: Path) -> None:
    found = corpus(
        tmp_path, "u1.wav d/u2.wav u3.wav", "anna f\nbert m\n", "u1 bert\nu2 anna\nu3 anna\nu4 x\n",
        labels_name="spk2gender", groups_name="utt2spk",
    )  # fmt: skip
    assert labels_and_speakers(found) == {
        "d/u2.wav": (1, "anna"), "u1.wav": (0, "bert"), "u3.wav": (1, "anna"),
    }  # fmt: skip


def test_a_speaker_that_the_other_table_does_not_know_is_named(tmp_path: Path) -> None:
    assert told(tmp_path, "u1.wav u2.wav", "anna f\n", "u1 anna\nu2 carl\n") == [
        "labels.tsv: does not name 'u2.wav' (in/u2.wav), spoken by 'carl'; add a line for it, or "
        "leave such recordings out with --only-labelled."
    ]


@pytest.mark.parametrize(
    "table", ["s1\tF\ns2\tm\n", "s1,female\ns2,male\n", "who sex\ns1 1\ns2 0\n"]
)
def test_two_columns_may_be_speakers_and_labels(table: str, tmp_path: Path) -> None:
    found = corpus(tmp_path, "s1/a.wav s2-a.wav s2_b.wav s2/x/c.wav", table)
    assert labels_and_speakers(found) == {
        "s1/a.wav": (1, "s1"), "s2-a.wav": (0, "s2"), "s2/x/c.wav": (0, "s2"),
        "s2_b.wav": (0, "s2"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "form", ["{0}.wav", "{0}", "x/{0}.wav", "x/{0}", "x\\{0}.wav", "/data/in/x/{0}.wav"]
)
def test_two_columns_may_be_files_and_labels_in_many_ways(form: str, tmp_path: Path) -> None:
    table = f"{form.format('a')}\tF\n{form.format('b c')}\t0\n"
    (tmp_path / "in/x").mkdir(parents=True)
    (tmp_path / "in/x/b c.wav").touch()
    found = corpus(tmp_path, "x/a.wav", table)
    assert labels_and_speakers(found) == {"x/a.wav": (1, None), "x/b c.wav": (0, None)}


def test_columns_are_found_by_the_names_that_are_given(tmp_path: Path) -> None:
    table = 'n;"Which";who;Gender;notes\n1;"a";s1;x;F\n2;"b";s2;y;M\n'
    found = corpus(
        tmp_path, "a.wav b.wav", table, labels_name="labels.csv",
        file="Which", speaker="WHO", label="notes",
    )  # fmt: skip
    assert labels_and_speakers(found) == {"a.wav": (1, "s1"), "b.wav": (0, "s2")}


def test_a_table_by_speaker_may_have_its_column_named(tmp_path: Path) -> None:
    table = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tSet\nid1\tAnna\tf\tdev\nid2\tBert\tm\tdev\n"
    names = "id1/x/00001.wav id2/y/00001.wav"
    found = corpus(tmp_path, names, table, labels_name="labels.csv")
    assert list(labels_and_speakers(found).values()) == [(1, "id1"), (0, "id2")]
    table = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid1 ,n1 ,f ,dev\nid2 ,n2 ,m ,dev\n"
    found = corpus(tmp_path, names, table, labels_name="vox2_meta.csv")
    assert list(labels_and_speakers(found).values()) == [(1, "id1"), (0, "id2")]
    table = "n,who,sex\n1,id1,F\n2,id2,M\n"
    found = corpus(tmp_path, names, table, speaker="who")
    assert list(labels_and_speakers(found).values()) == [(1, "id1"), (0, "id2")]


def test_further_columns_of_groups_are_kept_in_any_order(tmp_path: Path) -> None:
    groups = "room,who,clip\nr1,s1,a\nr2,s2,b\n"
    found = corpus(tmp_path, "a.wav b.wav", None, groups, file="clip", speaker="who")
    assert found.groups is not None
    assert found.groups.to_dict("list") == {"speaker": ["s1", "s2"], "room": ["r1", "r2"]}


def test_folders_may_leave_recordings_without_a_label(tmp_path: Path) -> None:
    names = "male/a.wav F/female/b.wav c.wav male/female/d.wav"
    found = corpus(tmp_path, names, only_labelled=True)
    assert labels_and_speakers(found) == {"F/female/b.wav": (1, None), "male/a.wav": (0, None)}
    assert found.notes[0] == (
        "Left out: 2 of 4 recordings: 2 not in one folder named male or female."
    )


def test_what_is_left_aside_in_a_folder_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = corpus(tmp_path, "a.WAVE b.sph c.m4a d.webm e.AAC README f.txt g.txt .hidden")
    assert list(found.recordings) == ["a.WAVE", "b.sph"]
    assert found.notes == (
        "Left out: 3 files for which ffmpeg is needed, which is not installed: 1 .aac ('e.AAC'), "
        "1 .m4a ('c.m4a'), 1 .webm ('d.webm').",
        "Left out: 3 files by their endings: 2 .txt ('f.txt'), 1 no ending ('README').",
    )


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "another name": (
        "a\tf\n", {"names": "b.wav"},
        "labels.tsv, line 1: names 'a', but neither this line nor another names a recording or its "
        "speaker; the first of 1 is 'b.wav'. Name the columns with --file-column or "
        "--speaker-column, or say who speaks with --groups.",
    ),
    "which of two files": (
        "file\tsex\na\tf\n", {"names": "x/a.wav y/a.wav"},
        "labels.tsv, line 2: 'a' may be 'x/a.wav' or 'y/a.wav'; write more of its path.",
    ),
    "which of two speakers": (
        "s1 f\ns2 m\n", {"names": "s1/s2/a.wav"},
        "in/s1/s2/a.wav: may be of 's1' or of 's2', by its folders and its name; say who speaks "
        "with --groups.",
    ),
    "labels that differ": (
        "a.wav\tf\na\tm\n", {"names": "a.wav"},
        "labels.tsv, line 2: 'a' differs from line 1; keep one.",
    ),
    "speakers that differ": (
        "file,speaker,sex\na,s1,f\na.wav,s2,f\n", {"names": "a.wav"},
        "labels.tsv, line 3: 'a.wav' differs from line 2; keep one.",
    ),
    "no such column": (
        "file,sex\na,f\n", {"names": "a.wav", "label": "gender"},
        "labels.tsv: must have one column 'gender', as --label-column says, but its columns are "
        "'file', 'sex'.",
    ),
    "two columns of labels": (
        "file,sex,gender\na,f,f\n", {"names": "a.wav"},
        "labels.tsv: which column holds the labels is not clear from its header, 'file', 'sex', "
        "'gender'; name it with --label-column.",
    ),
    "no column of names": (
        "gender,age,name\nf,1,a\n", {"names": "a.wav"},
        "labels.tsv: which column names files or speakers is not clear from its header, 'gender', "
        "'age', 'name'; name it with --file-column or --speaker-column.",
    ),
    "no header": (
        "a.wav\tf\t12\n", {"names": "a.wav"},
        "labels.tsv, line 1: has 3 fields, and there is no header that says which is the label; "
        "add one, and name the column with --label-column.",
    ),
    "only a header": (
        "file\tlabel\n", {"names": "a.wav"},
        "labels.tsv: holds nothing but a header; add a line for each recording.",
    ),
    "only comments": (
        "; file\n", {"names": "a.wav"},
        "labels.tsv: holds nothing but comments; name another table.",
    ),
    "a short line": (
        "file,age,sex\na,1\n", {"names": "a.wav"},
        "labels.tsv, line 2: has 2 fields, but the label and what it is of stand in the first 3; "
        "fill them in or delete the line.",
    ),
    "no speaker": (
        "file,speaker,sex\na,,f\n", {"names": "a.wav"},
        "labels.tsv, line 2: the speaker is empty; fill it in.",
    ),
    "a wrong label of a speaker of many recordings": (
        "s1\tf\ns2\tx\n", {"names": "s1/a.wav s2/a.wav s2/b.wav"},
        "labels.tsv, line 2: expected label 0 or 1, found 'x'; 0 is male and 1 is female, as a "
        "number or a word.",
    ),
    "nothing left": (
        "file,sex\na,other\n", {"names": "a.wav", "only_labelled": True},
        "no recording is left. Left out: 1 of 1 recordings: 1 with label 'other'.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("problem", WRONG)
def test_what_is_wrong_with_a_table_is_one_line(problem: str, tmp_path: Path) -> None:
    table, settings, expected = WRONG[problem]
    settings = dict(settings)
    assert told(tmp_path, settings.pop("names"), table, **settings) == [expected]


def test_leaving_out_needs_to_know_something(tmp_path: Path) -> None:
    (line,) = told(tmp_path, "a.wav", only_labelled=True)
    assert line.startswith("--only-labelled needs labels: name a table with --labels, or folders")
