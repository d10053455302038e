"""Corpora of speech as they are laid out, on made recordings: from the folder to train.tsv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from evobin.cli.main import main
from tests.builders import GOLDEN_RESULT, stand_in_for_ffmpeg
from tests.cli.pages import page, run_all
from tests.unit.data.test_knowledge import COMMON_VOICE, LIBRISPEECH, VCTK

QUIET = ["--out", "out", "--n-jobs", "1", "--quiet"]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(*names: str) -> None:
    """Recordings of 0.7 s; what ends as no recording does is a text."""
    for i, name in enumerate(names):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(i).uniform(-0.3, 0.3, 11_200)
        if path.suffix in (".m4a", ".webm", ".aac"):
            soundfile.write(path, samples, 16_000, format="FLAC")
        elif path.suffix == ".sph":
            soundfile.write(path, samples, 16_000, format="NIST")
        elif path.suffix in (".txt", ".lab"):
            path.write_text("He said no.\n")
        else:
            soundfile.write(path, samples, 16_000, format="WAV" if "WAV" in name else None)


def made(capsys: Capture, *argv: str) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Labels and speakers by recording, and the lines between the first and the last."""
    assert main(["features", *argv, *QUIET]) == 0, capsys.readouterr().err
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert lines[-1].startswith("evobin search --data out/train.tsv --features out/features")
    labels = dict(line.split("\t") for line in Path("out/train.tsv").read_text().splitlines())
    speakers = {}
    if Path("out/speakers.tsv").exists():
        rows = Path("out/speakers.tsv").read_text().splitlines()
        assert rows[0].split("\t")[:2] == ["file", "speaker"]
        speakers = dict(row.split("\t")[:2] for row in rows[1:])
        assert list(speakers) == list(labels)
    for name in labels:
        assert np.load(Path("out/features", name)).shape[1] == 64
    return labels, speakers, lines[1:-1]


BOTH = "Label 1 is female: {} of {} recordings; label 0 is male: {} of {} recordings."


def test_vctk(capsys: Capture) -> None:
    Path("VCTK").mkdir()
    Path("VCTK/speaker-info.txt").write_text(VCTK)
    names = ["p225/p225_001_mic1.flac", "p226/p226_001_mic1.flac", "p226/p226_002_mic1.flac"]
    record(*(f"VCTK/wav48/{name}" for name in names), "VCTK/txt/p225/p225_001.txt")
    labels, speakers, notes = made(capsys, "VCTK/wav48", "--labels", "VCTK/speaker-info.txt")
    assert list(labels.values()) == ["1", "0", "0"]
    assert list(speakers.values()) == ["p225", "p226", "p226"]
    assert notes == [BOTH.format(1, 3, 2, 3)]


def test_librispeech(capsys: Capture) -> None:
    names = ["14/198/14-198-0000.flac", "14/198/14-198-0001.flac", "60/121/60-121-0000.flac"]
    record(
        *(f"L/train-clean-100/{name}" for name in names), "L/train-clean-100/14/198/14.trans.txt"
    )
    Path("L/SPEAKERS.TXT").write_text(LIBRISPEECH)
    labels, speakers, notes = made(capsys, "L/train-clean-100", "--labels", "L/SPEAKERS.TXT")
    assert list(labels.values()) == ["1", "1", "0"]
    assert list(speakers.values()) == ["14", "14", "60"]
    assert notes == [
        "Left out: 1 file by their endings: 1 .txt ('14.trans.txt').",
        BOTH.format(2, 3, 1, 3),
    ]


def test_common_voice(capsys: Capture) -> None:
    record(*(f"cv/clips/common_voice_en_{i}.mp3" for i in range(1, 8)))
    Path("cv/validated.tsv").write_text(COMMON_VOICE)
    labels, speakers, notes = made(
        capsys, "cv/clips", "--labels", "cv/validated.tsv", "--only-labelled"
    )
    assert labels == {
        "common_voice_en_1.npy": "0", "common_voice_en_2.npy": "1", "common_voice_en_3.npy": "1",
    }  # fmt: skip
    assert list(speakers.values()) == ["ab", "cd", "cd"]
    assert notes == [
        "Left out: 4 of 7 recordings: 2 not in validated.tsv, 1 with label 'other', 1 without a "
        "label.",
        BOTH.format(2, 3, 1, 3),
    ]


