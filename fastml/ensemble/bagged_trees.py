"""Bagging over our own trees: columns ranked once, trees grown side by side, one forest that predicts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.runtime import stop_address
from fastml.base import is_classifier
from fastml.data.frames import Schema, Table
from fastml.data.validation import check_finite, check_same_length, fit_table
from fastml.data.weights import class_weights
from fastml.ensemble.averaged_forest import AveragedForest
from fastml.ensemble.bagging_draws import Draws, draws_of, member_state
from fastml.ensemble.forest_fit import Growth, seeds_of
from fastml.ensemble.learners import make_member
from fastml.threads import effective_threads
from fastml.tree.criteria import criterion_of_classes, criterion_of_numbers
from fastml.tree.fitted import FittedTree
from fastml.tree.interactions import interaction_cst
from fastml.tree.ranked_columns import RankedColumns
from fastml.tree.structure import FEATURE
from fastml.tree.targets import centre_of, check_counts, encode_numbers, weights_of_rows

WEIGHT_BITS = 24  # of a class's weight: 2^29 rows of them add up exactly


@dataclass(frozen=True, eq=False)
class BaggedGrowth(Growth):
    """What the trees of a bagging share; rows, and where they are drawn columns, are drawn by each tree's seed.

    draws : of rows and columns.  class_weight : of the trees.  classes : of each output; none for numbers
    least_share : the trees' min_weight_fraction_leaf.  threads : trees grown at once
    """

    draws: Draws
    class_weight: Any
    classes: list[NDArray[Any]]
    least_share: float
    threads: int

    def trees(self, seeds: NDArray[np.int64]) -> AveragedForest | None:
        stop = stop_address()
        drawn_there = self.draws.bootstrap or self.draws.n_draws == 0
        if self.draws.all_columns and self.class_weight is None and drawn_there:
            own = seeds_of(np.array([member_state(s) for s in seeds.tolist()]))
            grown = self.columns.grower.grow(
                self.criterion.name, self.options, own, weight=self.weight, n_draws=self.n_draws,
                own=self.criterion.own, **self.target,
            )  # fmt: skip
        elif self.threads == 1:
            found = [self._tree(s, stop) for s in seeds.tolist()]
            grown = complete(found)
        else:
            with ThreadPoolExecutor(self.threads) as pool:  # the grower holds no GIL
                grown = complete(list(pool.map(lambda s: self._tree(s, stop), seeds.tolist())))
        return AveragedForest.of(grown, **self.known) if grown else None

    def in_bag(self, seed: int) -> NDArray[np.float64]:
        return self.draws.in_bag(seed)

    def _tree(self, seed: int, stop: int) -> Any:
        """One tree, as the grower gives it, with the numbers of all columns; None: Ctrl-C ended it.

        stop : where the engine sees Ctrl-C, which its own thread does not
        """
        columns, target, options, features = self.columns, self.target, self.options, None
        if not self.draws.all_columns:
            features = self.draws.features(seed)
            columns = columns.take(features)
            if target["monotone"] is not None:
                target = target | {"monotone": np.ascontiguousarray(target["monotone"][features])}
            if "interactions" in options:
                options = options | {"interactions": options["interactions"].take(features)}
        own = seeds_of(np.array([member_state(seed)]))
        if self.draws.bootstrap and self.class_weight is None:
            how: dict[str, Any] = {"weight": self.weight, "n_draws": self.n_draws}
        else:
            weight = self.draws.counts(seed)
            if self.class_weight is not None:
                weight = weight * self._weights_of_classes(weight)[target["label"][0]]
                if not weight.any():
                    raise ValueError(
                        f"class_weight={self.class_weight!r} leaves none of the rows that a member drew a weight: give "
                        "each class a weight above 0, or set max_samples higher"
                    )
            how = {"weight": weight}
            if self.least_share:
                options = options | {"min_weight_leaf": self.least_share * float(weight.sum())}
        trees = columns.grower.grow(
            self.criterion.name, options, own, stop=stop, own=self.criterion.own, **how, **target
        )
        if not trees:
            return None
        grown = trees[0]
        if features is not None:
            nodes = grown[0]
            column = features[(nodes["feature"] & FEATURE).astype(np.int64)].astype(np.uint32)
            nodes["feature"] = np.where(nodes["left"] != 0, (nodes["feature"] & ~FEATURE) | column, 0)
        return grown

    def _weights_of_classes(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n_classes,) in steps so coarse that sums of them are exact, and rows in any order give the same tree."""
        by_class = self.class_weight[0] if isinstance(self.class_weight, list) else self.class_weight
        weight = class_weights(by_class, self.target["label"][0], self.classes[0], counts)
        step = 2.0 ** (np.frexp(weight.max())[1] - WEIGHT_BITS)
        return np.where(weight > 0, np.maximum(np.rint(weight / step), 1.0), 0.0) * step


def complete(grown: list[Any]) -> list[Any]:
    """The trees before the first one that is not there."""
    return list(takewhile(lambda tree: tree is not None, grown))


def open_for_trees(ensemble: Any, X: Any) -> Table:
    """X of a fit, as the trees of the ensemble read it."""
    template = ensemble.estimator_
    table = fit_table(ensemble, X, categorical=template.categorical_features, unseen=template.unseen)
    check_finite(table)
    return table


