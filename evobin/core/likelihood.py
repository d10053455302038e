"""The log-likelihood of labels as whole numbers, so that sums over samples are exact."""

from __future__ import annotations

import math

import numpy as np

from evobin.kernels.dense import FINE, ONE, Likelihood

DIGITS = 50
"""Binary digits of the largest mean: float64 has 53, so that gains have room, too."""


def likelihood_of(n_hidden: int, n_logits: int, n: int, width: float) -> Likelihood:
    """Tables of the log-likelihood of a sample, rounded to a part of the mean so small as 2^-45.

    The logistic function of logit / width, or the softmax of several, is the probability.

    Args:
        n_hidden: inputs of the last layer, so that |logit| is at most n_hidden + 1.
        n_logits: 1 or more.
        n: samples.
        width: above 0.

    Example:
        >>> likelihood = likelihood_of(n_hidden=3, n_logits=1, n=10, width=2.0)
        >>> mean = 10 * likelihood.pair[1, 6] * likelihood.scale[1]  # all have a logit of 0
        >>> abs(float(mean) + math.log(2)) < 1e-12
        True
    """
    largest = n_hidden + 3  # one flip further
    bound = 2 * largest / width + math.log(max(n_logits, 2))
    unit = 2.0 ** (math.ceil(math.log2(bound)) - DIGITS)
    scale = np.array([1 / (n * unit), unit])
    z = np.arange(-largest, largest + 1) / width
    pair = -np.rint(np.stack([np.logaddexp(0.0, z), np.logaddexp(0.0, -z)]) * scale[0])
    losses = np.arange(2 * largest + 1) / width
    powers = np.rint(np.exp(-losses) * 2.0**ONE)
    middles = (np.arange((n_logits << FINE) + 1) + 0.5) / (1 << FINE)
    tables = Likelihood(
        pair.astype(np.int64),
        powers.astype(np.int64),
        losses,
        np.stack([np.log(middles), 1 / middles], axis=1),
        scale,
    )
    for table in tables:
        table.setflags(write=False)
    return tables
