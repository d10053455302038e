"""How well a network predicts labelled samples."""

from __future__ import annotations

from pathlib import Path

from evobin import parallel
from evobin.commands.samples import load_samples
from evobin.config import EvaluateConfig
from evobin.models.model import load
from evobin.results.evaluation import Evaluation


def evaluate(result: str | Path, config: EvaluateConfig) -> Evaluation:
    """Predicts the labels of labelled samples with a model file or result file.

    The labels of files are whole numbers from 0: the places in the classes of a model that has
    names for them. Those of tables are the classes.

    Raises:
        EvobinError: if a file has problems.
    """
    model = load(result, config.architecture)
    samples = load_samples(config, [model])
    if samples is None:
        raise ValueError("`config` must name `data`, but it is None.")
    n_threads = parallel.worker_count(config.n_jobs)
    return Evaluation.of(model.network, samples[0], n_threads, model.classes)
