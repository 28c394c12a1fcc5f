"""The steps of the engines of density clustering, in pieces, and data that are ugly to them."""

import numpy as np

FORMS = ("normal", "grid", "line of equals", "far away", "tight and far", "blobs")


def points(rng, n, d, form):
    """(n, d) of a form."""
    if form == "grid":  # many pairs at exactly 1, 2, sqrt(2), ...
        return rng.integers(0, 6, (n, d)).astype(float)
    if form == "line of equals":
        return np.repeat(rng.integers(0, 4, (n, 1)) * 0.5, d, axis=1)
    if form == "far away":
        return rng.normal(size=(n, d)) + 1e7
    if form == "tight and far":
        return rng.normal(size=(n, d)) * 10.0 ** rng.integers(-9, 5, (n, 1))
    if form == "blobs":
        return rng.integers(0, 4, (n, d)) * 2.0 + rng.normal(0, 0.1, (n, d))
    return rng.normal(size=(n, d))


def some_eps(rng, X):
    """A distance that occurs, so that pairs lie at exactly eps, or one that does not."""
    a, b = rng.integers(0, len(X), 2)
    eps = float(np.sqrt(((X[a] - X[b]) ** 2).sum()))
    return eps if eps > 0 else 0.75


def in_pieces(n, step, piece):
    for first in range(0, n, piece):
        step(first, min(first + piece, n))


def run_cells(engine, piece=7):
    in_pieces(engine.n_cells, engine.find_cores, piece)
    n_core = engine.keep_cores()
    in_pieces(engine.n_cells, engine.join_cells, piece)
    n_clusters = engine.number_clusters()
    in_pieces(engine.n_cells, engine.reach_borders, piece)
    labels, is_core = engine.results()
    assert (n_core, n_clusters) == (is_core.sum(), labels.max(initial=-1) + 1)
    return labels, is_core


def run_blocks(engine, piece=2):
    in_pieces(engine.n_blocks, engine.find_cores, piece)
    n_core = engine.keep_cores()
    in_pieces(engine.n_blocks, engine.join_within, piece)
    in_pieces(engine.n_blocks, engine.join_blocks, piece)
    n_clusters = engine.number_clusters()
    in_pieces(engine.n_blocks, engine.reach_borders, piece)
    labels, is_core = engine.results()
    assert (n_core, n_clusters) == (is_core.sum(), labels.max(initial=-1) + 1)
    return labels, is_core


def assert_same(said, wanted):
    assert said[1].tolist() == wanted[1].tolist()
    assert said[0].tolist() == wanted[0].tolist()
