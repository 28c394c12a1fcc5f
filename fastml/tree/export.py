"""A fitted tree as text, Graphviz or a picture: scikit-learn's own functions, which then take our trees too."""

from __future__ import annotations

from typing import Any

from fastml.base import check_is_fitted, is_classifier
from fastml.tree.results import TreeResults


def as_scikit_learn(decision_tree: Any) -> Any:
    """scikit-learn's estimator with the `tree_` of ours; anything else as it is."""
    if not isinstance(decision_tree, TreeResults):
        return decision_tree
    from sklearn.tree import _classes

    check_is_fitted(decision_tree)
    cls = _classes.DecisionTreeClassifier if is_classifier(decision_tree) else _classes.DecisionTreeRegressor
    peer = cls(criterion=decision_tree.criterion)  # type: ignore[attr-defined]
    for name in ("tree_", "n_features_in_", "feature_names_in_", "n_outputs_", "classes_", "n_classes_"):
        if hasattr(decision_tree, name):
            setattr(peer, name, getattr(decision_tree, name))
    return peer


def export_text(decision_tree: Any, **options: Any) -> str:
    """The rules as text; options of `sklearn.tree.export_text`. Raises NotFittedError, ValueError."""
    from sklearn.tree import _export

    return _export.export_text(as_scikit_learn(decision_tree), **options)


def plot_tree(decision_tree: Any, **options: Any) -> Any:
    """The tree in Matplotlib; options of `sklearn.tree.plot_tree`, such as max_depth, feature_names, filled, ax."""
    from sklearn.tree import _export

    return _export.plot_tree(as_scikit_learn(decision_tree), **options)
