"""The picture of a condensed tree: a shape a cluster, the taken ones named and in their own colour."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from fastml.cluster import HDBSCAN
from fastml.plotting import plot_condensed_tree

figure = pytest.importorskip("matplotlib.figure")
X = make_blobs([60, 40, 30], random_state=3)[0]


@pytest.fixture
def ax():
    return figure.Figure().subplots()


def test_each_cluster_is_drawn_as_wide_as_it_is(ax):
    model = HDBSCAN(min_cluster_size=8).fit(X)
    tree = model.condensed_tree_
    assert plot_condensed_tree(model, ax=ax) is ax
    assert len(ax.collections) == len(tree.parent)
    for shape, size, birth in zip(ax.collections, tree.size, tree.birth, strict=True):
        vertices = shape.get_paths()[0].vertices
        assert np.ptp(vertices[:, 0]) == size
        if birth > 0:
            assert vertices[:, 1].min() == pytest.approx(birth)
    assert {text.get_text() for text in ax.texts} == {str(k) for k in range(model.labels_.max() + 1)}
    others = np.flatnonzero(tree.parent >= 0)
    for c in others:  # children lie within their parents
        own, above = (ax.collections[i].get_paths()[0].vertices[:, 0] for i in (c, tree.parent[c]))
        assert above.min() <= own.min() <= own.max() <= above.max()


def test_equal_points_and_trees_without_names(ax):
    plot_condensed_tree(HDBSCAN().fit(np.zeros((20, 2))).condensed_tree_, label_clusters=False, ax=ax)
    assert not ax.texts
    with pytest.raises(TypeError, match="no condensed tree"):
        plot_condensed_tree(HDBSCAN, ax=ax)
