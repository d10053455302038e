"""Makes a result file or a model file of a model of another program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evobin import files
from evobin.config import Zero
from evobin.interchange import importing
from evobin.models.model import ENDING, Model
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX


def import_network(
    model: str | Path,
    out: str | Path | None = None,
    architecture: Architecture = SPEAKER_SEX,
    zero: Zero = "refuse",
    layers: Sequence[str] = (),
) -> Path:
    """Writes the result file or model file of a model of another program, its weights cut by sign.

    Args:
        model: a file of `torch.save(model.state_dict(), file)`, a checkpoint that holds a state
            dict, or a safetensors file, for which PyTorch is not needed.
        out: the file to write, which must not be there yet; by default `model` with the ending
            .txt. A model file where it ends in .evobin, else a result file.
        architecture: the network's shape.
        zero: what 0 counts as in the model, of weights and of sums, "minus" or "plus"; with
            "refuse", a weight of exactly 0 is an error.
        layers: the model's names of the layers, in the network's order; by default they are found
            by their names, shapes and numbers, and a model where that is not certain is an error.

    Returns:
        The file that was written.

    Raises:
        EvobinError: if a file has problems, or PyTorch is needed and not installed.
        SettingError: if there is no such `zero`.
    """
    model = Path(model)
    network = importing.load(model, architecture, zero, layers)
    out = model.with_suffix(".txt") if out is None else Path(out)
    files.check_output_file(out)
    if out.suffix.lower() == ENDING:
        Model(network, report={"command": "import"}).save(out)
    else:
        network.save(out)
    return out
