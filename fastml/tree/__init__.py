"""Decision trees, and what a fitted tree or forest is."""

from fastml.tree.cart import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from fastml.tree.export import export_text, plot_tree

__all__ = [
    "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor", "export_text",
    "plot_tree",
]  # fmt: skip