def growth_for(ensemble: Any, table: Table, y: Any, weight: NDArray[np.float64] | None) -> BaggedGrowth:
    """Everything that is the same for all trees of a fit; sets the ensemble's classes and outputs."""
    template, n = ensemble.estimator_, table.n_samples
    classes: list[NDArray[Any]] = []
    n_classes: tuple[int, ...]
    if is_classifier(ensemble):
        ensemble._encode(y)
        label, classes = ensemble._codes[None], [ensemble.classes_]
        check_same_length(X=n, y=label.shape[1])
        n_classes, centre = (len(classes[0]),), np.zeros(1)
        weights_of_rows(template.class_weight, label, classes, weight)  # says what is wrong with them
        criterion = criterion_of_classes(template.criterion, label, n_classes[0])
        two = n_classes == (2,) and criterion.own is None
        target: dict[str, Any] = {"label": label, "y": label.astype(np.float64) if two else None}
    else:
        y_rows = encode_numbers(y, ensemble)
        check_same_length(X=n, y=y_rows.shape[1])
        criterion = criterion_of_numbers(template.criterion, y_rows)
        if criterion.name == "poisson":
            check_counts(y_rows)
        ensemble._y = y_rows[0] if len(y_rows) == 1 else y_rows.T
        n_classes, centre = (1,) * len(y_rows), centre_of(y_rows, criterion.name)
        target = {"y": y_rows - centre}
    first = target["label"] if classes else target["y"]
    columns = RankedColumns.of(table, first, ensemble.n_jobs, max_bins=template.max_bins)
    draws = draws_of(ensemble, columns.order, weight, table.n_features)
    target = {
        name: None if value is None else np.ascontiguousarray(value[:, columns.order]) for name, value in target.items()
    }
    if classes:
        target["n_classes"] = n_classes[0]
    member = make_member(template, np.random.RandomState(0))
    member.n_features_in_ = table.n_features
    target["monotone"] = member._monotone(columns.category_codes, len(n_classes), n_classes[0] if classes else 0)
    member.n_features_in_ = draws.n_columns
    constraints = interaction_cst(template.interaction_cst, table.n_features, table.names)
    options = {"seed": 0} if constraints is None else {"seed": 0, "interactions": constraints}
    seen = float(draws.n_draws or (n if draws.weight is None else draws.weight.sum()))
    known = {"centre": centre.ravel(), "criterion": criterion.name, "n_classes": n_classes,
             "n_features": table.n_features, "category_codes": columns.category_codes}  # fmt: skip
    return BaggedGrowth(
        columns, criterion, member._grow_options(n, seen) | options, target, draws.weight, draws.n_draws, False,
        known, draws, getattr(template, "class_weight", None), classes, float(template.min_weight_fraction_leaf),
        effective_threads(ensemble.n_jobs, 40.0 * n * ensemble.n_estimators),
    )  # fmt: skip


def member_of(ensemble: Any, t: int) -> Any:
    """Tree t as an estimator over the columns that it saw, of which it numbers the classes."""
    seed, draws = int(ensemble._seeds[t]), ensemble._draws
    template, tree, schema = ensemble.estimator_, ensemble._forest.tree(t), ensemble._schema
    member = make_member(template, np.random.RandomState(seed))
    if not draws.all_columns:
        features = draws.features(seed)
        tree, schema = _over_columns(tree, features), _schema_over(schema, features)
        if member.monotonic_cst is not None:
            member.monotonic_cst = np.asarray(member.monotonic_cst)[features]
        if member.interaction_cst is not None:
            own = interaction_cst(member.interaction_cst, ensemble._schema.n_features, ensemble._schema.names)
            own = None if own is None else own.take(features)
            member.interaction_cst = None if own is None else own.as_parameter()
    member._fitted, member._schema, member.n_features_in_ = tree, schema, schema.n_features
    member.n_outputs_, member.max_features_ = len(tree.n_classes), member._max_features()
    if is_classifier(ensemble):
        member.classes_, member.n_classes_ = np.arange(ensemble.n_classes_), ensemble.n_classes_
    return member


def _over_columns(tree: FittedTree, features: NDArray[np.int64]) -> FittedTree:
    """The tree with columns numbered as they lie in `features`; of those that are there twice, the first."""
    place = np.zeros(tree.n_features, np.uint32)
    place[features[::-1]] = np.arange(len(features), dtype=np.uint32)[::-1]
    nodes = tree.nodes.copy()
    nodes["feature"] = (nodes["feature"] & ~FEATURE) | place[(nodes["feature"] & FEATURE).astype(np.int64)]
    nodes["feature"][nodes["left"] == 0] = 0
    return replace(
        tree, nodes=nodes, n_features=len(features), _cache={},
        category_codes=tuple(tree.category_codes[j] for j in features.tolist()),
    )  # fmt: skip


def _schema_over(schema: Schema, features: NDArray[np.int64]) -> Schema:
    """The schema of some columns; without names where one is there twice."""
    own = features.tolist()
    names = None if schema.names is None or len(set(own)) < len(own) else schema.names[features]
    kinds = None if schema.kinds is None else tuple(schema.kinds[j] for j in own)
    return Schema(len(own), names, kinds, tuple(schema.levels[j] for j in own), schema.unseen)
