"""Which recordings the names in a table stand for: files by a part of their path, and speakers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from evobin.data.tables import normal_name
from evobin.errors import EvobinError

_SEPARATORS = re.compile(r"[-_. ]")


class Names:
    """Recordings, to be found by what tables call them.

    Attributes:
        files: file by name; a name is the path below the folder that was named.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files
        self._whole = {_bare(name): name for name in files}
        self._last: dict[str, list[str]] = defaultdict(list)  # by the bare name of the file
        for bare, name in self._whole.items():
            self._last[bare.rpartition("/")[2]].append(name)

    def find(self, called: str) -> list[str]:
        """The recordings that a name may stand for; several if it does not say which.

        It may be the whole name or the end of it, with or without the suffix, as `clips/a.mp3`,
        `a.mp3` or `a`; or it may be longer than the whole name by folders in front.

        Example:
            >>> files = ["s1/a.wav", "s2/a.wav", "s2/b.wav"]
            >>> names = Names({name: Path("in", name) for name in files})
            >>> names.find("b"), names.find("s1/a"), names.find("data/s2/a.wav")
            (['s2/b.wav'], ['s1/a.wav'], ['s2/a.wav'])
            >>> names.find("a.wav")
            ['s1/a.wav', 's2/a.wav']
        """
        called = normal_name(called)
        parts = called.split("/")
        for tail in ("/".join(parts[i:]) for i in range(len(parts))):
            whole = tail if tail in self.files else self._whole.get(tail)
            if whole is not None:
                return [whole]
            if tail == called and (ends := self._ending(called)):
                return ends
        return []

    def _ending(self, called: str) -> list[str]:
        """The recordings whose name ends so, with the suffix or without."""
        last, end = called.rpartition("/")[2], f"/{called}"
        whole = [name for name in self._last.get(_bare(last), ()) if name.endswith(end)]
        bare = [name for name in self._last.get(last, ()) if _bare(name).endswith(end)]
        return list(dict.fromkeys(whole + bare))


def _bare(name: str) -> str:
    """A name without its suffix."""
    folder, slash, last = name.rpartition("/")
    stem, dot, _ = last.rpartition(".")
    return f"{folder}{slash}{stem}" if dot and stem else name


def speaker_of(name: str, known: Collection[str]) -> str | None:
    """Who speaks in a recording, by its folders and by what its file name begins with.

    A file name begins with a speaker if `-`, `_`, `.` or a space follows. Where it does, and a
    folder says the same, other folders with names of speakers (chapters, in LibriSpeech) do not
    matter.

    Args:
        name: path below the folder that was named.
        known: the speakers that there are.

    Returns:
        None if nobody is named.

    Raises:
        EvobinError: if several are; the text lacks its subject, the recording.

    Example:
        >>> speaker_of("p225/p225_001_mic1.flac", {"p225", "p226"})
        'p225'
        >>> speaker_of("19/198/19-198-0000.flac", {"19", "198"})
        '19'
        >>> speaker_of("19/198/0000.flac", {"19", "198"})
        Traceback (most recent call last):
        evobin.errors.EvobinError: may be of '19' or of '198', by its folders and its name; say \
who speaks with --groups.
    """
    *folders, file = name.split("/")
    stem = _bare(file)
    found = [folder for folder in folders if folder in known]
    starts = [stem[: gap.start()] for gap in _SEPARATORS.finditer(stem)]
    first = max((start for start in starts if start in known), key=len, default=None)
    if first is None and not found and stem in known:
        return stem
    if first is not None and (first in found or not found):
        return first
    possible = list(dict.fromkeys([*found, *([] if first is None else [first])]))
    if len(possible) > 1:
        raise EvobinError(
            f"may be of {' or of '.join(map(repr, possible))}, by its folders and its name; say "
            "who speaks with --groups."
        )
    return possible[0] if possible else None
