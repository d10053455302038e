"""How well a network predicts labelled samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evobin import parallel
from evobin.config import EvaluateConfig
from evobin.data.dataset import load_dataset
from evobin.models.model import load
from evobin.results.evaluation import Evaluation


def evaluate(result: str | Path, config: EvaluateConfig) -> Evaluation:
    """Predicts the labels of labelled samples with a model file or result file.

    Labels are whole numbers from 0: the places in the classes of a model that has names for them.

    Raises:
        EvobinError: if a file has problems.
    """
    model = load(result, config.architecture)
    dataset = load_dataset(replace(config, architecture=model.inputs), one_class_ok=True)
    return Evaluation.of(
        model.network, model.encoded(dataset), parallel.worker_count(config.n_jobs)
    )
