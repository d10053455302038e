"""Architectures as files: a TOML file, or the config of a run folder."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from evobin.errors import EvobinError, SettingError
from evobin.files import check_is_file
from evobin.network.architecture import (
    MAX_CLASSES,
    MAX_FAN_IN,
    MAX_FRAMES,
    WHOLE,
    Architecture,
    ConvBlock,
)

CONFIG = "config.json"
"""Name of the settings in a run folder."""
MAX_WEIGHTS = 100_000_000  # a training needs some 20 bytes of memory a weight
_LONGEST = 1 << 20  # bytes; a person's file has a few hundred
_WIDEST = 65_536
_SHOWN = 60  # characters of a key in a message


def load_architecture(path: str | Path) -> Architecture:
    r"""Reads the shape of a network.

    A TOML file has these keys:

        inputs      features a frame
        classes     labels, 2 (the default) to 100
        [[conv]]    a convolution over time, a table each: `outputs`, `kernel`, and `pool`, the
                    frames of a max-pooling window, 1 (none, the default) to 4
        global      "max" (the default) takes the maximum over all of time after the last
                    convolution; "none" hands all frames that are left to the first linear layer
        linear      widths of hidden linear layers, as [256, 128]; there may be none
        frames      length of every sample; needed with global = "none" and without convolutions,
                    where 1 stands for plain vectors of features
        binary_inputs   true if features are -1 and +1 and nothing else; false is the default

    Args:
        path: the file; or a run folder, whose network is then meant.

    Raises:
        EvobinError: if the file cannot be read, has other keys, or layers that do not fit.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "digits.toml"
        >>> _ = path.write_text("inputs = 64\nframes = 1\nclasses = 10\nlinear = [256, 128]\n")
        >>> [(layer.name, layer.shape) for layer in load_architecture(path).layers]
        [('linear1', (256, 64, 1)), ('linear2', (128, 256, 1)), ('linear3', (10, 128))]
    """
    path = Path(path)
    is_run = path.is_dir()
    file = path / CONFIG if is_run else path
    if is_run and not file.exists():
        raise EvobinError(f"{path}: holds no {CONFIG}; name a TOML file or a run folder.")
    try:
        raw = _read(file)
        if is_run:
            return _of_run(raw)
        architecture = _of_keys(tomllib.loads(raw.decode("utf-8")))
    except (EvobinError, SettingError) as error:
        raise EvobinError(f"{file}: {error}") from error
    except OSError as error:
        raise EvobinError(f"{file}: cannot be read ({error.strerror}); check it.") from error
    except UnicodeDecodeError as error:
        raise EvobinError(f"{file}: is not UTF-8 text; name a TOML file.") from error
    except ValueError as error:  # also of a number of thousands of digits
        raise EvobinError(f"{file}: is no TOML file: {error}.") from error
    except RecursionError as error:
        raise EvobinError(f"{file}: is nested too deeply; name a TOML file.") from error
    if architecture.n_weights > MAX_WEIGHTS:
        raise EvobinError(
            f"{file}: has {architecture.n_weights:,} weights, but at most {MAX_WEIGHTS:,} can be "
            "searched; make its layers smaller."
        )
    return architecture


def _read(path: Path) -> bytes:
    """The whole file; the text of an EvobinError lacks its subject, here and below."""
    check_is_file(path)
    with path.open("rb") as file:
        raw = file.read(_LONGEST + 1)
    if len(raw) > _LONGEST:
        raise EvobinError(f"is longer than {_LONGEST:,} bytes; name a TOML file.")
    return raw


def _of_run(raw: bytes) -> Architecture:
    """The architecture in a config.json."""
    try:
        return Architecture.from_plain(json.loads(raw)["architecture"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = "" if isinstance(error, RecursionError) else f" ({error})"
        raise EvobinError(f"holds no architecture{reason}; name a TOML file.") from error


class _Keys:
    """The keys of one table of the file; every text of an error names the key."""

    def __init__(self, table: Mapping[str, Any], known: tuple[str, ...], where: str = "") -> None:
        self._table, self._where = table, where
        for name in table:
            if name not in known:
                close = get_close_matches(name, known, 1)
                meant = f"did you mean `{close[0]}`?" if close else f"keys are {', '.join(known)}."
                shown = " ".join(name.split())[:_SHOWN]
                raise EvobinError(f"there is no key `{shown}`{where}; {meant}")

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number."""
        value = self._table.get(name, default)
        if value is None:
            raise EvobinError(f"`{name}` is missing{self._where}; add a line `{name} = ...`.")
        return self._checked(name, value, low, high)

    def widths(self, name: str) -> list[int]:
        """A list of whole numbers; none where there is no such key."""
        values = self._table.get(name, [])
        if not isinstance(values, list):
            raise EvobinError(f"`{name}` must be a list as [256, 128], but it is {values!r:.60}.")
        return [
            self._checked(f"{name}[{place}]", value, 1, _WIDEST)
            for place, value in enumerate(values)
        ]

    def flag(self, name: str) -> bool:
        """True or false; false where there is no such key."""
        value = self._table.get(name, False)
        if not isinstance(value, bool):
            raise EvobinError(f"`{name}` must be true or false, but it is {value!r:.60}.")
        return value

    def _checked(self, name: str, value: Any, low: int, high: int) -> int:
        if type(value) is not int:  # True is one, too
            raise EvobinError(
                f"`{name}`{self._where} must be a whole number, but it is {value!r:.60}."
            )
        if not low <= value <= high:
            raise EvobinError(
                f"`{name}`{self._where} must be from {low} to {high}, but it is {value!r:.60}."
            )
        return value


