"""kmeans_path: KMeans for many numbers of clusters, and what helps to choose one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastml.base import check_random_state
from fastml.cluster.kmeans.estimator import KMeans
from fastml.cluster.kmeans.gap import gap_statistic, reference_rows, smallest_sufficient
from fastml.cluster.kmeans.lloyd import all_squared, assign
from fastml.cluster.kmeans.means import unit_rows
from fastml.cluster.kmeans.seeding import dense_rows, pick_rows
from fastml.cluster.kmeans.silhouette import silhouettes
from fastml.cluster.rows import rows_of
from fastml.data.weights import check_sample_weight
from fastml.ensemble.rounds import Rounds

SILHOUETTE_ROWS = 10_000  # distances between them take a second
GAP_ROWS = 20_000
N_REFERENCES = 10  # as in the paper's examples


@dataclass(frozen=True, eq=False)
class KMeansPath:
    """Fits of `kmeans_path`, k ascending.

    ks : (n_ks,) numbers of clusters
    models : fitted KMeans, one for each k
    inertia : (n_ks,)
    silhouette : (n_ks,) mean silhouette; NaN for one cluster, and where it was not asked for
    gap, gap_error : (n_ks,) gap statistic and its standard error; NaN where it was not asked for
    n_silhouette, n_gap : rows that these were computed on
    """

    ks: NDArray[np.intp]
    models: list[KMeans]
    inertia: NDArray[np.float64]
    silhouette: NDArray[np.float64]
    gap: NDArray[np.float64]
    gap_error: NDArray[np.float64]
    n_silhouette: int
    n_gap: int

    @property
    def k_by_silhouette(self) -> int | None:
        """The k of the largest silhouette; None without one."""
        return None if np.isnan(self.silhouette).all() else int(self.ks[np.nanargmax(self.silhouette)])

    @property
    def k_by_gap(self) -> int | None:
        """The least k whose gap is at least the next one's less its standard error; None without gaps."""
        return None if np.isnan(self.gap).all() else smallest_sufficient(self.ks, self.gap, self.gap_error)

    @property
    def k_by_elbow(self) -> int | None:
        """The k farthest below the line from the first inertia to the last; None for fewer than three."""
        if len(self.ks) < 3 or self.inertia[0] <= self.inertia[-1]:
            return None
        across = (self.ks - self.ks[0]) / (self.ks[-1] - self.ks[0])
        down = (self.inertia - self.inertia[-1]) / (self.inertia[0] - self.inertia[-1])
        return int(self.ks[np.argmax(1 - across - down)])

    def model(self, k: int) -> KMeans:
        """The fitted KMeans of k clusters."""
        found = np.flatnonzero(self.ks == k)
        if not len(found):
            raise ValueError(f"k={k} was not fitted; these were: {', '.join(map(str, self.ks))}")
        return self.models[int(found[0])]

    def table(self) -> NDArray[np.void]:
        """A structured array with the columns k, inertia, silhouette, gap and gap_error; pandas.DataFrame takes it."""
        names = [("k", np.intp), *((name, np.float64) for name in ("inertia", "silhouette", "gap", "gap_error"))]
        out = np.empty(len(self.ks), names)
        out["k"] = self.ks
        for name, _ in names[1:]:
            out[name] = getattr(self, name)
        return out

    def __str__(self) -> str:
        lines = [f"{'k':>5} {'inertia':>14} {'silhouette':>11} {'gap':>9} {'error':>8}"]
        for k, inertia, silhouette, gap, error in self.table().tolist():
            lines.append(f"{k:>5} {inertia:>14.6g} {silhouette:>11.4f} {gap:>9.4f} {error:>8.4f}")
        chosen = {"silhouette": self.k_by_silhouette, "gap": self.k_by_gap, "elbow": self.k_by_elbow}
        said = [f"{name} {k}" for name, k in chosen.items() if k is not None]
        return "\n".join([*lines, f"k by {', '.join(said)}"] if said else lines)


