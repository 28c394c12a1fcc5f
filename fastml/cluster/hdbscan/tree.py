"""What a fit of HDBSCAN leaves behind: the single linkage, and the condensed tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines import condensed_tree as engine

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

NOISE, INFINITE, MISSING = -1, -2, -3
MERGES = np.dtype([("left_node", np.intp), ("right_node", np.intp), ("value", np.float64), ("cluster_size", np.intp)])
ROWS = np.dtype([("parent", np.intp), ("child", np.intp), ("lambda_val", np.float64), ("child_size", np.intp)])


def _table(rows: NDArray[Any]) -> Any:
    from pandas import DataFrame

    return DataFrame({name: rows[name] for name in rows.dtype.names or ()})


@dataclass(frozen=True)
class SingleLinkage:
    """n - 1 merges in ascending order of their distance.

    left, right : (n - 1,) int32, a point's number, or n + that of an earlier merge; left has what is nearer to point 0
    value : (n - 1,) distance.  size : (n - 1,) int32, points together
    """

    left: Ints
    right: Ints
    value: Floats
    size: Ints

    @property
    def n_points(self) -> int:
        return len(self.value) + 1

    @property
    def arrays(self) -> tuple[Ints, Ints, Floats, Ints]:
        return self.left, self.right, self.value, self.size

    def get_clusters(self, cut_distance: float, min_cluster_size: int = 5) -> Ints:
        """Labels of the components that distances below cut_distance make; -1 in those of fewer points."""
        return engine.cut(*self.arrays, cut_distance, min_cluster_size)

    def to_records(self) -> NDArray[Any]:
        """One array with the fields left_node, right_node, value and cluster_size."""
        rows = np.empty(len(self.value), MERGES)
        for name, values in zip(MERGES.names or (), self.arrays, strict=True):
            rows[name] = values
        return rows

    def to_numpy(self) -> Floats:
        """(n - 1, 4) as SciPy's hierarchies have it."""
        return np.stack([np.asarray(values, np.float64) for values in self.arrays], axis=1)

    def to_pandas(self) -> Any:
        """A frame of `to_records`."""
        return _table(self.to_records())


@dataclass(frozen=True)
class CondensedTree:
    """Clusters of at least min_cluster_size points, by density (lambda = 1 / distance); cluster 0 is the root.

    point_cluster : (n,) int32, the cluster that a point falls out of.  point_density : (n,) and at which density
    parent, birth, size, stability : (m,) of each cluster; parents come first, the root's parent is -1
    death : (m,) highest density at which anything leaves it.  death_below : (m,) and anything leaves it or one below
    selected : (m,) bool.  label : (m,) int32 of the points of each cluster, -1 for noise
    """

    point_cluster: Ints
    point_density: Floats
    parent: Ints
    birth: Floats
    size: Ints
    stability: Floats
    death: Floats
    death_below: Floats
    selected: NDArray[np.bool_]
    label: Ints
    single_epsilon: float | None

    @classmethod
    def of(
        cls, linkage: SingleLinkage, min_cluster_size: int, leaf: bool, allow_single_cluster: bool, epsilon: float,
        max_cluster_size: float | None,
    ) -> CondensedTree:  # fmt: skip
        grown = engine.condense(*linkage.arrays, min_cluster_size)
        parent, birth, size, stability, death = grown[2:7]
        selected = engine.select(parent, birth, size, stability, leaf, allow_single_cluster, epsilon, max_cluster_size)
        single = epsilon if allow_single_cluster else None
        label = engine.label(grown[0][:0], grown[1][:0], parent, death, selected, allow_single_cluster, epsilon)[2]
        return cls(*grown, selected=selected, label=label, single_epsilon=single)

    def labels(self, cluster: Ints | None = None, density: Floats | None = None) -> tuple[Ints, Floats]:
        """Labels and probabilities of the points, or of others that fall out of `cluster` at `density`."""
        cluster = self.point_cluster if cluster is None else cluster
        density = self.point_density if density is None else density
        single, epsilon = self.single_epsilon is not None, self.single_epsilon or 0.0
        return engine.label(cluster, density, self.parent, self.death, self.selected, single, epsilon)[:2]

    def climb(self, cluster: Ints, density: Floats) -> Ints:
        """Of points that are in these clusters but reach only these densities, the clusters that they fall out of."""
        cluster = cluster.copy()
        moving = np.flatnonzero(density < self.birth[cluster])
        while len(moving):
            cluster[moving] = self.parent[cluster[moving]]
            moving = moving[density[moving] < self.birth[cluster[moving]]]
        return cluster

    def outlier_scores(self) -> Floats:
        """GLOSH, (n,): 1 - a point's density / the highest of its cluster and those below. Campello et al. 2015."""
        highest = self.death_below[self.point_cluster]
        with np.errstate(invalid="ignore", divide="ignore"):
            scores = (highest - self.point_density) / highest
        scores[np.isinf(highest)] = 1.0
        scores[np.isinf(self.point_density) | (highest == 0.0)] = 0.0
        return scores

    def persistence(self, labels: Ints) -> Floats:
        """Of each selected cluster its stability, as a share of what it would be if no point left it before the end."""
        taken = np.flatnonzero(self.selected)
        most = float(self.death_below[0])
        counts = np.bincount(labels[labels >= 0], minlength=len(taken))
        if not 0.0 < most < np.inf:
            return np.ones(len(taken))
        return np.where(counts > 0, self.stability[taken] / np.maximum(counts, 1) / most, 1.0)

    def exemplars(self) -> list[NDArray[np.intp]]:
        """Of each selected cluster the points of its leaves that stay to the end."""
        leaf = np.ones(len(self.parent), np.bool_)
        leaf[self.parent[1:]] = False
        stays = leaf[self.point_cluster] & (self.point_density == self.death[self.point_cluster])
        owner = self.label[self.point_cluster]
        return [np.flatnonzero(stays & (owner == k)) for k in range(int(self.selected.sum()))]

    def to_numpy(self) -> NDArray[Any]:
        """Rows (parent, child, lambda_val, child_size) by parent, then density; clusters are numbered from n on."""
        n, m = len(self.point_cluster), len(self.parent)
        rows = np.empty(n + m - 1, ROWS)
        rows["parent"] = n + np.concatenate([self.point_cluster, self.parent[1:]])
        rows["child"] = np.concatenate([np.arange(n), n + np.arange(1, m)])
        rows["lambda_val"] = np.concatenate([self.point_density, self.birth[1:]])
        rows["child_size"] = np.concatenate([np.ones(n, np.intp), self.size[1:]])
        return rows[np.lexsort((rows["lambda_val"], rows["parent"]))]

    def to_pandas(self) -> Any:
        """A frame of `to_numpy`."""
        return _table(self.to_numpy())

    def check(self) -> None:
        """ValueError where arrays that come from a file do not fit each other."""
        n, m = len(self.point_cluster), len(self.parent)
        clusters = (self.birth, self.size, self.stability, self.death, self.death_below, self.selected, self.label)
        if len(self.point_density) != n or any(len(values) != m for values in clusters) or m < 1:
            raise ValueError("the arrays of the condensed tree differ in length")
        ascends = (self.parent[1:] >= 0).all() and (self.parent < np.arange(m)).all()
        if not ascends or self.point_cluster.min(initial=0) < 0 or self.point_cluster.max(initial=0) >= m:
            raise ValueError("the condensed tree names clusters that it does not have")