def _of_keys(table: Mapping[str, Any]) -> Architecture:
    """The architecture in a TOML file."""
    known = ("inputs", "frames", "classes", "global", "linear", "conv", "binary_inputs")
    keys = _Keys(table, known)
    n_in, widths = keys.whole("inputs", 1, _WIDEST), keys.widths("linear")
    n_classes = keys.whole("classes", 2, MAX_CLASSES, default=2)
    frames = keys.whole("frames", 1, MAX_FRAMES) if "frames" in keys else None
    blocks, last_pool = _convolutions(table.get("conv", [])), table.get("global", "max")
    if last_pool not in ("max", "none"):
        raise EvobinError(f'`global` must be "max" or "none", but it is {last_pool!r:.60}.')
    if not blocks and not widths:
        raise EvobinError("has no hidden layer; add `linear = [128]` or a table [[conv]].")
    if not blocks and "global" in keys:
        raise EvobinError("`global` is what comes after [[conv]], and there is none; remove it.")
    if blocks and last_pool == "max":
        if widths:
            blocks[-1] = replace(blocks[-1], pool=WHOLE)
        left = 1
    elif frames is None:
        raise EvobinError(
            "`frames` is missing: without a global max, all samples have one length; "
            "add `frames = 1` for vectors of features."
        )
    else:
        left = _left(blocks, frames)
        if not widths and left > 1:
            raise EvobinError(
                f'`global = "none"` leaves {left} frames, which a linear layer must take; '
                "add `linear = [128]`."
            )
    blocks += [ConvBlock(width, 1 if place else left) for place, width in enumerate(widths)]
    return Architecture(n_in, tuple(blocks), n_classes, frames, keys.flag("binary_inputs"))


def _convolutions(tables: Any) -> list[ConvBlock]:
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        raise EvobinError("`conv` must be tables; begin each with a line [[conv]].")
    blocks = []
    for number, table in enumerate(tables, 1):
        keys = _Keys(table, ("outputs", "kernel", "pool"), f" in [[conv]] {number}")
        outputs, kernel = keys.whole("outputs", 1, _WIDEST), keys.whole("kernel", 1, MAX_FAN_IN)
        blocks.append(ConvBlock(outputs, kernel, keys.whole("pool", 1, 4, default=1)))
    return blocks


def _left(blocks: list[ConvBlock], frames: int) -> int:
    """Frames after the convolutions."""
    left = frames
    for number, block in enumerate(blocks, 1):
        if left < block.kernel:
            raise EvobinError(
                f"`frames` is {frames}, which leaves {left} for [[conv]] {number}, less than its "
                f"kernel of {block.kernel}; raise `frames`, or lower kernels and pools."
            )
        left = int(block.frames_out(left))
    return left