def kmeans_path(
    X: Any,
    ks: Iterable[int],
    *,
    sample_weight: Any = None,
    silhouette_rows: int | None = SILHOUETTE_ROWS,
    n_references: Any = "auto",
    gap_rows: int | None = GAP_ROWS,
    random_state: Any = None,
    **parameters: Any,
) -> KMeansPath:
    """Fit KMeans for every k, and compare.

    Seeds are drawn once: the first k rows of k-means++ for the largest k start k clusters. Each k also starts from the
    centres of the k before, with rows added by k-means++; the better of both is kept, so that inertia never grows.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    ks : iterable of int
        Numbers of clusters, such as ``range(1, 11)``; each is fitted once, in ascending order.
    sample_weight : array-like of shape (n_samples,), optional
        For the fits; the silhouette and the gap count every row of weight above 0 once.
    silhouette_rows : int or None, default=10_000
        Where X has more rows than this, the silhouette is that of so many drawn at random, among themselves; 0: none;
        None: all rows, O(n^2).
    n_references : int or "auto", default="auto"
        Data sets without clusters that the gap statistic compares with; 0: none. "auto": 10, none for sparse X or with
        limits on sizes.
    gap_rows : int or None, default=20_000
        Where X has more rows than this, the gap is that of so many drawn at random; None: all.
    random_state : int, RandomState instance or None, default=None
    **parameters
        Of KMeans: max_iter, tol, algorithm, metric, min_size, max_size, n_jobs.

    Returns
    -------
    KMeansPath
        Printing it shows a table; `fastml.plotting.plot_kmeans_path` draws it.

    Raises
    ------
    ValueError
        No k, k below 1 or above the number of rows; a parameter that KMeans lacks or that is chosen here (n_clusters,
        init, n_init); and what `KMeans.fit` raises.

    Warns
    -----
    FitInterrupted
        Ctrl-C stopped it between two k; the path holds those before.

    References
    ----------
    Tibshirani, Walther and Hastie 2001, Estimating the number of clusters in a data set via the gap statistic.
    Rousseeuw 1987, Silhouettes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.cluster import kmeans_path
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal([x, y], size=(100, 2)) for x in (0, 9) for y in (0, 9)])
    >>> path = kmeans_path(X, range(1, 9), random_state=0)
    >>> path.k_by_silhouette, path.k_by_gap
    (4, 4)
    """
    rows = rows_of(X)
    numbers = _checked(ks, rows.shape[0], parameters)
    weight = check_sample_weight(sample_weight, rows.shape[0])
    generator = check_random_state(random_state)
    if n_references == "auto":
        sized = parameters.get("min_size") is not None or parameters.get("max_size") is not None
        n_references = 0 if sp.issparse(rows) or sized else N_REFERENCES
    _check_counts(n_references, silhouette_rows, gap_rows, rows)
    models = _fit_all(rows, weight, numbers, generator, parameters)
    numbers = numbers[: len(models)]  # Ctrl-C may have left some out
    inertia = np.array([model.inertia_ for model in models])
    heavy = np.arange(rows.shape[0]) if weight is None else np.flatnonzero(weight)
    seen = unit_rows(rows) if parameters.get("metric") == "cosine" else rows
    silhouette, n_silhouette = np.full(len(numbers), np.nan), 0
    if silhouette_rows != 0:
        some = _some(heavy, silhouette_rows, generator)
        n_silhouette = len(some)
        silhouette[:] = [v.mean() for v in silhouettes(seen[some], [model.labels_[some] for model in models])]
    gap, gap_error, n_gap = np.full(len(numbers), np.nan), np.full(len(numbers), np.nan), 0
    if n_references:
        some = _some(heavy, gap_rows, generator)
        n_gap = len(some)
        own = np.asarray(seen[some], np.float64)
        whole = n_gap == rows.shape[0] and weight is None
        tight = inertia if whole else _inertias(own, numbers, generator, parameters)
        references = reference_rows(own, n_references, generator)
        loose = np.array([_inertias(each, numbers, generator, parameters) for each in references])
        gap, gap_error = gap_statistic(tight, loose)
    return KMeansPath(numbers, models, inertia, silhouette, gap, gap_error, n_silhouette, n_gap)