def test_kaldi(capsys: Capture) -> None:
    record("wavs/u1.wav", "wavs/u2.sph", "wavs/u3.WAV")
    Path("spk2gender").write_text("anna f\nbert m\n")
    Path("utt2spk").write_text("u1 bert\nu2 anna\nu3 anna\nu4 carl\n")
    labels, speakers, _ = made(capsys, "wavs", "--labels", "spk2gender", "--groups", "utt2spk")
    assert labels == {"u1.npy": "0", "u2.npy": "1", "u3.npy": "1"}
    assert list(speakers.values()) == ["bert", "anna", "anna"]


def test_two_columns_of_speakers(capsys: Capture) -> None:
    record("wavs/s1/a.wav", "wavs/s2/a.wav")
    Path("who.csv").write_text("s1,F\ns2,M\n")
    labels, speakers, _ = made(capsys, "wavs", "--labels", "who.csv")
    assert labels == {"s1/a.npy": "1", "s2/a.npy": "0"}
    assert list(speakers.values()) == ["s1", "s2"]


def test_a_table_of_many_columns_with_names_of_its_own(capsys: Capture) -> None:
    record("wavs/a.wav", "wavs/b.wav", "wavs/c.wav")
    Path("about.csv").write_text(
        'clip,text,voice,birth,by\n"a","Well, no",f,1990,s1\n"b",Yes,m,1980,s2\n'
    )
    columns = ["--file-column", "clip", "--label-column", "voice", "--speaker-column", "by"]
    labels, speakers, notes = made(
        capsys, "wavs", "--labels", "about.csv", *columns, "--only-labelled"
    )
    assert labels == {"a.npy": "1", "b.npy": "0"}
    assert list(speakers.values()) == ["s1", "s2"]
    assert notes[0] == "Left out: 1 of 3 recordings: 1 not in about.csv."


FOLDER = ["in/F/a.wav", "in/F/b.m4a", "in/M/c.webm", "in/M/d.aac", "in/M/e.WAVE", "in/M/f.sph"]


def test_of_folders_what_needs_ffmpeg_is_left_out_where_there_is_none(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record(*FOLDER, "in/M/g.txt")
    monkeypatch.setenv("PATH", str(tmp_path))
    labels, _, notes = made(capsys, "in")
    assert labels == {"F/a.npy": "1", "M/e.npy": "0", "M/f.npy": "0"}
    assert notes == [
        "Left out: 3 files for which ffmpeg is needed, which is not installed: 1 .aac ('d.aac'), "
        "1 .m4a ('b.m4a'), 1 .webm ('c.webm').",
        "Left out: 1 file by their endings: 1 .txt ('g.txt').",
        BOTH.format(1, 3, 2, 3),
    ]


def test_of_folders_all_is_taken_where_there_is_ffmpeg(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record(*FOLDER)
    stand_in_for_ffmpeg(tmp_path / "bin", monkeypatch)
    labels, _, notes = made(capsys, "in")
    assert list(labels) == [f"{name[3:].split('.')[0]}.npy" for name in FOLDER]
    assert notes == [BOTH.format(2, 6, 4, 6)]


def test_a_folder_of_nothing_but_what_needs_ffmpeg_says_so(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record("in/a.m4a")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["features", "in", *QUIET]) == 1
    assert "1 file for which ffmpeg is needed, which is not installed" in capsys.readouterr().err
    assert not Path("out").exists()


def test_silence_and_channels_that_cancel_are_told(capsys: Capture) -> None:
    record("in/F/a.wav", "in/M/b.wav")
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (16_000, 1))
    soundfile.write("in/F/silence.wav", 0 * noise, 16_000)
    soundfile.write("in/M/upside.wav", noise * [1, -1], 16_000)
    assert main(["features", "in", *QUIET]) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[1].startswith("  in/F/silence.wav: holds no sound: all of its samples are 0")
    assert told[2].startswith("  in/M/upside.wav: has channels that cancel each other")
    assert not Path("out").exists()


def test_bad_recordings_may_be_skipped_each_with_a_line(capsys: Capture) -> None:
    record("in/F/s1/a.wav", "in/F/s2/b.wav", "in/M/s3/c.wav")
    Path("in/F/s1/bad.wav").write_text("hello")
    soundfile.write("in/M/s3/silence.wav", np.zeros(16_000), 16_000)
    names = sorted(path for path in Path("in").rglob("*") if path.is_file())
    who = (f"{path.relative_to('in')}\t{path.parts[2]}\n" for path in names)
    Path("who.tsv").write_text("".join(who))
    assert main(["features", "in", "--groups", "who.tsv", "--skip-bad", *QUIET]) == 0
    out, err = capsys.readouterr()
    assert [line.split(": ")[1] for line in err.splitlines()] == [
        "in/F/s1/bad.wav", "in/M/s3/silence.wav",
    ]  # fmt: skip
    assert out.splitlines()[0].startswith("3 clips of 3 recordings, 2 s")
    assert out.splitlines()[1:3] == [
        "Left out: 2 of 5 recordings that have problems.",
        BOTH.format(2, 3, 1, 3),
    ]
    assert Path("out/train.tsv").read_text() == ("F/s1/a.npy\t1\nF/s2/b.npy\t1\nM/s3/c.npy\t0\n")
    assert Path("out/speakers.tsv").read_text() == (
        "file\tspeaker\nF/s1/a.npy\ts1\nF/s2/b.npy\ts2\nM/s3/c.npy\ts3\n"
    )


def test_where_all_recordings_are_bad_nothing_is_written(capsys: Capture) -> None:
    Path("in").mkdir()
    for name in ("a.wav", "b.wav"):
        Path("in", name).write_text("hello")
    assert main(["features", "in", "--skip-bad", *QUIET]) == 1
    assert capsys.readouterr().err.startswith("evobin: 2 of 2 recordings have problems:")
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--label-column", "x"], "evobin: `label_column` needs `labels`; name both or neither."),
        (["--file-column", "x"], "evobin: `file_column` needs `labels` or `groups`; name a table."),
        (["--speaker-column", "x"], "evobin: `speaker_column` needs `labels` or `groups`; name a"),
    ],
)
def test_a_column_without_a_table_is_wrong_usage(
    argv: list[str], expected: str, capsys: Capture
) -> None:
    assert main(["features", "in", *argv, *QUIET]) == 2
    assert capsys.readouterr().err.startswith(expected)


