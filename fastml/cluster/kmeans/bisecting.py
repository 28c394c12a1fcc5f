"""BisectingKMeans: clusters are halved one after the other."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import ConvergenceWarning, Interval, StrOptions, check_random_state
from fastml.cluster.kmeans.batches import cluster_sums
from fastml.cluster.kmeans.bisecting_tree import BisectingTree
from fastml.cluster.kmeans.centre_model import CentreModel
from fastml.cluster.kmeans.engines import ALGORITHMS
from fastml.cluster.kmeans.lloyd import LloydResult, inertia_of, nearest_centres, points_of, run_lloyd
from fastml.cluster.kmeans.points import float_type
from fastml.cluster.kmeans.seeding import INITS, initial_centres
from fastml.cluster.rows import fit_rows
from fastml.data.validation import check_parameters
from fastml.data.weights import check_sample_weight
from fastml.ensemble.rounds import Rounds


@dataclass
class _Leaf:
    """A cluster that may be halved."""

    node: int
    rows: NDArray[np.intp]
    score: float


class BisectingKMeans(CentreModel):
    """k-means with two centres on the whole, then on one of the parts, until there are `n_clusters` parts.

    Parameters
    ----------
    n_clusters : int, default=8
    init : {"k-means++", "k-means||", "subsampled", "random"} or callable, default="random"
        Where the two centres of a split start; see `KMeans`.
    n_init : int, default=1
        Starts of each split, of which the one with the least inertia is kept.
    random_state : int, RandomState instance or None, default=None
        The same draws as scikit-learn's.
    max_iter : int, default=300
        Steps of each split at most.
    verbose : int, default=0
    tol : float, default=1e-4
        A split ends when the squared distances by which its centres moved add up to no more than this, in squared
        units of X as in scikit-learn; in any case when no row changes its side.
    copy_x : bool, default=True
        Has no effect: X is never changed.
    algorithm : {"auto", "lloyd", "elkan", "tree"}, default="auto"
        How the nearer centre is found; the result is the same.
    bisecting_strategy : {"biggest_inertia", "largest_cluster"}, default="biggest_inertia"
        Which cluster is split next: that of the largest weighted sum of squared distances, or of the most rows.
    n_jobs : int or None, default=None
        Threads; None and -1 use all processors. The result does not depend on it.

    Attributes
    ----------
    cluster_centers_ : (n_clusters, n_features) float32 or float64
    labels_ : (n_samples,) int32
        The same as `predict` gives for these rows: down the tree, which need not be the nearest of all centres.
    inertia_ : float
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ValueError
        Fewer rows than clusters; NaN, infinity or numbers whose squares overflow; negative weights or none above 0.

    Warns
    -----
    ConvergenceWarning
        Fewer distinct rows than clusters: some clusters stay empty.
    FitInterrupted
        Ctrl-C stopped the fit between two splits; clusters that are missing are empty.

    Notes
    -----
    O(n d) for each step and level of the tree; memory O(n).

    References
    ----------
    Steinbach, Karypis and Kumar 2000, A comparison of document clustering techniques.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.cluster import BisectingKMeans
    >>> X = np.array([[1, 1], [10, 1], [3, 1], [10, 0], [2, 1], [10, 2], [10, 8], [10, 9], [10, 10]])
    >>> model = BisectingKMeans(n_clusters=3, random_state=0).fit(X)
    >>> sorted(model.cluster_centers_.tolist())
    [[2.0, 1.0], [10.0, 1.0], [10.0, 9.0]]
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(set(INITS)), callable],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "copy_x": ["boolean"],
        "algorithm": [StrOptions(set(ALGORITHMS))],
        "bisecting_strategy": [StrOptions({"biggest_inertia", "largest_cluster"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "random",
        n_init: int = 1,
        random_state: Any = None,
        max_iter: int = 300,
        verbose: int = 0,
        tol: float = 1e-4,
        copy_x: bool = True,
        algorithm: str = "auto",
        bisecting_strategy: str = "biggest_inertia",
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.random_state = random_state
        self.max_iter = max_iter
        self.verbose = verbose
        self.tol = tol
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.bisecting_strategy = bisecting_strategy
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> BisectingKMeans:
        """Halve clusters until there are `n_clusters`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Weight 2 counts a row twice, 0 leaves it out.

        Returns
        -------
        self
        """
        check_parameters(self)
        rows = fit_rows(self, X)
        weight = check_sample_weight(sample_weight, rows.shape[0])
        if rows.shape[0] < self.n_clusters:
            raise ValueError(
                f"n_samples={rows.shape[0]} should be >= n_clusters={self.n_clusters}. Ask for fewer clusters."
            )
        threads = self._threads(rows, 2)
        points_of(rows, weight, threads)  # names what is not finite
        self._tree = self._grow(rows, weight, check_random_state(self.random_state), threads)
        self.cluster_centers_ = self._tree.leaf_centres()
        self.labels_ = self._sides(rows)
        self.inertia_ = inertia_of(rows, self.labels_, self.cluster_centers_, weight, threads)
        return self

    def _grow(self, rows: Any, weight: Any, random_state: np.random.RandomState, n_threads: int) -> BisectingTree:
        sums, seen = cluster_sums(rows, np.zeros(rows.shape[0], np.int32), weight, 1)
        root = (sums[0] / seen[0]).astype(float_type(rows))
        left, centres = [-1], [root]
        leaves, closed = [_Leaf(0, np.arange(rows.shape[0]), 0.0)], []
        with Rounds(self.n_clusters - 1, estimator=self) as loop:
            for _ in loop:
                halves = None
                while leaves and halves is None:
                    # max takes the first of equals: leaves stand from left to right.
                    leaf = max(leaves, key=lambda each: each.score)
                    halves = self._halve(leaf, rows, weight, random_state, n_threads)
                    if halves is None:  # all of its rows are one
                        leaves.remove(leaf)
                        closed.append(leaf)
                if halves is None:
                    loop.stop("nothing to split")
                    continue
                result, inertias = halves
                first = len(left)
                left[leaf.node] = first
                left += [-1, -1]
                centres += list(result.centres)
                sides = [leaf.rows[result.labels == side] for side in (0, 1)]
                by_inertia = self.bisecting_strategy == "biggest_inertia"
                new = [
                    _Leaf(first + side, sides[side], inertias[side] if by_inertia else float(len(sides[side])))
                    for side in (0, 1)
                ]
                at = leaves.index(leaf)
                leaves[at : at + 1] = new
        n_missing = self.n_clusters - len(leaves) - len(closed)
        if n_missing and loop.stop_reason != "interrupt":
            warnings.warn(
                f"Number of distinct clusters ({self.n_clusters - n_missing}) found smaller than n_clusters "
                f"({self.n_clusters}). Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=3,
            )
        for leaf in (leaves + closed)[:1] * bool(n_missing):  # empty clusters at a centre that rows reach first
            node = leaf.node
            for _ in range(n_missing):
                left[node] = node = len(left)
                left += [-1, -1]
                centres += [centres[leaf.node], centres[leaf.node]]
        return BisectingTree.of(left, centres)

    def _halve(
        self, leaf: _Leaf, rows: Any, weight: Any, random_state: np.random.RandomState, n_threads: int
    ) -> tuple[LloydResult, list[float]] | None:
        """The best of `n_init` splits and the halves' inertias; None where there is nothing to part."""
        own = rows[leaf.rows]
        own_weight = None if weight is None else weight[leaf.rows]
        if len(leaf.rows) < 2 or (own_weight is not None and np.count_nonzero(own_weight) < 2):
            return None
        points = points_of(own, own_weight, n_threads)
        best: LloydResult | None = None
        for _ in range(self.n_init):
            start = initial_centres(own, 2, self.init, own_weight, random_state, n_threads=n_threads)
            result = run_lloyd(
                own, own_weight, start, max_iter=self.max_iter, tol=self.tol, n_threads=n_threads,
                algorithm=self.algorithm, points=points,
            )  # fmt: skip
            if best is None or result.inertia < best.inertia * (1 - 1e-6):
                best = result
        assert best is not None  # noqa: S101 - of a loop of one start at least
        if len(np.unique(best.labels)) < 2:
            return None
        if self.verbose:
            print(f"New centroids from bisection: {best.centres}")  # noqa: T201 - verbose asked for it
        inertias = []
        for side in (0, 1):
            part = best.labels == side
            side_weight = None if own_weight is None else own_weight[part]
            inertias.append(inertia_of(own[part], best.labels[part], best.centres, side_weight, n_threads))
        return best, inertias

    def predict(self, X: Any) -> NDArray[np.int32]:
        """The cluster of each row: at each split on the way down the tree, the side of the nearer centre.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        (n_samples,) int32
        """
        return self._sides(self._rows(X))

    def _sides(self, rows: Any) -> NDArray[np.int32]:
        return self._tree.predict(rows, partial(nearest_centres, n_threads=self._threads(rows, 2)))
