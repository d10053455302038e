"""The networks that come with evobin: their shapes, and all that is special about them."""

from __future__ import annotations

from dataclasses import dataclass

from evobin.network.architecture import Architecture, ConvBlock

SPEAKER_SEX = Architecture(
    n_in=64, blocks=(ConvBlock(128, 9, 2), ConvBlock(128, 9, 2), ConvBlock(128, 9))
)
"""The built-in network: a speaker's sex from log-mel features."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What is special about a network: the words for what it sees, and what it can be asked."""

    architecture: Architecture | None = None  # the network's shape; None stands for any
    sample: str = "sample"  # the word for one labelled sample
    # the word for samples with the same value in the column "speaker" of a groups file
    group: str = "group"
    groups_say: str = "what belongs together"  # what a groups file says of each sample
    feature: str = "feature"  # the word for one input of a frame
    first_feature: str = "first"  # which feature the bottom row of a filter is
    filter_note: str = ""  # what to look for in the filters of the first layer: a sentence, if any
    # what may go wrong where samples are split without knowing their groups
    split_note: str = "samples that belong together may be in different parts"
    # what each label may be called in a table, in lower case; the first word is for messages
    label_words: tuple[tuple[str, ...], ...] = ()
    takes_recordings: bool = False  # whether its features are computed from audio files
    has_voices: bool = False  # whether labelled samples can be synthesised for it

    @property
    def samples(self) -> str:
        """The word for several samples."""
        return f"{self.sample}s"

    @property
    def groups(self) -> str:
        """The word for several groups."""
        return f"{self.group}s"


ANY_NETWORK = Preset()
"""Nothing is special about it."""
VOICES = Preset(
    SPEAKER_SEX,
    sample="clip",
    group="speaker",
    groups_say="who speaks",
    feature="band",
    first_feature="lowest",
    filter_note="Horizontal stripes look for a spectrum, vertical edges for a change; noise is "
    "what training hardly moved.",
    split_note="speakers may be shared, and validation accuracy is then too high for new speakers",
    label_words=(("male", "m", "male_masculine"), ("female", "f", "female_feminine")),
    takes_recordings=True,
    has_voices=True,
)
"""The built-in network sees clips of speakers."""


def is_named(architecture: Architecture) -> bool:
    """Whether a person has named it: the built-in one itself is the default of all commands."""
    return architecture is not SPEAKER_SEX


def preset_of(architecture: Architecture) -> Preset:
    """What is special about a network of this shape.

    Example:
        >>> preset_of(SPEAKER_SEX).group, preset_of(Architecture(3, (ConvBlock(5, 2),))).group
        ('speaker', 'group')
    """
    return VOICES if architecture == SPEAKER_SEX else ANY_NETWORK
