"""KMeans: Lloyd's algorithm from one or more starts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import (
    CallbackSupport,
    ConvergenceWarning,
    Interval,
    StrOptions,
    check_random_state,
    fit_tasks,
)
from fastml.cluster.kmeans.centre_model import CentreModel
from fastml.cluster.kmeans.engines import ALGORITHMS
from fastml.cluster.kmeans.lloyd import LloydResult, Step, points_of, run_lloyd
from fastml.cluster.kmeans.means import on_sphere, unit_rows
from fastml.cluster.kmeans.seeding import INITS, initial_centres
from fastml.cluster.kmeans.sized import check_sizes, run_sized
from fastml.cluster.rows import fit_rows
from fastml.data.validation import check_parameters
from fastml.data.weights import check_sample_weight
from fastml.ensemble.rounds import Rounds


class KMeans(CallbackSupport, CentreModel):
    r"""k-means: centres that minimise :math:`\sum_i w_i \min_c |x_i - \mu_c|^2`, by Lloyd's algorithm.

    Parameters
    ----------
    n_clusters : int, default=8
        k, number of centres.
    init : {"k-means++", "k-means||", "subsampled", "random"}, callable or array-like of shape \
            (n_clusters, n_features), default="k-means++"
        Where the centres start: drawn one after the other with odds that grow with the squared distance to those
        before (the best of some draws each); drawn many at a time in five passes and thinned out; the first way on
        max(50 n_clusters, 10 000) rows; rows drawn at random; the given points, or what
        ``init(X, n_clusters, random_state=...)`` returns.
    n_init : "auto" or int, default="auto"
        Starts, of which the run with the lowest inertia is kept. "auto": 10 for "random" and a callable, else 1.
    max_iter : int, default=300
        Steps of a run at most.
    tol : float, default=1e-4
        A run ends when the squared distances by which the centres moved add up to no more than `tol` times the mean
        variance of the columns; in any case when no point changes its cluster.
    verbose : int, default=0
        Print the inertia after each step.
    random_state : int, RandomState instance or None, default=None
        What starts are drawn from.
    copy_x : bool, default=True
        Has no effect: X is never changed.
    algorithm : {"auto", "lloyd", "elkan", "tree"}, default="auto"
        How the nearest centres are found; the result is the same to the last bit. "lloyd" looks at all of them,
        "elkan" keeps bounds on distances and looks where they do not decide (dense X), "tree" sorts whole boxes of
        points (dense X of up to 3 columns). "auto" chooses by shape; see docs/kmeans.md.
    metric : {"euclidean", "cosine"}, default="euclidean"
        "cosine" brings rows to length 1 and centres back to length 1 after each step (spherical k-means), which
        minimises :math:`\sum_i w_i 2 (1 - \cos(x_i, \mu_c))`.
    min_size, max_size : int or None, default=None
        Least and most rows of a cluster; a row counts as one whatever its weight. Each step then finds the assignment
        of least cost within the limits (minimum-cost flow), and `labels_` is such an assignment. `predict` gives the
        nearest centre, limits or none. 24 bytes for each row and cluster; `algorithm` has no effect.
    n_jobs : int or None, default=None
        Threads; None and -1 use all processors. The result does not depend on it.

    Attributes
    ----------
    cluster_centers_ : (n_clusters, n_features) float32 or float64
        float32 if X is; of bytes and other numbers float64.
    labels_ : (n_samples,) int32
        Nearest centre of each row, ties to the lowest number: `predict` of the same rows.
    inertia_ : float
        What is minimised, summed in float64.
    n_iter_ : int
        Steps of the best run.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ValueError
        Fewer rows than clusters; NaN, infinity or numbers whose squares overflow; negative weights or none above 0;
        centres to start from of another shape; limits on sizes that cannot be met.

    Warns
    -----
    ConvergenceWarning
        Fewer distinct clusters than n_clusters, such as when fewer rows are distinct.
    FitInterrupted
        Ctrl-C stopped the fit between two steps; the model holds where it was and can be used.

    Notes
    -----
    O(n k d) a step by brute force, less by bounds and boxes; memory O(n) beside X, under 100 bytes a row. Sparse X is
    not made dense; bytes are read as they are. Sums of clusters are exact (fixed point of 51 bits a number), and
    distances that float32 cannot tell apart are compared in float64, so that the result has the same bits for any
    algorithm, number of threads and instruction set.

    References
    ----------
    Lloyd 1982, Least squares quantization in PCM. Kanungo et al. 2002, An efficient k-means clustering algorithm.
    Elkan 2003, Using the triangle inequality to accelerate k-means. Dhillon and Modha 2001, Concept decompositions.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.cluster import KMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> sorted(model.cluster_centers_.tolist())
    [[1.0, 2.0], [10.0, 2.0]]
    >>> bool(model.predict([[0, 0]])[0] == model.labels_[0])
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(set(INITS)), callable, "array-like"],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "copy_x": ["boolean"],
        "algorithm": [StrOptions(set(ALGORITHMS))],
        "metric": [StrOptions({"euclidean", "cosine"})],
        "min_size": [Interval(Integral, 0, None, closed="left"), None],
        "max_size": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: Any = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: Any = None,
        copy_x: bool = True,
        algorithm: str = "auto",
        metric: str = "euclidean",
        min_size: int | None = None,
        max_size: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.metric = metric
        self.min_size = min_size
        self.max_size = max_size
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        """Find the centres.

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
        self._check_size(rows)
        is_sized = self.min_size is not None or self.max_size is not None
        if is_sized:
            check_sizes(rows.shape[0], self.n_clusters, self.min_size, self.max_size)
        n_starts = self._n_init = self._starts()
        algorithm = self._checked_algorithm()
        if self.metric == "cosine":
            points_of(rows)  # names what is not finite before it is divided
            rows = unit_rows(rows)
        threads = self._threads(rows, self.n_clusters)
        points = points_of(rows, weight, threads, squares=self.tol > 0)
        tol = self.tol * points.variance() if self.tol > 0 else 0.0
        run: Callable[..., LloydResult] = partial(run_lloyd, algorithm=algorithm, points=points)
        if is_sized:
            run = partial(run_sized, min_size=self.min_size, max_size=self.max_size)
        random_state = check_random_state(self.random_state)
        best: LloydResult | None = None
        with fit_tasks(self, n_starts * self.max_iter, X=X, y=y) as tasks:
            for _ in range(n_starts):
                start = self._start(rows, weight, random_state, threads)
                watch = _Watch(self)
                loop = Rounds(self.max_iter, estimator=self, tasks=tasks, fitted=watch.fitted)
                if self.verbose:
                    print("Initialization complete")  # noqa: T201 - verbose asked for it
                result = run(
                    rows, weight, start, max_iter=self.max_iter, tol=tol, n_threads=threads, metric=self.metric,
                    loop=loop, watch=watch if self.verbose or tasks.active else None,
                )  # fmt: skip
                if best is None or (result.inertia < best.inertia and not _same_clustering(result, best)):
                    best = result
                if loop.stop_reason not in ("converged", None):
                    break
        assert best is not None  # noqa: S101 - of a loop of one start at least
        self._keep(best)
        return self

    def _keep(self, result: LloydResult) -> None:
        found = np.count_nonzero(np.bincount(result.labels, minlength=self.n_clusters))
        if found < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({found}) found smaller than n_clusters ({self.n_clusters}). Possibly "
                "due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=3,
            )
        for name, value in _attributes(result.centres, result.labels, result.inertia, result.n_iter).items():
            setattr(self, name, value)

    def _check_size(self, rows: Any) -> None:
        if rows.shape[0] < self.n_clusters:
            raise ValueError(
                f"n_samples={rows.shape[0]} should be >= n_clusters={self.n_clusters}. Ask for fewer clusters."
            )

    def _starts(self) -> int:
        """How many starts, and a warning where more are asked for than there are."""
        if not isinstance(self.init, str) and not callable(self.init):
            if self.n_init not in ("auto", 1):
                warnings.warn(
                    "Explicit initial center position passed: performing only one init in "
                    f"{type(self).__name__} instead of n_init={self.n_init}.",
                    RuntimeWarning,
                    stacklevel=3,
                )
            return 1
        if self.n_init == "auto":
            return 1 if isinstance(self.init, str) and self.init != "random" else 10
        return int(self.n_init)

    def _checked_algorithm(self) -> str:
        if self.algorithm == "elkan" and self.n_clusters == 1:
            warnings.warn(
                "algorithm='elkan' doesn't make sense for a single cluster. Using 'lloyd' instead.",
                RuntimeWarning,
                stacklevel=3,
            )
            return "lloyd"
        return self.algorithm

    def _start(
        self, rows: Any, weight: NDArray[np.float64] | None, random_state: Any, n_threads: int
    ) -> NDArray[Any]:
        """(n_clusters, n_features) centres to start from."""
        centres = initial_centres(rows, self.n_clusters, self.init, weight, random_state, n_threads=n_threads)
        return on_sphere(centres.astype(np.float64)).astype(centres.dtype) if self.metric == "cosine" else centres


class _Watch:
    """Progress by inertia, and the model as it is between two steps."""

    def __init__(self, model: KMeans) -> None:
        self._model = model
        self._step: Step | None = None

    def __call__(self, step: Step) -> None:
        self._step = step
        if self._model.verbose:
            print(f"Iteration {step.number}, inertia {step.inertia()}.")  # noqa: T201 - verbose asked for it
            if step.converged == "labels":
                print(f"Converged at iteration {step.number}: strict convergence.")  # noqa: T201
            elif step.converged == "tol":
                print(f"Converged at iteration {step.number}: center shift {step.shift} within tolerance.")  # noqa: T201

    def fitted(self) -> dict[str, Any]:
        step = self._step
        if step is None:
            return {}
        names = ("_schema", "_n_init", "n_features_in_", "feature_names_in_")
        known = {name: getattr(self._model, name) for name in names if hasattr(self._model, name)}
        return {**known, **_attributes(step.centres, step.labels(), step.inertia(), step.number + 1)}


def _attributes(centres: NDArray[Any], labels: NDArray[np.int32], inertia: float, n_iter: int) -> dict[str, Any]:
    return {"cluster_centers_": centres, "labels_": labels.copy(), "inertia_": inertia, "n_iter_": n_iter}


def _same_clustering(one: LloydResult, other: LloydResult) -> bool:
    """Whether labels are equal up to their numbers: then a lower inertia is rounding."""
    pairs = one.labels.astype(np.int64) * len(other.centres) + other.labels
    n_pairs = len(np.unique(pairs))
    return n_pairs == len(np.unique(one.labels)) == len(np.unique(other.labels))


