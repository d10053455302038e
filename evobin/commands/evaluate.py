"""How well a network predicts labelled samples."""

from __future__ import annotations

from pathlib import Path

from evobin import parallel
from evobin.config import EvaluateConfig
from evobin.data.dataset import load_dataset
from evobin.network.binary import BinaryNetwork
from evobin.results.evaluation import Evaluation


def evaluate(result: str | Path, config: EvaluateConfig) -> Evaluation:
    """Predicts the labels of labelled samples with a result file.

    Raises:
        EvobinError: if a file has problems.
    """
    network = BinaryNetwork.load(result, config.architecture)
    dataset = load_dataset(config, one_class_ok=True)
    return Evaluation.of(network, dataset, parallel.worker_count(config.n_jobs))
