"""Bagging over any estimators: fits and predictions side by side by joblib, taken in the order of the members."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import is_classifier
from fastml.data.validation import check_same_length
from fastml.data.weights import check_sample_weight
from fastml.ensemble.bagging_draws import Draws, draws_of, order_by_content
from fastml.ensemble.learners import make_member
from fastml.ensemble.rounds import Rounds
from fastml.ensemble.routing import consumes_sample_weight
from fastml.threads import effective_threads

_OPTIONS: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "dtype": None, "ensure_all_finite": False}


@dataclass(frozen=True, eq=False)
class Rows:
    """The training rows, in the order of the draws.

    X : array or sparse matrix.  y : class numbers or numbers.  params : what `fit` of the members gets besides
    """

    X: Any
    y: NDArray[Any]
    draws: Draws
    by_weight: bool
    params: dict[str, Any]


def open_rows(ensemble: Any, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> Rows:
    """X, y of a fit, checked as scikit-learn does; sets the ensemble's classes and outputs."""
    from sklearn.utils.validation import _check_method_params, validate_data

    X, y = validate_data(ensemble, X, y, multi_output=True, **_OPTIONS)
    weight = check_sample_weight(sample_weight, X.shape[0])
    y = ensemble._encode(y)
    check_same_length(X=X.shape[0], y=len(y))
    targets = [y] if y.ndim == 1 else list(y.T)
    order = order_by_content(X, targets, effective_threads(ensemble.n_jobs, 20.0 * X.shape[0] * X.shape[1]))
    draws = draws_of(ensemble, order, weight, X.shape[1])
    by_weight = consumes_sample_weight(ensemble.estimator_)
    if not by_weight and not draws.counts_rows:
        raise ValueError(
            f"{type(ensemble.estimator_).__name__} takes no sample_weight, and the weights are no multiples of a unit: "
            "rows cannot be repeated by them: set bootstrap=True or max_samples, which draw rows by weight"
        )
    return Rows(X[order], y[order], draws, by_weight, _check_method_params(X, params, indices=order))


def fit_members(ensemble: Any, rows: Rows, seeds: NDArray[np.int64], loop: Rounds) -> list[Any]:
    """A member for each seed; a round of the loop is a member, and it ends early as the loop does."""
    template = ensemble.estimator_
    members: list[Any] = []
    tasks = ((_fitted, make_member(template, np.random.RandomState(seed)), rows, seed) for seed in seeds.tolist())
    with closing(_in_order(ensemble, tasks)) as results:
        for _ in loop:
            try:
                members.append(next(results))
            except KeyboardInterrupt:  # of a worker, which got the signal as well
                if not members:
                    raise
                loop.n_done -= 1
                loop.stop("interrupt")
        if len(members) == len(seeds):
            next(results, None)  # the end: closed before it, joblib would stop its workers
    return members


def _fitted(member: Any, rows: Rows, seed: int) -> Any:
    """One member, on its rows and columns."""
    from sklearn.utils.validation import _check_method_params

    draws = rows.draws
    X = rows.X if draws.all_columns else rows.X[:, draws.features(seed)]
    counts = draws.counts(seed)
    if rows.by_weight:
        member.fit(X, rows.y, **{**rows.params, "sample_weight": counts})
        return member
    own = np.repeat(np.arange(len(counts)), counts.astype(np.int64))
    member.fit(X[own], rows.y[own], **_check_method_params(X, rows.params, indices=own))
    return member


def _in_order(ensemble: Any, tasks: Iterable[tuple[Any, ...]]) -> Generator[Any, None, None]:
    """What functions say of their arguments, in the order of the tasks; closing it drops those that are left."""
    from sklearn.utils.parallel import Parallel, delayed

    parallel = Parallel(n_jobs=ensemble.n_jobs, verbose=ensemble.verbose, return_as="generator")
    results = parallel(delayed(function)(*arguments) for function, *arguments in tasks)
    try:
        for result in results:  # noqa: UP028 - not `yield from`, which would hand on the closing
            yield result
    finally:
        with suppress(AttributeError):  # joblib 1.5, serial and verbose: closed early, it stumbles over its report
            results.close()


