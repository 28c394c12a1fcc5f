"""Pictures of a fitted model, drawn with matplotlib (`pip install 'fastml[cli]'`)."""

from fastml.plotting.classification import plot_confusion_matrix, plot_roc_curve
from fastml.plotting.clusters import plot_clusters, plot_k_distances
from fastml.plotting.condensed_tree import plot_condensed_tree
from fastml.plotting.decision_boundary import plot_decision_boundary
from fastml.plotting.importances import plot_importances
from fastml.plotting.kmeans_path import plot_kmeans_path
from fastml.plotting.learning_curve import plot_learning_curve
from fastml.plotting.margin import plot_margin
from fastml.plotting.regression import plot_residuals
from fastml.plotting.training import check_picture, draw_training
from fastml.plotting.tree import plot_tree

__all__ = [
    "check_picture", "draw_training", "plot_clusters", "plot_condensed_tree", "plot_confusion_matrix",
    "plot_decision_boundary", "plot_importances", "plot_k_distances", "plot_kmeans_path", "plot_learning_curve",
    "plot_margin", "plot_residuals", "plot_roc_curve", "plot_tree",
]  # fmt: skip