def _checked(ks: Iterable[int], n_samples: int, parameters: dict[str, Any]) -> NDArray[np.intp]:
    """The numbers of clusters, ascending."""
    given = list(ks)
    if not given or any(isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1 for k in given):
        raise ValueError(f"ks={given!r} must be whole numbers >= 1, at least one of them, such as range(1, 11)")
    if max(given) > n_samples:
        raise ValueError(f"ks has {max(given)}, but X has {n_samples} rows: ask for at most as many clusters.")
    chosen_here = {"n_clusters", "init", "n_init"} & set(parameters)
    if chosen_here:
        raise ValueError(f"{', '.join(sorted(chosen_here))} cannot be given: kmeans_path chooses where each k starts.")
    unknown = set(parameters) - set(KMeans().get_params())
    if unknown:
        raise ValueError(f"KMeans has no parameter {', '.join(sorted(unknown))}.")
    return np.unique(np.array(given, np.intp))


def _check_counts(n_references: Any, silhouette_rows: Any, gap_rows: Any, rows: Any) -> None:
    for name, value in (("n_references", n_references), ("silhouette_rows", silhouette_rows), ("gap_rows", gap_rows)):
        if value is None and name != "n_references":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise ValueError(f"{name}={value!r} must be a whole number >= 0: a number of rows or data sets")
    if n_references and sp.issparse(rows):
        raise ValueError(
            f"n_references={n_references} needs dense X, to draw from its box: n_references=0 goes without."
        )


def _some(rows: NDArray[np.intp], most: int | None, generator: np.random.RandomState) -> NDArray[np.intp]:
    return rows if most is None or len(rows) <= most else np.sort(generator.permutation(rows)[:most])


def _fit_all(
    rows: Any, weight: Any, numbers: NDArray[np.intp], generator: np.random.RandomState, parameters: dict[str, Any]
) -> list[KMeans]:
    """A fitted KMeans for each k."""
    seen = unit_rows(rows) if parameters.get("metric") == "cosine" else rows
    picked = dense_rows(seen, pick_rows(seen, int(numbers[-1]), weight, generator))
    models: list[KMeans] = []
    with Rounds(len(numbers)) as loop:
        for number in loop:
            k = int(numbers[number])
            starts = [picked[:k]]
            if models:
                before = models[-1].cluster_centers_
                starts.append(np.concatenate([before, _next_rows(seen, before, k - len(before), weight, generator)]))
            fitted = [KMeans(k, init=start, n_init=1, **parameters).fit(rows, sample_weight=weight) for start in starts]
            models.append(min(fitted, key=lambda model: model.inertia_))
    return models


def _next_rows(
    X: Any, centres: NDArray[Any], n_more: int, weight: Any, generator: np.random.RandomState, n_trials: int = 3
) -> NDArray[Any]:
    """Rows to add to centres: drawn with odds by squared distance, each the best of some."""
    nearest = assign(X, centres)[1]
    own = np.ones(X.shape[0]) if weight is None else weight
    chosen = []
    for _ in range(n_more):
        until = np.cumsum(own * nearest)
        drawn = np.searchsorted(until, generator.uniform(size=n_trials) * until[-1])
        candidates = dense_rows(X, np.minimum(drawn, X.shape[0] - 1))
        lowered = np.minimum(all_squared(X, candidates), nearest[:, None])
        best = int(np.argmin(own @ lowered))
        nearest = lowered[:, best].copy()
        chosen.append(candidates[best])
    return np.array(chosen)


def _inertias(
    rows: NDArray[np.float64], numbers: NDArray[np.intp], generator: np.random.RandomState, parameters: dict[str, Any]
) -> NDArray[np.float64]:
    numbers = np.minimum(numbers, rows.shape[0])
    return np.array([model.inertia_ for model in _fit_all(rows, None, np.unique(numbers), generator, parameters)])[
        np.searchsorted(np.unique(numbers), numbers)
    ]
