"""Places found by their chords: the very answers of the haversine of all pairs, whatever rounding does to a chord."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.ball_tree import KINDS, BallTree, arcs_within, nearest_arcs
from fastml._engines.cell_clusters import unit_vectors
from fastml._engines.kd_tree import KdTree
from fastml.neighbors import globe
from fastml.neighbors.metrics import Metric
from fastml.neighbors.tree_index import TreeIndex

KIND = ("anywhere", "grid", "poles", "date line", "crowds", "one street", "antipodes")


def places(seed, n, kind):
    rng = np.random.default_rng(seed)
    P = (rng.random((n, 2)) - 0.5) * [np.pi, 2 * np.pi]
    match kind:
        case "grid":
            P = np.radians(np.round(rng.normal(size=(n, 2)) * 2) * 10)
        case "poles":
            P[:, 0] = np.where(rng.random(n) < 0.5, 1, -1) * (np.pi / 2 - 1e-9 * rng.integers(0, 3, n))
        case "date line":
            P[:, 1] = np.where(rng.random(n) < 0.5, 1, -1) * (np.pi - 1e-7 * rng.random(n))
        case "crowds":
            P = P[rng.integers(0, min(n, 4), n)]
        case "one street":
            P = P[:1] + 1e-9 * rng.integers(0, 9, (n, 2))
        case "antipodes":
            P[n // 2 :] = (P[: n - n // 2] * [-1, 1]) + [0, np.pi]
    return P


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 200), st.sampled_from(KIND), st.integers(1, 30), st.booleans(),
       st.integers(1, 3))  # fmt: skip
def test_the_answers_of_all_pairs(seed, n, kind, k, itself, threads):
    P = places(seed, n, kind)
    asked = P if itself else np.concatenate([P[:7], P[:7] * [-1, 1], P[:7] + 1e-8])
    every = BallTree(KdTree(P, 8), P, (KINDS["haversine"], 2.0, None, 0), triangle=False)
    index = TreeIndex(P, Metric("haversine"), 8)
    k = min(k, n)
    for mine, wanted in zip(index.nearest(None if itself else asked, k, threads), every.nearest(asked, k), strict=True):
        np.testing.assert_array_equal(mine, wanted)
    radius = every.nearest(asked, k)[0][:, -1]  # at a pair
    for r in (radius, float(radius[0]), 0.0, 4.0):
        wanted = every.count_within(asked, r)
        np.testing.assert_array_equal(index.count_within(None if itself else asked, r, threads), wanted)
        start, rows, distance = index.list_within(None if itself else asked, r, True, threads)
        there_start, there, apart = every.list_within(asked, r)
        np.testing.assert_array_equal(start, there_start)
        for a, b in zip(start[:-1], start[1:], strict=True):  # noqa: RUF007
            mine, wanted = np.argsort(rows[a:b]) + a, np.argsort(there[a:b]) + a
            np.testing.assert_array_equal(rows[mine], there[wanted])
            np.testing.assert_array_equal(distance[mine], apart[wanted])


def test_chords_settle_nearly_all():
    P = places(0, 5000, "anywhere")
    asked = []
    index = globe.Globe(P, 64, lambda: asked.append(1), 1)
    index.nearest(P, True, 10, 1)
    index.count_within(P, True, 0.1, 1)
    assert not asked


def test_what_does_not_belong_together_is_refused():
    P = places(0, 5, "anywhere")
    np.testing.assert_allclose(np.linalg.norm(unit_vectors(P), axis=1), 1.0)
    rows = np.zeros((5, 2), np.int64)
    for bad in (rows + 5, rows - 1, rows[:4]):
        with pytest.raises(ValueError, match="belong together"):
            nearest_arcs(P, P, np.zeros((5, 2)), bad, 1)
    with pytest.raises(ValueError, match="belong together"):
        arcs_within(P, P, np.ones(5), np.array([0, 1, 1, 1, 1, 1]), np.array([7]))