def each_member(ensemble: Any, say: Callable[..., Any], X: Any, **options: Any) -> Iterator[Any]:
    """`say(member, X with its columns, **options)` of each member, in their order."""
    from sklearn.utils.validation import validate_data

    X = validate_data(ensemble, X, reset=False, **_OPTIONS)
    draws = ensemble._draws
    columns = [None if draws.all_columns else draws.features(seed) for seed in ensemble._seeds.tolist()]
    tasks = (
        (_said, say, member, X, features, options)
        for member, features in zip(ensemble._members, columns, strict=True)
    )
    return _in_order(ensemble, tasks)


def _said(say: Callable[..., Any], member: Any, X: Any, features: Any, options: dict[str, Any]) -> Any:
    return say(member, X if features is None else X[:, features], **options)


def shares(member: Any, X: Any, n_classes: int, params: dict[str, dict[str, Any]]) -> NDArray[np.float64]:
    """What a member says of each class, (n, n_classes): its probabilities, or 1 for the class it predicts."""
    out = np.zeros((X.shape[0], n_classes))
    if hasattr(member, "predict_proba"):
        out[:, _known(member, n_classes)] = member.predict_proba(X, **params.get("predict_proba", {}))
    else:
        said = np.asarray(member.predict(X, **params.get("predict", {}))).astype(np.intp)
        out[np.arange(len(said)), said] = 1.0
    return out


def log_shares(member: Any, X: Any, n_classes: int, params: dict[str, dict[str, Any]]) -> NDArray[np.float64]:
    """Its logarithms of the probabilities, (n, n_classes); -inf for a class that it does not know."""
    out = np.full((X.shape[0], n_classes), -np.inf)
    out[:, _known(member, n_classes)] = member.predict_log_proba(X, **params.get("predict_log_proba", {}))
    return out


def decision(member: Any, X: Any, n_classes: int, params: dict[str, dict[str, Any]]) -> NDArray[np.float64]:
    """Its decision function; ValueError where it does not know all classes."""
    if 0 < len(getattr(member, "classes_", ())) < n_classes:
        raise ValueError(
            f"a member knows only {len(member.classes_)} of the {n_classes} classes, so that decision functions cannot "
            "be averaged: set max_samples higher, or use predict_proba"
        )
    return member.decision_function(X, **params.get("decision_function", {}))


def numbers(member: Any, X: Any, params: dict[str, dict[str, Any]]) -> NDArray[Any]:
    """Its predictions."""
    return member.predict(X, **params.get("predict", {}))


def _known(member: Any, n_classes: int) -> Any:
    """The classes that a member knows, as numbers of the ensemble's."""
    own = getattr(member, "classes_", None)
    return slice(None) if own is None or len(own) == n_classes else np.asarray(own).astype(np.intp)


def out_of_bag(ensemble: Any, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of each row as it was given, the sum of what members that did not see it say, and how many they are."""
    order, draws = rows.draws.order, rows.draws
    say: Callable[..., Any] = numbers
    options: dict[str, Any] = {"params": {}}
    total = np.zeros(rows.y.shape)
    if is_classifier(ensemble):
        say, total = shares, np.zeros((len(order), ensemble.n_classes_))
        options["n_classes"] = ensemble.n_classes_
    n_members = np.zeros(len(order), np.int64)
    out = [np.flatnonzero(draws.counts(seed) == 0) for seed in ensemble._seeds.tolist()]
    tasks = (
        (_said, say, member, rows.X[own], None if draws.all_columns else draws.features(seed), options)
        for member, own, seed in zip(ensemble._members, out, ensemble._seeds.tolist(), strict=True) if len(own)
    )
    for own, said in zip([own for own in out if len(own)], _in_order(ensemble, tasks), strict=True):
        total[own] += said
        n_members[own] += 1
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return total[place], n_members[place]
