"""Kernels of the algorithms against slow, obvious twins."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.algorithms.pyramid import linkage_tree
from evobin.kernels.linkage import average_linkage
from evobin.kernels.mutation import flip_distinct

pytestmark = pytest.mark.kernels


def naive_linkage(distances: NDArray[np.float64]) -> dict[frozenset[int], float]:
    """Joins the two nearest clusters, again and again: each with the distance of its parts."""
    clusters = [frozenset({place}) for place in range(len(distances))]
    joined = {}
    while len(clusters) > 1:
        pairs = [(a, b) for a in clusters for b in clusters if min(a) < min(b)]
        apart = [distances[np.ix_(sorted(a), sorted(b))].mean() for a, b in pairs]
        nearest = int(np.argmin(apart))
        a, b = pairs[nearest]
        clusters = [cluster for cluster in clusters if cluster not in (a, b)] + [a | b]
        joined[a | b] = float(apart[nearest])
    return joined


def naive_flips(
    rows: NDArray[np.int8], counts: NDArray[np.int64], uniforms: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Draws places from an urn, row by row; a place that is drawn swaps with the first left."""
    urn, used, out = list(range(rows.shape[1])), 0, rows.copy()
    for row, count in zip(out, counts.tolist(), strict=True):
        for first in range(count):
            drawn = first + int(uniforms[used] * (len(urn) - first))
            used += 1
            urn[first], urn[drawn] = urn[drawn], urn[first]
        row[urn[:count]] *= -1
    return out


@pytest.mark.parametrize("n", [1, 2, 3, 17, 40])
def test_clusters_are_those_of_joining_the_nearest_again_and_again(n: int) -> None:
    half = np.random.default_rng(n).random((n, n))
    distances = half + half.T
    pairs, heights = np.empty((n - 1, 2), np.int64), np.empty(n - 1)
    average_linkage(distances.copy(), pairs, heights)
    clusters = [frozenset({place}) for place in range(n)]
    found = {}
    for (a, b), height in zip(pairs.tolist(), heights.tolist(), strict=True):
        clusters.append(clusters[a] | clusters[b])
        found[clusters[-1]] = height
    expected = naive_linkage(distances)
    assert set(found) == set(expected)
    for cluster, height in expected.items():
        np.testing.assert_allclose(found[cluster], height)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65])
def test_so_many_distinct_signs_are_flipped(n: int) -> None:
    rng = np.random.default_rng(n)
    rows = rng.choice(np.array([-1, 1], np.int8), (50, n))
    counts = rng.integers(0, n + 1, 50)
    uniforms = rng.random(int(counts.sum()))
    flipped = rows.copy()
    flip_distinct(flipped, counts, uniforms)
    np.testing.assert_array_equal(flipped, naive_flips(rows, counts, uniforms))
    np.testing.assert_array_equal((flipped != rows).sum(axis=1), counts)


def test_places_that_go_together_are_a_cluster_without_parts() -> None:
    rng = np.random.default_rng(0)
    blocks = rng.choice(np.array([-1, 1], np.int8), (60, 4))
    tree = [sorted(cluster.tolist()) for cluster in linkage_tree(np.repeat(blocks, 3, axis=1))]
    assert sorted(tree[:4]) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert all(len(cluster) in (6, 9) for cluster in tree[4:])


def test_one_solution_shows_no_linkage() -> None:
    assert linkage_tree(np.ones((1, 5), np.int8)) == []
