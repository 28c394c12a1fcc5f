"""How an ensemble fits its members: any estimator as scikit-learn would, our own trees on columns sorted once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.weight_updater import judge_leaves, judge_stump
from fastml.base import clone
from fastml.data.frames import Table
from fastml.data.validation import check_finite, fit_table, predict_table
from fastml.threads import effective_threads
from fastml.tree.cart import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from fastml.tree.fitted import FittedTree
from fastml.tree.sorted_columns import SortedColumns
from fastml.tree.structure import CATEGORICAL, FEATURE, MISSING_LEFT

OUR_TREES = (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)


def is_our_tree(estimator: Any) -> bool:
    """Exactly one of our trees: a subclass may fit in its own way."""
    return type(estimator) in OUR_TREES


def make_member(template: Any, random_state: np.random.RandomState) -> Any:
    """A clone with a seed for each parameter called random_state, drawn as scikit-learn draws them."""
    if is_our_tree(template):  # clone takes as long as a stump's fit on a few thousand rows
        cls: Any = type(template)
        member = cls.__new__(cls)
        kept = {name: value for name, value in vars(template).items() if name[0] != "_" and name[-1] != "_"}
        member.__dict__.update(kept, random_state=random_state.randint(np.iinfo(np.int32).max))
        return member
    member = clone(template)
    seeds = {
        name: random_state.randint(np.iinfo(np.int32).max)
        for name in sorted(member.get_params(deep=True))
        if name == "random_state" or name.endswith("__random_state")
    }
    return member.set_params(**seeds) if seeds else member


def takes_sample_weight(estimator: Any) -> bool:
    """Whether its fit has that argument."""
    from sklearn.utils.validation import has_fit_parameter

    return has_fit_parameter(estimator, "sample_weight")


class AnyRows:
    """X of an ensemble whose members are any estimators: checked as scikit-learn does, and handed on."""

    def __init__(self, ensemble: Any, X: Any, y: Any = None, reset: bool = True, y_numeric: bool = False) -> None:
        from sklearn.utils.validation import validate_data

        options: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "allow_nd": True, "dtype": None, "reset": reset}
        if reset:
            self.X, self.y = validate_data(ensemble, X, y, y_numeric=y_numeric, **options)
        else:
            self.X = validate_data(ensemble, X, **options)

    @property
    def n_samples(self) -> int:
        return self.X.shape[0]

    def predict(self, member: Any) -> NDArray[Any]:
        return member.predict(self.X)


class TreeRows:
    """X of an ensemble of our trees: a table, whose columns are sorted once for all of them."""

    def __init__(self, ensemble: Any, X: Any, template: Any, reset: bool = True) -> None:
        options = {"categorical": template.categorical_features, "unseen": template.unseen}
        self.table: Table = fit_table(ensemble, X, **options) if reset else predict_table(ensemble, X)
        check_finite(self.table)
        self.matrix = self.table.matrix()
        self.threads = effective_threads(template.n_jobs, 40.0 * self.table.n_samples)

    @property
    def n_samples(self) -> int:
        return self.table.n_samples

    def sort(self, template: Any) -> SortedColumns:
        return SortedColumns.of(self.table, template.n_jobs, template.max_bins)

    def leaves(self, tree: FittedTree) -> NDArray[np.int32]:
        return tree.leaves(self.matrix, self.threads)

    def class_codes(self, member: Any) -> NDArray[np.int32]:
        """Number of the class that a tree predicts for each row."""
        of_node = member._fitted.value[:, 0].argmax(axis=1).astype(np.int32)
        return of_node[self.leaves(member._fitted)]

    def judged(
        self, member: Any, codes: NDArray[np.int32], weight: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint8], float]:
        """Which rows a tree gets wrong, and their share of the weight."""
        tree, wrong = member._fitted, np.empty(len(codes), np.uint8)
        of_node = tree.value[:, 0].argmax(axis=1).astype(np.int32)
        root = tree.nodes[0]
        if len(tree.nodes) == 3 and not root["feature"] & CATEGORICAL and self.matrix.dtype.char in "fd":
            left, right = of_node[1:].tolist()
            error, total = judge_stump(
                self.matrix, int(root["feature"] & FEATURE), float(root["value"]), bool(root["feature"] & MISSING_LEFT),
                left, right, codes, weight, wrong,
            )  # fmt: skip
        else:
            error, total = judge_leaves(self.leaves(tree), of_node, codes, weight, wrong)
        return wrong, error / total

    def numbers(self, member: Any) -> NDArray[np.float64]:
        """What a tree predicts for each row."""
        return member._fitted.value[:, 0, 0][self.leaves(member._fitted)]
