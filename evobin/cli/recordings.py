"""The commands for recordings, as those in `commands`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from evobin.cli.commands import Quiet
from evobin.config import FeaturesConfig


def features_command(
    audio: Annotated[
        Positional[tuple[Path, ...]],
        arg(metavar="AUDIO...", help="Recordings, or folders of them: wav, flac, ogg, mp3."),
    ],
    config: Annotated[FeaturesConfig, arg(name="")],
    quiet: Quiet = False,
) -> None:
    """Compute the features of recordings: from audio files to a data set.

    Decodes, averages channels, resamples to 16 kHz and writes log-mel features, [t, 64], to
    OUT/features, each by the name that the recording has in its folder. Where labels are known,
    it writes OUT/train.tsv too, and prints the command that searches it. Of several folders, each
    one's own name leads. Hidden files are left out; what else is left out is said in a line. What
    libsndfile does not read, such as m4a, aac and webm, is decoded by ffmpeg if it is installed.

    Example: evobin features recordings --out made --groups speakers.tsv --trim --clip-seconds 5

    Labels by speaker, and speakers too:

      evobin features VCTK/wav48_silence_trimmed --out made --labels VCTK/speaker-info.txt
      evobin features LibriSpeech/dev-clean --out made --labels LibriSpeech/SPEAKERS.TXT
      evobin features wavs --out made --labels data/spk2gender --groups data/utt2spk

    A table of many columns that knows only some recordings:

      evobin features cv/clips --out made --labels cv/validated.tsv --only-labelled
    """
    from evobin.commands.features import write_features
    from evobin.files import one_line
    from evobin.report import ProgressDisplay

    with ProgressDisplay(quiet=quiet) as display:
        made = write_features(audio, config, display)
    for problem in made.skipped:
        print(f"evobin: {one_line(problem)}", file=sys.stderr)
    print(
        f"{len(made.names)} clips of {made.recordings} recordings, {made.seconds:,.0f} s, "
        f"in {made.folder}"
    )
    for note in made.notes:
        print(note)
    if made.data is not None:
        where = ["--data", str(made.data), "--features", str(made.features)]
        groups = [] if made.groups is None else ["--groups", str(made.groups)]
        print(shlex.join(["evobin", "search", *where, *groups]))


def voices_command(
    out: Annotated[Positional[Path], arg(metavar="OUT", help="Folder, new or empty.")],
    seed: Annotated[int, arg(help="The same seed gives the same files.")] = 0,
    speakers: Annotated[int, arg(help="How many, an even number; each has six clips.")] = 294,
    recordings: Annotated[
        bool, arg(help="Write wav files in folders female and male instead of features.")
    ] = False,
) -> None:
    """Write the synthesised voices as files, to see the formats.

    Makes train.tsv, valid.tsv, test.tsv, speakers.tsv and features/*.npy; or recordings, to try
    `evobin features` with.

    Example: evobin voices recordings --recordings --speakers 40
    """
    from evobin.commands.voices import write_voices

    n_clips = write_voices(out, seed, speakers, recordings=recordings)
    print(f"{n_clips} clips in {out}")
