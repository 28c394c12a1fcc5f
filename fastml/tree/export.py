"""A fitted tree as text, rules, Graphviz or a picture: of binary trees by scikit-learn's own functions."""

from __future__ import annotations

from typing import Any

from fastml.base import check_is_fitted, is_classifier
from fastml.tree.multiway_results import MultiwayResults
from fastml.tree.multiway_rules import text_of
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
    """The branches as lines of text.

    Options of `sklearn.tree.export_text`; for multiway trees `decimals` (default 2) only. Raises NotFittedError,
    ValueError.
    """
    if isinstance(decision_tree, MultiwayResults):
        return text_of(decision_tree._words(**({"decimals": 2} | options)))
    from sklearn.tree import _export

    return _export.export_text(as_scikit_learn(decision_tree), **options)


def export_rules(decision_tree: Any, *, decimals: int = 2) -> str:
    """A fitted multiway tree as text: a line IF ... THEN ... for each leaf, in the order of the branches.

    Parameters
    ----------
    decision_tree : ID3Classifier, C45Classifier, CHAIDClassifier or CHAIDRegressor
    decimals : int, default=2
        Of numbers.

    Raises
    ------
    TypeError
        Another estimator: binary trees have `export_text`.
    """
    if not isinstance(decision_tree, MultiwayResults):
        raise TypeError(
            f"export_rules takes a multiway tree (ID3, C4.5, CHAID), not a {type(decision_tree).__name__}: "
            "use export_text for binary trees"
        )
    return decision_tree.export_rules(decimals=decimals)


def plot_tree(decision_tree: Any, **options: Any) -> Any:
    """The tree in Matplotlib.

    Options of `sklearn.tree.plot_tree`, such as max_depth, feature_names, filled, ax; for multiway trees `max_depth`,
    `filled`, `fontsize`, `ax` and `decimals`. Returns the texts of the nodes.
    """
    if isinstance(decision_tree, MultiwayResults):
        from fastml.tree.multiway_drawing import draw

        chosen = {"max_depth": None, "filled": False, "fontsize": None, "ax": None, "decimals": 2} | options
        return draw(decision_tree._words(chosen.pop("decimals")), **chosen)
    from sklearn.tree import _export

    return _export.plot_tree(as_scikit_learn(decision_tree), **options)
