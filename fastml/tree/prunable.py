"""Mixins: the prunings of a fitted tree, binary or multiway, as methods that change it in place."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import check_is_fitted, clone
from fastml.data.encoding import encode_known
from fastml.data.validation import check_same_length
from fastml.data.weights import check_sample_weight
from fastml.tree import after_pruning
from fastml.tree.complexity import prune_by_complexity, pruning_path
from fastml.tree.targets import columns_of, encode_numbers


class Prunable:
    """What any tree can lose."""

    _fitted: Any  # a FittedTree or MultiwayTree

    def prune(self, nodes: Any) -> Any:
        """Make leaves of nodes.

        Parameters
        ----------
        nodes : int or array-like of int
            Numbers of nodes in `tree_`; a leaf stays one.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A number that no node has.
        """
        check_is_fitted(self)
        wanted, n = np.atleast_1d(np.asarray(nodes)), len(self._fitted.is_split)
        if wanted.size and (wanted.dtype.kind not in "iu" or wanted.min() < 0 or wanted.max() >= n):
            raise ValueError(
                f"nodes={nodes!r} must be numbers of nodes of tree_, whole and from 0 to {n - 1}: after a pruning the "
                "nodes that are left have new numbers"
            )
        at = np.zeros(n, bool)
        at[self._fitted.order[wanted.astype(np.int64)]] = True
        self._fitted = after_pruning.cut(self._fitted, at)
        return self

    def simplify(self) -> Any:
        """Cut splits whose leaves all predict the same; `predict` does not change. Returns self."""
        check_is_fitted(self)
        self._fitted = after_pruning.simplest(self._fitted, self._says(self._fitted.outputs))
        return self

    def cost_complexity_pruning_path(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """The alphas at which minimal cost-complexity pruning cuts the tree of X and y.

        Returns
        -------
        Bunch
            `ccp_alphas`, ascending from 0, and `impurities`, of the leaves of the tree pruned so far.
        """
        from sklearn.utils import Bunch

        grown = clone(self)
        if hasattr(grown, "ccp_alpha"):
            grown.ccp_alpha = 0.0
        alphas, impurities = pruning_path(grown.fit(X, y, sample_weight=sample_weight)._fitted)
        return Bunch(ccp_alphas=alphas, impurities=impurities)

    def prune_cost_complexity(self, ccp_alpha: float) -> Any:
        """Cut to the smallest subtree with the least  impurity + ccp_alpha * leaves.

        Parameters
        ----------
        ccp_alpha : float >= 0
            Cost of a leaf in units of the impurity; see `cost_complexity_pruning_path`.

        Returns
        -------
        self
        """
        if not (isinstance(ccp_alpha, Real) and ccp_alpha >= 0):
            raise ValueError(f"ccp_alpha={ccp_alpha!r} must be >= 0: it is the cost of a leaf in units of the impurity")
        check_is_fitted(self)
        self._fitted = prune_by_complexity(self._fitted, float(ccp_alpha))
        return self

    def prune_reduced_error(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Cut every split that does not lower the error of other rows (squared error for numbers).

        Parameters
        ----------
        X, y, sample_weight : as for `fit`
            Rows that the tree has not seen; at least one.

        Returns
        -------
        self
        """
        if (getattr(X, "shape", None) or (len(X) if hasattr(X, "__len__") else 1,))[0] == 0:
            raise ValueError("Found array with 0 sample(s): reduced-error pruning needs rows that the tree did not see")
        leaves = self._leaves(X)  # type: ignore[attr-defined]
        target = self._known(y)
        check_same_length(X=len(leaves), y=target.shape[1])
        weight = check_sample_weight(sample_weight, len(leaves))

        def loss(value: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
            errors = self._errors(target[:, rows], self._says(value[None])[0])
            return float(errors.sum() if weight is None else errors @ weight[rows])

        self._fitted = after_pruning.reduced_error(self._fitted, leaves, loss)
        return self

    def _says(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """What nodes with these values predict, (n, n_outputs)."""
        raise NotImplementedError

    def _known(self, y: Any) -> NDArray[Any]:
        """(n_outputs, n) of targets as `_errors` compares them."""
        raise NotImplementedError

    def _errors(self, target: NDArray[Any], said: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each row, over the outputs."""
        raise NotImplementedError


class PrunableClassifier(Prunable):
    """Prunings by errors and by length, too."""

    classes_: Any

    def prune_pessimistic(self, confidence: float = 0.25) -> Any:
        """Prune as C4.5 does: leaves' errors at their upper bound. One output. Returns self.

        A split stays where it lowers these by more than a tenth of an error. Weights count rows.

        Parameters
        ----------
        confidence : float in (0, 1), default=0.25
            Probability of so few errors at the bound; the smaller, the more is cut.
        """
        if not (isinstance(confidence, Real) and 0 < confidence < 1):
            raise ValueError(f"confidence={confidence!r} must lie between 0 and 1: it is a probability")
        self._check_one_output()
        self._fitted = after_pruning.pessimistic(self._fitted, confidence)
        return self

    def prune_shortest(self) -> Any:
        """Prune to the minimum description length of the tree and its rows' classes. One output. Returns self."""
        self._check_one_output()
        self._fitted = after_pruning.shortest(self._fitted)
        return self

    def _check_one_output(self) -> None:
        check_is_fitted(self)
        if (n := self._fitted.outputs.shape[1]) > 1:
            raise ValueError(f"this pruning is for one output, and the tree has {n}")

    def _says(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        return value.argmax(axis=2).astype(np.float64)

    def _known(self, y: Any) -> NDArray[Any]:
        classes = [self.classes_] if self._fitted.outputs.shape[1] == 1 else self.classes_
        return np.stack([encode_known(own, known, self) for own, known in zip(columns_of(y), classes, strict=True)])

    def _errors(self, target: NDArray[Any], said: NDArray[np.float64]) -> NDArray[np.float64]:
        return (target != said[:, None]).mean(axis=0)


class PrunableRegressor(Prunable):
    """Numbers."""

    def _says(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        return value[:, :, 0]

    def _known(self, y: Any) -> NDArray[Any]:
        return encode_numbers(y, self)

    def _errors(self, target: NDArray[Any], said: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((target - said[:, None]) ** 2).mean(axis=0)
