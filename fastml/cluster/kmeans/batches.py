"""One batch of k-means in batches: each centre moves towards its rows, those with too few start again elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastml.cluster.kmeans.lloyd import assign
from fastml.cluster.kmeans.seeding import dense_rows


@dataclass
class Learning:
    """Centres, and how much weight each has seen.

    centres : (k, d) float32 or float64
    counts : (k,) float64
    n_since_reassignment : rows since centres with little weight were last looked for
    """

    centres: NDArray[Any]
    counts: NDArray[np.float64]
    n_since_reassignment: int = 0

    def step(
        self,
        X: Any,
        weight: NDArray[np.float64] | None,
        random_state: np.random.RandomState,
        reassignment_ratio: float,
        batch_size: int,
        verbose: bool = False,
        n_threads: int = 1,
    ) -> float:
        """Learn from a batch; returns its weighted inertia before.

        A centre becomes the mean of all the weight it has seen, which is a step towards the batch's mean of length
        (weight in this batch) / (weight so far) (Sculley 2010). After 10 rows a cluster, or when a centre has seen
        nothing, centres with less than `reassignment_ratio` of the largest weight start again at rows of the batch.
        """
        self.n_since_reassignment += batch_size
        due = bool((self.counts == 0).any()) or self.n_since_reassignment >= 10 * len(self.centres)
        if due:
            self.n_since_reassignment = 0
        labels, sq = assign(X, self.centres, n_threads)
        sums, seen = cluster_sums(X, labels, weight, len(self.centres))
        total = self.counts + seen
        moved = seen > 0
        means = self.centres.astype(np.float64)
        means[moved] = (means[moved] * self.counts[moved, None] + sums[moved]) / total[moved, None]
        self.centres, self.counts = means.astype(self.centres.dtype), total
        if due and reassignment_ratio > 0:
            self._reassign(X, random_state, reassignment_ratio, verbose)
        return float(np.add.accumulate(sq if weight is None else sq * weight)[-1])

    def _reassign(self, X: Any, random_state: np.random.RandomState, ratio: float, verbose: bool) -> None:
        weak = self.counts < ratio * self.counts.max()
        most = int(0.5 * X.shape[0])  # rows of the batch that may become centres
        if np.count_nonzero(weak) > most:
            weak[np.argsort(self.counts)[most:]] = False
        n_weak = int(np.count_nonzero(weak))
        if not n_weak:
            return
        if verbose:
            print(f"[MiniBatchKMeans] Reassigning {n_weak} cluster centers.")  # noqa: T201 - verbose asked for it
        self.centres[weak] = dense_rows(X, random_state.choice(X.shape[0], replace=False, size=n_weak))
        # As if it had seen what the least of the others has: with less it would start again at once.
        self.counts[weak] = self.counts[~weak].min()


def cluster_sums(
    X: Any, labels: NDArray[np.int32], weight: NDArray[np.float64] | None, n_clusters: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k, d) weighted sums of the rows of each cluster, in their order, and (k,) their weight."""
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=n_clusters))
    own = np.ones(len(order)) if weight is None else weight[order]
    members = sp.csr_matrix((own, order, np.concatenate([[0], ends])), shape=(n_clusters, X.shape[0]))
    sums = members @ (X.astype(np.float64) if X.dtype == np.uint8 else X)
    seen = np.bincount(labels, weights=weight, minlength=n_clusters).astype(np.float64)
    return np.asarray(sums.toarray() if sp.issparse(sums) else sums, np.float64), seen


@dataclass
class Progress:
    """When learning has come to its end, by a running average of the batches' inertia.

    alpha : weight of the newest batch in the average
    tol : squared movement of the centres at which to stop; 0: never
    patience : batches without a better average at which to stop, or None
    """

    alpha: float
    tol: float
    patience: int | None
    average: float | None = None
    least: float | None = None
    n_without: int = 0

    def add(self, inertia: float, shift: float) -> str | None:
        """The mean inertia of a batch's rows, and how far centres moved; why to stop, or None."""
        previous = self.average
        self.average = inertia if previous is None else previous * (1 - self.alpha) + inertia * self.alpha
        if self.tol > 0 and shift <= self.tol:
            return "small centers change"
        if self.least is None or self.average < self.least:
            self.n_without, self.least = 0, self.average
        else:
            self.n_without += 1
        if self.patience is not None and self.n_without >= self.patience:
            return "lack of improvement in inertia"
        return None
