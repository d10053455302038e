"""What recordings became."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FEATURES = "features"
"""The name of the folder of the feature files."""


@dataclass(frozen=True, slots=True)
class WrittenFeatures:
    """What recordings became: a data set in a folder.

    Attributes:
        folder: where it is.
        names: of the clips, below `features`.
        recordings: how many.
        seconds: of all clips.
        data: the labels of the clips; None if they are not known.
        groups: who speaks in them; None if that is not known.
    """

    folder: Path
    names: tuple[str, ...]
    recordings: int
    seconds: float
    data: Path | None
    groups: Path | None

    @property
    def features(self) -> Path:
        """The folder of the feature files."""
        return self.folder / FEATURES
