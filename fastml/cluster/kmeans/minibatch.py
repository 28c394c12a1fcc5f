"""MiniBatchKMeans: centres that learn from some rows at a time."""

from __future__ import annotations

import math
import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import Interval, StrOptions, check_random_state
from fastml.cluster.kmeans.batches import Learning, Progress
from fastml.cluster.kmeans.centre_model import CentreModel
from fastml.cluster.kmeans.lloyd import inertia_of, nearest_centres, points_of
from fastml.cluster.kmeans.seeding import INITS, initial_centres
from fastml.cluster.rows import fit_rows, predict_rows
from fastml.data.validation import check_parameters
from fastml.data.weights import check_sample_weight
from fastml.ensemble.rounds import Rounds


class MiniBatchKMeans(CentreModel):
    r"""k-means that learns from batches of rows, for more rows than one wants to go through often, or for a stream.

    Each batch's rows are given to their nearest centres; a centre is the mean of all the weight it was given so far.

    Parameters
    ----------
    n_clusters : int, default=8
    init : {"k-means++", "k-means||", "subsampled", "random"}, callable or array-like of shape \
            (n_clusters, n_features), default="k-means++"
        Where the centres start, as in `KMeans`, drawn from `init_size` rows.
    max_iter : int, default=100
        Batches hold so many times all rows together at most.
    batch_size : int, default=1024
        Rows of a batch, drawn with replacement by weight.
    verbose : int, default=0
    compute_labels : bool, default=True
        Assign all rows after the fit.
    random_state : int, RandomState instance or None, default=None
        The same draws as scikit-learn's.
    tol : float, default=0.0
        Stop when the squared movement of the centres, added up, is no more than `tol` times the mean variance of the
        columns. 0: never.
    max_no_improvement : int or None, default=10
        Stop after so many batches that did not better the running average of the batches' inertia.
    init_size : int or None, default=None
        Rows to start from; None: 3 * batch_size, or 3 * n_clusters where that is less than n_clusters.
    n_init : "auto" or int, default="auto"
        Starts that are tried on `init_size` rows; learning goes on from the best. "auto": 3 for "random" and a
        callable, else 1.
    reassignment_ratio : float, default=0.01
        Centres that have seen less than this share of what the largest has seen start again at rows of the batch.
    n_jobs : int or None, default=None
        Threads; None and -1 use all processors. The result does not depend on it.

    Attributes
    ----------
    cluster_centers_ : (n_clusters, n_features) float32 or float64
    labels_ : (n_samples,) int32
        If `compute_labels`.
    inertia_ : float
        Of all rows if `compute_labels`, else the running average, times the sum of weights.
    n_iter_, n_steps_ : int
        Times through the rows that were begun, batches.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ValueError
        Fewer rows than clusters; NaN, infinity or numbers whose squares overflow; negative weights or none above 0.

    Notes
    -----
    O(batch_size k d) a batch; memory O(n) beside X for `fit`, none that stays for `partial_fit`.

    References
    ----------
    Sculley 2010, Web-scale k-means clustering.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.cluster import MiniBatchKMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = MiniBatchKMeans(n_clusters=2, random_state=0)
    >>> for batch in (X[::2], X[1::2]):
    ...     model = model.partial_fit(batch)
    >>> len(model.cluster_centers_)
    2
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(set(INITS)), callable, "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
        "compute_labels": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_no_improvement": [Interval(Integral, 0, None, closed="left"), None],
        "init_size": [Interval(Integral, 1, None, closed="left"), None],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "reassignment_ratio": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        max_iter: int = 100,
        batch_size: int = 1024,
        verbose: int = 0,
        compute_labels: bool = True,
        random_state: Any = None,
        tol: float = 0.0,
        max_no_improvement: int | None = 10,
        init_size: int | None = None,
        n_init: Any = "auto",
        reassignment_ratio: float = 0.01,
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.verbose = verbose
        self.compute_labels = compute_labels
        self.random_state = random_state
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.init_size = init_size
        self.n_init = n_init
        self.reassignment_ratio = reassignment_ratio
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Find the centres by batches of the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Rows are drawn with odds by weight.

        Returns
        -------
        self
        """
        check_parameters(self)
        rows = fit_rows(self, X)
        weight = check_sample_weight(sample_weight, rows.shape[0])
        self._choose_sizes(rows)
        threads = self._threads(rows, self.n_clusters)
        points = points_of(rows, weight, threads, squares=self.tol > 0)
        tol = self.tol * points.variance() if self.tol > 0 else 0.0
        random_state = check_random_state(self.random_state)
        learning = Learning(self._best_start(rows, weight, random_state, threads), np.zeros(self.n_clusters))
        average = self._learn(learning, rows, weight, tol, random_state)
        self._keep(learning, random_state)
        self.n_iter_ = math.ceil(self.n_steps_ * self._batch_size / rows.shape[0])
        if self.compute_labels:
            self._label(rows, weight, threads)
        else:
            self.inertia_ = average * (rows.shape[0] if weight is None else float(weight.sum()))
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Learn from these rows as one batch; the first one, of n_clusters rows at least, is also started from.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        check_parameters(self)
        first = not hasattr(self, "cluster_centers_")
        rows = fit_rows(self, X) if first else predict_rows(self, X)
        weight = check_sample_weight(sample_weight, rows.shape[0])
        threads = self._threads(rows, self.n_clusters)
        points_of(rows, weight, threads)
        random_state = self._resumed()
        if first:
            self._choose_sizes(rows)
            learning = Learning(self._start(rows, weight, random_state, threads), np.zeros(self.n_clusters))
            self.n_steps_ = 0
        else:
            learning = Learning(self.cluster_centers_, self._counts, self._n_since_reassignment)
        self._step(learning, rows, weight, random_state, threads)
        self.n_steps_ += 1
        self._keep(learning, random_state)
        if self.compute_labels:
            self._label(rows, weight, threads)
        return self

    def _choose_sizes(self, rows: Any) -> None:
        n_samples = rows.shape[0]
        if n_samples < self.n_clusters:
            raise ValueError(
                f"n_samples={n_samples} should be >= n_clusters={self.n_clusters}. Ask for fewer clusters."
            )
        self._batch_size = min(self.batch_size, n_samples)
        size = 3 * self._batch_size if self.init_size is None else self.init_size
        if size < self.n_clusters:
            if self.init_size is not None:
                warnings.warn(
                    f"init_size={size} should be larger than n_clusters={self.n_clusters}. Setting it to "
                    "min(3*n_clusters, n_samples)",
                    RuntimeWarning,
                    stacklevel=3,
                )
            size = 3 * self.n_clusters
        self._init_size = min(size, n_samples)
        self._n_init = self._starts()

    def _starts(self) -> int:
        given = not isinstance(self.init, str) and not callable(self.init)
        if given and self.n_init not in ("auto", 1):
            warnings.warn(
                f"Explicit initial center position passed: performing only one init in {type(self).__name__} instead "
                f"of n_init={self.n_init}.",
                RuntimeWarning,
                stacklevel=4,
            )
        if given or (self.n_init == "auto" and isinstance(self.init, str) and self.init != "random"):
            return 1
        return 3 if self.n_init == "auto" else int(self.n_init)

    def _start(self, rows: Any, weight: Any, random_state: np.random.RandomState, n_threads: int) -> NDArray[Any]:
        """Centres to start from, by a part of the rows."""
        n_samples = rows.shape[0]
        if self._init_size < n_samples:
            some = random_state.randint(0, n_samples, self._init_size)
            if weight is not None and np.count_nonzero(weight[some]) < self.n_clusters:
                heavy = np.flatnonzero(weight)
                some = heavy[random_state.randint(0, len(heavy), self._init_size)]
            rows, weight = rows[some], None if weight is None else weight[some]
        return initial_centres(rows, self.n_clusters, self.init, weight, random_state, n_threads=n_threads)

    def _best_start(self, rows: Any, weight: Any, random_state: np.random.RandomState, n_threads: int) -> NDArray[Any]:
        """Of `_n_init` starts the one with the least inertia on rows drawn for that."""
        some = random_state.randint(0, rows.shape[0], self._init_size)
        judges, own = rows[some], None if weight is None else weight[some]
        least, best = np.inf, None
        for number in range(self._n_init):
            centres = self._start(rows, weight, random_state, n_threads)
            if self._n_init == 1 and not self.verbose:
                return centres
            inertia = inertia_of(judges, nearest_centres(judges, centres, n_threads), centres, own, n_threads)
            if self.verbose:
                print(f"Inertia for init {number + 1}/{self._n_init}: {inertia}")  # noqa: T201 - verbose asked for it
            if best is None or inertia < least:
                least, best = inertia, centres
        assert best is not None  # noqa: S101 - of a loop of one start at least
        return best

    def _learn(
        self, learning: Learning, rows: Any, weight: Any, tol: float, random_state: np.random.RandomState
    ) -> float:
        """Batches until they end or nothing improves; the running average of a row's inertia."""
        n_samples, size = rows.shape[0], self._batch_size
        n_steps = max(self.max_iter * n_samples // size, 1)
        progress = Progress(min(2.0 * size / (n_samples + 1), 1.0), tol, self.max_no_improvement)
        # Up to where each row's share of all draws reaches, as RandomState.choice computes it for every batch.
        until = np.cumsum(np.full(n_samples, 1.0 / n_samples) if weight is None else weight / weight.sum())
        until /= until[-1]
        average = 0.0
        with Rounds(n_steps, estimator=self) as loop:
            for step in loop:
                batch = rows[np.searchsorted(until, random_state.random_sample(size), side="right")]
                before = learning.centres
                inertia = self._step(learning, batch, None, random_state, self._threads(batch, self.n_clusters)) / size
                self.n_steps_ = step + 1
                if step == 0:  # the inertia of the start
                    average = inertia
                    self._say(f"Minibatch step 1/{n_steps}: mean batch inertia: {inertia}")
                    continue
                shift = float(np.sum((learning.centres - before).astype(np.float64) ** 2)) if tol > 0 else 0.0
                reason = progress.add(inertia, shift)
                average = inertia if progress.average is None else progress.average
                self._say(
                    f"Minibatch step {step + 1}/{n_steps}: mean batch inertia: {inertia}, ewa inertia: {average}"
                )
                if reason:
                    self._say(f"Converged ({reason}) at step {step + 1}/{n_steps}")
                    loop.stop("converged")
        return average

    def _step(
        self, learning: Learning, rows: Any, weight: Any, random_state: np.random.RandomState, n_threads: int
    ) -> float:
        return learning.step(
            rows, weight, random_state, self.reassignment_ratio, self._batch_size, bool(self.verbose), n_threads
        )

    def _say(self, text: str) -> None:
        if self.verbose:
            print(text)  # noqa: T201 - verbose asked for it

    def _keep(self, learning: Learning, random_state: np.random.RandomState) -> None:
        self.cluster_centers_ = learning.centres
        self._counts, self._n_since_reassignment = learning.counts, learning.n_since_reassignment
        self._draws = random_state.get_state(legacy=False)

    def _resumed(self) -> np.random.RandomState:
        """The generator where the last batch left it."""
        draws = getattr(self, "_draws", None)
        if draws is None:
            return check_random_state(self.random_state)
        random_state = np.random.RandomState()
        random_state.set_state(draws)
        return random_state

    def _label(self, rows: Any, weight: Any, n_threads: int) -> None:
        self.labels_ = nearest_centres(rows, self.cluster_centers_, n_threads)
        self.inertia_ = inertia_of(rows, self.labels_, self.cluster_centers_, weight, n_threads)
