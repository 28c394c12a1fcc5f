"""Decision trees, and what a fitted tree or forest is."""

from fastml.tree.cart import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from fastml.tree.chaid import CHAIDClassifier, CHAIDRegressor
from fastml.tree.export import export_rules, export_text, plot_tree
from fastml.tree.multiway import C45Classifier, ID3Classifier

__all__ = [
    "C45Classifier", "CHAIDClassifier", "CHAIDRegressor", "DecisionTreeClassifier", "DecisionTreeRegressor",
    "ExtraTreeClassifier", "ExtraTreeRegressor", "ID3Classifier", "export_rules", "export_text", "plot_tree",
]  # fmt: skip