def test_train_tsv_may_have_words_too(capsys: Capture) -> None:
    record("in/F/a.wav", "in/M/b.wav")
    made(capsys, "in")
    Path("words.tsv").write_text("F/a.npy\tfemale\nM/b.npy\tM\n")
    outputs = []
    for table in ("out/train.tsv", "words.tsv"):
        argv = ["evaluate", str(GOLDEN_RESULT), "--data", table, "--features", "out/features"]
        assert main([*argv, "--json"]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


VOXCELEB = """\
VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet
id1\tA._J._Buckley\tm\tIreland\tdev
id2\tAnna\tf\tUSA\ttest
"""


def test_the_commands_of_the_guide_make_data_sets_of_corpora(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    record(
        "VCTK/wav48_silence_trimmed/p225/p225_001_mic1.flac",
        "VCTK/wav48_silence_trimmed/p226/p226_001_mic1.flac",
        "LibriSpeech/train-clean-100/14/198/14-198-0000.flac",
        "LibriSpeech/train-clean-100/60/121/60-121-0000.flac",
        *(f"cv/clips/common_voice_en_{i}.mp3" for i in range(1, 8)),
        "wavs/u1.wav", "wavs/u2.wav", "vox1/wav/id1/x/00001.wav", "vox1/wav/id2/x/00001.wav",
    )  # fmt: skip
    Path("data/train").mkdir(parents=True)
    tables = {
        "VCTK/speaker-info.txt": VCTK,
        "LibriSpeech/SPEAKERS.TXT": LIBRISPEECH,
        "cv/validated.tsv": COMMON_VOICE,
        "data/train/spk2gender": "anna f\nbert m\n",
        "data/train/utt2spk": "u1 bert\nu2 anna\n",
        "vox1/vox1_meta.csv": VOXCELEB,
        "who.csv": "u1.wav,m\nu2.wav,female\n",
        "about.csv": "clip,voice,by\nu1,m,bert\nu2,f,anna\n",
    }
    for name, text in tables.items():
        Path(name).write_text(text)
    text = page("recordings").read_text().partition("## A corpus as it is")[2]
    run_all(text.partition("## Predictions")[0])
    for name in ("vctk", "librispeech", "cv", "vox", "kaldi", "many", "two"):
        assert Path(f"made-{name}/train.tsv").read_text().count("\t1\n") > 0
        assert Path(f"made-{name}/speakers.tsv").exists() == (name != "two")
