"""What HDBSCAN refuses, and that it says what and why."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from fastml.cluster import HDBSCAN
from tests.estimators.test_hdbscan import BLOBS, EARTH, PLANE

BAD = [
    ({"min_cluster_size": 1}, "min_cluster_size"),
    ({"min_samples": 0}, "min_samples"),
    ({"min_samples": 301}, r"min_samples \(301\) must be at most the number of samples in X \(300\)"),
    ({"alpha": 0.0}, "alpha"),
    ({"cluster_selection_epsilon": -1.0}, "a distance in the units of the metric"),
    ({"cluster_selection_method": "eon"}, "Did you mean 'eom'"),
    ({"metric": "euclidian"}, "euclidian'.*Did you mean '"),
    ({"metric": "haversine", "metric_params": {"units": "km"}}, "units"),
    ({"metric": "seuclidean", "metric_params": {"V": np.array([1.0, 0.0])}}, "must be > 0"),
    ({"metric": "minkowski", "metric_params": {"p": 2.0, "w": np.array([1.0])}}, "w must have 2 numbers"),
    ({"metric": lambda a, b: a[0] - 2 * b[0]}, "not symmetric"),
    ({"metric": lambda a, b: np.nan}, "gives NaN for rows 0 and 0"),
    ({"metric": "cosine", "algorithm": "kd_tree"}, "not a valid metric for a KDTree"),
    ({"n_jobs": 0}, "n_jobs=0"),
    ({"n_jobs": 0, "metric": "canberra"}, "n_jobs=0"),
]


@pytest.mark.parametrize(("parameters", "text"), BAD, ids=lambda value: str(value)[:40])
def test_bad_parameters_are_named(parameters, text):
    with pytest.raises((ValueError, TypeError), match=text):
        HDBSCAN(**parameters).fit(PLANE)


def test_bad_data_are_named():
    with pytest.raises(ValueError, match="needs 2 columns"):
        HDBSCAN(metric="haversine").fit(BLOBS)
    with pytest.raises(ValueError, match=r"convert degrees with np\.radians"):
        HDBSCAN(metric="haversine").fit(np.degrees(EARTH))
    with pytest.raises(ValueError, match="n_samples=1"):
        HDBSCAN().fit([[1.0, 2.0]])
    with pytest.raises(NotFittedError):
        HDBSCAN().predict(PLANE)
    with pytest.raises(NotFittedError):
        HDBSCAN().outlier_scores_  # noqa: B018
    with pytest.raises(ValueError, match="X has 3 features, but HDBSCAN is expecting 2"):
        HDBSCAN().fit(PLANE).predict(BLOBS)
