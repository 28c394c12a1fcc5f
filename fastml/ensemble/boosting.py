"""What every booster does each round: differentiate the loss, grow a tree for each output, take it up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.loss_gradients import LossGradients
from fastml.ensemble.sorted_table import SortedTable
from fastml.ensemble.tree_methods import Columns
from fastml.tree.structure import Forest, ForestBuilder


class Boosting:
    """One fit under way.

    Parameters
    ----------
    columns : the training rows, as trees see them
    y : (n,) float32 or float64, targets or class numbers
    weight : (n,) float64 or None
    start : (n_outputs,) raw scores to start from, or (n_outputs, n)
    loss : Loss, or a user's loss from fastml.jit
    options : fields of GrowOptions in src_cy/types.pxd
    n_threads : int
    first_round : int
        Rounds that came before: column sampling goes on where it was.
    """

    def __init__(
        self,
        columns: Columns,
        y: NDArray[Any],
        weight: NDArray[np.float64] | None,
        start: NDArray[np.float64],
        loss: Any,
        options: dict[str, Any],
        n_threads: int,
        first_round: int = 0,
    ) -> None:
        n_outputs = loss.n_outputs
        raw = np.empty((n_outputs, columns.n_samples))
        raw[:] = start if start.ndim == 2 else start[:, None]
        self.y, self.weight, self.loss = y, weight, loss
        self.calls_python = loss.address is None
        self.calls_back = hasattr(loss, "raise_pending")  # a user's function may have failed inside the engine
        # A function of arrays weighs its gradients itself.
        self.tree_weight = None if self.calls_python else weight
        without_hessian = loss.constant_hessian or bool(options.get("first_order"))  # leaves search on their own
        self.gradients = LossGradients(
            y if y.dtype == np.float32 else np.ascontiguousarray(y, np.float64), self.tree_weight, raw,
            0 if self.calls_python else loss.address, loss.params, without_hessian, 2.0, n_threads,
        )  # fmt: skip
        self.columns, self.n_threads = columns, n_threads
        self.grower = columns.grower(options, n_outputs, n_threads, first_round)
        self.builder = ForestBuilder(columns.n_features, n_outputs)
        self._leaf_values: NDArray[np.float64] | None = None

    @property
    def raw(self) -> NDArray[np.float64]:
        """Raw scores of the training rows after all rounds so far, (n_outputs, n)."""
        if self._leaf_values is not None:
            self.gradients.take_up(self._leaf_values)
            self._leaf_values = None
        return self.gradients.raw

    def differentiate(self) -> None:
        """Gradients and hessians at the raw scores after all rounds so far."""
        if self.calls_python:
            raw = self.raw
            grad, hess = self.loss.gradient_hessian(self.y, raw[0] if len(raw) == 1 else raw, self.weight)
            self.gradients.accept(np.atleast_2d(grad), np.atleast_2d(hess))
        else:
            leaf_values, self._leaf_values = self._leaf_values, None
            try:
                self.gradients.differentiate(leaf_values)
            except FloatingPointError:
                if self.calls_back:  # it can say what went wrong at which row
                    self.loss.raise_pending()
                    self.loss.fault(self.y, self.gradients.raw[0])
                raise
            if self.calls_back:
                self.loss.raise_pending()

    def grow(self, sampled: NDArray[np.uint8] | None = None) -> list[Any]:
        """A tree for each output on the present gradients: (nodes, gain, cover, categories)."""
        g = self.gradients
        trees = self.grower.grow(g.grad, g.hess, self.tree_weight, sampled, g.stats, g.leaf_of)
        if sampled is not None and isinstance(self.columns, SortedTable) and not self.columns.places_all:
            self.columns.place_others(self._forest(trees), sampled, g.leaf_of, self.n_threads)
        return trees

    def take_up(self, trees: list[Any]) -> None:
        """Add the trees to the forest, and their leaf values to the raw scores before these are needed next."""
        for nodes, gain, cover, categories in trees:
            self.builder.append(nodes, categories, gain, cover)
        if len(trees) == 1:
            self._leaf_values = np.ascontiguousarray(trees[0][0]["value"])[None]
            return
        self._leaf_values = np.zeros((len(trees), max(len(tree[0]) for tree in trees)))
        for k, tree in enumerate(trees):
            self._leaf_values[k, : len(tree[0])] = tree[0]["value"]

    def round(self, sampled: NDArray[np.uint8] | None = None) -> list[Any]:
        """One round of second-order boosting."""
        self.differentiate()
        trees = self.grow(sampled)
        self.take_up(trees)
        return trees

    def score_trees(self, trees: list[Any], parts: list[Any]) -> None:
        """Add the trees of a round to the raw scores of other rows."""
        forest = self._forest(trees)
        for part in parts:
            self.columns.add_trees(forest, part.data, part.raw, self.n_threads)

    def _forest(self, trees: list[Any]) -> Forest:
        builder = ForestBuilder(self.columns.n_features, len(trees))
        for nodes, gain, cover, categories in trees:
            builder.append(nodes, categories, gain, cover)
        return builder.freeze()
